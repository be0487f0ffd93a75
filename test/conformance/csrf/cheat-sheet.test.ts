// OWASP Cross-Site Request Forgery Prevention Cheat Sheet, the rows a session library can show.
import { createHmac, hkdfSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { days } from 'sojourn'
import { expect, it, vi } from 'vitest'
import { Hmac } from '../../../src/core/crypto.ts'
import { browser, ORIGIN, site } from '../../attacks/support.ts'
import { KEY } from '../../core/support.ts'
import { csrfSite, type Given } from '../../http/support/csrf.ts'

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const GET = { method: 'GET' }
const tokenFor = async (shop: ReturnType<typeof csrfSite>, cookie: string) =>
  (await shop.ask({ ...GET, headers: { cookie } }, (session) => session.csrfToken())).result
const form = (cookie: string, token?: string): Given => ({ headers: { ...FORM, cookie }, body: { csrf_token: token } })

it.each(['POST', 'PUT', 'PATCH', 'DELETE'])(
  'CSRF-01: %s is checked by default, and no endpoint of ours changes anything by GET',
  async (method) => {
    expect(await csrfSite().outcome({ method, headers: { ...FORM, origin: 'https://evil.example' } })).toBe('origin')
  },
)

it('CSRF-02: a token is the server’s, unpredictable, and one session’s alone; a sign-in makes new ones', async () => {
  const shop = csrfSite()
  const [a, b] = [await shop.signedIn(), await shop.signedIn()]
  const [ofA, again] = [await tokenFor(shop, a), await tokenFor(shop, a)]

  expect([await shop.outcome(form(a, ofA)), await shop.outcome(form(b, ofA)), ofA === again]).toEqual([
    'ada',
    'token-wrong',
    false,
  ])
})

it('CSRF-03: a token that is missing or wrong is refused, and an event says so', async () => {
  const shop = csrfSite()
  const cookie = await shop.signedIn()
  const rules = [await shop.outcome(form(cookie)), await shop.outcome(form(cookie, 'A'.repeat(86)))]

  await shop.sessions.events.drained()
  expect(rules).toEqual(['token-missing', 'token-wrong'])
  expect(shop.events.filter(({ type }) => type === 'csrf.refused')).toMatchObject([{ rule: rules[0] }, { rule: rules[1] }])
})

it('CSRF-04: a token is in no cookie, no address, no event and no error', async () => {
  const shop = csrfSite()
  const cookie = await shop.signedIn()
  const { result: csrfToken, headers } = await shop.ask({ ...GET, headers: { cookie } }, (session) => session.csrfToken())
  const error = await shop.ask(form(await shop.signedIn('bob'), csrfToken), () => 1).catch(String)

  await shop.sessions.events.drained()
  expect(`${JSON.stringify([...headers])} ${JSON.stringify(shop.events)} ${error}`).not.toContain(csrfToken)
})

it('CSRF-05: a token in a header goes before one in a form', async () => {
  const shop = csrfSite()
  const cookie = await shop.signedIn()
  const csrfToken = await tokenFor(shop, cookie)
  const both = (header: string, field: string): Given => ({
    headers: { ...FORM, cookie, 'x-csrf-token': header },
    body: { csrf_token: field },
  })

  expect([await shop.outcome(both(csrfToken, 'x')), await shop.outcome(both('x', csrfToken))]).toEqual(['ada', 'token-wrong'])
})

it('CSRF-06: it is an HMAC-SHA-256 under a key of the server’s over what the session or the visitor’s cookie is, not the value itself', async () => {
  const shop = csrfSite({}, {}, KEY)
  const { cookie, result } = await shop.ask(GET, (session) => session.csrfToken())
  const value = cookie.slice(cookie.indexOf('=') + 1)
  const bytes = Buffer.from(result, 'base64url')
  const key = Buffer.from(hkdfSync('sha256', Buffer.from(KEY, 'base64url'), '', 'sojourn/1/further/csrf', 32))
  const unmasked = Buffer.from(bytes.subarray(32).map((byte, i) => byte ^ bytes[i]!))

  expect(unmasked).toEqual(createHmac('sha256', key).update(`anonymous\0${value}`).digest())
  expect(result).not.toContain(value)
})

it('CSRF-07: signing in anew, as the same person too, makes every older token void', async () => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login')
  const before = await (await ada.visit('/form')).text()
  await ada.visit('/login')
  const headers = { cookie: ada.jar.header(ORIGIN)!, 'x-csrf-token': before }

  expect((await shop.answer('/transfer', { method: 'POST', headers })).status).toBe(403)
})

it('CSRF-08: cookies alone prove nothing, whatever they hold', async () => {
  const shop = csrfSite()
  const cookie = await shop.signedIn()
  const csrfToken = await tokenFor(shop, cookie)

  expect(await shop.outcome(form(`${cookie}; csrf_token=${csrfToken}; x-csrf-token=${csrfToken}`))).toBe('token-missing')
})

it('CSRF-10: a token is good for as long as its session', async () => {
  const shop = csrfSite({}, { idleTimeout: days(30), absoluteTimeout: days(30) })
  const cookie = await shop.signedIn()
  const csrfToken = await tokenFor(shop, cookie)
  const rotated = await shop.ask({ ...GET, headers: { cookie } }, (session) => session.elevate({ method: 'otp' }))

  expect(await shop.outcome(form(rotated.cookie, csrfToken))).toBe('ada')
})

it('CSRF-11: a form field that repeats a cookie is no token', async () => {
  const shop = csrfSite()
  const { cookie } = await shop.ask(GET, (session) => session.csrfToken())
  const value = cookie.slice(cookie.indexOf('=') + 1)

  expect(await shop.outcome(form(cookie, value))).toBe('token-wrong')
})

it('CSRF-12: a header alone is believed only where the browser asked first, and a list of origins has no patterns', async () => {
  const shop = csrfSite({ csrf: { allowedOrigins: ['https://admin.shop.example'] } })
  const from = (origin: string) =>
    shop.outcome({ headers: { 'content-type': 'application/json', 'x-requested-with': 'x', origin } })
  const answer = await shop.ask({ headers: { origin: 'https://shop.example' } }, () => 1)

  expect([await from('https://admin.shop.example'), await from('https://x.admin.shop.example')]).toEqual(['anonymous', 'origin'])
  expect(() => csrfSite({ csrf: { allowedOrigins: ['https://*.shop.example'] } })).toThrow('no https origin')
  expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
})

it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', ''])(
  'CSRF-13: a body of type "%s" that says nothing of where it began is refused',
  async (type) => {
    expect(await csrfSite().outcome({ headers: { ...(type && { 'content-type': type }) } })).toBe('token-missing')
  },
)

it('CSRF-14: the cookie that a visitor’s token is bound to has the prefix __Host-', async () => {
  const { headers } = await csrfSite().ask(GET, (session) => session.csrfToken())

  expect(headers.getSetCookie()).toEqual([
    expect.stringMatching(/^__Host-sjn-csrf=[^;]+; Path=\/; Secure; HttpOnly; SameSite=Lax$/),
  ])
})

it('CSRF-15: a sign-in needs a token of this visitor’s, and what was there before the sign-in never becomes the session', async () => {
  const shop = csrfSite()
  const [mine, theirs] = [
    await shop.ask(GET, (session) => session.csrfToken()),
    await shop.ask(GET, (session) => session.csrfToken()),
  ]
  const forged = await shop.outcome(form(mine.cookie, theirs.result))
  const signIn = await shop.ask(form(mine.cookie, mine.result), (session) => session.signIn({ subject: 'ada', method: 'pwd' }))

  expect(forged).toBe('token-wrong')
  expect(signIn.headers.getSetCookie()).toEqual([
    expect.stringMatching(/^__Host-sjn=/),
    expect.stringMatching(/^__Host-sjn-csrf=;/),
  ])
})

it.each(['strict', 'lax', 'none'] as const)(
  'CSRF-17: SameSite=%s turns no check off; there is no mode that relies on it',
  async (sameSite) => {
    const shop = csrfSite({ cookie: { sameSite } })

    expect(await shop.outcome({ headers: { ...FORM, 'sec-fetch-site': 'same-site', origin: 'https://blog.shop.example' } })).toBe(
      'sec-fetch-site',
    )
  },
)

it('CSRF-09: tokens are compared by the one function that takes the same time for every wrong one', async () => {
  const verify = vi.spyOn(Hmac.prototype, 'verify')
  const shop = csrfSite()
  const cookie = await shop.signedIn()
  const csrfToken = await tokenFor(shop, cookie)
  verify.mockClear()
  await shop.outcome(form(cookie, csrfToken))

  expect(verify.mock.calls.filter(([, context]) => Buffer.from(context).toString() === 'session\0')).toHaveLength(1)
  expect(readFileSync(new URL('../../../src/http/csrf/token.ts', import.meta.url), 'utf8')).not.toMatch(/\.equals\(|compare\(/)
})
