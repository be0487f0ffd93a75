import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { returnTo } from '../../../src/http/input.ts'
import { thrownBy } from '../../core/support.ts'
import { BYPASSES } from './bypasses.ts'

const ORIGIN = 'https://shop.example'

describe('the fallback is given for', () => {
  it.each(BYPASSES)('%j', (value) => {
    expect(returnTo(value, { fallback: '/account' })).toBe('/account')
  })

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a number', 7],
    ['a list, as ?next=a&next=b gives', ['/a', '/b']],
    ['an object that answers for itself', { toString: () => '/a', length: 2 }],
    ['an empty text', ''],
    ['a very long path', `/${'a'.repeat(5000)}`],
    ['a megabyte of slashes', '/'.repeat(1_000_000)],
    ['a path that is not absolute', 'account'],
    ['a query alone', '?a'],
    ['a fragment alone', '#a'],
  ])('%s', (_what, value) => {
    expect(returnTo(value)).toBe('/')
  })
})

test.each([
  ['/', '/'],
  ['/account', '/account'],
  ['/books/b1?page=2&sort=new#reviews', '/books/b1?page=2&sort=new#reviews'],
  ['/search?q=https://other.example//x', '/search?q=https://other.example//x'],
  ['/search?q=%2F%2Fother', '/search?q=%2F%2Fother'],
  ['/@ada', '/@ada'],
  ['/files/a%2Fb', '/files/a%2Fb'],
  ['/caf%C3%A9', '/caf%C3%A9'],
  ['/a/../b', '/b'],
  ['/a/./b/', '/a/b/'],
  ['/a:b@c', '/a:b@c'],
  ['/javascript:alert(1)', '/javascript:alert(1)'],
])('%j is safe to go to, as %j', (value, path) => {
  expect(returnTo(value, { fallback: '/elsewhere' })).toBe(path)
})

/** How far readers of a Location header differ: browsers, and those that decode it once or twice or take `\` for `/` first. */
function readings(path: string): string[] {
  const once = decoded(path)
  return [path, once, decoded(once), path.replaceAll('\\', '/'), once.replaceAll('\\', '/'), decoded(once).replaceAll('\\', '/')]
}
function decoded(text: string): string {
  return text.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

it('whatever is given, the result stays on this origin for every reader, and is stable', () => {
  const piece = fc.oneof(
    fc.constantFrom(...BYPASSES),
    fc.constantFrom(
      '/',
      '\\',
      '.',
      '..',
      '%2f',
      '%252f',
      '%5c',
      '%2e',
      '@',
      ':',
      '?',
      '#',
      '\t',
      '\n',
      '\r',
      ' ',
      '\0',
      '\u3002',
      '\uff0f',
    ),
    fc.constantFrom('evil.example', 'https:', 'javascript:alert(1)', '[::1]', 'a', ORIGIN, ';', '%00', '%0d%0a', '%09'),
    fc.string({ maxLength: 4, unit: 'binary' }),
  )
  const value = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''))
  const path = value.map((text) => `/${text}`)

  fc.assert(
    fc.property(fc.oneof(value, path), (text) => {
      const result = returnTo(text)

      expect(result).toMatch(/^\/(?![/\\])[!-~]*$/)
      for (const reading of readings(result)) expect(new URL(reading, ORIGIN).origin).toBe(ORIGIN)
      expect(returnTo(result)).toBe(result)
    }),
    { numRuns: 5000 },
  )
})

it('a path an application would use is given back unless it is one of those above', () => {
  const segment = fc.stringMatching(/^[\w~-][\w.~-]{0,8}$/)
  const path = fc.array(segment, { maxLength: 5 }).map((segments) => `/${segments.join('/')}`)

  fc.assert(
    fc.property(path, (text) => {
      expect(returnTo(text)).toBe(text)
    }),
  )
})

describe('with allowed origins', () => {
  const allowedOrigins = ['https://account.example', 'https://shop.example:8443', 'http://localhost:3000']

  it.each([
    ['https://account.example', 'https://account.example/'],
    ['https://account.example/', 'https://account.example/'],
    ['https://account.example/a/../b?x=1#y', 'https://account.example/b?x=1#y'],
    ['https://shop.example:8443/a', 'https://shop.example:8443/a'],
    ['http://localhost:3000/a', 'http://localhost:3000/a'],
    ['/a', '/a'],
  ])('%s is one of them, as %s', (value, url) => {
    expect(returnTo(value, { allowedOrigins })).toBe(url)
  })

  it.each([
    ...BYPASSES,
    'https://account.example.evil.example/',
    'https://account.example@evil.example/',
    'https://account.example:443@evil.example/',
    'https://account.example:8443/',
    'https://account.example\\@evil.example',
    'https://account.example?x',
    'https://account.example#@evil.example',
    'https://account.example//evil.example',
    'https://account.example/..//evil.example',
    'https://user@account.example/',
    'HTTPS://ACCOUNT.EXAMPLE/',
    'http://account.example/',
    'https://shop.example/',
    'https://shop.example:84430/',
    'https:account.example/',
    'https:/account.example/',
    '//account.example/',
    ' https://account.example/',
    'https://account.example/\n',
  ])('%j is not', (value) => {
    expect(returnTo(value, { allowedOrigins })).toBe('/')
  })
})

it.each([
  [{ fallback: '//evil.example' }],
  [{ fallback: 'https://shop.example/' }],
  [{ fallback: '' }],
  [{ fallback: '/a\r\nSet-Cookie: a=b' }],
  [{ allowedOrigins: ['https://account.example/'] }],
  [{ allowedOrigins: ['https://account.example/path'] }],
  [{ allowedOrigins: ['account.example'] }],
  [{ allowedOrigins: ['*'] }],
  [{ allowedOrigins: ['null'] }],
  [{ allowedOrigins: ['javascript:x'] }],
  [{ allowedOrigins: ['https://*.example'] }],
])('%j is a mistake of the developer and throws', (options) => {
  expect(thrownBy(() => returnTo('/a', options))).toMatchObject({ code: 'ERR_ARGUMENT_INVALID' })
})

it('can do what the demo’s own list of paths does: forms may only lead on inside the shop', () => {
  expect([returnTo('/basket'), returnTo('/books/b1'), returnTo('//evil.example/basket'), returnTo(undefined)]).toEqual([
    '/basket',
    '/books/b1',
    '/',
    '/',
  ])
})
