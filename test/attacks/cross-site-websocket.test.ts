// The attacker has: a page on another site, and a victim who is signed in and looks at it.
// The attacker does: opens a WebSocket to the site from there; the browser sends the victim's cookie along and CORS does not hold it back.
// The attacker must not obtain: a socket that acts as the victim (cross-site WebSocket hijacking). ASVS 5.0, 4.4.2; WSTG-CLNT-10.
import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:tls'
import { createSessions, isSojournError, minutes, type Session } from 'sojourn'
import { nodeSession, refuseUpgrade, upgradeSession } from 'sojourn/node'
import { memoryStore } from 'sojourn/stores/memory'
import { fakeClock, faultyStore } from 'sojourn/testing'
import { expect, it, onTestFinished } from 'vitest'
import { testKey } from '../http/support/keys.ts'
import { testCertificate } from '../http/support/servers.ts'
import { Browser } from '../matrix/browser.ts'

/** A site whose socket says whose it is. `handle` is what it does with the session first. */
async function socketSite(handle: (session: Session) => unknown = () => {}) {
  const store = faultyStore(memoryStore())
  const clock = fakeClock()
  const events: string[] = []
  const sessions = createSessions({ store, keys: testKey(), clock, onEvent: ({ type }) => events.push(type) })
  const [open, openUpgrade] = [nodeSession(sessions), upgradeSession(sessions)]
  const server = createServer(testCertificate(), async (request, response) => {
    const session = await open(request, response)
    await session.signIn({ subject: 'ada', method: 'pwd' })
    response.end()
  })
  server.on('upgrade', async (request, socket) => {
    try {
      const session = await openUpgrade(request)
      await handle(session)
      // RFC 6455, 4.2.2, and one text frame.
      const accept = createHash('sha1')
        .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        .digest('base64')
      const text = Buffer.from(`${session.subject ?? 'nobody'}`)
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      )
      socket.end(Buffer.concat([Buffer.from([0x81, text.length]), text]))
    } catch (error) {
      refuseUpgrade(error, request, socket)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const origin = `https://localhost:${port}`
  const victim = new Browser(origin)
  await victim.get('/login', { headers: {} })

  /** The handshake a browser makes on behalf of a page; gives all that came back. */
  async function handshake(headers: Record<string, string>): Promise<string> {
    const sent = {
      Host: `localhost:${port}`,
      Upgrade: 'websocket',
      Connection: 'Upgrade',
      'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
      'Sec-WebSocket-Version': '13',
      Cookie: victim.jar.header(origin) ?? '',
      ...headers,
    }
    const lines = Object.entries(sent).map(([name, value]) => `${name}: ${value}`)
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
    socket.write(`GET /live HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
    let answer = ''
    for await (const chunk of socket.setEncoding('latin1')) answer += chunk
    return answer
  }
  return { origin, port, store, sessions, clock, events, handshake }
}

it('a page of the site gets its visitor’s socket', async () => {
  const { origin, handshake } = await socketSite()
  const answer = await handshake({ Origin: origin })

  expect([answer.split(' ', 2)[1], answer.endsWith('ada')]).toEqual(['101', true])
})

it.each<[string, (port: number) => Record<string, string>]>([
  ['another site', () => ({ Origin: 'https://evil.example' })],
  [
    'another site, of a browser with Fetch Metadata',
    () => ({ Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'websocket' }),
  ],
  ['a sandboxed frame', () => ({ Origin: 'null' })],
  ['another port of the same host', (port) => ({ Origin: `https://localhost:${port + 1}` })],
  ['the same host without TLS', (port) => ({ Origin: `http://localhost:${port}` })],
  ['a sibling host', () => ({ Origin: 'https://blog.localhost', 'Sec-Fetch-Site': 'same-site' })],
])('a page of %s gets none, and the store is not asked', async (_whose, headers) => {
  const { port, store, handshake } = await socketSite()
  const calls = store.calls.length
  const answer = await handshake(headers(port))

  expect(answer).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/)
  expect(answer).toMatch(/Connection: close\r\n\r\nForbidden: (origin|sec-fetch-site)\n$/)
  expect(answer).not.toMatch(/ada|set-cookie/i)
  expect(store.calls.length).toBe(calls)
})

it('a program without an Origin gets the socket of the cookie it has', async () => {
  expect(await (await socketSite()).handshake({})).toContain('ada')
})

it('a socket’s session can be read and written, and whatever needs a cookie says that it cannot', async () => {
  const codes: unknown[] = []
  const code = async (work: () => Promise<unknown>) => {
    codes.push(
      await work().then(
        () => 'done',
        (error: unknown) => (isSojournError(error) ? error.code : String(error)),
      ),
    )
  }
  const { origin, sessions, handshake } = await socketSite(async (session) => {
    await code(() => session.update((data) => Object.assign(data, { seen: true })))
    await code(() => session.signIn({ subject: 'mallory', method: 'pwd' }))
    await code(() => session.rotate())
    await code(() => session.signOut())
  })
  await handshake({ Origin: origin })

  expect(codes).toEqual(['done', 'ERR_SESSION_COMMITTED', 'ERR_SESSION_COMMITTED', 'ERR_SESSION_COMMITTED'])
  expect(await sessions.list('ada')).toHaveLength(1)
})

it('a store that is away is 503 on the socket too, with when to try again', async () => {
  const { origin, store, handshake } = await socketSite()
  store.setFaults({ read: { kind: 'error' } })

  expect(await handshake({ Origin: origin })).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n(.+\r\n)*Retry-After: 1\r\n/)
})

it('a socket’s handshake counts as activity, and renews no token: nothing could bring the new one', async () => {
  const { origin, clock, events, sessions, handshake } = await socketSite()
  clock.advance(minutes(20))
  await handshake({ Origin: origin })

  await sessions.events.drained()
  expect(events).not.toContain('session.rotated')
  expect((await sessions.list('ada'))[0]!.lastSeenAt).toBe(clock())
})
