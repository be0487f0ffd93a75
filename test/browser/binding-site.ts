/** A site over TLS whose sessions devices bind, for a real browser; it keeps a log of who asked for what, and can be told to hesitate. */
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { type NodeSessionOptions, withSession } from '../../src/adapters/node.ts'
import { type DeviceBindingOptions, deviceBinding } from '../../src/binding/dbsc.ts'
import type { Session } from '../../src/core/session.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import { setUp } from '../core/support.ts'
import { type Certificate, selfSignedCertificate } from '../http/support/certificate.ts'
import { ask } from '../http/support/servers.ts'

export const COOKIE = '__Host-sjn'
export const BOUND_COOKIE = '__Host-sjn-bound'
export const HOSTS = ['app.test', 'sub.app.test', 'other.test', 'localhost']

/** One for a test file: the browser is started with its hash. */
export const testSiteCertificate = (): Certificate => selfSignedCertificate(HOSTS)

/** What `/me` says of a request. */
export interface Me {
  readonly subject: string | null
  readonly id: string | null
  readonly state: string
  readonly reason: string | null
  readonly binding: string
}

export interface Logged {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly isBoundCookieThere: boolean
  readonly proof: string | undefined
}

export async function startBindingSite(
  certificate: Certificate,
  options: DeviceBindingOptions = {},
  http: NodeSessionOptions = {},
) {
  const clock = fakeClock(Date.now())
  const service = setUp({ clock })
  const binding = deviceBinding(service.sessions, options)
  const log: Logged[] = []
  let gate: Promise<void> | undefined

  const pages: Record<string, (session: Session, query: URLSearchParams) => Promise<string> | string> = {
    '/': () => '<!doctype html><title>Shop</title><h1>Shop</h1>',
    '/me': (session) =>
      JSON.stringify({
        subject: session.subject ?? null,
        id: session.id ?? null,
        state: session.state,
        reason: session.stateReason ?? null,
        binding: session.binding.state,
      } satisfies Me),
    '/pay': (session) => {
      session.requireBinding()
      return 'paid'
    },
    '/login': async (session, query) => {
      await session.signIn({ subject: query.get('as') ?? 'ada', method: 'pwd', isPersistent: query.has('remember') })
      return 'in'
    },
    '/logout': async (session) => {
      await session.signOut()
      return 'out'
    },
    '/link': (_session, query) => `<!doctype html><title>Link</title><a href="${query.get('to')!}">there</a>`,
  }

  const respond = withSession(
    service.sessions,
    async (request, response, session) => {
      const { pathname, searchParams } = new URL(request.url!, 'https://site')
      const page = pages[pathname]
      if (page === undefined) return response.writeHead(404).end()
      const body = await page(session, searchParams)
      response.setHeader('Content-Type', body.startsWith('<') ? 'text/html' : 'text/plain')
      if (pathname === '/login' && searchParams.has('then')) response.writeHead(303, { location: searchParams.get('then')! })
      return response.end(body)
    },
    { ...http, guards: [binding] },
  )

  const server = createServer(certificate, (request, response) => {
    const path = request.url!.split('?')[0]!
    response.on('finish', () => {
      log.push({
        method: request.method!,
        path,
        status: response.statusCode,
        isBoundCookieThere: request.headers.cookie?.includes('-bound=') ?? false,
        proof: request.headers['secure-session-response'] as string | undefined,
      })
    })
    if (gate !== undefined && path.startsWith('/dbsc/')) {
      void gate.then(() => binding.node(request, response))
      return
    }
    if (!binding.node(request, response)) void respond(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const origin = `https://app.test:${port}`

  return {
    ...service,
    clock,
    origin,
    at: (host: string) => `https://${host}:${port}`,
    log,
    /** Requests for a path so far. */
    asked: (path: string) => log.filter((entry) => entry.path === path),
    /** Holds the device's endpoints until it is let go. */
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      gate = promise
      return () => {
        gate = undefined
        resolve()
      }
    },
    /** Another client's request with these cookies: its own connection, and no key. */
    asThief: async (cookie: string, path = '/me') => ask(origin + path, { headers: { cookie } }),
    meAsThief: async (cookie: string) => JSON.parse((await ask(`${origin}/me`, { headers: { cookie } })).body) as Me,
  }
}
