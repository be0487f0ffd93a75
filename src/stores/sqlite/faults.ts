import { type ErrorCode, StoreError } from '../../core/errors.ts'

// Primary result codes of SQLite (https://sqlite.org/rescode.html).
const SQLITE_BUSY = 5
const SQLITE_LOCKED = 6
const SQLITE_CORRUPT = 11
const SQLITE_FULL = 13
const SQLITE_NOTADB = 26
/** A full disk met while growing the shared-memory file beside the WAL: an extended code, since its primary one is any I/O fault. */
const SQLITE_IOERR_SHMSIZE = 4874

/** Makes the store's error. The engine's own goes into `cause` only: its text may hold a path or a value. */
export function storeError(code: ErrorCode, message: string, cause?: unknown): StoreError {
  return new StoreError(message, { code, status: 503, cause })
}

/** True when another process holds the lock, so that the same thing may work in a moment. */
export function isBusy(error: unknown): boolean {
  const code = engineCode(error) & 0xff
  return code === SQLITE_BUSY || code === SQLITE_LOCKED
}

/** Wraps whatever the engine threw; a `StoreError` passes as it is. */
export function toStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error
  const extended = engineCode(error)
  const code = extended & 0xff
  if (code === SQLITE_FULL || extended === SQLITE_IOERR_SHMSIZE) {
    return storeError('ERR_STORE_FULL', 'The disk of the session database is full; nothing was written.', error)
  }
  if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB) {
    const advice = 'Stop the application and restore a backup, or move the file away to begin with no sessions.'
    return storeError('ERR_STORE_UNREADABLE', `The session database is damaged, or no SQLite database. ${advice}`, error)
  }
  if (isBusy(error)) {
    return storeError('ERR_STORE_UNAVAILABLE', 'Another process kept the session database locked for too long.', error)
  }
  return storeError(
    'ERR_STORE_UNAVAILABLE',
    `The session database failed${code ? ` (SQLite result code ${extended})` : ''}.`,
    error,
  )
}

function engineCode(error: unknown): number {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : 0
}
