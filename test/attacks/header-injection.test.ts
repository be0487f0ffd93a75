// The attacker has: values that reach the session: subject, data, device name, cookie, query.
// The attacker does: puts line breaks, semicolons and control characters into them.
// The attacker must not obtain: a header of their own, a second cookie, or another attribute on ours.
import { expect, it } from 'vitest'
import { ConfigError } from '../../src/core/errors.ts'
import { CookieWriter } from '../../src/http/cookie-serialise.ts'
import { thrownBy } from '../core/support.ts'
import { browser, COOKIE, site } from './support.ts'

const breaks = [
  '\r\nSet-Cookie: evil=1',
  '\nX-Evil: 1',
  '\r',
  '\0',
  '; Domain=evil.example',
  ', evil=1',
  '\u2028',
  '"',
  ' ',
  '\t',
  '\\',
  'é',
  '\x7f',
]
const shape = { name: COOKIE, path: '/', sameSite: 'lax', isSecure: true } as const

it.each(breaks)('a token cannot carry %j into the header', (evil) => {
  expect(thrownBy(() => new CookieWriter(shape).set(`x${evil}`))).toBeInstanceOf(ConfigError)
})

it.each([...breaks, '', 'a=b'])('nor can a cookie’s name carry %j', (evil) => {
  expect(thrownBy(() => new CookieWriter({ ...shape, name: evil === '' ? '' : `sid${evil}` }))).toBeInstanceOf(ConfigError)
})

it.each(breaks)('nor can a domain carry %j', (evil) => {
  expect(thrownBy(() => new CookieWriter({ ...shape, name: '__Secure-x', domain: `shop.example${evil}` }))).toBeInstanceOf(
    ConfigError,
  )
})

it.each(['\r\nX: 1', '\n', '\0', ';x', ' ', '\x7f', 'é'])('nor can a path carry %j', (evil) => {
  expect(thrownBy(() => new CookieWriter({ ...shape, name: '__Secure-x', path: `/app${evil}` }))).toBeInstanceOf(ConfigError)
})

it('the refusal shows control characters as escapes, or a log line could be forged', () => {
  expect(thrownBy(() => new CookieWriter({ ...shape, name: 'a\r\nb' })).message).not.toMatch(/[\r\n]/)
})

it.each(['ada\r\nSet-Cookie: evil=1', 'ada; Path=/evil', 'ada\0'])('a subject of %j adds no header', async (subject) => {
  const shop = site()
  const response = await browser(shop).visit(`/login?as=${encodeURIComponent(subject)}`)

  expect([response.headers.getSetCookie().length, [...response.headers.keys()].includes('x-evil')]).toEqual([1, false])
  expect(response.headers.getSetCookie()[0]).toMatch(
    /^__Host-sjn=sjn1_[A-Za-z0-9_-]{86}; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
  )
})

it('a hostile cookie value is never sent back', async () => {
  const shop = site()
  const response = await shop.answer('/me', { headers: { cookie: `${COOKIE}=evil, Domain=x` } })

  expect([...response.headers].some(([, value]) => value.includes('evil'))).toBe(false)
})

it('a device name of an attacker’s User-Agent is shown without control characters', async () => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login', { headers: { 'user-agent': `Mozilla/5.0 <script>alert(1)</script> \x1b[31m${'x'.repeat(5000)}` } })
  const [session] = await shop.sessions.list('ada')

  expect([(session!.device ?? '').length <= 100, /[\p{Cc}<>]/u.test(session!.device ?? '')]).toEqual([true, false])
})
