/** What the audit stores say when something is wrong. An engine's own error goes into `cause` only: its text may quote a value. */
import { ConfigError, StoreError } from '../../core/errors.ts'

export function auditFault(code: StoreError['code'], message: string, cause?: unknown): StoreError {
  return new StoreError(message, { code, status: 503, cause })
}

export const closedFault = () => auditFault('ERR_STORE_UNAVAILABLE', 'The audit store is closed.')

export const fullFault = (cause: unknown) =>
  auditFault('ERR_STORE_FULL', 'The disk of the audit store is full; nothing was written.', cause)

export const newerFault = (cause?: unknown) =>
  auditFault('ERR_STORE_NEWER', 'A newer version of Sojourn made the tables of the audit log; they were left as they are.', cause)

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - an option is not what it must be. */
export function checkOption(maker: string, option: string, isValid: boolean, expected: string): void {
  if (isValid) return
  throw new ConfigError(`${maker}: ${option} must be ${expected}. See docs/guide/audit.md.`, { code: 'ERR_CONFIG_INVALID' })
}
