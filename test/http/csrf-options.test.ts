import { createSessions, isSojournError } from 'sojourn'
import { memoryStore } from 'sojourn/stores/memory'
import { describe, expect, test } from 'vitest'
import { type HttpOptions, SessionHttp } from '../../src/http/http-options.ts'
import { testKey } from './support/keys.ts'

function messageOf(options: unknown): string {
  try {
    new SessionHttp(createSessions({ store: memoryStore(), keys: testKey() }), options as HttpOptions<unknown>)
    return 'accepted'
  } catch (error) {
    return isSojournError(error, 'ERR_CONFIG_INVALID') ? error.message : String(error)
  }
}

describe('csrf.allowedOrigins', () => {
  test.each([
    ['https://admin.shop.example'],
    ['https://admin.shop.example:8443'],
    ['https://localhost:8443'],
    ['https://[::1]:8443'],
    ['https://xn--bcher-kva.example'],
  ])('takes %s', (origin) => {
    expect(messageOf({ csrf: { allowedOrigins: [origin] } })).toBe('accepted')
  })

  test.each([
    'http://shop.example',
    'http://localhost:5173',
    'https://*.shop.example',
    'https://shop.example/',
    'https://shop.example/path',
    'https://shop.example:443',
    'https://Shop.Example',
    'https://user@shop.example',
    'https://bücher.example',
    'shop.example',
    '*',
    'null',
    '',
    'https://',
    ' https://shop.example',
    'file:///etc',
    null,
    undefined,
    1,
    /shop/,
    ['https://shop.example'],
  ])('refuses %j', (origin) => {
    expect(messageOf({ csrf: { allowedOrigins: [origin] } })).toMatch(/csrf\.allowedOrigins\[0\] is no https origin; expected/)
  })

  test('takes loopback over http on a developer’s machine, and nothing else', () => {
    const with_ = (origin: string) => messageOf({ dangerouslyAllowHttp: true, csrf: { allowedOrigins: [origin] } })

    expect([with_('http://localhost:5173'), with_('http://127.0.0.1:5173'), with_('http://app.localhost')]).toEqual(
      Array(3).fill('accepted'),
    )
    expect(with_('http://shop.example')).toContain('is no https origin')
    expect(with_('http://localhost.evil.example')).toContain('is no https origin')
  })

  test.each(['https://shop.example', {}, null, true])('is a list, not %j', (given) => {
    expect(messageOf({ csrf: { allowedOrigins: given } })).toContain('is not a list')
  })
})

describe.each(['safe', 'protect'])('csrf.%s', (name) => {
  test.each(['/', '/hook', '/hooks/payment', '/hook/', '/a.b/~c', '/.well-known/x', '/a...b'])('takes %s', (path) => {
    expect(messageOf({ csrf: { [name]: [path] } })).toBe('accepted')
  })

  test.each([
    'hook',
    '//hook',
    '/a//b',
    '/hook/..',
    '/../hook',
    '/./hook',
    '/hook/.',
    '/hook?x',
    '/hook#x',
    '/hook/*',
    '/%2e',
    '/a b',
    '/a\\b',
    '/ä',
    '/a\n',
    '',
    null,
    1,
    /hook/,
  ])('refuses %j, which no request or more than one may be', (path) => {
    expect(messageOf({ csrf: { [name]: [path] } })).toContain(`csrf.${name}[0] is no exact path`)
  })

  test('answers at once, whatever the length of a path', () => {
    const started = performance.now()
    messageOf({ csrf: { [name]: [`/${'a'.repeat(100_000)}?`, `/${'a/'.repeat(100_000)}?`] } })

    expect(performance.now() - started).toBeLessThan(200)
  })

  test.each(['/hook', {}, null, true])('is a list or a function, not %j', (given) => {
    expect(messageOf({ csrf: { [name]: given } })).toContain(`csrf.${name} is neither a list of paths nor a function`)
  })
})

test.each([
  [{ csrf: false }, 'dangerouslyDisableCsrf: true'],
  [{ csrf: null }, 'csrf is no object of options'],
  [{ csrf: [] }, 'csrf is no object of options'],
  [{ csrf: { origins: [] } }, 'csrf has an option "origins"; expected only allowedOrigins'],
  [{ csrf: { token: true } }, "csrf.token is neither word; expected 'fallback' or 'always'"],
  [{ csrf: { isProgram: ['/api'] } }, 'csrf.isProgram is no function'],
  [{ csrf: { tokenFrom: 'x-token' } }, 'csrf.tokenFrom is no function'],
  [{ csrf: { dangerouslyReportOnly: 'no' } }, 'csrf.dangerouslyReportOnly is not a boolean'],
  [{ dangerouslyDisableCsrf: 'false' }, 'dangerouslyDisableCsrf is not a boolean'],
])('%j is refused at start-up, in words', (options, message) => {
  expect(messageOf(options)).toContain(message)
  expect(messageOf(options)).toContain('docs/guide/csrf.md')
})
