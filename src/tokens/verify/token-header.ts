/**
 * What a token says of itself before anything of it is believed. No cryptography, no fetch and no look-up happens for a token that fails here: forged ones cost next to nothing,
 * and none chooses what it is verified with (RFC 8725, 3.1, 3.10, 3.11; ASVS 5.0, 9.1.3).
 */
import { fitsSignature } from './algorithms.ts'
import type { TokenRefusal } from './events.ts'

export interface TokenHeader {
  readonly algorithm: string
  readonly kid: string
}

const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/
/** RFC 7515, 4.1.9: a media type without `application/` means the same, and case does not matter. */
const ACCESS_TOKEN = /^(?:application\/)?at\+jwt$/i
/** Each is a way to say what to verify the token with, or to change what is signed (RFC 7515, 4.1; RFC 7797; RFC 7516). Ours have none of them. */
const FORBIDDEN = ['jku', 'jwk', 'x5u', 'x5c', 'x5t', 'x5t#S256', 'crit', 'b64', 'zip', 'enc', 'cty', 'epk']
const LONGEST_KID = 256
const LONGEST_HEADER = 1024

/** @returns The header of a token that may be verified; else why not. */
export function readTokenHeader(
  accessToken: string,
  algorithms: ReadonlySet<string>,
  longest: number,
): TokenHeader | TokenRefusal {
  if (accessToken.length > longest) return 'oversize'
  if (!COMPACT.test(accessToken)) return 'malformed'
  const end = accessToken.indexOf('.')
  const header = end > LONGEST_HEADER ? undefined : jsonObjectIn(Buffer.from(accessToken.slice(0, end), 'base64url'))
  if (header === undefined) return 'malformed'
  const { typ, alg, kid } = header
  if (typeof typ !== 'string' || !ACCESS_TOKEN.test(typ)) return 'type'
  if (typeof alg !== 'string' || !algorithms.has(alg)) return 'algorithm'
  if (FORBIDDEN.some((name) => Object.hasOwn(header, name))) return 'header'
  if (typeof kid !== 'string' || kid.length === 0 || kid.length > LONGEST_KID) return 'unknown-key'
  if (!fitsSignature(alg, accessToken.slice(accessToken.lastIndexOf('.') + 1))) return 'signature'
  return { algorithm: alg, kid }
}

/** A JSON object in UTF-8 (RFC 8725, 3.7); `undefined` for anything else. */
export function jsonObjectIn(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
