/**
 * What a provider signed for this client: signature first, and then, of what it says, all that ID tokens and logout tokens have in common (OpenID
 * Connect Core 1.0, 3.1.3.7). The algorithm is one we named and the key one the provider publishes; a token's own words about keys (`jwk`,
 * `jku`, `x5u`, `x5c`) are never followed (ASVS 5.0, 9.1.2, 9.1.3).
 */
import { seconds } from '../../core/duration.ts'
import { ProviderError } from '../../core/errors.ts'
import type { RelyingPartySettings } from './options.ts'
import type { Discovered } from './provider.ts'

/** How far the provider's clock may be from ours. */
export const CLOCK_TOLERANCE = seconds(30)
/** No provider's token is this long, and what anybody may post is not parsed beyond. */
const LONGEST = 16_384

export type SignedRefusal =
  | 'malformed'
  | 'type'
  | 'algorithm'
  | 'key'
  | 'signature'
  | 'issuer'
  | 'audience'
  | 'expired'
  | 'issued-at'

export type SignedClaims = Readonly<Record<string, unknown>> & { readonly iat: number; readonly exp: number }

/**
 * @param types - The `typ` it may have, in lower case; `undefined` among them for none at all.
 * @throws {ProviderError} its keys cannot be had, so nobody can tell.
 */
export async function verifySigned(
  jwt: string,
  { findKey }: Pick<Discovered, 'findKey'>,
  settings: Pick<RelyingPartySettings, 'issuer' | 'clientId' | 'algorithms'>,
  { types, now }: { readonly types: readonly (string | undefined)[]; readonly now: number },
): Promise<SignedClaims | SignedRefusal> {
  if (jwt.length > LONGEST || jwt.split('.').length !== 3) return 'malformed'
  const { compactVerify, decodeProtectedHeader } = await import('jose')
  let claims: unknown
  try {
    const { typ, alg, crit } = decodeProtectedHeader(jwt)
    if (crit !== undefined) return 'malformed'
    if (!types.includes(typeOf(typ))) return 'type'
    if (!(settings.algorithms as readonly unknown[]).includes(alg)) return 'algorithm'
    const { payload } = await compactVerify(jwt, findKey, { algorithms: [...settings.algorithms] })
    claims = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
  } catch (error) {
    if (error instanceof ProviderError) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (code.startsWith('ERR_JWKS')) return 'key'
    return code.startsWith('ERR_JWS_SIGNATURE') ? 'signature' : 'malformed'
  }
  if (!isObject(claims)) return 'malformed'
  return commonRefusal(claims, settings, now) ?? (claims as SignedClaims)
}

/** RFC 7515, 4.1.9: `application/` may be left out, and case does not count. */
function typeOf(typ: unknown): string | undefined {
  return typ === undefined
    ? undefined
    : String(typ)
        .toLowerCase()
        .replace(/^application\//, '')
}

function commonRefusal(
  { iss, aud, azp, exp, iat, nbf }: Readonly<Record<string, unknown>>,
  { issuer, clientId }: Pick<RelyingPartySettings, 'issuer' | 'clientId'>,
  now: number,
): SignedRefusal | undefined {
  if (iss !== issuer) return 'issuer'
  // Further audiences are parties we do not know, and could have got the token from one of them.
  const audiences = Array.isArray(aud) ? aud : [aud]
  if (audiences.length === 0 || audiences.some((one) => one !== clientId)) return 'audience'
  if (azp !== undefined && azp !== clientId) return 'audience'
  if (!isInstant(exp) || exp * 1000 + CLOCK_TOLERANCE <= now) return 'expired'
  if (!isInstant(iat) || iat * 1000 > now + CLOCK_TOLERANCE || iat > exp) return 'issued-at'
  if (nbf !== undefined && (!isInstant(nbf) || nbf * 1000 > now + CLOCK_TOLERANCE)) return 'issued-at'
  return undefined
}

/** NumericDate, RFC 7519, 2. */
export function isInstant(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** `sub`, `sid` and `jti` as OpenID Connect has them: up to 255 characters. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 255 && value.isWellFormed()
}
