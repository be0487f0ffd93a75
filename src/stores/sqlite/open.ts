import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { isBusy, storeError, toStoreError } from './faults.ts'
import { APPLICATION_ID, MIGRATIONS } from './schema.ts'

/**
 * Opens the file, creating it readable by its owner only; SQLite gives the files beside it (`-wal`, `-shm`) the same mode.
 *
 * Only a file that is not there is created, with an exclusive open: closing any descriptor of a file drops every POSIX lock
 * this process holds on it, which would corrupt a database that is open already (https://sqlite.org/howtocorrupt.html, 2.2).
 */
export function openFile(path: string): DatabaseSync {
  if (path !== ':memory:') {
    try {
      closeSync(openSync(path, 'wx', 0o600))
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
      if (code === 'ENOSPC')
        throw storeError('ERR_STORE_FULL', 'The disk is full; the session database cannot be created.', error)
      if (code !== 'EEXIST') {
        const question = 'Does its folder exist, and may this process write there?'
        throw storeError('ERR_STORE_UNAVAILABLE', `The session database cannot be created (${code}). ${question}`, error)
      }
    }
  }
  try {
    return new DatabaseSync(path)
  } catch (error) {
    throw toStoreError(error)
  }
}

/**
 * Makes sure the database is ours and of a version we know, brings it up to date, and sets the connection up. Touches nothing
 * before it knows. Blocks up to `busyTimeout` milliseconds if another process is doing the same.
 */
export function prepareDatabase(database: DatabaseSync, busyTimeout: number): void {
  try {
    // At start-up waiting may block; afterwards the engine waits without blocking the event loop (see `engine.ts`).
    database.exec(`PRAGMA busy_timeout = ${Math.trunc(busyTimeout)}`)
    identifyAtOnce(database)
    useWriteAheadLog(database, busyTimeout)
    // A thread of its own moves the log into the file (`background.ts`); where it cannot, SQLite does so at 16 MiB.
    database.exec('PRAGMA wal_autocheckpoint = 4000')
    // Bodies are sealed, yet what can be overwritten for free should not linger. 16 MiB of pages keep a hot set of sessions.
    database.exec('PRAGMA synchronous = NORMAL; PRAGMA secure_delete = FAST; PRAGMA cache_size = -16384')
    migrate(database)
    database.exec('PRAGMA busy_timeout = 0')
  } catch (error) {
    throw toStoreError(error)
  }
}

/** All of it read in one transaction: between two reads another process may have made the new file into a database of ours. */
function identifyAtOnce(database: DatabaseSync): void {
  database.exec('BEGIN')
  try {
    identify(database)
  } finally {
    rollBack(database)
  }
}

function identify(database: DatabaseSync): void {
  const applicationId = pragma(database, 'application_id')
  const version = pragma(database, 'user_version')
  const isEmpty = database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined
  if (applicationId !== APPLICATION_ID && !(applicationId === 0 && isEmpty)) {
    const advice = 'Give the sessions a file of their own.'
    throw storeError('ERR_STORE_UNREADABLE', `The file is a database of another application, and was left as it is. ${advice}`)
  }
  if (applicationId === APPLICATION_ID && version > MIGRATIONS.length) {
    const known = `this version of Sojourn knows versions up to ${MIGRATIONS.length}`
    const advice = 'Upgrade Sojourn, or restore a backup made before the last upgrade.'
    throw storeError('ERR_STORE_NEWER', `The session database has version ${version}; ${known}. ${advice}`)
  }
}

/** Changing the mode of a new file needs it alone for a moment, and SQLite does not always wait for that by itself. */
function useWriteAheadLog(database: DatabaseSync, busyTimeout: number): void {
  const pause = 10
  for (let waited = 0; ; waited += pause) {
    try {
      database.exec('PRAGMA journal_mode = WAL')
      return
    } catch (error) {
      if (!isBusy(error) || waited >= busyTimeout) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pause)
    }
  }
}

function migrate(database: DatabaseSync): void {
  if (pragma(database, 'user_version') === MIGRATIONS.length) return
  database.exec('BEGIN IMMEDIATE')
  try {
    // Asked again under the lock: another process may have been quicker, even one that knows more steps than we do.
    identify(database)
    const version = pragma(database, 'user_version')
    for (const step of MIGRATIONS.slice(version)) database.exec(step)
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${MIGRATIONS.length}; COMMIT`)
  } catch (error) {
    rollBack(database)
    throw error
  }
}

/** SQLite has often rolled back by itself (full disk, I/O fault); doing it again is then an error of no interest. */
export function rollBack(database: DatabaseSync): void {
  try {
    database.exec('ROLLBACK')
  } catch {
    // No transaction was left to roll back.
  }
}

function pragma(database: DatabaseSync, name: 'application_id' | 'user_version'): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name])
}
