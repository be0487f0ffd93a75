// OWASP Session Management Cheat Sheet: properties of the identifier, its exchange, and cookies.
import { expect, it } from 'vitest'
import { resolveCookie } from '../../../src/http/cookie-config.ts'
import { browser, COOKIE, ORIGIN, site, subjectOf } from '../../attacks/support.ts'
import { codeOf, setUp, signedIn, thrownBy, tokenOf } from '../../core/support.ts'

const lineOf = async (path = '/login') => (await browser(site()).visit(path)).headers.getSetCookie()[0]!

it('SMCS-01: the cookie’s default name tells no framework, and another is one option', async () => {
  expect(await lineOf()).not.toMatch(/sojourn|express|node|php|asp|jsession|connect\.sid/i)
  expect(resolveCookie({ name: '__Host-id' }).secure.set('x')).toMatch(/^__Host-id=/)
})

it('SMCS-02: a token carries 256 bits of entropy, four times what is asked', async () => {
  const secrets = new Set<string>()
  const { sessions } = setUp()
  for (let i = 0; i < 1000; i++)
    secrets.add(Buffer.from((await signedIn(sessions)).slice(5), 'base64url').toString('hex', 16, 48))

  expect([secrets.size, [...secrets].every((secret) => secret.length * 4 === 256)]).toEqual([1000, true])
})

it('SMCS-03: id, tag and prefix do not count: the secret alone has the length', async () => {
  const bytes = Buffer.from((await signedIn(setUp().sessions)).slice(5), 'base64url')

  expect(bytes.length - 16 - 16).toBe(32)
})

it('SMCS-04: nothing of the person or the session can be read from a token', async () => {
  const { sessions } = setUp()
  const bytes = Buffer.from((await signedIn(sessions, { subject: 'ada@example.org' })).slice(5), 'base64url')

  expect([bytes.includes('ada'), bytes.includes('example'), bytes.includes('pwd')]).toEqual([false, false, false])
})

it('SMCS-05: meaning lives on the server, sealed', async () => {
  const { sessions, store } = setUp()
  const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
  session.data.salary = 'confidential'
  await session.commit()
  const [row] = await store.list('ada')

  expect(Buffer.from(row!.body).includes('confidential')).toBe(false)
})

it('SMCS-06: an id that is taken is never overwritten: another is drawn', async () => {
  const fills = [1, 2, 1, 3, 4, 5]
  const { sessions } = setUp({ random: (size) => new Uint8Array(size).fill(fills.length > 1 ? fills.shift()! : fills[0]!) })
  const [first, second] = [await signedIn(sessions), await signedIn(sessions)]

  expect([(await sessions.read(first)).state, (await sessions.read(second)).state, first === second]).toEqual([
    'active',
    'active',
    false,
  ])
})

it('SMCS-07: without a single option the cookie has every protection', async () => {
  expect(await lineOf()).toMatch(/^__Host-sjn=sjn1_[\w-]{86}; Path=\/; Secure; HttpOnly; SameSite=Lax$/)
})

it('SMCS-08: the store holds a hash of the secret and never the secret', async () => {
  const { sessions, store } = setUp()
  const token = await signedIn(sessions)
  const [row] = await store.list('ada')

  expect(Buffer.from(row!.body).includes(Buffer.from(token.slice(5), 'base64url').subarray(16, 48))).toBe(false)
})

it.each<[string, (token: string) => [string, RequestInit]]>([
  ['query', (token) => [`/me?${COOKIE}=${token}`, {}]],
  ['form', (token) => ['/me', { method: 'POST', headers: { origin: ORIGIN }, body: new URLSearchParams({ [COOKIE]: token }) }]],
  ['JSON', (token) => ['/me', { method: 'POST', headers: { origin: ORIGIN }, body: JSON.stringify({ [COOKIE]: token }) }]],
  ['header', (token) => ['/me', { headers: { [COOKIE]: token, authorization: `Bearer ${token}` } }]],
])('SMCS-09: a token by %s is ignored', async (_channel, request) => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login')

  expect(await (await shop.answer(...request(ada.token()!))).json()).toMatchObject({ subject: null })
})

it('SMCS-10: a request over plain HTTP has no session and gets none', async () => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login')
  const response = await shop.answer('http://shop.example/me', { headers: { cookie: `${COOKIE}=${ada.token()}` } })

  expect([await response.json(), response.headers.getSetCookie()]).toMatchObject([{ subject: null }, []])
})

it('SMCS-11: no cookie is set on plain HTTP, a redirect to https included', async () => {
  const shop = site()

  expect((await shop.answer('http://shop.example/public')).headers.getSetCookie()).toEqual([])
  expect(await codeOf(shop.answer('http://shop.example/login'))).toBe('ERR_TRANSPORT_INSECURE')
})

it.each([
  ['SMCS-14', 'Secure', /; Secure(;|$)/],
  ['SMCS-15', 'HttpOnly', /; HttpOnly(;|$)/],
  ['SMCS-16', 'an explicit SameSite', /; SameSite=(Lax|Strict)(;|$)/],
  ['SMCS-17', 'the __Host- prefix', /^__Host-/],
  ['SMCS-18', 'no Domain and a Path', /^(?!.*Domain).*; Path=\/(;|$)/],
])('%s: the cookie has %s', async (_id, _what, pattern) => {
  expect(await lineOf()).toMatch(pattern)
})

it('SMCS-20: the cookie of a signed-in session is not persistent unless it is asked for', async () => {
  expect(await lineOf()).not.toMatch(/Max-Age|Expires/i)
})

it('SMCS-21: changing the cookie gives nothing', async () => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login')
  const token = ada.token()!
  const changed = [
    token.slice(0, -1),
    `${token}A`,
    token.toLowerCase(),
    token.replace('sjn1_', 'sjn2_'),
    [...token].reverse().join(''),
  ]

  expect(new Set(await Promise.all(changed.map((one) => subjectOf(shop, one))))).toEqual(new Set([null]))
})

it('SMCS-25: an id the application did not make is never adopted; the attempt is an event', async () => {
  const shop = site()
  const invented = `sjn1_${Buffer.alloc(64, 1).toString('base64url')}`
  const response = await shop.answer('/basket?item=x', { headers: { cookie: `${COOKIE}=${invented}` } })

  expect([response.headers.getSetCookie()[0]!.includes(invented), await shop.seen('token.refused')]).toMatchObject([
    false,
    [{ state: 'forged' }],
  ])
})

it('SMCS-26: what is no token never reaches the store', async () => {
  const { sessions, store } = setUp()
  for (const hostile of ['', "' OR 1=1", '<script>', '\0', 'A'.repeat(70_000), '../..', '€']) await sessions.read(hostile)

  expect(store.calls).toEqual([])
})

it('SMCS-30: a second session cookie beside ours makes the request nobody’s', async () => {
  const shop = site()
  const [ada, eve] = [browser(shop), browser(shop)]
  await ada.visit('/login?as=ada')
  await eve.visit('/login?as=eve')
  const response = await shop.answer('/me', { headers: { cookie: `${COOKIE}=${ada.token()}; ${COOKIE}=${eve.token()}` } })

  expect(await response.json()).toMatchObject({ subject: null })
})

it('SMCS-31: one name with several scopes is found out and reported', async () => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login')
  await shop.answer('/me', { headers: { cookie: `${COOKIE}=${ada.token()}; ${COOKIE}=old` } })

  expect(await shop.seen('cookie.duplicated')).toMatchObject([{ candidates: 2, valid: 1 }])
})

it('SMCS-18: a narrower path is possible, but not under __Host-', () => {
  expect(resolveCookie({ name: '__Secure-id', path: '/app' }).secure.set('x')).toMatch(/; Path=\/app;/)
  expect(thrownBy(() => resolveCookie({ name: '__Host-id', path: '/app' })).code).toBe('ERR_CONFIG_INVALID')
})

it('SMCS-28: the id of before sign-in and the one of after are different, and neither stands for the other', async () => {
  const { sessions } = setUp()
  const session = await sessions.start({ data: { a: 1 } })
  const [before, idBefore] = [await tokenOf(session), session.id]
  const login = await sessions.read(before)
  await login.signIn({ subject: 'ada', method: 'pwd' })

  expect([login.id === idBefore, (await sessions.read(before)).subject]).toEqual([false, undefined])
})
