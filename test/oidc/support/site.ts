/** An application that signs people in with a provider, over `sojourn/web`: what tests of the relying party share. */
import { generateKeyPair } from 'jose'
import { createSessions, type Session, type SojournEvent, type Store } from 'sojourn'
import { type RelyingPartyOptions, relyingParty, type SignInOutcome, type StartOptions } from 'sojourn/oidc'
import { memoryStore } from 'sojourn/stores/memory'
import { type CookieJar, cookieJar, fakeClock, faultyStore } from 'sojourn/testing'
import { withSession } from 'sojourn/web'
import { testKey } from '../../http/support/keys.ts'
import type { ScriptedProvider, Signing } from './scripted-provider.ts'

export const ORIGIN = 'https://shop.example'
export const CLIENT = 'shop'
export const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

export type SiteOptions = Partial<RelyingPartyOptions> & { readonly keys?: string; readonly engine?: Store }

/** The application. Its clock starts now, as its provider's does. */
export function ssoSite(
  provider: Pick<ScriptedProvider, 'issuer'>,
  { keys = testKey(), engine = memoryStore(), ...options }: SiteOptions = {},
) {
  const clock = fakeClock(Date.now())
  const store = faultyStore(engine)
  const events: SojournEvent[] = []
  /** What coming back threw. */
  const faults: unknown[] = []
  const sessions = createSessions({ store, keys, clock, onEvent: (event) => events.push(event) })
  const sso = relyingParty(sessions, {
    issuer: provider.issuer,
    clientId: CLIENT,
    ...(options.clientKey === undefined && { clientSecret: 'a-secret-of-this-client' }),
    redirectUri: `${ORIGIN}/callback`,
    postLogoutRedirectUri: `${ORIGIN}/signed-out`,
    dangerouslyAllowHttp: true,
    ...options,
  })
  /** What a route does with a session, by path. */
  const routes: Record<string, (session: Session, request: Request) => Promise<Response> | Response> = {
    '/sign-in': async (session, request) => go(await sso.start(session, (await request.json()) as StartOptions)),
    '/step-up': async (session, request) => go(await sso.stepUp(session, (await request.json()) as StartOptions)),
    '/callback': async (session) => {
      const outcome = sso.finish(session)
      outcome.catch((fault: unknown) => faults.push(fault))
      return Response.json(await outcome)
    },
    '/sign-out': async (session) => go(await sso.signOut(session, { returnTo: '/bye' })),
    '/signed-out': async (session) => Response.json(await sso.finishSignOut(session)),
    '/me': (session) =>
      Response.json({
        subject: session.subject ?? null,
        acr: session.acr,
        facts: session.facts,
        link: session.providerLink ?? null,
        id: session.id ?? null,
        data: session.data,
      }),
    '/note': (session) => {
      session.data.note = 'kept'
      return new Response()
    },
    '/otp': async (session) => {
      await session.elevate({ method: 'otp' })
      return Response.json({ acr: session.acr })
    },
    '/local': async (session) => {
      await session.signIn({ subject: 'ada', method: 'pwd' })
      return new Response()
    },
  }
  const handle = withSession(sessions, (request, session) => routes[new URL(request.url).pathname]!(session, request), {
    guards: [sso],
  })
  const answer = async (path: string, init: RequestInit = {}) => {
    const request = new Request(new URL(path, ORIGIN), init)
    return (await sso.web(request)) ?? handle(request)
  }
  /** What the provider's machine posts. */
  const backChannel = (body: NonNullable<RequestInit['body']>, headers: Record<string, string> = {}) =>
    answer('/sso/back-channel-logout', {
      method: 'POST',
      body: typeof body === 'string' ? new URLSearchParams({ logout_token: body }) : body,
      headers,
    })
  return { clock, store, events, faults, sessions, sso, answer, backChannel }
}
export type SsoSite = ReturnType<typeof ssoSite>

const go = (location: string) => new Response(null, { status: 303, headers: { location } })

/** A browser of a person at that site; `jar` may be looked into and copied. */
export function person({ answer, clock }: SsoSite, jar: CookieJar = cookieJar({ clock })) {
  const visit = async (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers)
    const cookie = jar.header(ORIGIN + path)
    if (cookie !== undefined) headers.set('cookie', cookie)
    if (init.method === 'POST' && !headers.has('sec-fetch-site')) headers.set('sec-fetch-site', 'same-origin')
    const response = await answer(path, { ...init, headers })
    jar.store(ORIGIN + path, response.headers.getSetCookie())
    return response
  }
  const begin = async (path = '/sign-in', options: StartOptions = {}) => {
    const response = await visit(path, { method: 'POST', body: JSON.stringify(options) })
    return new URL(response.headers.get('location')!)
  }
  return {
    jar,
    visit,
    /** Starts a sign-in, and gives the provider's address it is sent to. */
    begin,
    /** Comes back with this in the URL. */
    async back(query: Record<string, string> | URLSearchParams): Promise<SignInOutcome> {
      return (await (await visit(`/callback?${new URLSearchParams(query)}`)).json()) as SignInOutcome
    },
    me: async () => (await (await visit('/me')).json()) as Record<string, unknown> & { subject: string | null; acr: string },
    /** Starts, has the provider say this of the person, and comes back. */
    async signIn(
      provider: ScriptedProvider,
      claims: Record<string, unknown> = {},
      { path, ...options }: StartOptions & { path?: string } = {},
    ) {
      const to = await begin(path, options)
      await answerCodes(provider, to, claims)
      return this.back(callbackOf(provider, to))
    },
  }
}
export type Person = ReturnType<typeof person>

/** The provider's redirect back, for where it was sent to. */
export function callbackOf({ issuer }: Pick<ScriptedProvider, 'issuer'>, to: URL): Record<string, string> {
  return { code: 'the-code', state: to.searchParams.get('state')!, iss: issuer }
}

/** Claims of an ID token as the provider would make them for where it was sent to. */
export function idClaims({ issuer }: Pick<ScriptedProvider, 'issuer'>, to: URL, more: Record<string, unknown> = {}) {
  const iat = Math.floor(Date.now() / 1000)
  const nonce = to.searchParams.get('nonce')!
  return { iss: issuer, aud: CLIENT, sub: 'ada', sid: 'login-1', iat, exp: iat + 300, nonce, auth_time: iat, ...more }
}

/** From now on each code is redeemed with such an ID token. */
export async function answerCodes(
  provider: ScriptedProvider,
  to: URL,
  more: Record<string, unknown> = {},
  how: Signing = {},
): Promise<void> {
  const idToken = await provider.sign(idClaims(provider, to, more), how)
  answerWith(provider, idToken)
}

export function answerWith(provider: ScriptedProvider, idToken: string): void {
  provider.token = () => ({ status: 200, body: { access_token: 'provider-access', token_type: 'Bearer', id_token: idToken } })
}

/** Claims of a good logout token. */
export function logoutClaims({ issuer }: Pick<ScriptedProvider, 'issuer'>, more: Record<string, unknown> = {}) {
  const iat = Math.floor(Date.now() / 1000)
  return {
    iss: issuer,
    aud: CLIENT,
    iat,
    exp: iat + 120,
    jti: `jti-${Math.random()}`,
    sid: 'login-1',
    events: { [EVENT]: {} },
    ...more,
  }
}

export const LOGOUT_TYPE = { header: { typ: 'logout+jwt' } }

/** A session that came of a login there, without the way there. */
export function signedIn(
  { sessions, clock }: SsoSite,
  { issuer }: Pick<ScriptedProvider, 'issuer'>,
  { subject = 'ada', sid = 'login-1' } = {},
) {
  return sessions.signIn({ subject, method: 'pwd', providerLink: { issuer, subject, sid, issuedAt: clock() - 200_000 } })
}

/** Whether these sessions live, by their ids. */
export async function alive({ sessions }: SsoSite, subject = 'ada'): Promise<(string | undefined)[]> {
  return (await sessions.list(subject)).map(({ id }) => id)
}

export const keyPair = generateKeyPair
