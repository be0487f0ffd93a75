// RFC 6265bis: what a server sends (COOK-*), and Clear Site Data (CSD-*).
import { parseCookie as parse } from 'cookie'
import { expect, it } from 'vitest'
import { clearSiteDataHeader } from '../../../src/http/clear-site-data.ts'
import { resolveCookie } from '../../../src/http/cookie-config.ts'
import { cookieValues } from '../../../src/http/cookie-parse.ts'
import { CookieWriter } from '../../../src/http/cookie-serialise.ts'
import { cookieJar } from '../../../src/testing/cookie-jar.ts'
import { browser, COOKIE, ORIGIN, site } from '../../attacks/support.ts'
import { thrownBy } from '../../core/support.ts'

const { secure } = resolveCookie()

it('COOK-01: name and value follow the grammar, and what does not is refused', () => {
  const legal = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter((letter) => {
    try {
      return secure.set(letter).length > 0
    } catch {
      return false
    }
  })

  expect(legal.join('')).toBe(
    Array.from({ length: 94 }, (_, i) => String.fromCharCode(0x21 + i))
      .filter((letter) => !'",;\\'.includes(letter))
      .join(''),
  )
})

it('COOK-02: an empty name throws', () => {
  expect(thrownBy(() => new CookieWriter({ name: '', path: '/', sameSite: 'lax', isSecure: true })).code).toBe(
    'ERR_CONFIG_INVALID',
  )
})

it.each([
  ['default', resolveCookie().secure],
  ['shared', resolveCookie({ domain: 'example.com', shared: true, path: '/app' }).secure],
  ['none', resolveCookie({ sameSite: 'none' }).secure],
])('COOK-03: no attribute comes twice (%s)', (_case, writer) => {
  const names = (line: string) =>
    line
      .split('; ')
      .slice(1)
      .map((attribute) => attribute.split('=')[0]!.toLowerCase())
  const lines = [writer.set('x'), writer.set('x', { expiresAt: 90_000, now: 0 }), writer.clear]

  expect(lines.map((line) => names(line).length - new Set(names(line)).size)).toEqual([0, 0, 0])
})

it.each(['/rotate', '/login', '/logout', '/step-up'])('COOK-04: %s sends exactly one Set-Cookie of our name', async (path) => {
  const ada = browser(site())
  await ada.visit('/login')

  expect((await ada.visit(path)).headers.getSetCookie().length).toBe(1)
})

it('COOK-05: Expires is an IMF-fixdate with four digits of year, Max-Age digits alone', () => {
  const line = secure.set('x', { expiresAt: 1_893_456_090_000, now: 1_893_456_000_000 })

  expect(line).toMatch(/; Max-Age=90; Expires=Tue, 01 Jan 2030 00:01:30 GMT$/)
})

it('COOK-06: Max-Age and Expires say the same', () => {
  const now = 1_893_456_000_000
  const line = secure.set('x', { expiresAt: now + 3_600_000, now })
  const { 1: maxAge, 2: expires } = /Max-Age=(\d+); Expires=(.*)$/.exec(line)!

  expect(Date.parse(expires!) - now).toBe(Number(maxAge) * 1000)
})

it('COOK-07: a browser that keeps the cookie too long gains nothing', async () => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login')
  shop.clock.advance(1_800_000)
  const response = await shop.answer('/me', { headers: { cookie: `${COOKIE}=${ada.token()}` } })

  expect(await response.json()).toMatchObject({ subject: null })
})

it('COOK-08: prefixes are spelled exactly; another case is refused', () => {
  expect(secure.shape.name).toBe('__Host-sjn')
  expect(thrownBy(() => resolveCookie({ name: '__host-sjn' })).code).toBe('ERR_CONFIG_INVALID')
})

it('COOK-09: one small cookie; without it the visitor is simply nobody', async () => {
  const ada = browser(site())
  const [line] = (await ada.visit('/login')).headers.getSetCookie()
  ada.jar.clear()

  expect([line!.length < 200, (await ada.me()).subject]).toEqual([true, null])
})

it('COOK-10: the value is base64url behind its prefix', async () => {
  const ada = browser(site())
  await ada.visit('/login')

  expect(ada.token()).toMatch(/^sjn1_[A-Za-z0-9_-]+$/)
})

it.each([
  ['default', {}],
  ['shared', { domain: 'shop.example', shared: true as const }],
  ['path', { name: '__Secure-sid', path: '/app' }],
])('COOK-11: what was set is deleted by the clearing line, in a browser (%s)', (_case, options) => {
  const jar = cookieJar()
  const { secure: writer } = resolveCookie(options)
  jar.store(`${ORIGIN}/app/x`, writer.set('x'))
  const before = jar.cookies(`${ORIGIN}/app/x`).length
  jar.store(`${ORIGIN}/app/x`, writer.clear)

  expect([before, jar.cookies(`${ORIGIN}/app/x`).length]).toEqual([1, 0])
})

it.each([
  [`a=1; ${COOKIE}=x`, ['x']],
  [`${COOKIE}=a=b=c`, ['a=b=c']],
  [`${COOKIE}="q"`, ['"q"']],
  [`${COOKIE}=%20`, ['%20']],
  [`__host-sjn=x`, []],
  [`__proto__=x; ${COOKIE}=y`, ['y']],
  [`${COOKIE}=1; ${COOKIE}=2`, ['1', '2']],
])('COOK-12: %s is split at `;` and the first `=`, without decoding, and duplicates are seen', (header, values) => {
  expect(cookieValues(header, COOKIE)).toEqual(values)
})

it('COOK-12: the `cookie` package finds the same value in a plain header', () => {
  const header = `theme=dark; ${COOKIE}=sjn1_abc; lang=de`

  expect(cookieValues(header, COOKIE)).toEqual([parse(header)[COOKIE]])
})

it('CSD-1: kinds are quoted and separated by commas; what no browser knows is refused', () => {
  expect(clearSiteDataHeader(['cache', 'cookies', 'executionContexts'])).toBe('"cache", "cookies", "executionContexts"')
  expect(thrownBy(() => clearSiteDataHeader(['everything' as never])).code).toBe('ERR_CONFIG_INVALID')
})

it('CSD-2: "cookies" is never sent together with a new session’s cookie', async () => {
  const shop = site({}, { clearSiteData: ['cookies'] })
  const ada = browser(shop)
  await ada.visit('/login')
  const { headers } = await ada.visit('/login')

  expect([headers.getSetCookie().length, headers.get('clear-site-data')]).toEqual([1, null])
})

it('CSD-3: the default reaches this origin only: neither "cookies" nor "*"', () => {
  expect(clearSiteDataHeader()).toBe('"cache", "storage"')
})

it('CSD-4: "*" is sent only when it is asked for by name', () => {
  expect([clearSiteDataHeader(['*']), clearSiteDataHeader()?.includes('*')]).toEqual(['"*"', false])
})
