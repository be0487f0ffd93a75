/**
 * Where the provider says that a login has ended. Neither endpoint has a cookie: sessions are found by the provider's own names for the login, and ended in
 * one atomic step, also those that are still being written (OpenID Connect Back-Channel Logout 1.0, 2.5 to 2.8; Front-Channel Logout 1.0, 3).
 */
import { sha256 } from '../../core/crypto.ts'
import { type Endpoint, type EndpointAnswer, jsonAnswer, UNCACHED } from '../../http/endpoints.ts'
import type { RelyingPartyContext } from './context.ts'
import { type LogoutTokenRefusal, verifyLogoutToken } from './logout-token.ts'
import type { FindKey } from './provider.ts'
import { CLOCK_TOLERANCE, isName } from './signed.ts'

/** What the sessions' tombstones and events say. */
const REASON = 'provider-logout'

type Channel = 'back' | 'front'

function refuse({ service, settings }: RelyingPartyContext, channel: Channel, reason: LogoutTokenRefusal | 'request'): void {
  service.events.emit({ type: 'provider.logout-refused', issuer: settings.issuer, channel, reason })
}

/** By POST, from the provider's machine to ours, with a token it signed. */
export function backChannelLogout(context: RelyingPartyContext): Endpoint {
  const { provider, settings, service, sessions, ledger } = context

  function refused(reason: LogoutTokenRefusal | 'request'): EndpointAnswer {
    refuse(context, 'back', reason)
    return jsonAnswer(400, { error: 'invalid_request', error_description: reason })
  }

  return {
    methods: ['POST'],
    async answer(request) {
      const tokens = (await request.form())?.getAll('logout_token') ?? []
      const [jwt, second] = tokens
      if (jwt === undefined || second !== undefined) return refused('request')
      const now = service.config.clock()
      // Whoever the provider is matters once a token has come as far as its signature: garbage costs no request.
      const findKey: FindKey = async (header, signed) => (await provider.discover()).findKey(header, signed)
      const token = await verifyLogoutToken(jwt, { findKey }, settings, now)
      if (typeof token === 'string') return refused(token)
      // First the deed, which does no harm if it is done twice; then the claim that it is done. The other way round, a store that fails in between would burn
      // a token whose sessions live, and the provider's next try would be taken for a replay.
      const count = await sessions.revokeLinked(token.logout, { at: token.at, reason: REASON, actor: settings.name })
      const isFirst = await ledger.claim(jtiKey(settings.name, token.jti), { now, deadline: Math.max(now, token.until) })
      service.events.emit({
        type: 'provider.logout-received',
        issuer: settings.issuer,
        channel: 'back',
        count,
        isRepeated: !isFirst,
      })
      return { status: 200, headers: UNCACHED, body: '' }
    },
  }
}

function jtiKey(name: string, jti: string): string {
  return `oidc:${name}:jti:${sha256(Buffer.from(jti)).toString('base64url')}`
}

/** By GET, in a frame of the provider's page. What keeps others from it is that nobody guesses a `sid`. */
export function frontChannelLogout(context: RelyingPartyContext): Endpoint {
  const { settings, service, sessions, provider } = context

  function page(status: number, text: string): EndpointAnswer {
    const origins = new Set(
      [settings.issuer, provider.known?.endSessionEndpoint ?? settings.issuer].map((url) => new URL(url).origin),
    )
    const headers = {
      ...UNCACHED,
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': `default-src 'none'; frame-ancestors ${[...origins].join(' ')}`,
      'Referrer-Policy': 'no-referrer',
    }
    return { status, headers, body: `<!doctype html><title>${text}</title>` }
  }

  return {
    methods: ['GET'],
    async answer({ query }) {
      const [issuers, sids] = [query.getAll('iss'), query.getAll('sid')]
      const sid = sids[0]
      if (issuers.length !== 1 || sids.length !== 1 || issuers[0] !== settings.issuer || !isName(sid)) {
        refuse(context, 'front', 'request')
        return page(400, 'Not a logout')
      }
      // It says no time, and the provider's clock may be ahead. A login that has ended does not come back, so a little more ends nobody else's.
      const at = service.config.clock() + CLOCK_TOLERANCE
      const logout = { issuer: settings.issuer, sid }
      // Nobody signed it, so it is not remembered: whoever invents logins would fill the store with them.
      const count = await sessions.revokeLinked(logout, { at, reason: REASON, actor: settings.name, isRemembered: false })
      service.events.emit({
        type: 'provider.logout-received',
        issuer: settings.issuer,
        channel: 'front',
        count,
        isRepeated: false,
      })
      return page(200, 'Signed out')
    },
  }
}
