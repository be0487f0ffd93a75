import { SojournError, type StoreError } from '../../core/errors.ts'
import { auditFault, fullFault, newerFault } from '../audit/faults.ts'
import { NEWER_SCHEMA } from './schema.ts'

// SQLSTATE codes (PostgreSQL manual, appendix A).
const REPEATABLE: readonly unknown[] = ['40001', '40P01']
const MISSING: readonly unknown[] = ['42P01', '42703', '3F000']
const DISK_FULL = '53100'

/** The engine took this back because of another transaction: the same thing may work in a moment, and nothing happened. */
export const isWorthRepeating = (cause: unknown): boolean => REPEATABLE.includes(sqlState(cause))

/** A table, a column or the schema is not there. */
export const isMissingTable = (cause: unknown): boolean => MISSING.includes(sqlState(cause))

/** Wraps whatever the engine or its client threw. */
export function toAuditFault(cause: unknown): SojournError {
  if (cause instanceof SojournError) return cause
  const code = sqlState(cause)
  if (code === DISK_FULL) return fullFault(cause)
  if (code === NEWER_SCHEMA) return newerFault(cause)
  if (isMissingTable(cause)) return missingFault(cause)
  const about = code === undefined ? '' : ` (SQLSTATE ${code})`
  return auditFault(
    'ERR_STORE_UNAVAILABLE',
    `PostgreSQL failed or did not answer${about}. Whether anything was written is not known.`,
    cause,
  )
}

export const missingFault = (cause?: unknown): StoreError =>
  auditFault(
    'ERR_STORE_UNREADABLE',
    'The tables of the audit log are not there. Run `await store.migrate()` or the script of `postgresAuditSchema()` once, as a role that ' +
      'may create tables; check `schema` and `tablePrefix`. See docs/guide/audit.md.',
    cause,
  )

/** The SQLSTATE of an error that came from the server; `undefined` for one of the connection. */
function sqlState(cause: unknown): string | undefined {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined
}
