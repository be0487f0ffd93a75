/** What a good token allows, and what it lacks for more. */
import { type Acr, checkAcr } from '../../core/assurance.ts'
import type { AccessTokenClaims } from '../parts.ts'
import { type DpopMode, type RefusedAccess, refusedAssurance, refusedScope } from './answers.ts'
import type { VerifierListener } from './events.ts'
import type { RevocationSource } from './revocation.ts'

/** What an operation needs of a token. */
export interface AccessRequirement {
  /** All of these. Default none. */
  readonly scopes?: readonly string[]
  /** Least level. Default with `maxAge`: `aal1`. */
  readonly acr?: Acr
  /** Oldest authentication that still counts, in milliseconds. Default: any age. */
  readonly maxAge?: number
}

/** A request with a token that is good. */
export interface ActiveAccess {
  readonly state: 'active'
  /** Whose session it is, `sub`. */
  readonly subject: string
  /** Public id of the session it was minted from, `sid`. */
  readonly sessionId: string
  /** Who asked for it, `client_id`. */
  readonly clientId: string
  readonly scopes: readonly string[]
  readonly claims: AccessTokenClaims
  readonly scheme: 'Bearer' | 'DPoP'
  /** Who says that the session lives. `none`: nobody was asked, it is good until it expires. */
  readonly revocation: RevocationSource
  /**
   * What the token lacks for an operation: the answer to give, or `undefined` when it has it all.
   *
   * @returns 403 `insufficient_scope` (RFC 6750, 3.1), or 401 `insufficient_user_authentication` with the level and age that are asked for (RFC 9470, 3): the application has the
   * person prove more, mints anew, and comes back.
   * @throws {ConfigError} `ERR_ARGUMENT_INVALID` - there is no such level.
   * @example
   * const missing = access.missing({ scopes: ['pay'], acr: 'aal2', maxAge: minutes(5) })
   * if (missing) return new Response(null, missing)
   */
  missing(requirement: AccessRequirement): RefusedAccess | undefined
}

const LEVELS: readonly unknown[] = ['aal0', 'aal1', 'aal2', 'aal3']

export function activeAccess(
  claims: AccessTokenClaims,
  scheme: 'Bearer' | 'DPoP',
  revocation: RevocationSource,
  context: { readonly dpop: DpopMode; readonly clockNow: () => number; readonly emit: VerifierListener },
): ActiveAccess {
  const scopes = (claims.scope ?? '').split(' ').filter((scope) => scope !== '')

  function lack({ scopes: needed = [], acr, maxAge }: AccessRequirement): RefusedAccess | undefined {
    if (acr !== undefined) checkAcr(acr)
    if (needed.some((scope) => !scopes.includes(scope))) return refusedScope(needed, context.dpop, scheme)
    const level = acr ?? (maxAge === undefined ? undefined : 'aal1')
    if (level === undefined) return undefined
    // A token without a level, or with one nobody here knows, has none.
    const isStrong = LEVELS.indexOf(claims.acr) >= LEVELS.indexOf(level)
    // NaN is no age that anything is younger than.
    const isYoung =
      maxAge === undefined || (claims.auth_time !== undefined && context.clockNow() - claims.auth_time * 1000 <= maxAge)
    return isStrong && isYoung ? undefined : refusedAssurance({ acr: level, maxAge }, context.dpop, scheme)
  }

  return {
    state: 'active',
    subject: claims.sub,
    sessionId: claims.sid,
    clientId: claims.client_id,
    scopes,
    claims,
    scheme,
    revocation,
    missing(requirement) {
      const refused = lack(requirement)
      if (refused !== undefined) {
        const { sid: sessionId, client_id: clientId } = claims
        context.emit({ type: 'access-token.refused', reason: refused.reason, sessionId, clientId })
      }
      return refused
    },
  }
}
