// The attacker has: a client of their own, a stolen cookie, and the victim's IP address.
// The attacker does: writes that address into X-Forwarded-For and its relatives, once or often, beside the proxy or through it.
// The attacker must not obtain: to be taken for a client at that address, or at any other than the one they come from.
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { createSessions } from 'sojourn'
import { type NodeSessionOptions, withSession } from 'sojourn/node'
import { memoryStore } from 'sojourn/stores/memory'
import { expect, it, onTestFinished } from 'vitest'
import type { RequestGuard } from '../../src/http/request-guard.ts'
import { testKey } from '../http/support/keys.ts'

const VICTIM = '198.51.100.7'
const ATTACKER = '127.0.0.1'
const PROXY = '127.0.0.2'

/** A server behind a proxy at 127.0.0.2 that appends the address it sees, as all do. Gives what guards were told. */
async function behindProxy(options: NodeSessionOptions) {
  const clients: (string | undefined)[] = []
  const spy: RequestGuard = {
    name: 'spy',
    attach: () => {},
    inspect: () => {},
    notesAtStart: (told) => void clients.push(told.clientAddress),
  }
  const sessions = createSessions({ store: memoryStore(), keys: testKey() })
  const shop = createServer(
    withSession(
      sessions,
      async (_req, res, session) => {
        await session.signIn({ subject: 'ada', method: 'pwd' })
        res.end()
      },
      { guards: [spy], onError: (_error, _req, res) => res.writeHead(500).end(), ...options },
    ),
  )
  const proxy = createServer((req, res) => {
    const before = req.headers['x-forwarded-for']
    const headers = {
      ...req.headers,
      'x-forwarded-proto': 'https',
      'x-forwarded-for': `${before === undefined ? '' : `${before}, `}${req.socket.remoteAddress}`,
    }
    const onward = request({ port: portOf(shop), host: '127.0.0.1', localAddress: PROXY, path: req.url, headers }, (answer) => {
      res.writeHead(answer.statusCode!)
      answer.pipe(res)
    })
    onward.end()
  })
  for (const server of [shop, proxy]) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
  }
  return { clients, ports: { proxy: portOf(proxy), shop: portOf(shop) } }
}
const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port

/** Sends lines as they are: no client library mends them. */
function send(port: number, lines: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
    socket.write(['GET / HTTP/1.1', 'Host: shop.example', 'Connection: close', ...lines, '', ''].join('\r\n'), 'latin1')
  })
}

const forgeries = [
  [`X-Forwarded-For: ${VICTIM}`],
  [`X-Forwarded-For: ${VICTIM}, ${PROXY}`],
  [`X-Forwarded-For: ${VICTIM}, ${PROXY}`, `X-Forwarded-For: ${PROXY}`],
  [`X-Forwarded-For: ${VICTIM},`],
  [`X-Forwarded-For: , , ,`],
  [`X-Forwarded-For: ${VICTIM}:443`],
  [`X-Forwarded-For: [::ffff:${VICTIM}]`],
  [`x-forwarded-for:${VICTIM}`, `X-FORWARDED-FOR: ${VICTIM}`],
  [`X-Forwarded-For: ${'10.0.0.1, '.repeat(900)}${VICTIM}`],
  [`X-Forwarded-For: "${VICTIM}"`, 'X-Forwarded-For: \u00a0'],
  [`Forwarded: for=${VICTIM};proto=https`],
  [`X-Real-IP: ${VICTIM}`, `X-Client-IP: ${VICTIM}`, `True-Client-IP: ${VICTIM}`, `CF-Connecting-IP: ${VICTIM}`],
]

it.each(forgeries)('through the proxy, %s: the client is where they come from', async (...lines) => {
  const { clients, ports } = await behindProxy({ trustedProxies: [PROXY] })

  await send(ports.proxy, lines)

  expect(clients).toEqual([ATTACKER])
})

it.each(forgeries)('beside it, %s: there is no session at all', async (...lines) => {
  const { clients, ports } = await behindProxy({ trustedProxies: [PROXY] })

  const answer = await send(ports.shop, ['X-Forwarded-Proto: https', ...lines])

  expect([clients, /^HTTP\/1\.1 500/.test(answer), /set-cookie/i.test(answer)]).toEqual([[], true, false])
})

it.each([['10.0.0.0/0'], ['::/0'], ['0.0.0.0/0'], ['::ffff:0.0.0.0/96']])('%s, everybody, cannot be trusted', (everybody) => {
  expect(() =>
    withSession(createSessions({ store: memoryStore(), keys: testKey() }), () => {}, { trustedProxies: [everybody] }),
  ).toThrow(/is everybody/)
})
