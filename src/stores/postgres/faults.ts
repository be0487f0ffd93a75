import { SojournError, StoreError } from '../../core/errors.ts'

// SQLSTATE codes (PostgreSQL manual, appendix A).
const SERIALIZATION_FAILURE = '40001'
const DEADLOCK_DETECTED = '40P01'
const DISK_FULL = '53100'
const UNDEFINED_TABLE = '42P01'
const UNDEFINED_FUNCTION = '42883'
const INVALID_SCHEMA = '3F000'

/** The engine took this back because of another transaction: the same thing may work in a moment, and nothing happened. */
export function isWorthRepeating(cause: unknown): boolean {
  const code = sqlState(cause)
  return code === SERIALIZATION_FAILURE || code === DEADLOCK_DETECTED
}

/** Tables or functions are not there. */
export function isMissingSchema(cause: unknown): boolean {
  const code = sqlState(cause)
  return code === UNDEFINED_TABLE || code === UNDEFINED_FUNCTION || code === INVALID_SCHEMA
}

/** Wraps whatever the engine or its client threw, which goes into `cause` only: its text may quote a value. */
export function toStoreError(cause: unknown): SojournError {
  if (cause instanceof SojournError) return cause
  const code = sqlState(cause)
  if (code === DISK_FULL)
    return storeError('ERR_STORE_FULL', 'The disk of the session database is full; nothing was written.', cause)
  if (isMissingSchema(cause)) return schemaMissing(cause)
  const about = code === undefined ? '' : ` (SQLSTATE ${code})`
  const meaning = 'Whether anybody is signed in is not known.'
  return storeError('ERR_STORE_UNAVAILABLE', `PostgreSQL failed or did not answer${about}. ${meaning}`, cause)
}

export const schemaMissing = (cause?: unknown): StoreError =>
  storeError(
    'ERR_STORE_UNREADABLE',
    'The tables of the session store are not there or are of an older version. Run `await store.migrate()` or the script of ' +
      '`postgresSchema()` once, as a role that may create tables; check `schema` and `tablePrefix`. See docs/stores/postgres.md.',
    cause,
  )

export const schemaNewer = (cause?: unknown): StoreError =>
  storeError(
    'ERR_STORE_NEWER',
    'A newer version of Sojourn made the tables of the session store; they were left as they are.',
    cause,
  )

export function storeError(code: StoreError['code'], message: string, cause?: unknown): StoreError {
  return new StoreError(message, { code, status: 503, cause })
}

/** The SQLSTATE of an error that came from the server; `undefined` for one of the connection. */
export function sqlState(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || !('code' in cause) || typeof cause.code !== 'string') return undefined
  return /^[0-9A-Z]{5}$/.test(cause.code) ? cause.code : undefined
}
