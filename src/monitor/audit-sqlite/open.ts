import { writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { auditFault, newerFault } from '../audit/faults.ts'
import { toAuditFault } from './faults.ts'

const SCHEMA_VERSION = 1
/** In the header of a file of `sqliteStore`. */
const APPLICATION_ID_OF_SESSIONS = 0x53_4a_4e_31

/**
 * The tables. They may stand among an application's own, so their version is in a table too, and no pragma is touched.
 *
 * Each index is in the order of a search's pages. The type is in those of people too: what of one person's entries is of a type is found without reading the entries.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS sojourn_audit (
    seq INTEGER PRIMARY KEY NOT NULL,
    at INTEGER NOT NULL,
    type TEXT NOT NULL,
    session_id TEXT,
    subject_key TEXT,
    actor_key TEXT,
    body TEXT NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS sojourn_audit_at ON sojourn_audit (at, seq);
  CREATE INDEX IF NOT EXISTS sojourn_audit_type ON sojourn_audit (type, at, seq);
  CREATE INDEX IF NOT EXISTS sojourn_audit_session ON sojourn_audit (session_id, at, seq, type) WHERE session_id IS NOT NULL;
  CREATE INDEX IF NOT EXISTS sojourn_audit_subject ON sojourn_audit (subject_key, at, seq, type) WHERE subject_key IS NOT NULL;
  CREATE INDEX IF NOT EXISTS sojourn_audit_actor ON sojourn_audit (actor_key, at, seq, type) WHERE actor_key IS NOT NULL;
  CREATE TABLE IF NOT EXISTS sojourn_audit_checkpoints (
    number INTEGER PRIMARY KEY NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    body TEXT NOT NULL,
    signature TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS sojourn_audit_checkpoints_at ON sojourn_audit_checkpoints (at, number);
  CREATE TABLE IF NOT EXISTS sojourn_audit_state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    head TEXT,
    head_signature TEXT,
    cut TEXT,
    cut_signature TEXT,
    batches TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS sojourn_audit_schema (version INTEGER PRIMARY KEY) STRICT;
  INSERT OR IGNORE INTO sojourn_audit_schema (version) VALUES (${SCHEMA_VERSION});
`

/** Opens the file with its tables, creating it readable by its owner only. */
export function openFile(path: string, busyTimeout: number): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    if (path !== ':memory:') createUnlessThere(path)
    database = new DatabaseSync(path)
    // At start-up waiting may block; afterwards the store waits without blocking the event loop.
    database.exec(`PRAGMA busy_timeout = ${Math.trunc(busyTimeout)}`)
    prepareTables(database)
    // The console reads while others write; and what was acknowledged is on the disk.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 0')
    return database
  } catch (error) {
    database?.close()
    throw toAuditFault(error)
  }
}

/** Makes the tables unless they are there; changes nothing of what it does not know. */
export function prepareTables(database: DatabaseSync): void {
  try {
    if (versionOf(database) === SCHEMA_VERSION) return
    refuseSessions(database)
    database.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT`)
  } catch (error) {
    rollBack(database)
    throw toAuditFault(error)
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
    const message = `The database of the audit log cannot be created (${code}). Does its folder exist, and may this process write there?`
    throw auditFault(code === 'ENOSPC' ? 'ERR_STORE_FULL' : 'ERR_STORE_UNAVAILABLE', message, error)
  }
}

function versionOf(database: DatabaseSync): number {
  const isThere = database.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'sojourn_audit_schema'`).get() !== undefined
  if (!isThere) return 0
  const version = firstCell(database, 'SELECT max(version) FROM sojourn_audit_schema')
  if (version > SCHEMA_VERSION) throw newerFault()
  return version
}

/** Whoever deletes a session database ends sessions, and must not take the log with it. */
function refuseSessions(database: DatabaseSync): void {
  if (firstCell(database, 'PRAGMA application_id') !== APPLICATION_ID_OF_SESSIONS) return
  throw auditFault('ERR_STORE_UNREADABLE', 'The file is one of `sqliteStore` and holds sessions. Give the audit log another.')
}

/** The application's handle may answer in arrays, and in BigInt. */
function firstCell(database: DatabaseSync, sql: string): number {
  return Number(Object.values(database.prepare(sql).get() ?? {})[0] ?? 0)
}
