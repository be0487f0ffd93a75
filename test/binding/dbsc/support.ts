/** A site that binds sessions, over `sojourn/web`, and a browser that binds as Chromium does. */
import { type WebSessionOptions, withSession } from '../../../src/adapters/web.ts'
import { NOTE } from '../../../src/binding/dbsc/note.ts'
import { type DeviceBinding, type DeviceBindingOptions, deviceBinding } from '../../../src/binding/dbsc.ts'
import { serviceOf } from '../../../src/core/service.ts'
import type { Session } from '../../../src/core/session.ts'
import type { BindingState } from '../../../src/core/unit-of-work.ts'
import { type CookieJar, cookieJar } from '../../../src/testing/cookie-jar.ts'
import { type LooseOptions, setUp } from '../../core/support.ts'
import { Device } from './device.ts'

export const ORIGIN = 'https://shop.example'
export const COOKIE = '__Host-sjn'
export const BOUND_COOKIE = '__Host-sjn-bound'

type Handler = (session: Session, url: URL) => Promise<Response> | Response

/** What `/me` answers. */
export interface Me {
  readonly subject: string | null
  readonly id: string | null
  readonly state: string
  readonly reason: string | null
  readonly binding: BindingState
}

const routes: Record<string, Handler> = {
  '/me': (session) =>
    Response.json({
      subject: session.subject ?? null,
      id: session.id ?? null,
      state: session.state,
      reason: session.stateReason ?? null,
      binding: session.binding,
    } satisfies Me),
  '/untouched': () => new Response('for everybody'),
  '/pay': (session) => {
    session.requireBinding()
    return new Response('paid')
  },
  '/login': async (session, url) => {
    await session.signIn({
      subject: url.searchParams.get('as') ?? 'ada',
      method: 'pwd',
      isPersistent: url.searchParams.has('remember'),
    })
    return new Response(null, { status: 303, headers: { location: '/me' } })
  },
  '/logout': async (session) => {
    await session.signOut()
    return new Response('bye')
  },
  '/step-up': async (session) => {
    await session.elevate({ method: 'otp' })
    return new Response('elevated')
  },
  '/basket': (session, url) => {
    session.data.item = url.searchParams.get('item')
    return new Response('kept')
  },
}

/** The site. `answer` is what its server does with a request, the device's endpoints included. */
export function boundSite(options: DeviceBindingOptions = {}, core: LooseOptions = {}, http: WebSessionOptions = {}) {
  const service = setUp(core)
  const binding: DeviceBinding = deviceBinding(service.sessions, options)
  const respond = withSession(
    service.sessions,
    (_request, session) => {
      const url = new URL(_request.url)
      return Object.hasOwn(routes, url.pathname) ? routes[url.pathname]!(session, url) : new Response('no', { status: 404 })
    },
    { guards: [binding], ...http },
  )
  const answer = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const request = new Request(new URL(path, ORIGIN), init)
    return (await binding.web(request)) ?? respond(request)
  }
  /** Why proofs and requests were refused so far. */
  const reasons = async () => (await service.seen('binding.refused')).map((event) => (event as { reason?: string }).reason)
  /** What the record keeps of the binding. */
  const noteOf = async (id: string) => {
    const found = await service.store.read(id)
    if (found?.kind !== 'record') return undefined
    return serviceOf(service.sessions).decode(found.record)?.details.notes?.[NOTE]
  }
  return { ...service, binding, answer, reasons, noteOf }
}
export type BoundSite = ReturnType<typeof boundSite>

/** The challenge of an offer, or of `Secure-Session-Challenge`. */
export function challengeIn(response: Response): string {
  const offer = response.headers.get('secure-session-registration')
  const found =
    offer === null ? response.headers.get('secure-session-challenge')?.match(/^"([^"]+)"/) : offer.match(/challenge="([^"]+)"/)
  if (found == null) throw new Error('the response has no challenge')
  return found[1]!
}

/** A browser that binds, by hand or, with `visit`, by itself as Chromium would. */
export class BindingBrowser {
  readonly jar: CookieJar
  readonly device: Device
  readonly #site: BoundSite
  /** Challenge for the next proof, and id of the session it binds. */
  challenge: string | undefined
  boundId: string | undefined
  /** Every answer of the device's endpoints. */
  readonly answers: Response[] = []

  constructor(site: BoundSite, { device = new Device(), jar = cookieJar({ clock: site.clock }) } = {}) {
    this.#site = site
    this.device = device
    this.jar = jar
  }

  /** One request with the jar's cookies, and nothing else. */
  async send(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    const cookie = this.jar.header(ORIGIN)
    if (cookie !== undefined && !headers.has('cookie')) headers.set('cookie', cookie)
    const response = await this.#site.answer(path, { ...init, headers })
    this.jar.store(ORIGIN, response.headers.getSetCookie())
    return response
  }

  /** As a person sees it: refreshes before if the bound cookie is gone, registers behind if asked to. */
  async visit(path: string, init: RequestInit = {}): Promise<Response> {
    if (this.boundId !== undefined && this.cookie(BOUND_COOKIE) === undefined) await this.refresh()
    const response = await this.send(path, init)
    if (response.headers.has('secure-session-registration')) await this.register(challengeIn(response))
    return response
  }

  async signIn(as = 'ada'): Promise<Response> {
    return this.visit(`/login?as=${as}`)
  }

  async me(): Promise<Me> {
    return (await (await this.visit('/me')).json()) as Me
  }

  /** The same without a refresh before it, whatever the browser would do. */
  async meAsIs(): Promise<Me> {
    return (await (await this.send('/me')).json()) as Me
  }

  cookie(name: string): string | undefined {
    return this.jar.cookies(ORIGIN).find((cookie) => cookie.name === name)?.value
  }

  async register(challenge: string): Promise<Response> {
    return this.#keep(await this.post('/dbsc/register', { 'secure-session-response': this.device.registration(challenge) }))
  }

  /** One leg with a challenge at hand, else two. */
  async refresh(): Promise<Response> {
    const first = await this.#leg()
    return first.status === 403 ? this.#leg() : first
  }

  /** A request of the browser's own to an endpoint. */
  async post(path: string, headers: Record<string, string>): Promise<Response> {
    const response = await this.send(path, { method: 'POST', headers })
    this.answers.push(response)
    return response
  }

  async #leg(): Promise<Response> {
    const { challenge, boundId } = this
    this.challenge = undefined
    const proof = challenge === undefined ? {} : { 'secure-session-response': this.device.refresh(challenge) }
    return this.#keep(await this.post('/dbsc/refresh', { 'sec-secure-session-id': boundId!, ...proof }))
  }

  async #keep(response: Response): Promise<Response> {
    if (response.headers.has('secure-session-challenge')) this.challenge = challengeIn(response)
    if (response.status !== 200) return response
    const config = (await response.clone().json()) as { session_identifier: string; continue?: boolean }
    this.boundId = config.continue === false ? undefined : config.session_identifier
    return response
  }
}

/** Sends stolen cookies as the attacker's own client would. */
export async function asThief(
  { answer }: BoundSite,
  cookies: string,
  path = '/me',
  headers: Record<string, string> = {},
): Promise<Me> {
  return (await (await answer(path, { headers: { cookie: cookies, ...headers } })).json()) as Me
}
