// The attacker has: a valid token, and a channel that is not the cookie: a link, a form, a header.
// The attacker does: sends it by query, path, body, header, or a cookie of another name (and sends links that carry it to others).
// The attacker must not obtain: a session by any of them; links and forms can then neither leak nor fix one.
import { expect, it } from 'vitest'
import { browser, COOKIE, ORIGIN, site } from './support.ts'

async function withTokenBy(make: (token: string) => [string, RequestInit]) {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login')
  return (await (await shop.answer(...make(ada.token()!))).json()) as { subject: string | null }
}

it.each<[string, (token: string) => [string, RequestInit]]>([
  ['query', (token) => [`/me?${COOKIE}=${token}&token=${token}&sid=${token}`, {}]],
  ['path parameter', (token) => [`/me?;${COOKIE}=${token}`, {}]],
  ['form', (token) => ['/me', { method: 'POST', headers: { origin: ORIGIN }, body: new URLSearchParams({ [COOKIE]: token }) }]],
  ['JSON', (token) => ['/me', { method: 'POST', headers: { origin: ORIGIN }, body: JSON.stringify({ [COOKIE]: token }) }]],
  ['Authorization', (token) => ['/me', { headers: { authorization: `Bearer ${token}` } }]],
  [
    'a header of its name',
    (token) => ['/me', { headers: { [COOKIE]: token, 'x-session': token, 'set-cookie': `${COOKIE}=${token}` } }],
  ],
  ['a cookie without prefix', (token) => ['/me', { headers: { cookie: `sjn=${token}` } }]],
  ['a cookie in another case', (token) => ['/me', { headers: { cookie: `__HOST-SJN=${token}` } }]],
  ['a nameless cookie', (token) => ['/me', { headers: { cookie: token } }]],
  ['a cookie with quotes', (token) => ['/me', { headers: { cookie: `${COOKIE}="${token}"` } }]],
])('%s', async (_channel, make) => {
  expect((await withTokenBy(make)).subject).toBeNull()
})

it('by the cookie it is somebody’s', async () => {
  expect((await withTokenBy((token) => ['/me', { headers: { cookie: `${COOKIE}=${token}` } }])).subject).toBe('ada')
})
