/** Tokens with apps that may refresh, on a fake clock; and what an app does at the token endpoint. */
import { serviceOf } from '../../../src/core/service.ts'
import type { Session } from '../../../src/core/session.ts'
import { createAccessTokens } from '../../../src/tokens/access-token.ts'
import type { TokenClient, TokensOptions } from '../../../src/tokens/options.ts'
import type { GrantOptions, RefreshOutcome } from '../../../src/tokens/parts.ts'
import { createRefreshTokens } from '../../../src/tokens/refresh-tokens.ts'
import { createSigningKeys } from '../../../src/tokens/signing-keys.ts'
import { createTokens } from '../../../src/tokens/tokens.ts'
import { type LooseOptions, setUp, tokenOf } from '../../core/support.ts'
import { contextOf } from '../context.ts'
import { API, ISSUER } from '../support.ts'

export const OTHER_API = 'https://stock.shop.example'

/** `app` and `other` on phones, one that must prove a key, and a service. */
export const CLIENTS: readonly TokenClient[] = [
  { id: 'app', authentication: 'public', scopes: ['read', 'write'], audiences: [API, OTHER_API], dpop: 'allowed' },
  { id: 'other', authentication: 'public', scopes: ['read', 'write'], dpop: 'allowed' },
  { id: 'bound', authentication: 'public', scopes: ['read'] },
  { id: 'service', authentication: { clientSecret: 'ew2M0Y1lXPDbVhcL4cKQJ7c6ZlqIYdQnSx0XJwqEVBo' }, scopes: ['read'] },
]

export interface RefreshSiteOptions {
  readonly core?: LooseOptions
  readonly tokens?: Partial<TokensOptions>
}

export function refreshSite({ core, tokens: given }: RefreshSiteOptions = {}) {
  const service = setUp(core)
  const options = { clients: CLIENTS, ...given }
  const tokens = createTokens(service.sessions, { issuer: ISSUER, audience: API, lifetimeJitter: 0, ...options })
  const context = contextOf(service.sessions, options)
  const refreshTokens = createRefreshTokens(context, createAccessTokens(context, createSigningKeys(context)))

  /** The request after somebody signed in, and the cookie's token. */
  const signIn = async (subject = 'ada', method: string | string[] = 'pwd') => {
    const cookieToken = await tokenOf(await service.sessions.signIn({ subject, method }))
    const session = await service.sessions.read(cookieToken)
    return { session, cookieToken, sessionId: session.id! }
  }
  const grant = async (session: Session, more: Partial<GrantOptions> = {}) =>
    tokens.grant(session, { clientId: 'app', scope: ['read', 'write'], ...more })
  /** An app with its first pair, in a session of its own. */
  const app = async (more: Partial<GrantOptions> = {}, subject = 'ada') => {
    const signedIn = await signIn(subject)
    return { ...signedIn, ...(await grant(signedIn.session, more)) }
  }
  const refresh = (refreshToken: string, more: { clientId?: string; jkt?: string; scope?: string[] } = {}) =>
    refreshTokens.refresh(refreshToken, { clientId: 'app', ...more })
  /** The next token; fails when there is none. */
  const next = async (refreshToken: string, more = {}) => nextOf(await refresh(refreshToken, more))
  const reasonOf = async (refreshToken: string, more = {}) => {
    const outcome = await refresh(refreshToken, more)
    return outcome.ok ? 'good' : outcome.reason
  }
  /** What the record keeps of it, as it is stored. */
  const notesOf = async (sessionId: string) => {
    const own = serviceOf(service.sessions)
    const found = await own.calls.read(sessionId)
    return found?.kind === 'record' ? own.decode(found.record)?.details.notes?.tokens : undefined
  }
  const isAlive = async (sessionId: string, subject = 'ada') =>
    (await service.sessions.list(subject)).some(({ id }) => id === sessionId)
  /** A request to the token endpoint. */
  const post = async (
    form: Record<string, string> | string | [string, string][],
    { headers = {}, query = '' }: { headers?: Record<string, string>; query?: string } = {},
  ) => {
    const body = typeof form === 'string' ? form : new URLSearchParams(form)
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    const request = new Request(`${ISSUER}/oauth/token${query}`, { method: 'POST', body, headers: { ...type, ...headers } })
    return (await tokens.web(request))!
  }
  const postToken = (refreshToken: string, more: Record<string, string> = {}, headers: Record<string, string> = {}) =>
    post({ grant_type: 'refresh_token', client_id: 'app', refresh_token: refreshToken, ...more }, { headers })
  return {
    ...service,
    tokens,
    refreshTokens,
    context,
    signIn,
    grant,
    app,
    refresh,
    next,
    reasonOf,
    notesOf,
    isAlive,
    post,
    postToken,
  }
}
export type RefreshSite = ReturnType<typeof refreshSite>

export function nextOf(outcome: RefreshOutcome): string {
  if (!outcome.ok) throw new Error(`no next token: ${outcome.reason}`)
  return outcome.tokens.refreshToken
}

/** The token with one byte of its content changed. */
export function edited(refreshToken: string, at: number): string {
  const bytes = Buffer.from(refreshToken.slice(5), 'base64url')
  bytes[at]! ^= 1
  return `sjr1_${bytes.toString('base64url')}`
}

/** Which bytes of a refresh token are what. */
export const PARTS = { session: 3, family: 17, secret: 30, tag: 60 }
