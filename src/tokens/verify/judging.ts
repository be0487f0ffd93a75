/** One token, from its text to what it allows: what is cheap first, and nothing of it believed before its signature (ASVS 5.0, 9.1.1). */

import type { CryptoKey } from 'jose'
import { PROOF_ALGORITHMS } from '../dpop/key.ts'
import { claimProof, PROOF_SKEW, PROOF_WINDOW, type ProofRules, verifyProof } from '../dpop/proof.ts'
import type { AccessTokenClaims } from '../parts.ts'
import { type ActiveAccess, activeAccess } from './access.ts'
import { type RefusedAccess, refusedScope, refusedToken, unavailable } from './answers.ts'
import { judgeClaims } from './claims.ts'
import type { TokenRefusal } from './events.ts'
import type { KeySet } from './key-set.ts'
import type { VerifierSettings } from './options.ts'
import type { Revocation } from './revocation.ts'
import { jsonObjectIn, readTokenHeader } from './token-header.ts'

/** What a token came with. */
export interface TokenRequest {
  /** What `Authorization` calls it. Default `Bearer`. */
  readonly scheme?: 'Bearer' | 'DPoP'
  /** Method of the request, and the URL its client sent it to: a proof is made for both. Needed for DPoP. */
  readonly method?: string
  readonly url?: string
  /** Value of the `DPoP` header as it came, several joined with a comma. */
  readonly dpopProof?: string | undefined
}

export type Access = ActiveAccess | RefusedAccess

interface Broken {
  readonly reason: TokenRefusal
  readonly detail?: string
}
/** The key was proved, where one is needed; `claim` uses the proof up. */
type Bound = Broken | { readonly claim: () => Promise<Broken | undefined> }

const BINDING: Broken = { reason: 'binding' }

export async function judgeToken(
  accessToken: unknown,
  request: TokenRequest,
  parts: { readonly settings: VerifierSettings; readonly keys: KeySet; readonly revocation: Revocation },
): Promise<Access> {
  const { settings, keys, revocation } = parts
  const { dpop, emit, clock } = settings
  const scheme = request.scheme ?? 'Bearer'

  function refuse(reason: TokenRefusal, claims?: AccessTokenClaims, detail?: string): RefusedAccess {
    emit({ type: 'access-token.refused', reason, detail, sessionId: claims?.sid, clientId: claims?.client_id })
    return reason === 'unavailable' ? unavailable() : refusedToken(reason, dpop, scheme)
  }

  if (typeof accessToken !== 'string') return refuse('malformed')
  const header = readTokenHeader(accessToken, settings.algorithms, settings.maxTokenLength)
  // Only a request that cannot be read is a bad one; a token that cannot be is a bad token (RFC 6750, 3.1).
  if (typeof header === 'string') return refuse(header === 'malformed' ? 'header' : header)
  let payload: Uint8Array | undefined
  try {
    const key = await keys.find(header.kid)
    if (key === undefined) return refuse('unknown-key')
    // The key decides; a token that says otherwise is refused before anything is computed (RFC 8725, 3.1).
    if (key.algorithm !== header.algorithm) return refuse('algorithm')
    payload = await verifiedPayload(accessToken, key)
  } catch {
    return refuse('unavailable')
  }
  if (payload === undefined) return refuse('signature')
  const claims = judgeClaims(jsonObjectIn(payload) ?? {}, settings, clock())
  if (typeof claims === 'string') return refuse(claims)

  const bound = await judgeBinding(accessToken, claims, request, settings)
  if ('reason' in bound) return refuse(bound.reason, claims, bound.detail)
  const verdict = await revocation.judge(accessToken, claims)
  if (verdict.state !== 'live') return refuse(verdict.state, claims)
  // Asking took time, and a token that ran out meanwhile is over.
  if (clock() >= claims.exp * 1000 + settings.clockTolerance) return refuse('expired', claims)
  // Last: a client that is told 503 may come again with the same request.
  const used = await bound.claim()
  if (used !== undefined) return refuse(used.reason, claims, used.detail)

  const access = activeAccess(claims, scheme, verdict.by, { dpop, clockNow: clock, emit })
  if (settings.requiredScopes.every((scope) => access.scopes.includes(scope))) return access
  emit({ type: 'access-token.refused', reason: 'scope', sessionId: claims.sid, clientId: claims.client_id })
  return refusedScope(settings.requiredScopes, dpop, scheme)
}

/** @returns What was signed; `undefined` when it was not, or not by this key. */
async function verifiedPayload(
  accessToken: string,
  { key, algorithm }: { readonly key: CryptoKey; readonly algorithm: string },
): Promise<Uint8Array | undefined> {
  const { compactVerify } = await import('jose')
  try {
    return (await compactVerify(accessToken, key, { algorithms: [algorithm] })).payload
  } catch {
    return undefined
  }
}

/** A bound token needs its proof, and one that is not bound none: else a thief would leave the proof out (RFC 9449, 7.1 and 7.2). */
async function judgeBinding(
  accessToken: string,
  claims: AccessTokenClaims,
  { scheme = 'Bearer', method, url, dpopProof }: TokenRequest,
  { dpop, clock, proofReplay }: VerifierSettings,
): Promise<Bound> {
  const jkt = claims.cnf?.jkt
  if ((jkt !== undefined) !== (scheme === 'DPoP')) return BINDING
  if (jkt === undefined) return dpop === 'required' ? BINDING : { claim: async () => undefined }
  if (dpop === 'off' || method === undefined || url === undefined) return BINDING
  const rules: ProofRules = {
    algorithms: PROOF_ALGORITHMS,
    window: PROOF_WINDOW,
    skew: PROOF_SKEW,
    replay: proofReplay,
    replayPrefix: 'tokens:dpop-at-service:',
  }
  const verified = await verifyProof({ proof: dpopProof, method, url, accessToken, jkt, now: clock() }, rules)
  if (!verified.ok) return { reason: 'proof', detail: verified.reason }
  return {
    async claim() {
      try {
        const claimed = await claimProof(verified, rules, clock())
        return claimed.ok ? undefined : { reason: 'proof', detail: claimed.reason }
      } catch {
        // Nobody can say whether the proof was used: it is not accepted on trust.
        return { reason: 'unavailable' }
      }
    },
  }
}
