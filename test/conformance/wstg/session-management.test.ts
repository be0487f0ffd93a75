// OWASP Web Security Testing Guide, session management: WSTG-SESS-01 to -04, what a tester looks for.
import { expect, it } from 'vitest'
import { minutes } from '../../../src/core/duration.ts'
import { resolveCookie } from '../../../src/http/cookie-config.ts'
import { CookieWriter } from '../../../src/http/cookie-serialise.ts'
import { cookieJar } from '../../../src/testing/cookie-jar.ts'
import { browser, COOKIE, ORIGIN, site, subjectOf } from '../../attacks/support.ts'
import { codeOf, setUp, signedIn, thrownBy } from '../../core/support.ts'

const CLEAR = 'http://shop.example'

it('WSTG-SESS-01.1: every Set-Cookie is Secure, and no cookie is made over a clear transport', async () => {
  const shop = site()
  const response = await browser(shop).visit('/login')

  expect(response.headers.getSetCookie().every((line) => /; Secure(;|$)/.test(line))).toBe(true)
  expect(await codeOf(shop.answer(`${CLEAR}/login`))).toBe('ERR_TRANSPORT_INSECURE')
})

it('WSTG-SESS-01.2: a transient cookie has no lifetime, a persistent one ends with its session', async () => {
  const [transient] = (await browser(site()).visit('/login')).headers.getSetCookie()
  const [persistent] = (await browser(site()).visit('/login?remember')).headers.getSetCookie()

  expect([/Max-Age|Expires/.test(transient!), /Max-Age=(\d+)/.exec(persistent!)?.[1]]).toEqual([false, String(12 * 3600)])
})

it('WSTG-SESS-01.3: a response with the cookie is not to be cached', async () => {
  expect((await browser(site()).visit('/login')).headers.get('cache-control')).toBe('no-store')
})

it('WSTG-SESS-01.4: tokens have no readable part, no user data and no link to the time', async () => {
  const { sessions, clock } = setUp()
  const at = clock()
  const tokens: Buffer[] = []
  for (let i = 0; i < 3000; i++) tokens.push(Buffer.from((await signedIn(sessions)).slice(5), 'base64url'))
  // Behind the two bytes that place a subject's sessions together, 256 values are equally likely at each position.
  const chiSquares = Array.from({ length: 62 }, (_, at) => {
    const counts = new Map<number, number>()
    for (const token of tokens) counts.set(token[at + 2]!, (counts.get(token[at + 2]!) ?? 0) + 1)
    return Array.from({ length: 256 }, (_, value) => ((counts.get(value) ?? 0) - 3000 / 256) ** 2 / (3000 / 256)).reduce(
      (a, b) => a + b,
    )
  })
  const time = Buffer.alloc(8)
  time.writeDoubleBE(at)

  // 255 degrees of freedom: above 400 once in fifty million draws.
  expect(Math.max(...chiSquares)).toBeLessThan(400)
  expect(tokens.filter((token) => token.includes('ada') || token.includes(time.subarray(0, 5)))).toEqual([])
})

it('WSTG-SESS-01.5: a token is unpredictable, tamper-proof, and expires', async () => {
  const { sessions, clock } = setUp()
  const token = await signedIn(sessions)
  const tampered = (await sessions.read(`${token.slice(0, 40)}${token[40] === 'A' ? 'B' : 'A'}${token.slice(41)}`)).state
  clock.advance(minutes(30))

  expect([tampered, (await sessions.read(token)).state]).toEqual(['forged', 'expired'])
})

it.each(['', ' ', '%00', '../../etc/passwd', "' OR 1=1 --", '<script>', '\u00ff', 'A'.repeat(65_536)])(
  'WSTG-SESS-01.6: unexpected characters and overlong values are refused cleanly (case %#)',
  async (value) => {
    const shop = site()
    const response = await shop.answer('/me', { headers: { cookie: `${COOKIE}=${value}` } })

    expect([response.status, ((await response.json()) as { subject: null }).subject]).toEqual([200, null])
  },
)

it('WSTG-SESS-01.7: each guess is refused without the store and is an event to count', async () => {
  const { sessions, store, seen } = setUp()
  for (let i = 0; i < 20; i++) await sessions.read(`sjn1_${Buffer.alloc(64, i).toString('base64url')}`)

  expect([store.calls, (await seen('token.refused')).length]).toEqual([[], 20])
})

it('WSTG-SESS-01.8: at least 50 characters, 256 bits, a timeout, HttpOnly, not persistent', async () => {
  const ada = browser(site())
  const [line] = (await ada.visit('/login')).headers.getSetCookie()

  expect([ada.token()!.length >= 50, /HttpOnly/.test(line!), /Max-Age|Expires/.test(line!)]).toEqual([true, true, false])
})

it('WSTG-SESS-02.1: Secure, HttpOnly, no Domain, an explicit SameSite and Path', async () => {
  const [line] = (await browser(site()).visit('/login')).headers.getSetCookie()

  expect(line!.split('; ').slice(1)).toEqual(['Path=/', 'Secure', 'HttpOnly', 'SameSite=Lax'])
})

it.each([
  ['without Secure', () => cookieJar().store(ORIGIN, '__Host-a=1; Path=/')],
  ['from a host that is not secure', () => cookieJar().store(CLEAR, '__Host-a=1; Secure; Path=/')],
  ['with a Domain', () => cookieJar().store(ORIGIN, '__Host-a=1; Secure; Path=/; Domain=shop.example')],
  ['without Path=/', () => cookieJar().store(`${ORIGIN}/x/`, '__Host-a=1; Secure')],
  ['with another Path', () => cookieJar().store(ORIGIN, '__Host-a=1; Secure; Path=/x')],
])('WSTG-SESS-02.2: a __Host- cookie %s is refused by browsers', (_case, store) => {
  expect(store()).toBe(0)
})

it.each([{ domain: 'shop.example', shared: true as const }, { path: '/x' }])(
  'WSTG-SESS-02.2: a __Host- name with %j is refused at start-up',
  (options) => {
    expect(thrownBy(() => resolveCookie({ name: '__Host-sid', ...options })).code).toBe('ERR_CONFIG_INVALID')
  },
)

it('WSTG-SESS-02.3: the strongest form is one option away from the default', () => {
  const strict = resolveCookie({ sameSite: 'strict' }).secure.set('token')

  expect(strict.split('; ').toSorted()).toEqual(
    ['HttpOnly', 'Path=/', 'SameSite=Strict', 'Secure', '__Host-sjn=token'].toSorted(),
  )
})

it('WSTG-SESS-03.1: signing in gives a new cookie, and the old one has no privileges', async () => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/basket?item=tea')
  const before = ada.token()
  await ada.visit('/login')

  expect([ada.token() === before, await subjectOf(shop, before)]).toEqual([false, null])
})

it('WSTG-SESS-03.2: forced cookies, two accounts: neither the attacker’s cookie nor the victim’s old one becomes the victim', async () => {
  const shop = site()
  const [attacker, victim] = [browser(shop), browser(shop)]
  await attacker.visit('/basket?item=x')
  const forced = attacker.token()!
  victim.jar.store(ORIGIN, new CookieWriter({ name: COOKIE, path: '/', sameSite: 'lax', isSecure: true }).set(forced))
  await victim.visit('/login?as=victim')
  const victimsOwn = victim.token()
  victim.jar.clear()
  victim.jar.store(ORIGIN, `${COOKIE}=${forced}; Path=/; Secure`)

  expect([(await victim.me()).subject, (await attacker.me()).subject, await subjectOf(shop, victimsOwn)]).toEqual([
    null,
    null,
    'victim',
  ])
})

it('WSTG-SESS-04.1: the token travels over TLS only, and each sign-in gives another', async () => {
  const ada = browser(site())
  await ada.visit('/login')
  const first = ada.token()
  await ada.visit('/login')

  expect([ada.jar.header(CLEAR), ada.token() === first]).toEqual([undefined, false])
})

it.each(['/me', '/login', '/logout', '/rotate', '/step-up', '/basket?item=x'])(
  'WSTG-SESS-04.2: %s has cache directives wherever the session was used or a token passes',
  async (path) => {
    const ada = browser(site())
    await ada.visit('/login')

    expect((await ada.visit(path)).headers.get('cache-control')).toBe('no-store')
  },
)

it('WSTG-SESS-04.2: a page that did not touch the session stays cacheable', async () => {
  const ada = browser(site())
  await ada.visit('/login')
  const { headers } = await ada.visit('/public')

  expect([headers.get('cache-control'), headers.get('vary'), headers.getSetCookie()]).toEqual([null, null, []])
})

it('WSTG-SESS-04.3: no GET parameter and no POST field is taken for a token', async () => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login')
  const [get, post] = [
    await shop.answer(`/me?${COOKIE}=${ada.token()}`),
    await shop.answer('/me', {
      method: 'POST',
      headers: { origin: ORIGIN },
      body: new URLSearchParams({ [COOKIE]: ada.token()! }),
    }),
  ]

  expect([await get.json(), await post.json()]).toMatchObject([{ subject: null }, { subject: null }])
})
