/** A small site over `sojourn/web`, and browsers with cookie jars: what attacks and conformance tests over HTTP share. */
import { type WebSessionOptions, withSession } from '../../src/adapters/web.ts'
import type { Session } from '../../src/core/session.ts'
import { type CookieJar, cookieJar } from '../../src/testing/cookie-jar.ts'
import { type LooseOptions, setUp } from '../core/support.ts'

export const ORIGIN = 'https://shop.example'
export const COOKIE = '__Host-sjn'

type Handler = (session: Session, url: URL, request: Request) => Promise<Response> | Response

const routes: Record<string, Handler> = {
  '/public': () => new Response('for everybody'),
  '/me': (session) =>
    Response.json({ subject: session.subject ?? null, id: session.id ?? null, acr: session.acr, data: session.data }),
  '/login': async (session, url) => {
    const isPersistent = url.searchParams.has('remember')
    await session.signIn({ subject: url.searchParams.get('as') ?? 'ada', method: 'pwd', keep: ['basket'], isPersistent })
    return new Response(null, { status: 303, headers: { location: '/me' } })
  },
  '/logout': async (session) => {
    await session.signOut()
    return new Response(null, { status: 303, headers: { location: '/public' } })
  },
  '/rotate': async (session) => {
    await session.rotate()
    return new Response('rotated')
  },
  '/step-up': async (session) => {
    await session.elevate({ method: 'otp' })
    return new Response('elevated')
  },
  '/basket': async (session, url) => {
    session.data.basket = [...((session.data.basket as string[] | undefined) ?? []), url.searchParams.get('item')]
    return Response.json(session.data.basket)
  },
  '/data': async (session, _url, request) => {
    Object.assign(session.data, { posted: JSON.parse(await request.text()) })
    return new Response('kept')
  },
  '/form': (session) => new Response(session.csrfToken()),
  '/transfer': async (session) => {
    await session.update((data) => {
      data.transfers = Number(data.transfers ?? 0) + 1
    })
    return Response.json({ by: session.subject ?? null })
  },
  '/throws': () => {
    throw new Error('a bug of the application')
  },
}

/** The site. `answer` is what its server does with a request. */
export function site(options: LooseOptions = {}, http: WebSessionOptions = {}) {
  const service = setUp(options)
  const respond = withSession(
    service.sessions,
    (request, session) => {
      const url = new URL(request.url)
      return Object.hasOwn(routes, url.pathname)
        ? routes[url.pathname]!(session, url, request)
        : new Response('no', { status: 404 })
    },
    http,
  )
  const answer = (path: string, init: RequestInit = {}) => respond(new Request(new URL(path, ORIGIN), init))
  return { ...service, answer }
}
export type Site = ReturnType<typeof site>

/** A browser of its own; `jar` may be looked into, copied and planted, as an attacker would. */
export function browser({ answer, clock }: Site, jar: CookieJar = cookieJar({ clock })) {
  const visit = async (path: string, init: RequestInit & { url?: string } = {}) => {
    const url = new URL(path, init.url ?? ORIGIN)
    const headers = new Headers(init.headers)
    const cookie = jar.header(url)
    if (cookie !== undefined && !headers.has('cookie')) headers.set('cookie', cookie)
    // What a page of the site's own makes browsers send. An attacker's page says otherwise, by headers of its own.
    const isRead = ['GET', 'HEAD'].includes(init.method ?? 'GET')
    if (!isRead && !['sec-fetch-site', 'origin', 'referer'].some((name) => headers.has(name)))
      headers.set('sec-fetch-site', 'same-origin')
    const response = await answer(url.href, { ...init, headers })
    jar.store(url, response.headers.getSetCookie())
    return response
  }
  return {
    jar,
    visit,
    me: async () =>
      (await (await visit('/me')).json()) as { subject: string | null; id: string | null; acr: string; data: object },
    token: () => jar.cookies(ORIGIN).find(({ name }) => name === COOKIE)?.value,
  }
}

/** Sends a token as the attacker's own client would. */
export async function withToken({ answer }: Site, token: string | undefined, path = '/me'): Promise<Response> {
  return answer(path, { headers: { cookie: `${COOKIE}=${token}` } })
}

/** Who the server takes the bearer of a token for. */
export async function subjectOf(target: Site, token: string | undefined): Promise<string | null> {
  return ((await (await withToken(target, token)).json()) as { subject: string | null }).subject
}
