// The checks through real servers with TLS, on every adapter: the headers and addresses are those of sockets.
import { Buffer } from 'node:buffer'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:tls'
import { createSessions, type SojournEvent } from 'sojourn'
import { upgradeSession } from 'sojourn/node'
import { memoryStore } from 'sojourn/stores/memory'
import { type TraitOptions, traitChecks, traitsOf } from 'sojourn/traits'
import { describe, expect, it, onTestFinished } from 'vitest'
import { testKey } from '../../http/support/keys.ts'
import { type Ask, ask, serve, testCertificate } from '../../http/support/servers.ts'
import { type App, adapters } from '../../matrix/adapters.ts'
import { AGENTS, HINTS } from './agents.ts'

const app: App = async ({ path }, session) => {
  if (path === '/login') await session.signIn({ subject: 'ada', method: 'pwd' })
  if (path === '/prove') await session.elevate({ method: 'pwd' })
  const { seen, drift } = traitsOf(session)
  const { subject = null, acr, state } = session
  return { body: JSON.stringify({ subject, acr, state, isEnough: session.meets(), seen, drift }) }
}

async function site(name: string, options: TraitOptions = {}) {
  const events: SojournEvent[] = []
  const onEvent = (event: SojournEvent) => events.push(event)
  const sessions = createSessions({ store: memoryStore(), keys: testKey(), onEvent })
  const guards = [traitChecks(options)]
  const clientAddress = (request: Request) => request.headers.get('x-peer') ?? undefined
  const listener = adapters[name]!(sessions as never, app, name === 'web' ? { guards, clientAddress } : { guards })
  const origin = await serve(
    (req, res) => {
      // What platforms hand to a fetch handler beside the request.
      if (name === 'web') req.headers['x-peer'] = req.socket.remoteAddress
      return listener(req, res)
    },
    { tls: true },
  )
  const visit = async (path: string, client: Ask, cookie?: string) => {
    const headers = { ...client.headers, ...(cookie && { cookie }) }
    const { body, setCookies, status } = await ask(`${origin}${path}`, { ...client, headers })
    return { status, ...(status === 200 ? JSON.parse(body) : {}), cookie: setCookies[0]?.split(';')[0] ?? cookie, setCookies }
  }
  const drifts = async () => {
    await sessions.events.drained()
    return events.filter(({ type }) => type === 'traits.drifted')
  }
  return { origin, sessions, guards, visit, drifts }
}

const chrome: Ask = { headers: { 'user-agent': AGENTS.chromeWindows, ...HINTS.chromeWindows } }
const firefox: Ask = { headers: { 'user-agent': AGENTS.firefoxLinux } }

describe.each(Object.keys(adapters))('%s', (name) => {
  it('the same browser stays signed in, and the page can say what it is', async () => {
    const { visit, drifts } = await site(name)
    const { cookie } = await visit('/login', chrome)
    const seen = { browser: 'Chrome', version: 130, os: 'Windows' }

    expect(await visit('/', chrome, cookie)).toMatchObject({ subject: 'ada', isEnough: true, seen })
    expect(await visit('/', { ...chrome, from: '127.0.0.9' }, cookie)).toMatchObject({ subject: 'ada', isEnough: true, seen })
    expect(await drifts()).toEqual([])
  })

  it('another browser with its cookie ends the session, and no cookie is touched', async () => {
    const { visit, drifts } = await site(name)
    const { cookie } = await visit('/login', chrome)

    expect(await visit('/', firefox, cookie)).toMatchObject({ subject: null, state: 'revoked', setCookies: [] })
    expect(await visit('/', chrome, cookie)).toMatchObject({ subject: null, state: 'revoked', setCookies: [] })
    expect(await drifts()).toMatchObject([{ grade: 'revoke', changes: ['browser', 'os', 'hints-missing'] }])
  })

  it('another network gives a new token; a tab of before goes on beside it', async () => {
    const { visit, drifts } = await site(name)
    const { cookie } = await visit('/login', chrome)
    const moved = { ...chrome, from: '127.0.7.1' }
    const [one, other] = await Promise.all([visit('/', moved, cookie), visit('/', moved, cookie)])

    expect([one.isEnough, other.isEnough]).toEqual([true, true])
    expect(new Set([one.cookie, other.cookie].filter((each) => each !== cookie)).size).toBe(1)
    expect(await drifts()).toMatchObject([{ grade: 'rotate', changes: ['network'] }])
  })

  it('a step-up leaves the person signed in without authority, until a new proof', async () => {
    const { visit } = await site(name, { policy: { network: 'step-up' } })
    const { cookie } = await visit('/login', chrome)
    const moved = { ...chrome, from: '127.0.7.1' }

    expect(await visit('/', moved, cookie)).toMatchObject({
      subject: 'ada',
      acr: 'aal0',
      isEnough: false,
      drift: { grade: 'step-up' },
    })
    const proved = await visit('/prove', moved, cookie)
    expect(await visit('/', moved, proved.cookie)).toMatchObject({ subject: 'ada', acr: 'aal1', isEnough: true })
  })

  it.each([
    ['no user agent', {}],
    ['two of them', { 'user-agent': [AGENTS.firefoxLinux, AGENTS.chromeWindows] }],
    ['one of 60 KB', { 'user-agent': 'Mozilla/5.0 ('.repeat(5000) }],
    ['letters of another alphabet', { 'user-agent': Buffer.from('браузер/7', 'utf8').toString('latin1') }],
    [
      'hints that are garbage',
      { 'user-agent': 'x', 'sec-ch-ua': '";v=";;,\\', 'sec-ch-ua-platform': '"', 'sec-ch-ua-mobile': '?' },
    ],
    ['hints twice', { 'user-agent': 'x', 'sec-ch-ua': ['"a";v="1"', '"b";v="2"'], 'sec-ch-ua-platform': ['"Linux"', '"macOS"'] }],
  ])('%s signs in and comes again like any other', async (_, headers) => {
    const { visit, drifts } = await site(name)
    const { cookie } = await visit('/login', { headers })

    expect(await visit('/', { headers }, cookie)).toMatchObject({ subject: 'ada', isEnough: true })
    expect(await drifts()).toEqual([])
    expect(await visit('/', chrome, cookie)).toMatchObject({ subject: null, state: 'revoked' })
  })
})

it('a real handshake of a WebSocket is excused from client hints, and from nothing else', async () => {
  const { sessions, guards, visit, drifts } = await site('node, withSession', { policy: { 'hints-missing': 'revoke' } })
  const open = upgradeSession(sessions, { guards })
  const server = createTlsServer(testCertificate(), (_, res) => res.end())
  server.on('upgrade', async (request, socket) => {
    const { state } = await open(request)
    socket.end(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${state}`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const { cookie } = await visit('/login', chrome)
  const handshake = async (agent: string) => {
    const headers = { connection: 'upgrade', upgrade: 'websocket', cookie, 'user-agent': agent }
    return (await ask(`https://localhost:${port}/`, { headers })).body
  }

  expect(await handshake(AGENTS.chromeWindows)).toBe('active')
  expect(await drifts()).toEqual([])
  expect(await handshake(AGENTS.firefoxLinux)).toBe('revoked')
})

it('a NUL in a header never reaches the checks: Node refuses the request', async () => {
  const { origin } = await site('node, withSession')
  const answer = await new Promise<string>((resolve, reject) => {
    const { port } = new URL(origin)
    const socket = connect({ port: Number(port), host: '127.0.0.1', rejectUnauthorized: false }, () => {
      socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: a\0b\r\n\r\n')
    })
    socket.on('data', (chunk) => resolve(chunk.toString()))
    socket.on('error', reject)
  })

  expect(answer).toMatch(/^HTTP\/1\.1 400 /)
})
