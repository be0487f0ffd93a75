/** The code, redeemed at the provider by `openid-client`: with the verifier of this transaction, so that a code from elsewhere is worth nothing (PKCE). */

import type { RelyingPartySettings } from './options.ts'
import { asProviderError, codeOf, type Discovered } from './provider.ts'
import type { AuthenticationTransaction } from './transactions.ts'

export type Redeemed =
  | { readonly ok: true; readonly idToken: string }
  | { readonly ok: false; readonly reason: 'code' | 'nonce' | 'claims' }

/** The provider's answer was read and is none for this transaction; everything else is a provider that is away, or out of order. */
const REFUSALS: readonly unknown[] = [
  'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
  'OAUTH_JWT_TIMESTAMP_CHECK_FAILED',
  'OAUTH_INVALID_RESPONSE',
]

/** @throws {ProviderError} it did not answer, or does not take this client at all. */
export async function redeemCode(
  { client }: Discovered,
  { redirectUri }: RelyingPartySettings,
  query: URLSearchParams,
  { state, nonce, verifierSecret }: AuthenticationTransaction,
): Promise<Redeemed> {
  const { authorizationCodeGrant } = await import('openid-client')
  // As registered, never as the request's own headers have it.
  const callback = new URL(redirectUri)
  for (const name of ['code', 'state', 'iss']) if (query.has(name)) callback.searchParams.set(name, query.get(name)!)
  try {
    const { id_token: idToken } = await authorizationCodeGrant(client, callback, {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: verifierSecret,
      idTokenExpected: true,
    })
    return idToken === undefined ? { ok: false, reason: 'claims' } : { ok: true, idToken }
  } catch (error) {
    const said = typeof error === 'object' && error !== null && 'error' in error ? error.error : undefined
    if (said === 'invalid_grant') return { ok: false, reason: 'code' }
    if (REFUSALS.includes(codeOf(error))) return { ok: false, reason: claimAtFault(error) === 'nonce' ? 'nonce' : 'claims' }
    throw asProviderError(error)
  }
}

/** `openid-client` says in the cause of the cause which claim it was. */
function claimAtFault(error: unknown): unknown {
  for (let at: unknown = error; typeof at === 'object' && at !== null; at = 'cause' in at ? at.cause : undefined) {
    if ('claim' in at) return at.claim
  }
  return undefined
}
