import { describe, expect, test } from 'vitest'
import { type CookieOptions, resolveCookie } from '../../src/http/cookie-config.ts'

describe('defaults', () => {
  test('are the safest cookie there is (ASVS 3.3.1-3.3.4, SMCS-14 to -20)', () => {
    expect(resolveCookie().secure.set('t')).toBe('__Host-sjn=t; Path=/; Secure; HttpOnly; SameSite=Lax')
  })

  test('without TLS there is neither prefix nor Secure: a browser would drop the cookie (UA-13)', () => {
    expect(resolveCookie().plain.set('t')).toBe('sjn=t; Path=/; HttpOnly; SameSite=Lax')
  })

  test('a shared domain changes the prefix', () => {
    const { secure, plain } = resolveCookie({ domain: 'example.com', shared: true })

    expect(secure.set('t')).toBe('__Secure-sjn=t; Path=/; Domain=example.com; Secure; HttpOnly; SameSite=Lax')
    expect(plain.shape.name).toBe('sjn')
  })

  test('a name, a path and a stricter SameSite are taken as given', () => {
    const { secure } = resolveCookie({ name: '__Secure-shop', path: '/shop', sameSite: 'strict' })

    expect(secure.set('t')).toBe('__Secure-shop=t; Path=/shop; Secure; HttpOnly; SameSite=Strict')
  })
})

describe('misuse is refused at start-up, in a sentence with what was given, what was expected, why, and where to read', () => {
  const cases: [string, object, RegExp][] = [
    [
      'a domain without shared',
      { domain: 'example.com' },
      /domain is "example.com" without shared: true; expected no domain, or shared: true/,
    ],
    ['shared without a domain', { shared: true }, /shared is true without a domain/],
    ['shared: false', { shared: false, domain: 'example.com' }, /shared is false/],
    [
      'a domain on a __Host- name',
      { name: '__Host-x', domain: 'example.com', shared: true },
      /domain is "example.com" with the name "__Host-x"/,
    ],
    [
      'a path on the default name',
      { path: '/app' },
      /path is "\/app" with the name "__Host-sjn"; expected path '\/', or a name that starts with '__Secure-'/,
    ],
    ['a path on a __Host- name', { name: '__Host-x', path: '/app' }, /browsers ignore a '__Host-' cookie with another Path/],
    ['a name without prefix', { name: 'sid' }, /name is "sid"; expected a prefix, such as '__Host-sid'/],
    ['a prefix in the wrong case', { name: '__host-sid' }, /expected the prefix spelt '__Host-'/],
    ['another prefix in the wrong case', { name: '__SECURE-sid' }, /expected the prefix spelt '__Secure-'/],
    ['a bare prefix', { name: '__Host-' }, /a bare prefix is no name/],
    ['a name that is no token', { name: '__Host-a b' }, /expected 1 to 256 letters/],
    ['SameSite in the wrong case', { sameSite: 'Lax' }, /expected 'lax', 'strict' or 'none' in lower case/],
    ['SameSite=None without Secure', { sameSite: 'none', secure: false }, /browsers ignore SameSite=None without it/],
    ['secure', { secure: false }, /Secure is always set/],
    ['httpOnly', { httpOnly: false }, /HttpOnly is always set/],
    ['maxAge', { maxAge: 60 }, /signIn\(\{ isPersistent: true \}\)/],
    ['a misspelt option', { samesite: 'lax' }, /there is no such option/],
    ['the present scope as a former one', { formerScopes: [{}] }, /clearing it there would sign everybody out/],
    [
      'the present domain as a former one, in another case',
      { domain: 'a.com', shared: true, formerScopes: [{ domain: 'A.COM' }] },
      /present scope/,
    ],
    ['a former scope no browser has', { formerScopes: [{ domain: '.example.com' }] }, /without scheme, port or leading dot/],
  ]

  test.each(cases)('%s', (_case, options, sentence) => {
    const resolve = () => resolveCookie(options as CookieOptions)

    expect(resolve).toThrow(sentence)
    expect(resolve).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_INVALID', message: expect.stringMatching(/expected .* See docs\//) }),
    )
  })
})
