import { parseSetCookie, stringifySetCookie } from 'cookie'
import fc from 'fast-check'
import { Cookie } from 'tough-cookie'
import { describe, expect, test } from 'vitest'
import { CookieWriter, LARGEST_COOKIE } from '../../src/http/cookie-serialise.ts'

const HOST = { name: '__Host-sjn', path: '/', sameSite: 'lax', isSecure: true } as const
const NOW = Date.UTC(2026, 0, 2, 3, 4, 5)
const writer = new CookieWriter(HOST)

describe('a line that sets the cookie', () => {
  test('has every attribute, once (ASVS 3.3.1, 3.3.2, 3.3.4; COOK-03)', () => {
    expect(writer.set('abc')).toBe('__Host-sjn=abc; Path=/; Secure; HttpOnly; SameSite=Lax')
  })

  test('has no lifetime unless asked (SMCS-20)', () => {
    expect(writer.set('abc')).not.toMatch(/max-age|expires/i)
  })

  test('of a persistent session has whole seconds, rounded down, and the same as an IMF-fixdate (COOK-05, COOK-06)', () => {
    const line = writer.set('abc', { expiresAt: NOW + 90_999, now: NOW })

    expect(line).toBe('__Host-sjn=abc; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=90; Expires=Fri, 02 Jan 2026 03:05:35 GMT')
  })

  test('never asks for more than the 400 days browsers allow (UA-05)', () => {
    const line = writer.set('abc', { expiresAt: NOW + 500 * 86_400_000, now: NOW })

    expect(parseSetCookie(line).maxAge).toBe(34_560_000)
  })

  test('of a session whose time is over is gone at once', () => {
    expect(writer.set('abc', { expiresAt: NOW - 1, now: NOW })).toContain('; Max-Age=0; ')
  })

  test('says what the cookie package says, whatever the attributes', () => {
    const shapes = fc.record({
      sameSite: fc.constantFrom('lax', 'strict', 'none'),
      path: fc.constantFrom('/', '/app', '/app/x'),
      domain: fc.constantFrom(undefined, 'example.com'),
      isSecure: fc.constant(true),
      name: fc.constantFrom('__Secure-sjn', 'a'),
    })
    const octets = fc.stringMatching(/^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{0,60}$/)
    fc.assert(
      fc.property(shapes as fc.Arbitrary<ConstructorParameters<typeof CookieWriter>[0]>, octets, (shape, value) => {
        const { name, path, domain, sameSite } = shape
        const oracle = { name, path, sameSite, secure: true, httpOnly: true, ...(domain && { domain }) }

        const line = new CookieWriter(shape).set(value)

        expect(parseSetCookie(line)).toEqual(parseSetCookie(stringifySetCookie(name, value, { ...oracle, encode: String })))
      }),
    )
  })

  test('is understood by a browser model as it was meant', () => {
    const cookie = Cookie.parse(writer.set('abc', { expiresAt: NOW + 60_000, now: NOW }))!

    expect(cookie).toMatchObject({
      key: '__Host-sjn',
      value: 'abc',
      path: '/',
      secure: true,
      httpOnly: true,
      sameSite: 'lax',
      maxAge: 60,
    })
  })
})

describe('the line that removes the cookie', () => {
  test('has the same name and scope, an empty value, and both kinds of past expiry (COOK-11, SMCS-34)', () => {
    const shape = { name: '__Secure-sjn', path: '/app', domain: 'example.com', sameSite: 'strict', isSecure: true } as const

    expect(new CookieWriter(shape).clear).toBe(
      '__Secure-sjn=; Path=/app; Domain=example.com; Secure; HttpOnly; SameSite=Strict; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
    )
  })

  test('for another scope differs in the scope alone', () => {
    expect(writer.clearAt({ domain: 'example.com', path: '/old' })).toBe(
      writer.clear.replace('Path=/', 'Path=/old; Domain=example.com'),
    )
  })
})

describe('nothing unchecked gets into the header', () => {
  test.each(['', 'a b', 'a;b', 'a=b', 'a,b', 'a"b', 'a\r\nSet-Cookie: x', 'ä', 'a\0', '[a]', `${'n'.repeat(257)}`])(
    'a name %j is refused',
    (name) => {
      expect(() => new CookieWriter({ ...HOST, name })).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }))
    },
  )

  test.each([
    '',
    '.example.com',
    'example.com.',
    'https://example.com',
    'example.com:443',
    'localhost',
    'com',
    '127.0.0.1',
    'a b.com',
    'example.com; Path=/x',
    'exämple.com',
    'example.com\r\nX: y',
    `${'a'.repeat(64)}.com`,
    '-a.com',
  ])('a domain %j is refused', (domain) => {
    expect(() => new CookieWriter({ ...HOST, domain })).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }))
  })

  test.each(['', 'app', '/a;b', '/a b', '/a\r\nX: y', '/ä', `/${'a'.repeat(1024)}`])('a path %j is refused', (path) => {
    expect(() => new CookieWriter({ ...HOST, path })).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }))
  })

  test('a value that would end the cookie early or start a header of its own is refused, unseen', () => {
    for (const value of ['a;b', 'a b', 'a"b', 'a,b', 'a\\b', 'a\r\nX: y', 'ä', '\x7f', 'secret\0']) {
      expect(() => writer.set(value)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }))
      expect(() => writer.set(value)).not.toThrow(value)
    }
  })

  test('no line of any accepted shape has a control character or a second cookie', () => {
    const anything = fc.string({ unit: 'binary', maxLength: 30 })
    fc.assert(
      fc.property(anything, anything, anything, (name, path, value) => {
        let line: string
        try {
          line = new CookieWriter({ ...HOST, name, path }).set(value)
        } catch {
          return
        }
        expect(line).toMatch(/^[\x20-\x7e]+$/)
        expect(line.split(';')).toHaveLength(5)
      }),
      { numRuns: 5000 },
    )
  })

  test('the refusal shows line breaks as escapes, so that it forges no log line', () => {
    expect(() => new CookieWriter({ ...HOST, name: 'a\nERROR all is lost' })).toThrow(/"a\\nERROR/)
  })
})

describe('size', () => {
  test('a cookie may fill what every browser takes, attributes included, and not one byte more (ASVS 3.3.5)', () => {
    const persistence = { expiresAt: NOW + 400 * 86_400_000, now: NOW }

    const fullest = writer.set('x'.repeat(writer.roomForValue), persistence)

    expect(fullest).toHaveLength(LARGEST_COOKIE)
    expect(() => writer.set('x'.repeat(writer.roomForValue + 1))).toThrow(
      expect.objectContaining({ code: 'ERR_COOKIE_TOO_LARGE' }),
    )
  })

  test('longer attributes leave less room', () => {
    const longer = new CookieWriter({ ...HOST, name: '__Secure-sjn', path: `/${'p'.repeat(100)}` })

    expect(longer.roomForValue).toBe(writer.roomForValue - 102)
  })
})

test('a line is about the cookie only when the whole name is its name', () => {
  const lines = ['__Host-sjn=x', '__Host-sjn =x', '__Host-sjn2=x', '__Host-sj=x', 'a=__Host-sjn=x', '__Host-sjn']

  expect(lines.filter((line) => writer.isAbout(line))).toEqual(['__Host-sjn=x', '__Host-sjn =x'])
})
