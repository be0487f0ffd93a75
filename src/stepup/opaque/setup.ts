/**
 * The server's long-lived secrets: the seed that every account's part of the password's key comes from, and the server's own key. Whoever has
 * them and a copy of the registrations can try passwords at home, so the setup is kept sealed by the keyring. It is never replaced: with
 * another one no password is right any more.
 */
import { deriveKey, Hmac, sha256 } from '../../core/crypto.ts'
import { ConfigError } from '../../core/errors.ts'
import type { FactorVault } from '../factor-vault.ts'

const WHOSE = { kind: 'opaque-setup', id: '', subject: '' }
const IDENTIFIER_BYTES = 16

export interface Setup {
  readonly secret: string
  /** The same, sealed with the newest key. */
  readonly sealed: string
}

export function sealSetup(vault: FactorVault, secret: string): string {
  return Buffer.from(vault.seal(secret, WHOSE)).toString('base64url')
}

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - it was not sealed by a key of this ring. */
export function openSetup(vault: FactorVault, kept: unknown): Setup {
  const sealed = Buffer.from(typeof kept === 'string' ? kept : '', 'base64url')
  const secret = vault.open({ ...WHOSE, sealed })
  if (typeof secret !== 'string' || typeof kept !== 'string') throw unusable()
  return { secret, sealed: vault.isOutdated({ sealed }) ? sealSetup(vault, secret) : kept }
}

/**
 * Names accounts that do not exist, each always the same: their part of the protocol must not change from one try to the next. Under the setup, which
 * never changes, rather than the keyring, which does.
 */
export class UnknownAccounts {
  readonly #mac: Hmac

  constructor({ secret }: Setup) {
    this.#mac = new Hmac(deriveKey(Buffer.from(secret), 'sojourn/1/opaque-unknown-account'))
  }

  /** Of the shape that registrations have. */
  identifierOf(account: string): string {
    return this.#mac.digest(Buffer.from(account)).toString('base64url', 0, IDENTIFIER_BYTES)
  }

  /** What tries at it are counted under; no subject is called that, and it does not repeat what a person typed. */
  subjectOf(account: string): string {
    return `unknown account ${sha256(Buffer.from(account)).toString('base64url')}`
  }
}

const unusable = () =>
  new ConfigError(
    'createOpaque: setup is not what newOpaqueSetup gave, or the key that sealed it has left `keys`. Put that key back, last in the list: ' +
      'with another setup no password is right any more. See docs/guide/opaque.md.',
    { code: 'ERR_CONFIG_INVALID' },
  )
