import { StoreError } from '../../core/errors.ts'
import { auditFault, fullFault } from '../audit/faults.ts'

// Primary result codes of SQLite (https://sqlite.org/rescode.html).
const SQLITE_BUSY = 5
const SQLITE_LOCKED = 6
const SQLITE_CORRUPT = 11
const SQLITE_FULL = 13
const SQLITE_NOTADB = 26

/** The primary result code; 0 for what SQLite did not throw. */
export function resultCode(error: unknown): number {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : 0
}

/** True when a lock is held elsewhere, so that the same thing may work in a moment. */
export function isLocked(error: unknown): boolean {
  return [SQLITE_BUSY, SQLITE_LOCKED].includes(resultCode(error))
}

/** Wraps whatever the engine threw; a `StoreError` passes as it is. */
export function toAuditFault(error: unknown): StoreError {
  if (error instanceof StoreError) return error
  const code = resultCode(error)
  if (code === SQLITE_FULL) return fullFault(error)
  if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB) {
    const advice = 'Keep the file as it is for whoever looks into it, and start a new one.'
    return auditFault('ERR_STORE_UNREADABLE', `The database of the audit log is damaged, or no SQLite database. ${advice}`, error)
  }
  const about = isLocked(error) ? 'was locked for too long' : `failed${code ? ` (SQLite result code ${code})` : ''}`
  return auditFault('ERR_STORE_UNAVAILABLE', `The database of the audit log ${about}.`, error)
}
