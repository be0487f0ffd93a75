// OWASP ASVS 5.0.0, V4.1 and V12.2: proxies, redirects, and TLS towards clients.
import { createSessions } from 'sojourn'
import { httpsRedirect, withSession } from 'sojourn/node'
import { memoryStore } from 'sojourn/stores/memory'
import { expect, it } from 'vitest'
import { HttpsRedirect } from '../../../src/http/https-redirect.ts'
import { TrustedProxies } from '../../../src/http/trusted-proxies.ts'
import { browser, COOKIE, site } from '../../attacks/support.ts'
import { codeOf } from '../../core/support.ts'
import { testKey } from '../../http/support/keys.ts'
import { ask, serve } from '../../http/support/servers.ts'

it('ASVS-4.1.2: only visits are redirected to https; an API, credentials and whatever has a body are refused', async () => {
  const isUserFacing = (path: string) => !path.startsWith('/api/')
  const clear = await serve(httpsRedirect({ origins: ['https://shop.example'], isUserFacing }))
  const answers = [
    await ask(`${clear}/basket`),
    await ask(`${clear}/api/basket`),
    await ask(`${clear}/basket`, { headers: { authorization: 'Bearer x' } }),
    await ask(`${clear}/basket`, { method: 'POST', body: 'item=1' }),
  ]

  expect(answers.map(({ status, headers }) => [status, headers.location])).toEqual([
    [308, 'https://shop.example/basket'],
    [403, undefined],
    [403, undefined],
    [403, undefined],
  ])
})

it('ASVS-4.1.3: what a proxy sets cannot be overridden by the person behind it, nor set by one who goes past it', async () => {
  const proxies = new TrustedProxies(['10.0.0.1'])
  const client = (peer: string, list: string) => proxies.clientOf({ peer, header: () => list })
  const sessions = createSessions({ store: memoryStore(), keys: testKey() })
  const shop = withSession(
    sessions,
    async (_req, res, session) => {
      await session.signIn({ subject: 'ada', method: 'pwd' })
      res.end()
    },
    { trustedProxies: ['10.0.0.1'], onError: (_error, _req, res) => res.writeHead(500).end() },
  )
  const forged = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '198.51.100.7', 'x-forwarded-host': 'evil.example' }

  expect(client('10.0.0.1', '198.51.100.7, 203.0.113.9')).toBe('203.0.113.9')
  expect(client('203.0.113.9', '198.51.100.7')).toBe('203.0.113.9')
  expect((await ask(await serve(shop), { headers: forged })).status).toBe(500)
})

it('ASVS-12.2.1: there is no session without TLS, no cookie, and nothing to fall back to', async () => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login')
  const clear = await shop.answer('http://shop.example/me', { headers: { cookie: `${COOKIE}=${ada.token()}` } })
  const redirect = new HttpsRedirect({ origins: ['https://shop.example'] })
  const answer = redirect.answer({
    method: 'GET',
    isEncrypted: false,
    peer: undefined,
    host: undefined,
    authority: undefined,
    path: '/',
    target: '/',
    header: () => undefined,
  })

  expect(await codeOf(shop.answer('http://shop.example/login'))).toBe('ERR_TRANSPORT_INSECURE')
  expect([((await clear.json()) as { subject: null }).subject, clear.headers.getSetCookie()]).toEqual([null, []])
  expect(answer!.headers.Location).toMatch(/^https:/)
})
