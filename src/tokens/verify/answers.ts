/** What a service answers whom it refuses: statuses, errors and challenges of RFC 6750, 3, RFC 9449, 7.1, and RFC 9470, 3. The reason stays here; a client is told the error alone. */
import { PROOF_ALGORITHMS } from '../dpop/key.ts'
import type { TokenRefusal } from './events.ts'

/** A request that is not to be served. `new Response(null, refused)` and `response.writeHead(refused.status, refused.headers).end()` answer it. */
export interface RefusedAccess {
  readonly state: 'refused'
  /** 401, 400, 403; 503 when nobody could say whether the token is good: then nobody is signed out. */
  readonly status: 400 | 401 | 403 | 503
  readonly error:
    | 'invalid_request'
    | 'invalid_token'
    | 'invalid_dpop_proof'
    | 'insufficient_scope'
    | 'insufficient_user_authentication'
    | 'temporarily_unavailable'
    /** No token came along: the challenge names no error (RFC 6750, 3). */
    | undefined
  /** For logs, never for clients. */
  readonly reason: TokenRefusal
  /** `WWW-Authenticate`, `Cache-Control`, and `Retry-After` with 503. */
  readonly headers: Readonly<Record<string, string>>
}

export type DpopMode = 'off' | 'allowed' | 'required'

type Parameters = Readonly<Record<string, string>>

/** A token that is not good, or none. `scheme` is what it came as. */
export function refusedToken(reason: TokenRefusal, dpop: DpopMode, scheme: 'Bearer' | 'DPoP' = 'Bearer'): RefusedAccess {
  if (reason === 'missing') return refused(401, undefined, reason, challenges(dpop, 'Bearer', {}))
  if (reason === 'several' || reason === 'malformed')
    return refused(400, 'invalid_request', reason, challenges(dpop, scheme, { error: 'invalid_request' }))
  const error = reason === 'proof' ? 'invalid_dpop_proof' : 'invalid_token'
  return refused(401, error, reason, challenges(dpop, scheme, { error }))
}

export function refusedScope(scopes: readonly string[], dpop: DpopMode, scheme: 'Bearer' | 'DPoP'): RefusedAccess {
  const error = 'insufficient_scope'
  return refused(403, error, 'scope', challenges(dpop, scheme, { error, scope: scopes.join(' ') }))
}

/** RFC 9470, 3. The age is cut to whole seconds: a client that proves anew for it is early, never late. */
export function refusedAssurance(
  { acr, maxAge }: { readonly acr: string; readonly maxAge: number | undefined },
  dpop: DpopMode,
  scheme: 'Bearer' | 'DPoP',
): RefusedAccess {
  const error = 'insufficient_user_authentication'
  const age: Parameters = maxAge === undefined ? {} : { max_age: String(Math.max(0, Math.floor(maxAge / 1000))) }
  return refused(401, error, 'assurance', challenges(dpop, scheme, { error, acr_values: acr, ...age }))
}

export function unavailable(): RefusedAccess {
  return refused(503, 'temporarily_unavailable', 'unavailable', { 'Retry-After': '1' })
}

/** The challenge of the scheme that was used carries the error; the other one says what else would do (RFC 9449, 7.2). */
function challenges(dpop: DpopMode, scheme: 'Bearer' | 'DPoP', parameters: Parameters): Parameters {
  const algs = { algs: PROOF_ALGORITHMS.join(' ') }
  const ofBearer = challenge('Bearer', scheme === 'Bearer' || dpop === 'off' ? parameters : {})
  const ofDpop = challenge('DPoP', scheme === 'DPoP' || dpop === 'required' ? { ...parameters, ...algs } : algs)
  const both = dpop === 'off' ? [ofBearer] : dpop === 'required' ? [ofDpop] : [ofBearer, ofDpop]
  return { 'WWW-Authenticate': both.join(', ') }
}

function challenge(scheme: string, parameters: Parameters): string {
  const list = Object.entries(parameters).map(([name, value]) => `${name}="${value}"`)
  return list.length === 0 ? scheme : `${scheme} ${list.join(', ')}`
}

function refused(
  status: RefusedAccess['status'],
  error: RefusedAccess['error'],
  reason: TokenRefusal,
  headers: Parameters,
): RefusedAccess {
  return { state: 'refused', status, error, reason, headers: { ...headers, 'Cache-Control': 'no-store' } }
}
