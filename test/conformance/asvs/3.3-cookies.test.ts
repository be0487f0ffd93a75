// OWASP ASVS 5.0.0, V3.3: cookie setup.
import { expect, it } from 'vitest'
import { resolveCookie } from '../../../src/http/cookie-config.ts'
import { browser, site } from '../../attacks/support.ts'
import { thrownBy } from '../../core/support.ts'

const cookieOf = async (path = '/login') => (await browser(site()).visit(path)).headers.getSetCookie()

it('ASVS-3.3.1: the cookie is Secure, and a name without a prefix is refused', async () => {
  expect(await cookieOf()).toEqual([expect.stringMatching(/^__Host-.*; Secure(;|$)/)])
  expect(thrownBy(() => resolveCookie({ name: 'sid' })).code).toBe('ERR_CONFIG_INVALID')
})

it('ASVS-3.3.2: SameSite is always written out; a value that is none is refused', async () => {
  expect(await cookieOf()).toEqual([expect.stringMatching(/; SameSite=Lax(;|$)/)])
  expect(resolveCookie({ sameSite: 'none' }).secure.set('x')).toMatch(/; Secure; .*SameSite=None/)
  expect(thrownBy(() => resolveCookie({ sameSite: 'None' as never })).code).toBe('ERR_CONFIG_INVALID')
})

it('ASVS-3.3.3: the default is __Host- with Path=/ and no Domain; a domain needs `shared` and another prefix', async () => {
  expect(await cookieOf()).toEqual([expect.stringMatching(/^__Host-[^;]+; Path=\/; (?!.*Domain)/)])
  expect(thrownBy(() => resolveCookie({ domain: 'example.com' })).code).toBe('ERR_CONFIG_INVALID')
  expect(thrownBy(() => resolveCookie({ domain: 'example.com', shared: true, name: '__Host-sid' })).code).toBe(
    'ERR_CONFIG_INVALID',
  )
  expect(resolveCookie({ domain: 'example.com', shared: true }).secure.set('x')).toMatch(/^__Secure-[^;]+; .*Domain=example\.com/)
})

it('ASVS-3.3.4: the cookie is HttpOnly, and the token is in no body and in no other header', async () => {
  const ada = browser(site())
  const response = await ada.visit('/login')
  const page = await ada.visit('/me')
  const token = ada.token()!
  const rest =
    [...response.headers, ...page.headers]
      .filter(([name]) => name !== 'set-cookie')
      .flat()
      .join('\n') + (await page.text())

  expect([/; HttpOnly(;|$)/.test(response.headers.getSetCookie()[0]!), rest.includes(token)]).toEqual([true, false])
})

it('ASVS-3.3.5: a cookie of more than 4,096 bytes throws instead of being dropped by the browser', () => {
  const { secure } = resolveCookie()

  expect(thrownBy(() => secure.set('x'.repeat(4096))).code).toBe('ERR_COOKIE_TOO_LARGE')
  expect(secure.set('x'.repeat(secure.roomForValue)).length).toBeLessThanOrEqual(4096)
})
