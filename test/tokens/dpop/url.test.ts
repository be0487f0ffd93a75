import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ownTarget, targetOf } from '../../../src/tokens/dpop/url.ts'

const isSame = (htu: string, url: string) => targetOf(htu) !== undefined && targetOf(htu) === ownTarget(url)

describe('two URLs are one target', () => {
  it.each([
    ['the same', 'https://shop.example/pay', 'https://shop.example/pay'],
    ['scheme and host in capitals', 'HTTPS://SHOP.Example/pay', 'https://shop.example/pay'],
    ['the default port', 'https://shop.example:443/pay', 'https://shop.example/pay'],
    ['the default port of http', 'http://localhost:80/pay', 'http://localhost/pay'],
    ['an empty port', 'https://shop.example:/pay', 'https://shop.example/pay'],
    ['no path and the root', 'https://shop.example', 'https://shop.example/'],
    ['a query', 'https://shop.example/pay?a=1', 'https://shop.example/pay?b=2'],
    ['a fragment', 'https://shop.example/pay#top', 'https://shop.example/pay'],
    ['a query without a path', 'https://shop.example?a=1', 'https://shop.example/'],
    ['letters that need no encoding', 'https://shop.example/%70a%79', 'https://shop.example/pay'],
    ['encoding in small letters', 'https://shop.example/a%2fb', 'https://shop.example/a%2Fb'],
    ['a tilde encoded', 'https://shop.example/%7Eada', 'https://shop.example/~ada'],
    ['dot segments', 'https://shop.example/a/./b/../pay', 'https://shop.example/a/pay'],
    ['our own path with letters that have to be encoded', 'https://shop.example/caf%C3%A9', 'https://shop.example/café'],
    ['IPv6', 'https://[2001:DB8::1]/pay', 'https://[2001:db8::1]/pay'],
  ])('%s', (_what, htu, url) => {
    expect(isSame(htu, url)).toBe(true)
  })
})

describe('two URLs are not one target', () => {
  it.each([
    ['another scheme', 'http://shop.example/pay', 'https://shop.example/pay'],
    ['another host', 'https://evil.example/pay', 'https://shop.example/pay'],
    ['a sub-domain', 'https://a.shop.example/pay', 'https://shop.example/pay'],
    ['another port', 'https://shop.example:8443/pay', 'https://shop.example/pay'],
    ['another path', 'https://shop.example/pa', 'https://shop.example/pay'],
    ['a slash at the end', 'https://shop.example/pay/', 'https://shop.example/pay'],
    ['a path in capitals', 'https://shop.example/PAY', 'https://shop.example/pay'],
    ['an encoded slash', 'https://shop.example/a%2Fb', 'https://shop.example/a/b'],
    ['an encoded question mark', 'https://shop.example/pay%3Fa', 'https://shop.example/pay'],
    ['an encoded percent sign', 'https://shop.example/%2570ay', 'https://shop.example/pay'],
  ])('%s', (_what, htu, url) => {
    expect(isSame(htu, url)).toBe(false)
  })
})

describe('what only a lenient parser takes for a URL is none', () => {
  it.each([
    'shop.example/pay',
    '/pay',
    '//shop.example/pay',
    'https:/shop.example/pay',
    'https:shop.example/pay',
    'https:\\\\shop.example\\pay',
    'https://evil.example\\@shop.example/pay',
    'https://evil.example@shop.example/pay',
    'https://user:pass@shop.example/pay',
    'https://evil.example%2f@shop.example/pay',
    'https://%73hop.example/pay',
    ' https://shop.example/pay',
    'https://shop.example/pay ',
    'https://shop.exa\tmple/pay',
    'https://shop.example/p\nay',
    'https://shop.example/a b',
    'https://shop.example/%zz',
    'https://shop.example/%4',
    'https://ｓhop.example/pay',
    'https://shop。example/pay',
    'https://shop.example:99999/pay',
    'https://shop.example:4a/pay',
    'ftp://shop.example/pay',
    'javascript:alert(1)',
    'data:text/plain,shop.example',
    'https://',
    'https:///pay',
    '',
  ])('%j', (htu) => {
    expect(targetOf(htu)).toBeUndefined()
  })

  it.each(['http://127.1/', 'http://0x7f.0.0.1/', 'http://2130706433/'])('%s is an address in other words', (htu) => {
    expect(targetOf(htu)).toBeUndefined()
  })
})

describe('compared with the URL parser of browsers', () => {
  const host = fc.constantFrom('shop.example', 'api.shop.example', 'localhost', 'a-b.example', '127.0.0.1', '[::1]')
  const port = fc.constantFrom('', ':443', ':80', ':8443')
  const segment = fc.string({ unit: fc.constantFrom(..."abcXYZ019-._~!$&'()*+,;=:@", '%41', '%2f', '%2E', '%e9'), maxLength: 6 })
  const path = fc.array(segment, { maxLength: 4 }).map((segments) => segments.map((text) => `/${text}`).join(''))
  const parts = fc.record({ scheme: fc.constantFrom('https', 'http'), host, port, path })
  const spelt = ({ scheme, host, port, path }: { scheme: string; host: string; port: string; path: string }) =>
    `${scheme}://${host}${port}${path}`

  it('it is read by both, with one origin', () => {
    fc.assert(
      fc.property(parts, (url) => {
        const target = targetOf(spelt(url))
        expect(target).toBeDefined()
        expect(new URL(target!).origin).toBe(new URL(spelt(url)).origin)
      }),
      { numRuns: 1000 },
    )
  })

  it('once compared, it is as it was: nothing is decoded twice', () => {
    fc.assert(
      fc.property(parts, (url) => {
        const target = targetOf(spelt(url))!
        expect(targetOf(target)).toBe(target)
        expect(ownTarget(spelt(url))).toBe(target)
        // Whatever a server makes of the path by decoding it once is the same before and after.
        expect(decoded(new URL(target).pathname)).toEqual(decoded(new URL(spelt(url)).pathname))
      }),
      { numRuns: 1000 },
    )
  })

  it('query and fragment never matter', () => {
    fc.assert(
      fc.property(
        parts,
        fc.constantFrom('', '?a', '?a=https://evil.example/'),
        fc.constantFrom('', '#x', '#?'),
        (url, query, fragment) => {
          expect(targetOf(spelt(url) + query + fragment)).toBe(targetOf(spelt(url)))
        },
      ),
    )
  })

  it('any text is a target or none, and never an exception', () => {
    fc.assert(
      fc.property(fc.oneof(fc.webUrl(), fc.string({ unit: 'binary' })), (text) => {
        const target = targetOf(text)
        if (target !== undefined) expect(new URL(target).host).toBe(new URL(text).host)
      }),
      { numRuns: 1000 },
    )
  })
})

/** Bytes of a path, each escape decoded once. */
function decoded(path: string): Buffer {
  return Buffer.from(
    path.replace(/%([0-9a-f]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
}
