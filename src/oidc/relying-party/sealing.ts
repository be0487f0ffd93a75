/** What a browser or the ledger keeps for us between two requests: sealed, so that nobody reads or edits it, and under a key of its own. */
import { NONCE_BYTES, open, type Random, seal } from '../../core/crypto.ts'
import type { Keyring } from '../../core/keyring.ts'

export interface Sealing {
  /** @param use - What for, and of what; it opens under the same alone. */
  seal(use: string, plain: unknown): Buffer
  /** `undefined` for whatever a key of the ring did not seal for this use. */
  open(use: string, sealed: Uint8Array): unknown
}

/** @param party - Provider and client: what was sealed for one is nothing to another (mix-up). */
export function createSealing(keyring: Keyring, random: Random, party: readonly string[]): Sealing {
  const keys = keyring.all.map((key) => key.derive('oidc-relying-party'))
  const associated = (use: string) => Buffer.from(JSON.stringify([...party, use]))
  return {
    seal: (use, plain) => seal(keys[0]!, random(NONCE_BYTES), associated(use), Buffer.from(JSON.stringify(plain))),
    open(use, sealed) {
      for (const key of keys) {
        const opened = open(key, sealed, associated(use))
        // What we sealed is JSON.
        if (opened !== undefined) return JSON.parse(opened.toString())
      }
      return undefined
    },
  }
}
