/** A site with passkeys over `sojourn/web`, and browsers with cookie jars and authenticators. */
import { type WebSessionOptions, withSession } from '../../../src/adapters/web.ts'
import { serviceOf } from '../../../src/core/service.ts'
import type { Session } from '../../../src/core/session.ts'
import type { FactorStore } from '../../../src/stepup/factor-store.ts'
import { FactorVault } from '../../../src/stepup/factor-vault.ts'
import {
  type AssertionOptionsJson,
  makePasskeys,
  type PasskeyOptions,
  type PasskeySignIn,
  type Passkeys,
  type RegistrationOptionsJson,
} from '../../../src/stepup/passkeys.ts'
import { memoryFactorStore } from '../../../src/stepup/stores/memory.ts'
import { cookieJar } from '../../../src/testing/cookie-jar.ts'
import { type LooseOptions, setUp } from '../../core/support.ts'
import { type AnswerJson, Authenticator, type Tampering } from './authenticator.ts'

export const ORIGIN = 'https://shop.example'
export const RP_ID = 'shop.example'

export const OPTIONS: PasskeyOptions = { rpName: 'Shop', origins: [ORIGIN] }

type Handler = (session: Session, body: unknown, url: URL) => unknown

export interface SiteOptions {
  readonly passkeys?: Partial<PasskeyOptions>
  readonly core?: LooseOptions
  readonly http?: WebSessionOptions
  readonly factors?: FactorStore
  readonly signIn?: PasskeySignIn<Record<string, unknown>>
}

export function passkeySite({
  passkeys: more = {},
  core = {},
  http = {},
  factors = memoryFactorStore(),
  signIn,
}: SiteOptions = {}) {
  const services = setUp(core)
  const service = serviceOf(services.sessions)
  const { keyring, random } = service.config
  const isAllowed = { isAllowed: true } as const
  const passkeys: Passkeys = makePasskeys(
    {
      sessions: services.sessions as never,
      service,
      factors,
      vault: new FactorVault(keyring, random),
      ledger: services.store.ledger,
      throttle: { attempt: async () => isAllowed, succeeded: async () => {} },
    },
    { ...OPTIONS, ...more },
    { start: (session, options) => session.signIn(options) },
  )
  const routes: Record<string, Handler> = {
    '/me': (session) => ({
      subject: session.subject ?? null,
      id: session.id ?? null,
      acr: session.acr,
      facts: session.facts.map(({ method, strength }) => `${method}:${strength}`),
    }),
    '/login': async (session, _body, url) => session.signIn({ subject: url.searchParams.get('as') ?? 'ada', method: 'pwd' }),
    '/basket': (session) => {
      session.data.item = 'book'
    },
    '/data': (session) => session.data,
    '/register-options': (session, _body, url) =>
      passkeys.registrationOptions(session, { account: url.searchParams.get('account') ?? 'Ada' }),
    '/register': (session, body) => {
      const { response, name } = (body ?? {}) as { response?: unknown; name?: unknown }
      return passkeys.register(session, response, { name })
    },
    '/sign-in-options': (session) => passkeys.signInOptions(session),
    '/sign-in': (session, body) => passkeys.signIn(session, body, signIn),
    '/step-up-options': async (session) => (await passkeys.stepUpOptions(session)) ?? null,
    '/step-up': (session, body) => passkeys.stepUp(session, body),
    '/list': (session) => passkeys.list(session),
    '/accepted': (session) => passkeys.accepted(session),
  }
  const respond = withSession(
    services.sessions,
    async (request, session) => {
      const url = new URL(request.url)
      const body: unknown = request.method === 'POST' ? JSON.parse((await request.text()) || 'null') : undefined
      return Response.json((await routes[url.pathname]!(session, body, url)) ?? null)
    },
    http,
  )
  /** Why factors were refused so far. */
  const reasons = async () => (await services.seen('factor.refused')).map((event) => (event as { reason?: string }).reason)
  return { ...services, factors, passkeys, respond, reasons }
}
export type PasskeySite = ReturnType<typeof passkeySite>

/** One person's browser. */
export class Person {
  readonly site: PasskeySite
  readonly authenticator: Authenticator
  readonly jar = cookieJar()
  origin = ORIGIN

  constructor(site: PasskeySite, authenticator = new Authenticator()) {
    this.site = site
    this.authenticator = authenticator
  }

  async send(path: string, body?: unknown): Promise<Response> {
    const cookie = this.jar.header(ORIGIN)
    const headers = { 'sec-fetch-site': 'same-origin', ...(cookie === undefined ? {} : { cookie }) }
    const init = body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) }
    const response = await this.site.respond(new Request(new URL(path, ORIGIN), init))
    this.jar.store(ORIGIN, response.headers.getSetCookie())
    return response
  }

  async ask<T = unknown>(path: string, body?: unknown): Promise<T> {
    const response = await this.send(path, body)
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as T
  }

  async me() {
    return this.ask<{ subject: string | null; id: string | null; acr: string; facts: string[] }>('/me')
  }

  login(as = 'ada') {
    return this.ask(`/login?as=${encodeURIComponent(as)}`)
  }

  registrationOptions() {
    return this.ask<RegistrationOptionsJson>('/register-options')
  }

  signInOptions() {
    return this.ask<AssertionOptionsJson>('/sign-in-options')
  }

  stepUpOptions() {
    return this.ask<AssertionOptionsJson>('/step-up-options')
  }

  async register(tampering: Tampering = {}, name?: unknown): Promise<Outcome> {
    const response = this.authenticator.create(await this.registrationOptions(), this.origin, tampering)
    return this.ask('/register', { response, name })
  }

  async signIn(tampering: Tampering = {}): Promise<Outcome> {
    return this.ask('/sign-in', this.authenticator.get(await this.signInOptions(), this.origin, tampering))
  }

  async stepUp(tampering: Tampering = {}): Promise<Outcome> {
    return this.ask('/step-up', this.authenticator.get(await this.stepUpOptions(), this.origin, tampering))
  }

  list() {
    return this.ask<Awaited<ReturnType<Passkeys['list']>>>('/list')
  }
}

export interface Outcome {
  readonly ok: boolean
  readonly reason?: string
  readonly factorId?: string
  readonly subject?: string
  readonly strength?: number
  readonly backup?: { isEligible: boolean; isBackedUp: boolean; hasChanged: boolean }
}

/** Somebody with a passkey, signed in with their password. */
export async function enrolled(options: SiteOptions & { authenticator?: Authenticator; as?: string; site?: PasskeySite } = {}) {
  const { site = passkeySite(options), authenticator = new Authenticator(), as = 'ada' } = options
  const person = new Person(site, authenticator)
  await person.login(as)
  const made = await person.register()
  if (!made.ok) throw new Error(`not registered: ${made.reason}`)
  return { site, person, authenticator, factorId: made.factorId! }
}

/** The same person at another machine, with the same authenticator. */
export function elsewhere({ site, authenticator }: { site: PasskeySite; authenticator: Authenticator }): Person {
  return new Person(site, authenticator)
}

export type { AnswerJson }
