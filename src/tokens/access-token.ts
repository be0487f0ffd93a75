/** Access tokens: what a session says of its person to services, signed, for minutes (RFC 9068). Services read them; this application only asks whether one is its own. */
import { type Acr, acrOf, reachedSince, reaches, undoubted } from '../core/assurance.ts'
import { AssuranceError, SessionStateError } from '../core/errors.ts'
import { checkMintOptions } from './access-token/mint-options.ts'
import { ACCESS_TOKEN_TYPE, readClaims } from './access-token/reading.ts'
import type { TokenContext } from './context.ts'
import type { AccessTokenClaims, AccessTokens, MintingSession, SigningKeys } from './parts.ts'

/** 128 bits: the name cannot be guessed, and two are never the same. */
const ID_BYTES = 16

export function createAccessTokens(context: TokenContext, keys: SigningKeys): AccessTokens {
  const { service, settings } = context
  const { clock, random } = service.config
  const { accessTokenLifetime, lifetimeJitter, issuer } = settings

  /** Shortened at random, never lengthened; whole seconds, and never past the session's deadline. */
  function endOf(now: number, deadline: number): number {
    const share = Buffer.from(random(4)).readUInt32BE() / 2 ** 32
    return Math.floor(Math.min(now + accessTokenLifetime * (1 - lifetimeJitter * share), deadline) / 1000)
  }

  /** What was proved, how strongly, and since when that has held: only what still counts. A service asks for a level of some age, as `meets` does here. */
  function proofOf(
    { facts, doubtedAt }: MintingSession,
    asked: Acr | undefined,
  ): Pick<AccessTokenClaims, 'acr' | 'amr' | 'auth_time'> {
    const counted = undoubted(facts, doubtedAt)
    const acr = asked ?? acrOf(counted)
    if (!reaches(counted, acr)) throw new AssuranceError({ acr, maxAge: undefined, isSignedIn: true })
    const since = reachedSince(counted, acr)
    if (since === undefined) return { acr }
    return { acr, amr: counted.map(({ method }) => method), auth_time: Math.floor(since / 1000) }
  }

  return {
    async mint(session, options = {}) {
      const { audience = settings.audience, scope = [], clientId = issuer, jkt, acr, claims } = options
      checkMintOptions({ audience, scope, clientId, jkt, acr, claims })
      const now = clock()
      const issuedAt = Math.floor(now / 1000)
      const end = endOf(now, session.deadline)
      // Less than a second is left: such a token would be over before it arrives.
      if (end <= issuedAt) throw over()
      const own: AccessTokenClaims = {
        iss: issuer,
        sub: session.subject,
        aud: typeof audience === 'string' ? audience : [...audience],
        client_id: clientId,
        iat: issuedAt,
        exp: end,
        jti: Buffer.from(random(ID_BYTES)).toString('base64url'),
        sid: session.id,
        ...(scope.length > 0 && { scope: scope.join(' ') }),
        ...proofOf(session, acr),
        ...(jkt !== undefined && { cnf: { jkt } }),
      }
      const accessToken = await keys.sign({ ...claims, ...own }, ACCESS_TOKEN_TYPE)
      service.events.emit({
        type: 'access-token.minted',
        sessionId: session.id,
        subject: session.subject,
        tokenId: own.jti,
        clientId,
        audience: [own.aud].flat().join(' '),
      })
      return { accessToken, tokenType: jkt === undefined ? 'Bearer' : 'DPoP', expiresAt: end * 1000 }
    },
    read: (accessToken) => readClaims({ settings, clock, keys }, accessToken),
  }
}

function over(): SessionStateError {
  return new SessionStateError('The session is over, or about to be: no token is minted.', {
    code: 'ERR_SESSION_ENDED',
    status: 401,
  })
}
