/**
 * Tokens given back (RFC 7009). A refresh token ends its family and denies the access tokens its client has got in the session; an access token is denied
 * by itself. The session lives on: signing out is for whoever is signed in.
 */
import { type Endpoint, type EndpointAnswer, jsonAnswer, UNCACHED } from '../http/endpoints.ts'
import { readTokenForm } from './token-form.ts'
import type { TokenParts } from './token-parts.ts'

/** Also for what was never a token: whoever asks learns nothing, and has nothing to do about it (RFC 7009, 2.2). */
const DONE: EndpointAnswer = { status: 200, headers: UNCACHED, body: '' }
/** A token of another client's stays (RFC 7009, 2.1); the error is that of RFC 6749, 5.2, for such tokens. */
const NOT_YOURS = { error: 'invalid_grant', error_description: 'The token is of another client.' }

export function revocationEndpoint(parts: TokenParts): Endpoint {
  const { context, accessTokens, refreshTokens, denials, feed } = parts
  const { events, config } = context.service

  return {
    methods: ['POST'],
    // `token_type_hint` is not looked at: each kind is told from the other at once, whatever the hint says.
    async answer(request) {
      const asked = await readTokenForm(parts, request)
      if ('refusal' in asked) return asked.refusal
      const { token } = asked
      const clientId = asked.client.id
      const claims = await accessTokens.read(token)
      if (claims !== undefined) {
        if (claims.client_id !== clientId) return jsonAnswer(400, NOT_YOURS)
        await denials.denyToken(claims)
        feed.tell({ kind: 'token', jti: claims.jti })
        events.emit({ type: 'access-token.revoked', sessionId: claims.sid, subject: claims.sub, clientId })
        return DONE
      }
      const grant = await refreshTokens.grantOf(token)
      if (grant === undefined) return DONE
      if (grant.clientId !== clientId) return jsonAnswer(400, NOT_YOURS)
      // Before the family ends: if this fails, the client tries again with a token that still says which grant it was.
      await denials.denyGrant(grant.sessionId, clientId)
      await refreshTokens.revoke(token, { clientId })
      feed.tell({ kind: 'doubt', sessionId: grant.sessionId, at: config.clock() })
      return DONE
    },
  }
}
