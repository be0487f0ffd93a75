/**
 * Seals what is in a factor before a store sees it: a leaked table of TOTP secrets would be a leaked second factor (ASVS 5.0, 11.7.2; NIST SP
 * 800-63B-4, 3.1.4.2). Bound to subject, kind and id, so that nobody who writes to the table can move one person's factor to another.
 */
import { deriveKey, NONCE_BYTES, open, type Random, seal } from '../core/crypto.ts'
import type { Keyring, PurposeKeys } from '../core/keyring.ts'
import type { StoredFactor } from './factor-store.ts'

const KEY_ID_BYTES = 4

/** What something sealed is bound to. A kind that no factor has makes it something else than a factor, wherever it is copied to. */
interface Whose extends Pick<StoredFactor, 'id' | 'subject'> {
  readonly kind: string
}

/** Seals and opens under the keys of one ring. Key of each factor its own, so that random nonces cannot meet (SP 800-38D, 8.3). */
export class FactorVault {
  readonly #keyring: Keyring
  readonly #random: Random

  constructor(keyring: Keyring, random: Random) {
    this.#keyring = keyring
    this.#random = random
  }

  seal(secret: unknown, whose: Whose): Uint8Array {
    const key = this.#keyring.newest
    const keyId = Buffer.alloc(KEY_ID_BYTES)
    keyId.writeUInt32BE(key.keyId)
    const plaintext = Buffer.from(JSON.stringify(secret))
    return Buffer.concat([keyId, seal(keyOf(key, whose), this.#random(NONCE_BYTES), associated(whose), plaintext)])
  }

  /** What was sealed for this factor; `undefined` when it was damaged, moved, or its key has left the ring. */
  open(factor: Whose & Pick<StoredFactor, 'sealed'>): unknown {
    const sealed = Buffer.from(factor.sealed)
    const key = sealed.length < KEY_ID_BYTES ? undefined : this.#keyring.byId(sealed.readUInt32BE(0))
    const plaintext = key && open(keyOf(key, factor), sealed.subarray(KEY_ID_BYTES), associated(factor))
    return plaintext === undefined ? undefined : JSON.parse(plaintext.toString())
  }

  /** Whether it was sealed with an older key, and is to be sealed anew at its next use. */
  isOutdated({ sealed }: Pick<StoredFactor, 'sealed'>): boolean {
    return sealed.length >= KEY_ID_BYTES && Buffer.from(sealed).readUInt32BE(0) !== this.#keyring.newest.keyId
  }
}

function keyOf(key: PurposeKeys, { id }: Whose): Buffer {
  return deriveKey(key.derive('factor'), id)
}

function associated({ id, subject, kind }: Whose): Buffer {
  return Buffer.from(JSON.stringify(['sojourn/1/factor', kind, id, subject]))
}
