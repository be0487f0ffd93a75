/**
 * The session token: `"sjn1_" + base64url(id 16 B || secret 32 B || tag 16 B)` (design 3).
 * The id is public; the secret is what makes the token as good as a password; the tag lets garbage be refused by CPU alone.
 */
import { type Random, sha256, TAG_BYTES } from './crypto.ts'
import type { Keyring } from './keyring.ts'
import type { StoredRecord } from './store.ts'

const PREFIX = 'sjn1_'
const MAC_CONTEXT = Buffer.from('sjn1')
const ID_BYTES = 16
export const SECRET_BYTES = 32

/**
 * 86 base64url characters carry 516 bits for 512: the last one has four bits to spare, and only its canonical spellings (A, Q, g, w)
 * are accepted, so that one token has one spelling (RFC 4648, 3.5).
 */
const TOKEN_SHAPE = /^sjn1_[A-Za-z0-9_-]{85}[AQgw]$/
export const TOKEN_LENGTH = PREFIX.length + 86

/** The same for ids: 22 characters carry 132 bits for 128. */
const ID_SHAPE = /^[A-Za-z0-9_-]{21}[AQgw]$/

/** A token whose MAC is right. It may still be unknown, expired, revoked or reused. */
export interface ParsedToken {
  readonly id: string
  readonly secret: Buffer
  /** The record that came in the token, for a store that keeps none; see `carrying.ts`. */
  readonly carried?: StoredRecord
}

/**
 * Reads a token: length and alphabet, then the MAC under each key of the ring. Nothing is allocated by attacker-chosen size.
 *
 * @returns `malformed` when it is no token at all, `forged` when no key of the ring made it.
 */
export function parseToken(token: string, keyring: Keyring): ParsedToken | 'malformed' | 'forged' {
  if (token.length !== TOKEN_LENGTH || !TOKEN_SHAPE.test(token)) return 'malformed'
  const bytes = Buffer.from(token.slice(PREFIX.length), 'base64url')
  for (const key of keyring.all) {
    if (!key.tokenMac.verifyTagged(MAC_CONTEXT, bytes)) continue
    return { id: bytes.toString('base64url', 0, ID_BYTES), secret: bytes.subarray(ID_BYTES, ID_BYTES + SECRET_BYTES) }
  }
  return 'forged'
}

/** The secret of a token of the right shape. */
export function secretIn(token: string): Buffer {
  return Buffer.from(token.slice(PREFIX.length), 'base64url').subarray(ID_BYTES, ID_BYTES + SECRET_BYTES)
}

/** Writes a token under the newest key. The only place a token comes into being. */
export function mintToken(idBytes: Uint8Array, secret: Uint8Array, keyring: Keyring): string {
  const signed = Buffer.concat([idBytes, secret])
  const tag = keyring.newest.tokenMac.digest(MAC_CONTEXT, signed).subarray(0, TAG_BYTES)
  return PREFIX + Buffer.concat([signed, tag]).toString('base64url')
}

/** 32 fresh secret bytes: 256 bits, twice what ASVS 5.0, 7.2.3 asks. */
export function newSecret(random: Random): Buffer {
  return Buffer.from(random(SECRET_BYTES))
}

/**
 * A fresh id. The first two bytes place all sessions of one subject together (one Redis Cluster slot), the other 14 are random;
 * they are SHA-256 of the subject cut short, shared by 1 in 65,536 subjects, and tell nobody who it is.
 */
export function newId(random: Random, subject: string | undefined): Buffer {
  const id = Buffer.from(random(ID_BYTES))
  if (subject !== undefined) sha256(Buffer.from(subject)).copy(id, 0, 0, 2)
  return id
}

/** What a store holds of a secret. A plain hash is enough: 256 random bits cannot be searched (ASVS 5.0, 6.5.2). */
export function hashSecret(secret: Uint8Array): Buffer {
  return sha256(secret)
}

/** The id as lists, logs and the console show it. */
export function encodeId(idBytes: Uint8Array): string {
  return Buffer.from(idBytes.buffer, idBytes.byteOffset, idBytes.byteLength).toString('base64url')
}

/** Tells whether a string has the shape of a session id; anything else need not reach the store. */
export function isSessionId(id: unknown): id is string {
  return typeof id === 'string' && ID_SHAPE.test(id)
}
