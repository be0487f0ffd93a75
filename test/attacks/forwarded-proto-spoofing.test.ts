// The attacker has: the network between the victim and the site, or a client that reaches the server past the proxy.
// The attacker does: strips TLS and claims, by X-Forwarded-Proto and its relatives, that the request came over https.
// The attacker must not obtain: a session that starts, a token that is accepted, or a cookie that is sent, over plain HTTP.
import { createSessions, type SojournEvent } from 'sojourn'
import { withSession } from 'sojourn/node'
import { memoryStore } from 'sojourn/stores/memory'
import { expect, it, vi } from 'vitest'
import { testKey } from '../http/support/keys.ts'
import { ask, serve } from '../http/support/servers.ts'
import { Browser } from '../matrix/browser.ts'

const claims: Record<string, string>[] = [
  { 'x-forwarded-proto': 'https' },
  { 'x-forwarded-proto': 'HTTPS,https' },
  { forwarded: 'for=192.0.2.1;proto=https;host=shop.example' },
  { 'x-forwarded-ssl': 'on' },
  { 'front-end-https': 'on' },
  { 'x-forwarded-scheme': 'https', 'x-forwarded-protocol': 'https', 'x-url-scheme': 'https' },
  { 'cloudfront-forwarded-proto': 'https' },
  { 'x-forwarded-port': '443', 'x-arr-ssl': '2048|256' },
  { 'x-forwarded-proto': 'https', 'x-forwarded-for': '10.0.0.1', 'x-forwarded-host': 'shop.example' },
]

/** One service at two ports: with TLS, and without, where the attacker's requests arrive. */
async function shop(trustedProxies: readonly string[]) {
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const events: SojournEvent[] = []
  const sessions = createSessions({ store: memoryStore(), keys: testKey(), onEvent: (event) => void events.push(event) })
  const listener = withSession(
    sessions,
    async (req, res, session) => {
      if (req.url === '/login') await session.signIn({ subject: 'ada', method: 'pwd' })
      res.end(String(session.subject))
    },
    { trustedProxies },
  )
  const ada = new Browser(await serve(listener, { tls: true }))
  await ada.get('/login')
  const clear = await serve(listener)
  const refused = async () => {
    await sessions.events.drained()
    return events.filter(({ type }) => type === 'transport.refused').length
  }
  return { sessions, ada, clear, refused }
}

it.each(claims)('%j starts no session over plain HTTP, and no cookie is sent', async (headers) => {
  const { sessions, clear, refused } = await shop(['10.0.0.0/8'])

  const answer = await ask(`${clear}/login`, { headers })

  expect([answer.status, answer.setCookies, (await sessions.list('ada')).length]).toEqual([500, [], 1])
  expect(await refused()).toBe(1)
})

it.each(claims)('%j makes no stolen token work over plain HTTP', async (headers) => {
  const { ada, clear } = await shop(['10.0.0.0/8'])

  const answer = await ask(clear, { headers: { ...headers, cookie: `__Host-sjn=${ada.token}` } })

  expect([answer.body, answer.setCookies]).toEqual(['undefined', []])
})

it.each(['https, http', 'http, https', 'https,', ',https', 'https;http', 'httpſ', 'https\u00a0http', 'https:'])(
  'nor does %j, which a trusted proxy passes on',
  async (proto) => {
    const { ada, clear } = await shop(['loopback'])

    const answer = await ask(clear, {
      headers: { 'x-forwarded-proto': Buffer.from(proto).toString('latin1'), cookie: `__Host-sjn=${ada.token}` },
    })

    expect(answer.body).toBe('undefined')
  },
)

it('the browser keeps the cookie to itself once TLS is stripped, and the session goes on over https', async () => {
  const { ada, clear } = await shop([])

  expect([ada.jar.header(clear), (await ada.get('/')).body]).toEqual([undefined, 'ada'])
})
