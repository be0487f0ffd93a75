/** Two applications of one provider, on ports of this machine, and a person who walks between the three with one browser. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createSessions, isSojournError, type SojournEvent, type Store } from 'sojourn'
import { type SessionApplication, sessionMiddleware } from 'sojourn/express'
import { type RelyingPartyOptions, relyingParty, type StartOptions } from 'sojourn/oidc'
import { memoryStore } from 'sojourn/stores/memory'
import { type CookieJar, cookieJar } from 'sojourn/testing'
import { onTestFinished } from 'vitest'
import { testKey } from '../../http/support/keys.ts'
import { type Answer, type Ask, ask } from '../../http/support/servers.ts'
import type { Proof } from './provider.ts'

export interface App {
  readonly origin: string
  readonly port: number
  readonly events: readonly SojournEvent[]
  readonly sessions: ReturnType<typeof createSessions>
  readonly sso: ReturnType<typeof relyingParty>
}

const SECRET = 'a-secret-of-this-client'

/** Listens first, so that the provider can be told where it is; `open` makes the application. */
export async function place(name: string) {
  let listener: Parameters<typeof createServer>[1] = (_request, response) => void response.writeHead(503).end()
  const server = createServer((request, response) => listener!(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const origin = `http://localhost:${port}`
  const own = { redirectUri: `${origin}/callback`, postLogoutRedirectUri: `${origin}/signed-out` }
  return {
    origin,
    port,
    /** What the provider is told of it. @param logoutOrigin - Where it reaches it from its own machine, by a network a test can break. */
    client: (logoutOrigin = origin) => ({
      client_id: name,
      client_secret: SECRET,
      redirect_uris: [own.redirectUri],
      post_logout_redirect_uris: [own.postLogoutRedirectUri],
      backchannel_logout_uri: `${logoutOrigin}/sso/back-channel-logout`,
      backchannel_logout_session_required: true,
    }),
    open(issuer: string, options: Partial<RelyingPartyOptions> = {}, store: Store = memoryStore()): App {
      const events: SojournEvent[] = []
      const sessions = createSessions({ store, keys: testKey(), onEvent: (event) => events.push(event) })
      const sso = relyingParty(sessions, {
        issuer,
        clientId: name,
        clientSecret: SECRET,
        ...own,
        dangerouslyAllowHttp: true,
        subjectOf: ({ sub }) => sub,
        ...options,
      })
      const server = express()
      server.use(sso.node)
      // Cookies know no ports.
      server.use(sessionMiddleware(sessions, { guards: [sso], dangerouslyAllowHttp: true, cookie: { name: `__Host-${name}` } }))
      const app: SessionApplication<typeof sessions> = server
      const asked = (query: unknown): StartOptions => JSON.parse(String((query as { o?: string }).o ?? '{}'))
      app.post('/sign-in', async (req, res) => res.redirect(303, await sso.start(req.session, asked(req.query))))
      app.post('/step-up', async (req, res) => res.redirect(303, await sso.stepUp(req.session, asked(req.query))))
      app.get('/callback', async (req, res) => {
        const outcome = await sso.finish(req.session)
        if (outcome.ok) res.redirect(303, outcome.returnTo)
        else res.status(400).send(outcome.reason)
      })
      app.post('/sign-out', async (req, res) => res.redirect(303, await sso.signOut(req.session, { returnTo: '/' })))
      app.get('/signed-out', async (req, res) => {
        const outcome = await sso.finishSignOut(req.session)
        res.redirect(303, outcome.ok ? `${outcome.returnTo}?bye` : '/?who')
      })
      app.get('/', (req, res) => {
        const { subject = null, acr, facts, providerLink } = req.session
        res.json({ subject, acr, methods: facts.map(({ method }) => method), sid: providerLink?.sid })
      })
      server.use((error: unknown, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
        res.status(isSojournError(error) ? error.status : 500).send(isSojournError(error) ? error.code : String(error))
      })
      listener = server
      return { origin, port, events, sessions, sso }
    },
  }
}

/** A browser that follows redirects between applications and provider. */
export class Walker {
  readonly jar: CookieJar
  /** Every address it was at, in order. */
  readonly trail: string[] = []

  constructor(jar: CookieJar = cookieJar({ trustsLoopback: true })) {
    this.jar = jar
  }

  async go(url: string, options: Ask = {}): Promise<Answer & { readonly url: string }> {
    let at = url
    let how = options
    for (let hop = 0; hop < 20; hop++) {
      this.trail.push(at)
      const cookie = this.jar.header(at)
      const site = how.method === 'POST' ? { 'sec-fetch-site': 'same-origin' } : {}
      const answer = await ask(at, { ...how, headers: { ...(cookie && { cookie }), ...site, ...how.headers } })
      this.jar.store(at, answer.setCookies)
      const { location } = answer.headers
      if (location === undefined || answer.status < 300 || answer.status > 399) return { ...answer, url: at }
      at = new URL(location, at).href
      how = {}
    }
    throw new Error('it goes round in circles')
  }

  post(url: string, form: Record<string, string> = {}) {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    return this.go(url, { method: 'POST', headers, body: new URLSearchParams(form).toString() })
  }

  /** Signs in at an application; says who at the provider, if that asks. */
  async signIn(app: { readonly origin: string }, proof: Proof = { as: 'ada' }, options: StartOptions = {}, path = '/sign-in') {
    const there = await this.go(`${app.origin}${path}?o=${encodeURIComponent(JSON.stringify(options))}`, { method: 'POST' })
    return there.url.includes('/interaction/') ? this.post(there.url, { ...proof }) : there
  }

  /** Signs out at an application, and confirms it at the provider. */
  async signOut(app: { readonly origin: string }) {
    const there = await this.go(`${app.origin}/sign-out`, { method: 'POST' })
    return there.url.includes('/session/end') ? this.confirm(there) : there
  }

  /** The provider's form asks whether to sign out; the person says yes. */
  confirm({ body, url }: Answer & { readonly url: string }) {
    const action = /action="([^"]+)"/.exec(body)![1]!
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(body)![1]!
    return this.post(new URL(action, url).href, { xsrf, logout: 'yes' })
  }

  async me(app: { readonly origin: string }) {
    return JSON.parse((await this.go(`${app.origin}/`)).body) as {
      subject: string | null
      acr: string
      methods: string[]
      sid?: string
    }
  }
}
