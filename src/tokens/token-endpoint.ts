/**
 * Where an app comes back with its refresh token for the next access token (RFC 6749, 6). There is no other grant: tokens start in a session somebody signed in
 * to, by `tokens.grant`, and never with a password that an app has asked for (RFC 9700, 2.4).
 */
import { type Endpoint, type EndpointAnswer, type EndpointRequest, jsonAnswer } from '../http/endpoints.ts'
import { invalidClient } from './clients/refusals.ts'
import { nonceHeaders } from './dpop/answers.ts'
import type { RegisteredClient } from './options.ts'
import type { GrantedTokens, ProofOutcome } from './parts.ts'
import type { TokenParts } from './token-parts.ts'

/** Whatever was wrong with a refresh token: who tries some learns nothing from the answer. */
const NOT_GOOD = 'The refresh token is not good. Let the person sign in again.'
/** RFC 6749, 3.3: scopes, a single blank between them. */
const SCOPES = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/
const LONGEST_SCOPE = 4096

export function tokenEndpoint(parts: Pick<TokenParts, 'context' | 'clients' | 'dpop' | 'refreshTokens'>): Endpoint {
  const { context, clients, dpop, refreshTokens } = parts
  const { settings, service } = context
  const url = settings.issuer + settings.paths.token

  function answer(status: number, body: object): EndpointAnswer {
    return jsonAnswer(status, body, { ...nonceHeaders(dpop.nonce()), Pragma: 'no-cache' })
  }
  function refusal(error: string, description: string): EndpointAnswer {
    return answer(400, { error, error_description: description })
  }

  /** The proof, where there is one. `undefined`: there is none, and none is needed. */
  async function proofOf({ facts }: EndpointRequest, client: RegisteredClient): Promise<ProofOutcome | undefined> {
    const proof = facts.header('dpop')
    if (proof === undefined && client.dpop !== 'required') return undefined
    return dpop.check({ proof, method: facts.method, url })
  }

  function success(tokens: GrantedTokens): EndpointAnswer {
    const { accessToken, tokenType, expiresAt, refreshToken, scope } = tokens
    return answer(200, {
      access_token: accessToken,
      token_type: tokenType,
      expires_in: Math.max(0, Math.floor((expiresAt - service.config.clock()) / 1000)),
      refresh_token: refreshToken,
      ...(scope.length > 0 && { scope: scope.join(' ') }),
    })
  }

  return {
    methods: ['POST'],
    async answer(request) {
      // A token in a URL is in every log on the way: such a client must not seem to work.
      if (request.query.size > 0) return refusal('invalid_request', 'Send everything in the form, and nothing in the URL.')
      const form = await request.form()
      if (form === undefined) return refusal('invalid_request', 'Send a form: application/x-www-form-urlencoded.')
      const names = [...form.keys()]
      if (new Set(names).size < names.length) return refusal('invalid_request', 'Send each parameter once.')
      const client = await clients.authenticate(request, form)
      if (client === undefined) return invalidClient(context)

      const grantType = textOf(form, 'grant_type')
      if (grantType === undefined) return refusal('invalid_request', 'Say which grant: grant_type=refresh_token.')
      if (grantType !== 'refresh_token') return refusal('unsupported_grant_type', 'Only refresh_token is supported.')
      const refreshToken = textOf(form, 'refresh_token')
      if (refreshToken === undefined) return refusal('invalid_request', 'Send refresh_token.')
      const scope = textOf(form, 'scope')
      if (scope !== undefined && (scope.length > LONGEST_SCOPE || !SCOPES.test(scope)))
        return refusal('invalid_scope', 'Send scopes with single blanks between them.')
      const proof = await proofOf(request, client)
      if (proof?.ok === false) return refusal(proof.error, 'Send a DPoP proof for this request, with the nonce of DPoP-Nonce.')

      const outcome = await refreshTokens.refresh(refreshToken, {
        clientId: client.id,
        jkt: proof?.jkt,
        scope: scope?.split(' '),
      })
      if (outcome.ok) return success(outcome.tokens)
      return outcome.reason === 'wider-scope'
        ? refusal('invalid_scope', 'The token was granted for less.')
        : refusal('invalid_grant', NOT_GOOD)
    },
  }
}

/** A parameter without a value counts as left out (RFC 6749, 3.2). */
function textOf(form: URLSearchParams, name: string): string | undefined {
  return form.get(name) || undefined
}
