/** A small site with step-up over `sojourn/web`, its people, and their apps: what the tests of step-up as a whole share. */
import { withSession } from '../../src/adapters/web.ts'
import { minutes } from '../../src/core/duration.ts'
import type { Session } from '../../src/core/session.ts'
import { createStepUp, type StepUp, type StepUpOptions } from '../../src/stepup/stepup.ts'
import { memoryFactorStore } from '../../src/stepup/stores/memory.ts'
import { browser as browserOf, ORIGIN } from '../attacks/support.ts'
import { type LooseOptions, setUp } from '../core/support.ts'
import { appOf } from './codes-support.ts'

export interface SiteOptions extends LooseOptions {
  stepUp?: Partial<StepUpOptions>
}

/** Longest age of a proof at the check-out. */
export const FRESH = minutes(5)
/** Who visits comes from this address unless a request says otherwise. */
const HOME = '192.0.2.1'

type Handler = (session: Session, stepUp: StepUp, request: Request) => unknown

const routes: Record<string, Handler> = {
  '/me': ({ subject = null, id = null, acr, state, pending = null }) => ({ subject, id, acr, state, pending }),
  '/login': (session, stepUp, request) => stepUp.signIn(session, { subject: asked(request, 'as') ?? 'ada', method: 'pwd' }),
  // As an application might that does not know of step-up.
  '/old-login': async (session, _stepUp, request) => session.signIn({ subject: asked(request, 'as') ?? 'ada', method: 'pwd' }),
  '/logout': (session) => session.signOut(),
  '/note': (session) => {
    session.data.note = 'kept'
  },
  '/step-up': ({ subject = null, pending = null, state }) => ({ subject, pending, state }),
  '/step-up/code': async (session, stepUp, request) => stepUp.totp.verify(session, await request.text()),
  '/account': (session) => {
    session.requireAssurance()
    return { of: session.subject }
  },
  '/checkout': (session) => {
    session.requireAssurance({ acr: 'aal2', maxAge: FRESH })
    return { paid: true }
  },
}

export function site({ stepUp: stepUpOptions, ...options }: SiteOptions = {}) {
  const service = setUp(options)
  const factors = memoryFactorStore()
  const stepUp = createStepUp(service.sessions, { factors, issuer: 'Shop', ...stepUpOptions })
  const respond = withSession(
    service.sessions,
    async (request, session) => {
      const { pathname } = new URL(request.url)
      const handler = routes[pathname]
      if (handler === undefined) return new Response('no', { status: 404 })
      return Response.json((await handler(session, stepUp, request)) ?? null)
    },
    { guards: [stepUp], clientAddress: (request) => request.headers.get('x-address') ?? HOME },
  )
  const answer = (path: string, init: RequestInit = {}) => respond(new Request(new URL(path, ORIGIN), init))
  /** Enrols an app in a session of its own, beside whatever browsers do; gives what the app shows. */
  const enrol = async (subject = 'ada') => {
    const session = await service.sessions.signIn({ subject, method: 'pwd' })
    const { uri } = await stepUp.totp.begin(session, { account: subject })
    const app = appOf(uri)
    const outcome = await stepUp.totp.confirm(session, app(service.clock()))
    if (!outcome.ok) throw new Error(outcome.reason)
    service.clock.advance(30_000)
    return { code: () => app(service.clock()), factorId: outcome.factorId }
  }
  return { ...service, factors, stepUp, answer, enrol }
}
export type StepUpSite = ReturnType<typeof site>

/** A browser; `from` is where its requests come from. */
export function visitor(target: StepUpSite, from = HOME) {
  const own = browserOf(target as never)
  const visit = (path: string, init: RequestInit = {}) =>
    own.visit(path, { ...init, headers: { 'x-address': from, ...(init.headers as Record<string, string>) } })
  const json = async (path: string, init?: RequestInit) => (await visit(path, init)).json() as Promise<Record<string, unknown>>
  const type = (code: string) => json('/step-up/code', { method: 'POST', body: code })
  return { ...own, visit, json, type, me: () => json('/me') }
}

/** A page's request, as a browser makes it. */
export const PAGE = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8', 'sec-fetch-mode': 'navigate' }

function asked(request: Request, name: string): string | undefined {
  return new URL(request.url).searchParams.get(name) ?? undefined
}
