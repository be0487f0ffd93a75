/** The claims of a token whose signature was good (RFC 9068, 2.2 and 4). A claim of the wrong kind is as bad as none: nothing is guessed. */
import type { AccessTokenClaims } from '../parts.ts'
import type { TokenRefusal } from './events.ts'
import type { VerifierSettings } from './options.ts'

const LONGEST_ID = 256

/** @returns The claims, or why they are refused. */
export function judgeClaims(
  claims: Readonly<Record<string, unknown>>,
  settings: Pick<VerifierSettings, 'issuer' | 'audience' | 'clockTolerance' | 'accessTokenLifetime'>,
  now: number,
): AccessTokenClaims | TokenRefusal {
  const { iss, aud, sub, client_id, jti, sid, iat, exp, nbf, scope, acr, amr, auth_time, cnf } = claims
  if (iss !== settings.issuer) return 'issuer'
  const audiences = Array.isArray(aud) ? aud : [aud]
  if (!audiences.every((name) => typeof name === 'string')) return 'claims'
  if (!audiences.some((name) => settings.audience.has(name))) return 'audience'
  const isComplete = isText(sub, 1024) && isText(client_id) && isText(jti) && isText(sid) && isInstant(iat) && isInstant(exp)
  if (!isComplete) return 'claims'
  if (![nbf, auth_time].every((instant) => instant === undefined || isInstant(instant))) return 'claims'
  if (![scope, acr].every((text) => text === undefined || typeof text === 'string')) return 'claims'
  if (amr !== undefined && !(Array.isArray(amr) && amr.every((method) => typeof method === 'string'))) return 'claims'
  if (cnf !== undefined && !isConfirmation(cnf)) return 'claims'
  const tolerance = settings.clockTolerance
  if (now >= exp * 1000 + tolerance) return 'expired'
  if (iat * 1000 > now + tolerance || (nbf !== undefined && (nbf as number) * 1000 > now + tolerance)) return 'from-the-future'
  // What ended is forgotten after the longest lifetime: a token that lives longer would come back to life.
  if (exp - iat > settings.accessTokenLifetime / 1000) return 'lifetime'
  return claims as unknown as AccessTokenClaims
}

function isText(value: unknown, longest: number = LONGEST_ID): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= longest
}

/** NumericDate (RFC 7519, 2): text such as "1" is none. */
function isInstant(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

/** RFC 7800, 3.1: a token bound in a way that is not understood here cannot be checked, and is refused. */
function isConfirmation(cnf: unknown): boolean {
  if (typeof cnf !== 'object' || cnf === null || Array.isArray(cnf)) return false
  const { jkt } = cnf as Record<string, unknown>
  return Object.keys(cnf).length === 1 && typeof jkt === 'string' && /^[\w-]{43}$/.test(jkt)
}
