/**
 * Access tokens that were given back before their time (RFC 7009). They are named by issuer and `jti`, never by the token itself or its hash: the same
 * claims can be spelt in more than one way (JWT Cheat Sheet, "No Built-In Token Revocation by the User").
 */
import { sha256 } from '../core/crypto.ts'
import { minutes } from '../core/duration.ts'
import type { TokenContext } from './context.ts'
import type { AccessTokenClaims } from './parts.ts'

/** What was denied, for as long as a token could still be good. */
export interface Denials {
  /** Denies one token. Idempotent. @throws {StoreError} `ERR_STORE_UNAVAILABLE` - it may still be good. */
  denyToken(claims: AccessTokenClaims): Promise<void>
  /**
   * Denies what a client has got in a session so far: its refresh token was revoked, and the access tokens of the same grant should go with it
   * (RFC 7009, 2.1). @throws {StoreError} `ERR_STORE_UNAVAILABLE`
   */
  denyGrant(sessionId: string, clientId: string): Promise<void>
  /** Whether it was. @throws {StoreError} `ERR_STORE_UNAVAILABLE` - that is not known. */
  isDenied(claims: AccessTokenClaims): Promise<boolean>
}

/** A service may take a token for good a little longer, by its own clock. */
const TOLERANCE = minutes(1)

export function createDenials({ service, ledger, settings }: TokenContext): Denials {
  const { clock } = service.config
  const { issuer } = settings

  return {
    async denyToken({ jti, exp }) {
      await ledger.put(keyOf('jti', issuer, jti), Buffer.from('1'), { now: clock(), deadline: exp * 1000 + TOLERANCE })
    },
    async denyGrant(sessionId, clientId) {
      const now = clock()
      const deadline = now + settings.accessTokenLifetime + TOLERANCE
      await ledger.put(keyOf('grant', issuer, sessionId, clientId), Buffer.from(String(now)), { now, deadline })
    },
    async isDenied({ jti, sid, client_id, iat }) {
      const now = clock()
      const [token, grant] = await Promise.all([
        ledger.get(keyOf('jti', issuer, jti), { now }),
        ledger.get(keyOf('grant', issuer, sid, client_id), { now }),
      ])
      // `iat` has whole seconds: what was minted in the same one counts as minted before.
      return token !== undefined || (grant !== undefined && iat * 1000 <= Number(Buffer.from(grant)))
    },
  }
}

function keyOf(...parts: readonly string[]): string {
  return `tokens:denied:${sha256(Buffer.from(JSON.stringify(parts))).toString('base64url')}`
}
