/**
 * `private_key_jwt`: a client signs, for this one call, who it is (RFC 7523, 2.2 and 3). Nothing secret is shared, and nothing that is sent works twice.
 *
 * The audience is the issuer alone. With an endpoint's URL, which RFC 7523 allowed, a malicious server that a client also talks to could name
 * our endpoint as its own and pass on what the client signed (CVE-2025-27370 and -27371; draft-ietf-oauth-rfc7523bis).
 */
import { sha256 } from '../../core/crypto.ts'
import { minutes, seconds } from '../../core/duration.ts'
import type { TokenContext } from '../context.ts'
import type { RefusalReason } from './refusals.ts'

export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

const LONGEST = 8192
const LONGEST_JTI = 256
/** How long one is good at most: its `jti` is remembered that long. */
const LONGEST_LIFE = minutes(5)
/** How far the clocks of a client and of this server may be apart. */
const CLOCK_TOLERANCE = seconds(30)
/** No other kind of JWT passes for one (RFC 8725, 3.11): no access token, logout token or proof. Many clients send none, or `JWT`. */
const TYPES: readonly unknown[] = [undefined, 'JWT', 'jwt', 'client-authentication+jwt']
/** RFC 7515, 4.1: every way in which an assertion could say what to verify it with. `kid` only chooses among the client's own keys. */
const NAMING_KEYS = ['jwk', 'jku', 'x5u', 'x5c']

/** A public key of a client, with the one algorithm it verifies: never the assertion's own choice (RFC 8725, 3.1). */
export interface PinnedKey {
  readonly kid: string | undefined
  readonly algorithm: string
  readonly jwk: Readonly<Record<string, unknown>>
}

/** An assertion as it came: what it claims, not yet verified. */
export interface ClaimedAssertion {
  readonly jwt: string
  readonly clientId: string
  readonly algorithm: string
  readonly kid: string | undefined
  readonly claims: Readonly<Record<string, unknown>>
}

/** The algorithm of a key. `undefined` for keys that are not taken: secret ones, weak ones, and RSA with PKCS #1 v1.5 (ASVS 5.0, appendix C). */
export function algorithmOf(jwk: object): string | undefined {
  const { kty, crv, alg } = jwk as Record<string, unknown>
  if (kty === 'EC' && crv === 'P-256') return alg === undefined || alg === 'ES256' ? 'ES256' : undefined
  if (kty === 'OKP' && crv === 'Ed25519') return alg === undefined || alg === 'EdDSA' || alg === 'Ed25519' ? 'EdDSA' : undefined
  return kty === 'RSA' && (alg === undefined || alg === 'PS256') ? 'PS256' : undefined
}

export function pinnedKeysOf(keys: readonly object[]): PinnedKey[] {
  return keys.flatMap((jwk) => {
    const algorithm = algorithmOf(jwk)
    const { kid } = jwk as { kid?: unknown }
    return algorithm === undefined ? [] : [{ kid: typeof kid === 'string' ? kid : undefined, algorithm, jwk: { ...jwk } }]
  })
}

/**
 * Reads and judges assertions.
 *
 * @param everyKey - The keys of all clients. One of them is asked about what an unknown client signed, so that the answer takes as long.
 */
export function createAssertions({ service, ledger, settings }: TokenContext, everyKey: readonly PinnedKey[]) {
  const { clock } = service.config

  async function isSignedBy({ jwt, algorithm }: ClaimedAssertion, { jwk }: PinnedKey): Promise<boolean> {
    const { compactVerify, importJWK } = await import('jose')
    // RFC 8037's name and RFC 9864's for the same.
    const algorithms = algorithm === 'EdDSA' ? ['EdDSA', 'Ed25519'] : [algorithm]
    try {
      await compactVerify(jwt, await importJWK({ ...jwk }, algorithm), { algorithms })
      return true
    } catch {
      return false
    }
  }

  async function isSigned(claimed: ClaimedAssertion, keys: readonly PinnedKey[]): Promise<boolean> {
    const fits = (key: PinnedKey) => key.algorithm === claimed.algorithm
    const candidates = keys.filter((key) => fits(key) && (claimed.kid === undefined || key.kid === claimed.kid))
    if (candidates.length === 0) {
      const another = everyKey.find(fits)
      if (another !== undefined) await isSignedBy(claimed, another)
      return false
    }
    for (const key of candidates) if (await isSignedBy(claimed, key)) return true
    return false
  }

  /** What RFC 7523, 3, demands of the claims. */
  function isInOrder({ iss, sub, aud, exp, nbf, iat, jti }: Readonly<Record<string, unknown>>): boolean {
    const now = clock()
    const audience: unknown = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud
    if (iss !== sub || audience !== settings.issuer) return false
    if (typeof jti !== 'string' || jti === '' || jti.length > LONGEST_JTI) return false
    if (typeof exp !== 'number' || !Number.isFinite(exp)) return false
    if (exp * 1000 <= now - CLOCK_TOLERANCE || exp * 1000 > now + LONGEST_LIFE + CLOCK_TOLERANCE) return false
    return [nbf, iat].every(
      (start) => start === undefined || (typeof start === 'number' && start * 1000 <= now + CLOCK_TOLERANCE),
    )
  }

  return {
    /** `undefined` for anything that is no assertion, whoever's. */
    async read(jwt: string): Promise<ClaimedAssertion | undefined> {
      if (jwt.length > LONGEST) return undefined
      const { decodeJwt, decodeProtectedHeader } = await import('jose')
      try {
        const header = decodeProtectedHeader(jwt) as Record<string, unknown>
        const claims = decodeJwt(jwt)
        const { typ, alg, kid } = header
        if (!TYPES.includes(typ) || typeof alg !== 'string' || !['undefined', 'string'].includes(typeof kid)) return undefined
        if (NAMING_KEYS.some((name) => name in header) || typeof claims.sub !== 'string') return undefined
        const algorithm = alg === 'Ed25519' ? 'EdDSA' : alg
        return { jwt, clientId: claims.sub, algorithm, kid: kid as string | undefined, claims }
      } catch {
        return undefined
      }
    },

    /**
     * Why it proves nothing; `undefined` when it does, which it does once in all processes.
     *
     * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - whether it was used before is not known.
     */
    async judge(claimed: ClaimedAssertion, keys: readonly PinnedKey[]): Promise<RefusalReason | undefined> {
      if (!(await isSigned(claimed, keys))) return 'wrong-signature'
      const { clientId, claims } = claimed
      if (!isInOrder(claims)) return 'wrong-claims'
      const name = sha256(Buffer.from(JSON.stringify([clientId, claims.jti]))).toString('base64url')
      const deadline = Number(claims.exp) * 1000 + CLOCK_TOLERANCE
      return (await ledger.claim(`tokens:assertion:${name}`, { now: clock(), deadline })) ? undefined : 'replayed'
    },
  }
}
