/**
 * The refresh token: `"sjr1_" + base64url(session id 16 B || family 4 B || secret 32 B || tag 16 B)`.
 *
 * Session and family are inside, so that one read finds everything; the tag covers them (RFC 9700, 4.14.2: a grant's id within a token must be protected),
 * and lets garbage be refused by CPU alone. Its keys are derived apart from those of session tokens: neither ever passes for the other.
 */
import { Hmac, TAG_BYTES } from '../../core/crypto.ts'
import type { Keyring } from '../../core/keyring.ts'
import { encodeId } from '../../core/token.ts'

const PREFIX = 'sjr1_'
const MAC_CONTEXT = Buffer.from('sjr1')
const SESSION_BYTES = 16
export const FAMILY_BYTES = 4
export const SECRET_BYTES = 32
const SECRET_AT = SESSION_BYTES + FAMILY_BYTES

/**
 * 91 base64url characters carry 546 bits for 544: of the last one only the spellings whose two spare bits are zero are accepted, so that one token has one
 * spelling (RFC 4648, 3.5).
 */
const SHAPE = /^sjr1_[A-Za-z0-9_-]{90}[AEIMQUYcgkosw048]$/
const LENGTH = PREFIX.length + 91

/** A refresh token whose MAC is right. It may still be anything but good. */
export interface ParsedRefreshToken {
  readonly sessionId: string
  readonly familyId: string
  readonly secret: Buffer
}

/** What refresh tokens are made and judged with; one pair of keys for each key of the ring, newest first. */
export interface RefreshKeys {
  /** `malformed` when it is no refresh token at all, `forged` when no key of the ring made it. Reads no store, and allocates nothing by what it is given. */
  parse(refreshToken: unknown): ParsedRefreshToken | 'malformed' | 'forged'
  /** Writes one under the newest key. The only place a refresh token comes into being. */
  mint(sessionId: string, familyId: string, secret: Uint8Array): string
  /** What a secret may be followed by: under the newest key first. */
  successors(salt: Uint8Array, secret: Uint8Array): readonly [Buffer, ...Buffer[]]
}

/** @param issuer - Two issuers over one service have keys of their own: what one has granted is nothing to the other, whose clients of the same name may have more. */
export function refreshKeys(keyring: Keyring, issuer: string): RefreshKeys {
  const all = keyring.all.map(({ derive }) => ({
    tokenMac: new Hmac(derive(`refresh-token/${issuer}`)),
    rotationMac: new Hmac(derive(`refresh-rotation/${issuer}`)),
  }))
  return {
    parse(refreshToken) {
      if (typeof refreshToken !== 'string' || refreshToken.length !== LENGTH || !SHAPE.test(refreshToken)) return 'malformed'
      const bytes = Buffer.from(refreshToken.slice(PREFIX.length), 'base64url')
      if (!all.some(({ tokenMac }) => tokenMac.verifyTagged(MAC_CONTEXT, bytes))) return 'forged'
      return {
        sessionId: encodeId(bytes.subarray(0, SESSION_BYTES)),
        familyId: encodeId(bytes.subarray(SESSION_BYTES, SECRET_AT)),
        secret: bytes.subarray(SECRET_AT, SECRET_AT + SECRET_BYTES),
      }
    },
    mint(sessionId, familyId, secret) {
      const signed = Buffer.concat([Buffer.from(sessionId, 'base64url'), Buffer.from(familyId, 'base64url'), secret])
      const tag = all[0]!.tokenMac.digest(MAC_CONTEXT, signed).subarray(0, TAG_BYTES)
      return PREFIX + Buffer.concat([signed, tag]).toString('base64url')
    },
    successors: (salt, secret) =>
      all.map(({ rotationMac }) => rotationMac.digest(salt, secret)) as unknown as [Buffer, ...Buffer[]],
  }
}
