/**
 * Proofs: what a device signs. A compact JWS of type `dbsc+jwt` whose `jti` is the challenge (DBSC, "DBSC proof JWTs"), verified by `jose`.
 */
import { sha256 } from '../../core/crypto.ts'
import { ConfigError } from '../../core/errors.ts'
import type { Algorithm, PublicJwk } from './note.ts'

/** A proof as it came: what it claims, not yet verified. */
export interface ClaimedProof {
  readonly jwt: string
  readonly challenge: string
  readonly algorithm: Algorithm
  /** The key in its header, `undefined` where it is none that fits the algorithm: needed at registration. */
  readonly key: PublicJwk | undefined
  /** Whether its header names a key at all, whatever it is: then it is no proof for a refresh. */
  readonly namesKey: boolean
}

/** A registration with an RSA key of 4,096 bits has about 2,000 characters. */
const LONGEST = 4096
const ALGORITHMS: readonly unknown[] = ['ES256', 'RS256']
const COORDINATE = /^[A-Za-z0-9_-]{43}$/
/** 2,048 to 4,096 bits. */
const MODULUS = /^[A-Za-z0-9_-]{342,683}$/
const EXPONENT = /^[A-Za-z0-9_-]{2,6}$/
/** RFC 7518, 6.2.2 and 6.3.2, and 6.4.1: what only the device may know. Whoever sends it has no device behind the key. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']
/** RFC 7515, 4.1: every way in which a proof could say what to verify it with. */
const NAMING_KEYS = ['jwk', 'jku', 'kid', 'x5u', 'x5c']

/**
 * Reads the header's value, bare as Chromium sends it or quoted as the draft says.
 *
 * @returns `undefined` for anything that is no proof: another type or algorithm (`none` above all), no challenge, too long.
 */
export async function readProof(header: string | undefined): Promise<ClaimedProof | undefined> {
  const jwt = header === undefined || header.length > LONGEST ? undefined : unquoted(header)
  if (jwt === undefined) return undefined
  const { decodeJwt, decodeProtectedHeader } = await import('jose')
  try {
    const header = decodeProtectedHeader(jwt)
    const { typ, alg } = header
    const { jti } = decodeJwt(jwt)
    if (typ !== 'dbsc+jwt' || !ALGORITHMS.includes(alg) || typeof jti !== 'string') return undefined
    const key = publicKeyIn(header.jwk, alg as Algorithm)
    return { jwt, challenge: jti, algorithm: alg as Algorithm, key, namesKey: NAMING_KEYS.some((name) => name in header) }
  } catch {
    return undefined
  }
}

/** Whether the key made this proof. The algorithm is the key's, never the proof's own choice. */
export async function isSignedBy({ jwt }: ClaimedProof, key: PublicJwk, algorithm: Algorithm): Promise<boolean> {
  const { compactVerify, importJWK } = await import('jose')
  try {
    await compactVerify(jwt, await importJWK({ ...key }, algorithm), { algorithms: [algorithm] })
    return true
  } catch {
    return false
  }
}

/** A name for a key: 128 bits of its hash. */
export function thumbprintOf(key: PublicJwk): string {
  const members = key.kty === 'EC' ? [key.kty, key.crv, key.x, key.y] : [key.kty, key.n, key.e]
  return sha256(Buffer.from(members.join(' '))).toString('base64url', 0, 16)
}

/** Takes the public members alone; a key that comes with its private part is none. */
function publicKeyIn(jwk: unknown, algorithm: Algorithm): PublicJwk | undefined {
  if (typeof jwk !== 'object' || jwk === null || PRIVATE_MEMBERS.some((name) => Object.hasOwn(jwk, name))) return undefined
  const { kty, crv, x, y, n, e } = jwk as Record<string, unknown>
  if (algorithm === 'ES256') {
    const isPoint = matches(COORDINATE, x) && matches(COORDINATE, y)
    return kty === 'EC' && crv === 'P-256' && isPoint ? { kty, crv, x: x as string, y: y as string } : undefined
  }
  const isRsa = kty === 'RSA' && matches(MODULUS, n) && matches(EXPONENT, e)
  return isRsa ? { kty, n: n as string, e: e as string } : undefined
}

function matches(pattern: RegExp, value: unknown): boolean {
  return typeof value === 'string' && pattern.test(value)
}

/** A structured-field string, or the bare text. Neither a JWT nor an id has anything to escape. */
export function unquoted(value: string): string {
  const text = value.trim()
  return text.length > 1 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text
}

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - the package that verifies signatures is not installed. */
export function checkInstalled(): void {
  try {
    // Not every bundler has it; there the import itself would already have failed.
    import.meta.resolve?.('jose')
  } catch {
    throw new ConfigError(
      "sojourn/dbsc needs the package 'jose' to verify what devices sign; install it: npm install jose. See docs/guide/dbsc.md.",
      { code: 'ERR_CONFIG_INVALID' },
    )
  }
}
