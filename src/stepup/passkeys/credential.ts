/** What is kept of a passkey (WebAuthn level 3, 4, "credential record"), inside the sealed part of its factor. */
import { Hmac } from '../../core/crypto.ts'
import type { PurposeKeys } from '../../core/keyring.ts'
import type { StoredFactor } from '../factor-store.ts'
import type { FactorVault } from '../factor-vault.ts'

export interface Credential {
  /** COSE key, base64url. */
  readonly publicKey: string
  readonly signCount: number
  /** Whether it has ever made sure that it is its owner, in a way that was authorised by another proof. */
  readonly isVerifying: boolean
  readonly transports: readonly string[]
  /** Whether it can be copied to another device by its provider; that never changes. */
  readonly isBackupEligible: boolean
  readonly isBackedUp: boolean
  /** What the authenticator calls the person, base64url. */
  readonly userHandle: string
  /** When its count did not grow, in epoch milliseconds. */
  readonly suspectedAt?: number | undefined
}

/** The credential in a factor; `undefined` when it was damaged or moved, or its key has left the ring. */
export function credentialIn(vault: FactorVault, factor: StoredFactor): Credential | undefined {
  return vault.open(factor) as Credential | undefined
}

/**
 * A person's name towards authenticators: none that anybody could tell the subject from, and the same for all their passkeys, so that a second one on a device
 * takes the first one's place (WebAuthn level 3, 14.6.1). Each passkey remembers its own: another key of the ring gives another.
 */
export function userHandleOf(key: PurposeKeys, subject: string): Buffer {
  return new Hmac(key.derive('passkey-user')).digest(Buffer.from(subject))
}
