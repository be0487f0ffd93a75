// A real nginx ends TLS in front of a plain Node server. The client is at 127.0.0.1, the edge speaks to us from 127.0.0.2, a proxy further in
// from 127.0.0.3: as separate machines would, so that trusting a proxy is not trusting its clients.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { networkInterfaces } from 'node:os'
import { createSessions, type SojournEvent } from 'sojourn'
import { httpsRedirect, type NodeSessionOptions, withSession } from 'sojourn/node'
import { memoryStore } from 'sojourn/stores/memory'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { RequestGuard } from '../../src/http/request-guard.ts'
import { Browser } from '../matrix/browser.ts'
import { startNginx } from '../servers/nginx.ts'
import { freePort, type Server } from '../servers/server.ts'
import { testKey } from './support/keys.ts'
import { ask } from './support/servers.ts'

const loopbacks = ['127.0.0.1', '[::1]'].filter((host) =>
  Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => host.includes(address))),
)
let nginx: Server
let port: Record<'app' | 'tls' | 'clear' | 'silent' | 'inner' | 'chain' | 'broken' | 'brokenChain' | 'six', number>
const at = (which: keyof typeof port) => `${which === 'clear' ? 'http' : 'https'}://localhost:${port[which]}`

beforeAll(async () => {
  const names = ['app', 'tls', 'clear', 'silent', 'inner', 'chain', 'broken', 'brokenChain', 'six'] as const
  const ports = new Set<number>()
  while (ports.size < names.length) ports.add(await freePort())
  port = Object.fromEntries(names.map((name, index) => [name, [...ports][index]!])) as typeof port
  const host = 'proxy_set_header Host $http_host;'
  const append = 'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;'
  const scheme = 'proxy_set_header X-Forwarded-Proto $scheme;'
  const keep = 'proxy_set_header X-Forwarded-Proto $http_x_forwarded_proto;'
  const server = (listen: string, from: string, to: number, headers: string) =>
    `server { listen ${listen}; location / { proxy_bind ${from}; proxy_pass http://127.0.0.1:${to}; ${host} ${headers} } }`
  const tls = (name: keyof typeof port, host = '127.0.0.1') => `${host}:${port[name]} ssl`
  nginx = await startNginx(
    port.tls,
    [
      server(tls('tls'), '127.0.0.2', port.app, append + scheme),
      server(`127.0.0.1:${port.clear}`, '127.0.0.2', port.app, append + scheme),
      // As many are found: nobody thought of X-Forwarded-Proto.
      server(tls('silent'), '127.0.0.2', port.app, append),
      server(`127.0.0.1:${port.inner}`, '127.0.0.3', port.app, append + keep),
      server(tls('chain'), '127.0.0.2', port.inner, append + scheme),
      // Two of the same configuration in a row: the second one only sees http.
      server(`127.0.0.1:${port.broken}`, '127.0.0.3', port.app, append + scheme),
      server(tls('brokenChain'), '127.0.0.2', port.broken, append + scheme),
      ...loopbacks.slice(1).map((host) => server(tls('six', host), '127.0.0.2', port.app, append + scheme)),
    ].join('\n'),
  )
})
afterAll(() => nginx?.stop())

const EDGE = '127.0.0.2'
const INNER = '127.0.0.3'

let warnings: string[]
beforeEach(() => {
  warnings = []
  const spy = vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void warnings.push(String(warning)))
  return () => spy.mockRestore()
})

/** A shop behind nginx. `clients` are the addresses its guards were told, one for each sign-in and each request with a session. */
async function shop(
  options: NodeSessionOptions = {},
  before: (req: IncomingMessage, res: ServerResponse, next: () => void) => void = (_req, _res, next) => next(),
) {
  const events: SojournEvent[] = []
  const clients: (string | undefined)[] = []
  const errors: unknown[] = []
  const sessions = createSessions({ store: memoryStore(), keys: testKey(), onEvent: (event) => void events.push(event) })
  const spy: RequestGuard = {
    name: 'spy',
    attach: () => {},
    notesAtStart: (request) => void clients.push(request.clientAddress),
    inspect: (_session, request) => void clients.push(request.clientAddress),
  }
  const listener = withSession(
    sessions,
    async (req, res, session) => {
      if (req.url === '/login') await session.signIn({ subject: 'ada', method: 'pwd' })
      res.end(String(session.subject))
    },
    {
      guards: [spy],
      onError: (error, _req, res) => {
        errors.push(error)
        res.writeHead(500).end()
      },
      ...options,
    },
  )
  const server = createServer((req, res) => before(req, res, () => void listener(req, res)))
  await new Promise<void>((resolve) => server.listen(port.app, '127.0.0.1', resolve))
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  const refusals = async () => {
    await sessions.events.drained()
    return events.flatMap((event) => (event.type === 'transport.refused' ? [[event.reason, event.seen]] : []))
  }
  return { clients, errors, refusals }
}

const FORGED = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '198.51.100.7' }

describe('one nginx that says X-Forwarded-Proto', () => {
  it('a Secure cookie is set and comes back through a TLS client', async () => {
    const { clients } = await shop({ trustedProxies: [EDGE] })
    const ada = new Browser(at('tls'))

    const login = await ada.post('/login')
    const inside = await ada.get('/')

    expect(login.setCookies).toEqual([expect.stringMatching(/^__Host-sjn=[^;]+; Path=\/; Secure; HttpOnly; SameSite=Lax$/)])
    expect([inside.body, clients, warnings]).toEqual(['ada', ['127.0.0.1', '127.0.0.1'], []])
  })

  it('the client’s own X-Forwarded-For and -Proto change nothing', async () => {
    const { clients } = await shop({ trustedProxies: [EDGE] })
    const ada = new Browser(at('tls'))

    await ada.post('/login', { headers: { ...FORGED, 'x-forwarded-proto': 'http' } })
    const inside = await ada.get('/', { headers: { ...FORGED, 'x-forwarded-for': [EDGE, '198.51.100.7', EDGE] } })

    expect([inside.body, clients]).toEqual(['ada', ['127.0.0.1', '127.0.0.1']])
  })

  it('on its port without TLS nobody signs in, whatever the client claims, and the event says what nginx said', async () => {
    const { errors, refusals } = await shop({ trustedProxies: [EDGE] })

    const login = await ask(`${at('clear')}/login`, { headers: FORGED })

    expect([login.status, login.setCookies]).toEqual([500, []])
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_TRANSPORT_INSECURE' })])
    expect(String(errors[0])).toContain('Seen: X-Forwarded-Proto: http; X-Forwarded-For with 2 entries.')
    expect(await refusals()).toEqual([['proxied-plain-http', 'X-Forwarded-Proto: http; X-Forwarded-For with 2 entries']])
  })

  it('beside it, the same headers are a stranger’s', async () => {
    const { errors, refusals } = await shop({ trustedProxies: [EDGE] })

    const login = await ask(`http://localhost:${port.app}/login`, { headers: FORGED })

    expect([login.status, login.setCookies]).toEqual([500, []])
    expect([errors.length, await refusals()]).toEqual([
      1,
      [['untrusted-proxy', 'X-Forwarded-Proto: https; X-Forwarded-For with 1 entry']],
    ])
  })

  it('not on the list, it is named in development, ready to be copied', async () => {
    const { errors } = await shop()
    await ask(`${at('tls')}/login`)
    const [, peer] = /The peer is '([^']+)'/.exec(String(errors[0]))!

    expect(peer).toBe(EDGE)
    expect(String(errors[0])).toContain('Seen: X-Forwarded-Proto: https; X-Forwarded-For with 1 entry.')
  })

  it('in production no address is in the error', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    onTestFinished(() => void vi.unstubAllEnvs())
    const { errors } = await shop()
    await ask(`${at('tls')}/login`)

    expect(String(errors[0])).toContain('Seen: X-Forwarded-Proto: https; X-Forwarded-For with 1 entry.')
    expect(String(errors[0])).not.toContain(EDGE)
  })
})

describe('an nginx that does not', () => {
  it('nobody signs in, and the error says what was there instead', async () => {
    const { errors } = await shop({ trustedProxies: [EDGE] })

    const login = await ask(`${at('silent')}/login`, { headers: { 'x-forwarded-ssl': 'on', forwarded: 'proto=https' } })

    expect([login.status, login.setCookies]).toEqual([500, []])
    expect(String(errors[0])).toContain(
      'Seen: no X-Forwarded-Proto; X-Forwarded-For with 1 entry; Forwarded, X-Forwarded-Ssl (not read).',
    )
  })

  it('passes the client’s own header on: why the guide has it overwritten', async () => {
    const { errors } = await shop({ trustedProxies: [EDGE] })

    const login = await ask(`${at('silent')}/login`, { headers: { 'x-forwarded-proto': 'http' } })

    expect([login.setCookies, String(errors[0])]).toEqual([[], expect.stringContaining('Seen: X-Forwarded-Proto: http;')])
  })

  it('a cookie that comes through it is not looked at: one warning of the process in development, and an event each time', async () => {
    const { refusals } = await shop({ trustedProxies: [EDGE] })
    const ada = new Browser(at('tls'))
    await ada.post('/login')
    const headers = { cookie: `__Host-sjn=${ada.token}` }

    const answers = [await ask(at('silent'), { headers }), await ask(at('silent'), { headers })]

    expect(answers.map(({ body }) => body)).toEqual(['undefined', 'undefined'])
    expect(warnings).toEqual([
      expect.stringMatching(/^A session cookie came and was not looked at\. A trusted proxy .* Seen: no X-Forwarded-Proto; /),
    ])
    expect((await refusals()).map(([reason]) => reason)).toEqual(['proxied-plain-http', 'proxied-plain-http'])
  })
})

describe('two nginx in a row', () => {
  it('both trusted, the client is the one the outer one saw', async () => {
    const { clients } = await shop({ trustedProxies: ['127.0.0.2/31'] })
    const ada = new Browser(at('chain'))

    const login = await ada.post('/login', { headers: FORGED })
    const inside = await ada.get('/', { headers: FORGED })

    expect([login.setCookies.length, inside.body, clients]).toEqual([1, 'ada', ['127.0.0.1', '127.0.0.1']])
  })

  it('only the inner one trusted, the client is the outer one', async () => {
    const { clients } = await shop({ trustedProxies: [INNER] })

    await ask(`${at('chain')}/login`, { headers: FORGED })

    expect(clients).toEqual([EDGE])
  })

  it('only the outer one trusted, nobody signs in', async () => {
    const { errors, clients } = await shop({ trustedProxies: [EDGE] })

    await ask(`${at('chain')}/login`)

    expect([clients, String(errors[0])]).toEqual([[], expect.stringContaining(`The peer is '${INNER}'`)])
  })

  it('the inner one says what it saw itself, http: the error shows it', async () => {
    const { errors } = await shop({ trustedProxies: [EDGE, INNER] })

    await ask(`${at('brokenChain')}/login`)

    expect(String(errors[0])).toContain('Seen: X-Forwarded-Proto: http; X-Forwarded-For with 2 entries.')
  })
})

describe('a redirect behind nginx', () => {
  const redirect = () => httpsRedirect({ origins: [at('tls')], trustedProxies: [EDGE] })

  it('leads from the port without TLS to the other, with path and query and without a cookie', async () => {
    await shop({ trustedProxies: [EDGE] }, redirect())

    const answer = await ask(`${at('clear')}/login?next=%2Fbasket`, { headers: { ...FORGED, cookie: '__Host-sjn=x' } })

    expect(answer).toMatchObject({ status: 308, headers: { location: `${at('tls')}/login?next=%2Fbasket` }, setCookies: [] })
  })

  it('followed, it ends: through TLS the shop answers', async () => {
    await shop({ trustedProxies: [EDGE] }, redirect())
    const { headers } = await ask(`${at('clear')}/login`)

    const answer = await ask(headers.location!)

    expect([answer.status, answer.setCookies.length]).toEqual([200, 1])
  })

  it('what was posted in the clear is refused, not sent again', async () => {
    await shop({ trustedProxies: [EDGE] }, redirect())

    const answer = await ask(`${at('clear')}/login`, { method: 'POST', body: 'password=x' })

    expect([answer.status, answer.headers.location, answer.setCookies]).toEqual([403, undefined, []])
  })

  it('a circle is told in development: TLS ends at a proxy that is not on the list', async () => {
    await shop({}, httpsRedirect({ origins: [at('tls')] }))

    const answer = await ask(at('tls'))

    expect([answer.status, answer.headers['cache-control'], warnings]).toEqual([
      308,
      'no-store',
      [expect.stringMatching(/Seen: X-Forwarded-Proto: https; .*trustedProxies/)],
    ])
  })
})

it.each(loopbacks)('TLS at %s, every loopback address this machine has', async (host) => {
  const { clients } = await shop({ trustedProxies: [EDGE] })
  const ada = new Browser(`https://${host}:${port[host === '[::1]' ? 'six' : 'tls']}`)

  await ada.post('/login', { headers: FORGED })
  const inside = await ada.get('/', { headers: FORGED })

  const client = host.replace(/[[\]]/g, '')
  expect([inside.body, clients]).toEqual(['ada', [client, client]])
})
