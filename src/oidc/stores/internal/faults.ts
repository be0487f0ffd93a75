/** What the outboxes say when something is wrong. An engine's own error goes into `cause` only: its text may quote a value. */
import { ConfigError, StoreError } from '../../../core/errors.ts'

export function outboxFault(code: StoreError['code'], message: string, cause?: unknown): StoreError {
  return new StoreError(message, { code, status: 503, cause })
}

export const closedFault = () => outboxFault('ERR_STORE_UNAVAILABLE', 'The outbox is closed.')

export const fullFault = (cause: unknown) =>
  outboxFault('ERR_STORE_FULL', 'The disk of the outbox is full; nothing was written.', cause)

export const newerFault = (cause?: unknown) =>
  outboxFault('ERR_STORE_NEWER', 'A newer version of Sojourn made the tables of the outbox; they were left as they are.', cause)

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - an option is not what it must be. */
export function checkOption(maker: string, option: string, isValid: boolean, expected: string): void {
  if (isValid) return
  throw new ConfigError(`${maker}: ${option} must be ${expected}. See docs/guide/hub.md.`, { code: 'ERR_CONFIG_INVALID' })
}
