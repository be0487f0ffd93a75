/** The ID token: who signed in, where and when (OpenID Connect Core 1.0, 2 and 3.1.3.7). */
import type { Strength } from '../../core/assurance.ts'
import { MOST_FACTS } from '../../core/assurance.ts'
import { minutes } from '../../core/duration.ts'
import type { IdTokenClaims, RelyingPartySettings } from './options.ts'
import type { Discovered } from './provider.ts'
import { CLOCK_TOLERANCE, isInstant, isName, type SignedRefusal, verifySigned } from './signed.ts'

export type IdTokenRefusal = SignedRefusal | 'nonce' | 'claims' | 'auth-time' | 'acr'

/** What the transaction asked for. */
export interface Asked {
  readonly nonce: string
  readonly startedAt: number
  /** Oldest proof that was still good when it started, in milliseconds. */
  readonly maxAge: number | undefined
  readonly acrValues: readonly string[]
}

/** It comes straight from the token endpoint. */
const LONGEST_ON_THE_WAY = minutes(5)

/** @throws {ProviderError} its keys cannot be had. */
export async function verifyIdToken(
  jwt: string,
  provider: Discovered,
  settings: RelyingPartySettings,
  asked: Asked,
  now: number,
): Promise<IdTokenClaims | IdTokenRefusal> {
  // `at+jwt` and `logout+jwt` are other tokens, whoever signed them (RFC 8725, 3.11).
  const claims = await verifySigned(jwt, provider, settings, { types: [undefined, 'jwt'], now })
  if (typeof claims === 'string') return claims
  const { sub, sid, nonce, iat, acr, amr, auth_time: authTime } = claims
  if (nonce !== asked.nonce) return 'nonce'
  if (!isName(sub) || 'events' in claims) return 'claims'
  if (sid !== undefined && !isName(sid)) return 'claims'
  if (acr !== undefined && typeof acr !== 'string') return 'claims'
  if (amr !== undefined && !(Array.isArray(amr) && amr.every((method) => typeof method === 'string'))) return 'claims'
  if (iat * 1000 < now - LONGEST_ON_THE_WAY) return 'issued-at'
  if (authTime !== undefined && (!isInstant(authTime) || authTime * 1000 > now + CLOCK_TOLERANCE)) return 'auth-time'
  if (asked.maxAge !== undefined) {
    // Counted from when it was asked for: who proved it then and took their time is not asked twice.
    if (!isInstant(authTime) || authTime * 1000 < asked.startedAt - asked.maxAge - CLOCK_TOLERANCE) return 'auth-time'
  }
  if (asked.acrValues.length > 0 && !(typeof acr === 'string' && asked.acrValues.includes(acr))) return 'acr'
  return claims as unknown as IdTokenClaims
}

/** What a login comes to as facts of a session. */
export function proofOf(
  claims: IdTokenClaims,
  { strengthOf, methodOf }: Pick<RelyingPartySettings, 'strengthOf' | 'methodOf'>,
): { readonly method: string | readonly string[]; readonly strength: Strength; readonly provedAt: number } {
  const { amr = [] } = claims
  const words = amr.filter((method) => /^[A-Za-z0-9._-]{1,32}$/.test(method))
  const method = [...new Set(words)].slice(0, MOST_FACTS)
  // A provider that does not say when it saw the person may have seen them last year: that is older than any `maxAge`.
  const provedAt = (claims.auth_time ?? 0) * 1000
  // Words nobody knows prove something else than what a login there usually does.
  const unsaid = amr.length === 0 ? methodOf(claims) : 'oidc'
  return { method: method.length > 0 ? method : unsaid, strength: strengthOf(claims), provedAt }
}
