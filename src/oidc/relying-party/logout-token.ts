/** Logout tokens: a provider's word that a login, or all of a person's, has ended (OpenID Connect Back-Channel Logout 1.0, 2.4 and 2.6). */
import type { ProviderLogout } from '../../core/provider-link.ts'
import type { RelyingPartySettings } from './options.ts'
import type { Discovered } from './provider.ts'
import { CLOCK_TOLERANCE, isName, isObject, type SignedRefusal, verifySigned } from './signed.ts'

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

export type LogoutTokenRefusal = SignedRefusal | 'lifetime' | 'events' | 'nonce' | 'subject' | 'jti'

export interface LogoutToken {
  readonly logout: ProviderLogout
  readonly jti: string
  /** When the provider said so, in epoch milliseconds. */
  readonly at: number
  /** When it stops being one. */
  readonly until: number
}

/** @throws {ProviderError} its keys cannot be had. */
export async function verifyLogoutToken(
  jwt: string,
  provider: Pick<Discovered, 'findKey'>,
  settings: RelyingPartySettings,
  now: number,
): Promise<LogoutToken | LogoutTokenRefusal> {
  const types = settings.allowsUntyped ? ['logout+jwt', 'jwt', undefined] : ['logout+jwt']
  const claims = await verifySigned(jwt, provider, settings, { types, now })
  if (typeof claims === 'string') return claims
  const { iss, iat, exp, events, sid, sub, jti } = claims
  // One that is good for long can be held back, and played when it hurts.
  if ((exp - iat) * 1000 > settings.logoutTokenLifetime + CLOCK_TOLERANCE) return 'lifetime'
  if (!isObject(events) || !Object.hasOwn(events, EVENT) || !isObject(events[EVENT])) return 'events'
  // Or an ID token could pass for one; whatever its value, `null` too.
  if (Object.hasOwn(claims, 'nonce')) return 'nonce'
  if (!isName(jti)) return 'jti'
  const issuer = iss as string
  const at = iat * 1000
  const until = exp * 1000 + CLOCK_TOLERANCE
  if (sid === undefined) return isName(sub) ? { logout: { issuer, subject: sub }, jti, at, until } : 'subject'
  if (!isName(sid) || (sub !== undefined && !isName(sub))) return 'subject'
  return { logout: { issuer, sid, subject: sub }, jti, at, until }
}
