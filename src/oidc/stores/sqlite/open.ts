import { writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { newerFault, outboxFault } from '../internal/faults.ts'
import { toOutboxFault } from './faults.ts'

const SCHEMA_VERSION = 1
/** In the header of a file of `sqliteStore`. */
const APPLICATION_ID_OF_SESSIONS = 0x53_4a_4e_31

/**
 * The tables. They may stand among an application's own, so their version is in a table too, and no pragma is touched.
 *
 * - `ANY` keeps what it is given: text with a NUL comes as bytes, see `text.ts`. `STRICT` refuses everything else that is of another type.
 * - The indexes are those of the leases, of a subject that ended, and of what may be removed.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS sojourn_outbox (
    session_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    sid TEXT NOT NULL,
    subject ANY NOT NULL,
    state TEXT NOT NULL,
    next_at INTEGER NOT NULL,
    due_at INTEGER,
    ended_at INTEGER,
    reason TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    keep_until INTEGER,
    PRIMARY KEY (session_id, client_id)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS sojourn_outbox_next ON sojourn_outbox (state, next_at);
  CREATE INDEX IF NOT EXISTS sojourn_outbox_client ON sojourn_outbox (client_id, state, next_at);
  CREATE INDEX IF NOT EXISTS sojourn_outbox_subject ON sojourn_outbox (subject) WHERE state = 'watching';
  CREATE INDEX IF NOT EXISTS sojourn_outbox_keep ON sojourn_outbox (keep_until) WHERE keep_until IS NOT NULL;
  CREATE TABLE IF NOT EXISTS sojourn_outbox_schema (version INTEGER PRIMARY KEY) STRICT;
  INSERT OR IGNORE INTO sojourn_outbox_schema (version) VALUES (${SCHEMA_VERSION});
`

/** Opens the file with its tables, creating it readable by its owner only. */
export function openFile(path: string, busyTimeout: number): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    if (path !== ':memory:') createUnlessThere(path)
    database = new DatabaseSync(path)
    // At start-up waiting may block; afterwards the outbox waits without blocking the event loop.
    database.exec(`PRAGMA busy_timeout = ${Math.trunc(busyTimeout)}`)
    prepareTables(database)
    database.exec('PRAGMA busy_timeout = 0')
    return database
  } catch (error) {
    database?.close()
    throw toOutboxFault(error)
  }
}

/** Makes the tables unless they are there; changes nothing of what it does not know. */
export function prepareTables(database: DatabaseSync): void {
  try {
    if (versionOf(database) === SCHEMA_VERSION) return
    refuseSessions(database)
    // By itself: where it is refused, the transaction is the application's, and not ours to roll back.
    database.exec('BEGIN IMMEDIATE')
    try {
      database.exec(`${SCHEMA} COMMIT`)
    } catch (error) {
      rollBack(database)
      throw error
    }
  } catch (error) {
    throw toOutboxFault(error)
  }
  // Another process may have made them meanwhile, and be newer.
  versionOf(database)
}

/** SQLite has often rolled back by itself; doing it again is then an error of no interest. */
export function rollBack(database: DatabaseSync): void {
  try {
    database.exec('ROLLBACK')
  } catch {
    // No transaction was left to roll back.
  }
}

/** An exclusive open: closing any other descriptor of a file drops this process's locks on it (https://sqlite.org/howtocorrupt.html, 2.2). */
function createUnlessThere(path: string): void {
  try {
    writeFileSync(path, '', { flag: 'wx', mode: 0o600 })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    if (code === 'EEXIST') return
    const message = `The database of the outbox cannot be created (${code}). Does its folder exist, and may this process write there?`
    throw outboxFault(code === 'ENOSPC' ? 'ERR_STORE_FULL' : 'ERR_STORE_UNAVAILABLE', message, error)
  }
}

function versionOf(database: DatabaseSync): number {
  const isThere = database.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'sojourn_outbox_schema'`).get() !== undefined
  if (!isThere) return 0
  const version = firstCell(database, 'SELECT max(version) FROM sojourn_outbox_schema')
  if (version > SCHEMA_VERSION) throw newerFault()
  return version
}

/** Whoever deletes a file of sessions signs people out; the outbox must be left to tell of it. */
function refuseSessions(database: DatabaseSync): void {
  if (firstCell(database, 'PRAGMA application_id') !== APPLICATION_ID_OF_SESSIONS) return
  throw outboxFault('ERR_STORE_UNREADABLE', 'The file is one of `sqliteStore` and holds sessions. Give the outbox another.')
}

/** The application's handle may answer in arrays, and in BigInt. */
function firstCell(database: DatabaseSync, sql: string): number {
  return Number(Object.values(database.prepare(sql).get() ?? {})[0] ?? 0)
}
