/**
 * Session data at rest: `key id (4) || nonce (12) || AES-256-GCM ciphertext || tag (16)`, bound to the session it belongs to.
 *
 * Each session has a sealing key of its own, derived from the ring's key and the session id, so that random 96-bit nonces
 * cannot meet however many billions of writes a site makes (SP 800-38D, 8.3; ASVS 5.0, 11.3.4).
 */
import { NONCE_BYTES, open, type Random, seal } from './crypto.ts'
import type { Keyring, PurposeKeys } from './keyring.ts'

const KEY_ID_BYTES = 4
const CONTEXT = Buffer.from('sojourn/1/session-data')

/** How session data is made unreadable for whoever keeps the record. */
export interface Vault {
  /** Seals plaintext for one session under the newest key. */
  seal(plaintext: Uint8Array, idBytes: Uint8Array): Uint8Array
  /** Opens what was sealed for this session; `undefined` when it was damaged, swapped, or its key has left the ring. */
  open(sealed: Uint8Array, idBytes: Uint8Array): Buffer | undefined
  /** Whether it was sealed with an older key of the ring, and should be sealed anew at the next rotation. */
  isOutdated(sealed: Uint8Array): boolean
}

/** The vault of every store that keeps records. */
export function createVault(keyring: Keyring, random: Random): Vault {
  return {
    seal: (plaintext, idBytes) => sealData(plaintext, idBytes, keyring, random),
    open: (sealed, idBytes) => openData(sealed, idBytes, keyring),
    isOutdated: (sealed) => isSealedWithOlderKey(sealed, keyring),
  }
}

/** Seals plaintext for one session under the newest key. */
export function sealData(plaintext: Uint8Array, idBytes: Uint8Array, keyring: Keyring, random: Random): Buffer {
  const key = keyring.newest
  const keyId = Buffer.alloc(KEY_ID_BYTES)
  keyId.writeUInt32BE(key.keyId)
  return Buffer.concat([keyId, seal(sealingKey(key, idBytes), random(NONCE_BYTES), associated(idBytes), plaintext)])
}

/** Opens what was sealed for this session; `undefined` when it was damaged, swapped, or its key has left the ring. */
export function openData(sealed: Uint8Array, idBytes: Uint8Array, keyring: Keyring): Buffer | undefined {
  if (sealed.length < KEY_ID_BYTES) return undefined
  const key = keyring.byId(keyIdOf(sealed))
  if (key === undefined) return undefined
  return open(sealingKey(key, idBytes), sealed.subarray(KEY_ID_BYTES), associated(idBytes))
}

/** Whether the data was sealed with an older key of the ring, and should be sealed anew at the next rotation. */
export function isSealedWithOlderKey(sealed: Uint8Array, keyring: Keyring): boolean {
  return sealed.length >= KEY_ID_BYTES && keyring.newest.keyId !== keyIdOf(sealed)
}

function keyIdOf(sealed: Uint8Array): number {
  return new DataView(sealed.buffer, sealed.byteOffset).getUint32(0)
}

function sealingKey(key: PurposeKeys, idBytes: Uint8Array): Buffer {
  return key.sealMac.digest(idBytes)
}

function associated(idBytes: Uint8Array): Buffer {
  return Buffer.concat([CONTEXT, idBytes])
}
