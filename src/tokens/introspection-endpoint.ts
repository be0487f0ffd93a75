/**
 * Whether a token is good now, for services that ask (RFC 7662). Only those may that are configured to, and only about tokens for themselves: with anybody's
 * questions, tokens could be guessed, and what is in them read.
 */

import { findLive } from '../core/amending.ts'
import { reaches } from '../core/assurance.ts'
import { dueOf } from '../core/record.ts'
import { type Endpoint, jsonAnswer } from '../http/endpoints.ts'
import type { RegisteredClient } from './options.ts'
import type { AccessTokenClaims } from './parts.ts'
import { readTokenForm } from './token-form.ts'
import type { TokenParts } from './token-parts.ts'

/** Nothing more: why a token is not good is nobody's business (RFC 7662, 2.2). */
const INACTIVE = { active: false }

export function introspectionEndpoint(parts: TokenParts): Endpoint {
  return {
    methods: ['POST'],
    async answer(request) {
      const asked = await readTokenForm(parts, request)
      if ('refusal' in asked) return asked.refusal
      const { client, token } = asked
      if (!client.may.includes('introspect')) return jsonAnswer(403, { error: 'unauthorized_client' })
      const claims = await parts.accessTokens.read(token)
      const answer =
        claims === undefined ? await ofRefreshToken(parts, client, token) : await ofAccessToken(parts, client, claims)
      return jsonAnswer(200, answer ?? INACTIVE)
    },
  }
}

async function ofAccessToken(
  parts: TokenParts,
  client: RegisteredClient,
  claims: AccessTokenClaims,
): Promise<object | undefined> {
  const { iss, sub, aud, client_id, scope, exp, iat, jti, sid, acr, amr, auth_time, cnf } = claims
  const audiences = typeof aud === 'string' ? [aud] : aud
  if (!audiences.some((audience) => client.audiences.includes(audience))) return undefined
  const [isAlive, isDenied] = await Promise.all([isMintedBy(parts, claims), parts.denials.isDenied(claims)])
  if (!isAlive || isDenied) return undefined
  // One by one: whatever else an application put into a token is for its audience to read there.
  const told = { iss, sub, aud, client_id, scope, exp, iat, jti, sid, acr, amr, auth_time, cnf }
  return { active: true, token_type: cnf === undefined ? 'Bearer' : 'DPoP', ...told }
}

/** Whether the session it came from is alive, complete, and as trusted as it was then. */
async function isMintedBy({ context }: TokenParts, { sid, sub, iat }: AccessTokenClaims): Promise<boolean> {
  const record = await findLive(context.service, sid)
  if (record === undefined || record.subject !== sub) return false
  const { facts, doubtedAt } = record.details
  const due = dueOf(record)
  if (due !== undefined && !reaches(facts, due)) return false
  // The client changed so much that nothing proved until then counts: neither does the token that says it was. One minted after a new proof does.
  return doubtedAt === undefined || iat * 1000 > doubtedAt
}

/** About refresh tokens only their own client may ask: to any other it would look like an access token that is good. */
async function ofRefreshToken({ context, refreshTokens }: TokenParts, client: RegisteredClient, token: string) {
  const found = await refreshTokens.inspect(token)
  if (found === undefined || found.clientId !== client.id) return undefined
  const { clientId, sessionId, subject, scope, deadline, jkt } = found
  return {
    active: true,
    iss: context.settings.issuer,
    sub: subject,
    client_id: clientId,
    scope: scope.length === 0 ? undefined : scope.join(' '),
    exp: Math.floor(deadline / 1000),
    sid: sessionId,
    cnf: jkt === undefined ? undefined : { jkt },
  }
}
