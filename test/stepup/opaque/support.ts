/** A site with OPAQUE over `sojourn/web`, and browsers with cookie jars. What a browser does is what `@serenity-kit/opaque` does in one. */
import * as protocol from '@serenity-kit/opaque'
import { createOpaque, newOpaqueSetup, type OpaqueAccount } from 'sojourn/stepup/opaque'
import { withSession } from '../../../src/adapters/web.ts'
import type { Session } from '../../../src/core/session.ts'
import { createStepUp, type ThrottleOptions } from '../../../src/stepup/stepup.ts'
import { memoryFactorStore } from '../../../src/stepup/stores/memory.ts'
import { cookieJar } from '../../../src/testing/cookie-jar.ts'
import { type LooseOptions, setUp } from '../../core/support.ts'

export const ORIGIN = 'https://shop.example'
/** Browsers take a second; the server does not see the difference. */
export const QUICK = { 'argon2id-custom': { iterations: 1, memory: 8, parallelism: 1 } } as const

type Handler = (session: Session, body: unknown) => unknown
type Json = Readonly<Record<string, unknown>>

export async function opaqueSite(options: LooseOptions & { readonly throttle?: ThrottleOptions; readonly setup?: string } = {}) {
  await protocol.ready
  const { throttle = { tries: 20, networkTries: 1000 }, setup: given, ...core } = options
  const site = setUp(core)
  const stepUp = createStepUp(site.sessions, { factors: memoryFactorStore(), issuer: 'Shop', throttle })
  const accounts = new Map<string, OpaqueAccount>()
  const setup = given ?? (await newOpaqueSetup(site.sessions))
  const find = (account: string) => accounts.get(account)
  const opaque = createOpaque(site.sessions, { setup, find, throttle: stepUp.throttle })
  const routes: Record<string, Handler> = {
    '/me': ({ subject = null, facts }) => ({ subject, methods: facts.map(({ method }) => method) }),
    '/login-as-mallory': (session) => session.signIn({ subject: 'mallory', method: 'pwd' }),
    '/register/start': (session, body) => opaque.startRegistration(session, body),
    '/register/finish': async (session, body) => {
      const result = await opaque.finishRegistration(session, body)
      // Whose password it becomes is the site's to say; here the browser does.
      const { account } = body as { account: string }
      if (result.ok) accounts.set(account, { subject: `subject of ${account}`, registration: result.registration })
      return { ...result, registration: undefined }
    },
    '/login/start': (session, body) => opaque.startLogin(session, body),
    '/login/finish': async (session, body) => {
      const result = await opaque.finishLogin(session, body)
      if (result.ok) await stepUp.signIn(session, { subject: result.subject, method: result.method })
      return result
    },
  }
  /** All that anybody has sent. */
  const received: string[] = []
  const respond = withSession(
    site.sessions,
    async (request, session) => {
      const text = await request.text()
      received.push(text)
      return Response.json((await routes[new URL(request.url).pathname]!(session, JSON.parse(text || 'null'))) ?? null)
    },
    { guards: [stepUp] },
  )
  return { ...site, stepUp, accounts, setup, opaque, received, respond }
}
export type OpaqueSite = Awaited<ReturnType<typeof opaqueSite>>

export const { client } = protocol

/** One visitor's browser. */
export class Browser {
  readonly #site: OpaqueSite
  readonly #jar = cookieJar()

  constructor(site: OpaqueSite) {
    this.#site = site
  }

  async post(path: string, body: unknown = null): Promise<Json> {
    const cookie = this.#jar.header(ORIGIN)
    const headers = { 'sec-fetch-site': 'same-origin', ...(cookie === undefined ? {} : { cookie }) }
    const request = new Request(new URL(path, ORIGIN), { method: 'POST', headers, body: JSON.stringify(body) })
    const response = await this.#site.respond(request)
    this.#jar.store(ORIGIN, response.headers.getSetCookie())
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as Json
  }

  async register(account: string, password: string): Promise<Json> {
    const { clientRegistrationState, registrationRequest } = client.startRegistration({ password })
    const { ticket, registrationResponse } = (await this.post('/register/start', { registrationRequest })) as Record<
      string,
      string
    >
    const { registrationRecord } = client.finishRegistration({
      clientRegistrationState,
      registrationResponse: registrationResponse!,
      password,
      keyStretching: QUICK,
    })
    return this.post('/register/finish', { account, ticket, registrationRecord })
  }

  /** The first half of a login, and what the browser makes of the answer; `undefined` with a wrong password. */
  async startLogin(account: string, password: string) {
    const { clientLoginState, startLoginRequest } = client.startLogin({ password })
    const answer = await this.post('/login/start', { account, startLoginRequest })
    const loginResponse = String(answer.loginResponse)
    const made = answer.ok ? client.finishLogin({ clientLoginState, loginResponse, password, keyStretching: QUICK }) : undefined
    return { answer, ticket: answer.ticket, finishLoginRequest: made?.finishLoginRequest }
  }

  async login(account: string, password: string): Promise<Json> {
    const { ticket, finishLoginRequest, answer } = await this.startLogin(account, password)
    return finishLoginRequest === undefined ? answer : this.post('/login/finish', { ticket, finishLoginRequest })
  }

  me() {
    return this.post('/me')
  }
}

/** A message of the right shape that no password makes. */
export const FORGED_FINISH = Buffer.alloc(64, 7).toString('base64url')

/** The part of an answer that is the password's key, blinded: the same for the same name, setup and request. */
export const evaluationOf = (response: unknown) => Buffer.from(String(response), 'base64url').subarray(0, 32).toString('hex')
