/** Tokens of this issuer that come back, at introspection: the key, its algorithm, the type, the issuer and the time are checked, in this order of cost. */
import type { Clock } from '../../core/clock.ts'
import type { TokenSettings } from '../options.ts'
import type { AccessTokenClaims, SigningKeys } from '../parts.ts'

/** RFC 9068, 2.1: no other kind of JWT passes for one (ASVS 5.0, 9.2.2). */
export const ACCESS_TOKEN_TYPE = 'at+jwt'

interface Reader {
  readonly settings: Pick<TokenSettings, 'issuer' | 'algorithm'>
  readonly clock: Clock
  readonly keys: Pick<SigningKeys, 'publicKey'>
}

/** ML-DSA-65 takes 4,500 characters, further claims up to 6,000 more. What is longer is no token of ours. */
export const LONGEST = 16_384
/** An RFC 7638 thumbprint: what our keys are called, and what may be looked up. */
const KID = /^[A-Za-z0-9_-]{43}$/

/**
 * The claims of a token this issuer signed and that is within its time; `undefined` for anything else.
 *
 * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - the keys are not there: nothing is known of the token.
 */
export async function readClaims(
  { settings, clock, keys }: Reader,
  accessToken: unknown,
): Promise<AccessTokenClaims | undefined> {
  const { issuer, algorithm } = settings
  if (typeof accessToken !== 'string' || accessToken.length > LONGEST) return undefined
  const { decodeProtectedHeader, importJWK, jwtVerify } = await import('jose')
  const kid = kidIn(accessToken, decodeProtectedHeader)
  const publicJwk = kid === undefined ? undefined : await keys.publicKey(kid)
  // The key says how it verifies, never the token (RFC 8725, 3.1); `kid` only chooses among ours, and leads nowhere else (RFC 8725, 3.10).
  if (publicJwk?.alg !== algorithm) return undefined
  try {
    const { payload } = await jwtVerify(accessToken, await importJWK({ ...publicJwk }, algorithm), {
      algorithms: [algorithm],
      typ: ACCESS_TOKEN_TYPE,
      issuer,
      currentDate: new Date(clock()),
      requiredClaims: ['sub', 'aud', 'exp', 'iat', 'jti', 'sid', 'client_id'],
    })
    return payload as unknown as AccessTokenClaims
  } catch {
    return undefined
  }
}

function kidIn(jwt: string, decode: (jwt: string) => { kid?: unknown }): string | undefined {
  try {
    const { kid } = decode(jwt)
    return typeof kid === 'string' && KID.test(kid) ? kid : undefined
  } catch {
    return undefined
  }
}
