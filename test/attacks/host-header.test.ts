// The attacker has: requests of their own, and perhaps a cache between the victim and the site.
// The attacker does: names a host of theirs in Host, X-Forwarded-Host, Forwarded, or the request's target.
// The attacker must not obtain: a redirect to that host, a cookie for it, or a session under another name for this machine.
import { connect } from 'node:net'
import { createSessions } from 'sojourn'
import { httpsRedirect, type NodeSessionOptions, withSession } from 'sojourn/node'
import { memoryStore } from 'sojourn/stores/memory'
import { expect, it, vi } from 'vitest'
import { testKey } from '../http/support/keys.ts'
import { ask, serve } from '../http/support/servers.ts'

const EVIL = 'evil.example'

/** Sends a request as it is, and gives the answer's lines. */
function send(origin: string, target: string, headers: readonly string[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(origin).port), '127.0.0.1')
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('close', () => resolve(answer.split('\r\n')))
    socket.on('error', reject)
    socket.write([`GET ${target} HTTP/1.1`, ...headers, 'Connection: close', '', ''].join('\r\n'), 'latin1')
  })
}
const locationIn = (lines: readonly string[]) => lines.filter((line) => /^location:/i.test(line)).map((line) => line.slice(10))

it.each([
  ['/login', [`Host: ${EVIL}`]],
  ['/login', [`Host: shop.example@${EVIL}`]],
  ['/login', [`Host: shop.example.${EVIL}`]],
  ['/login', ['Host: shop.example', `X-Forwarded-Host: ${EVIL}`, `X-Host: ${EVIL}`, `X-Forwarded-Server: ${EVIL}`]],
  ['/login', ['Host: shop.example', `Forwarded: host=${EVIL}`]],
  [`http://${EVIL}/login`, [`Host: ${EVIL}`]],
  [`http://${EVIL}/login`, ['Host: shop.example']],
  ['/login', ['Host:']],
])('%s with %j is redirected to this site', async (target, headers) => {
  const origin = await serve(httpsRedirect({ origins: ['https://shop.example'], trustedProxies: ['loopback'] }))

  const lines = await send(origin, target, headers)

  expect(locationIn(lines)).toEqual(['https://shop.example/login'])
  expect(lines.join('\n')).not.toContain(EVIL)
})

it.each([`//${EVIL}`, `/\\${EVIL}`, `/.${EVIL}`, `/%0d%0aSet-Cookie:x=1`, `/@${EVIL}`])(
  'with the path %s, to this site',
  async (target) => {
    const origin = await serve(httpsRedirect({ origins: ['https://shop.example'] }))

    const [location] = locationIn(await send(origin, target, ['Host: shop.example']))

    expect(new URL(location!).origin).toBe('https://shop.example')
  },
)

async function shop(options: NodeSessionOptions, tls: boolean): Promise<string> {
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const sessions = createSessions({ store: memoryStore(), keys: testKey() })
  return serve(
    withSession(
      sessions,
      async (_req, res, session) => {
        await session.signIn({ subject: 'ada', method: 'pwd' })
        res.end()
      },
      options,
    ),
    { tls },
  )
}

it.each([{ host: EVIL }, { host: 'localhost', 'x-forwarded-host': EVIL }, { host: `a.${EVIL}`, forwarded: `host=${EVIL}` }])(
  'the cookie has the scope that is configured, whatever host %j names',
  async (headers) => {
    const [one] = (await ask(await shop({}, true), { headers })).setCookies
    const shared = { cookie: { domain: 'shop.example', shared: true } } as const
    const [wide] = (await ask(await shop(shared, true), { headers })).setCookies

    expect([one, wide]).toEqual([
      expect.stringMatching(/^__Host-sjn=[^;]+; Path=\/; Secure; HttpOnly; SameSite=Lax$/),
      expect.stringMatching(/; Domain=shop\.example;/i),
    ])
    expect(`${one}${wide}`).not.toContain(EVIL)
  },
)

it.each([
  { host: EVIL },
  { host: 'localhost', 'x-forwarded-host': EVIL, 'x-forwarded-for': '203.0.113.9' },
  { host: `localhost.${EVIL}` },
  { host: `localhost@${EVIL}` },
])('a developer’s server gives no session over plain HTTP to %j: DNS rebinding, or a tunnel', async (headers) => {
  const { status, setCookies } = await ask(await shop({ dangerouslyAllowHttp: true }, false), { headers })

  expect([status, setCookies]).toEqual([500, []])
})
