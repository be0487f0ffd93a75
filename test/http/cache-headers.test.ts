import { describe, expect, test } from 'vitest'
import { type HeaderTarget, markPersonal, personalCacheControl, withCookie } from '../../src/http/cache-headers.ts'

describe('Cache-Control of a personal response', () => {
  test.each([
    [undefined, 'no-store'],
    ['no-store', 'no-store'],
    ['private, no-store, max-age=0', 'private, no-store, max-age=0'],
    ['private', 'private'],
    ['Private, max-age=60', 'Private, max-age=60'],
    ['public', 'no-store'],
    ['public, max-age=60', 'no-store'],
    ['public, private', 'no-store'],
    ['max-age=60', 'no-store'],
    ['no-cache', 'no-store'],
    ['s-maxage=60', 'no-store'],
    ['no-cache="Set-Cookie"', 'no-store'],
    ['private="Set-Cookie"', 'no-store'],
    ['', 'no-store'],
  ])('%j becomes %j', (given, expected) => {
    expect(personalCacheControl(given, false)).toBe(expected)
  })

  test('with our cookie on it, even the browser’s own cache must not keep it (SMCS-40)', () => {
    expect(personalCacheControl('private, max-age=60', true)).toBe('no-store')
    expect(personalCacheControl('private, no-store', true)).toBe('private, no-store')
  })
})

describe('Vary of a personal response', () => {
  test.each([
    [undefined, 'Cookie'],
    ['', 'Cookie'],
    ['Accept-Encoding', 'Accept-Encoding, Cookie'],
    ['accept, COOKIE', 'accept, COOKIE'],
    ['*', '*'],
    ['X-Cookie', 'X-Cookie, Cookie'],
  ])('%j becomes %j', (given, expected) => {
    expect(withCookie(given)).toBe(expected)
  })
})

test('caches in between that have directives of their own are told as well (RFC 9213)', () => {
  const headers = new Headers({ 'cdn-cache-control': 'max-age=600', 'surrogate-control': 'max-age=600' })
  const target: HeaderTarget = {
    get: (name) => headers.get(name) ?? undefined,
    set: (name, value) => headers.set(name, value),
    setCookies: () => [],
    replaceSetCookies: () => {},
  }

  markPersonal(target, false)

  expect(Object.fromEntries(headers)).toEqual({
    'cache-control': 'no-store',
    'cdn-cache-control': 'no-store',
    'surrogate-control': 'no-store',
    vary: 'Cookie',
  })
})
