import fc from 'fast-check'
import { CookieJar } from 'tough-cookie'
import { describe, expect, test } from 'vitest'
import { resolveCookie } from '../../src/http/cookie-config.ts'
import { CookieHealing } from '../../src/http/cookie-healing.ts'

function healing(options: Parameters<typeof resolveCookie>[0] = {}): CookieHealing {
  const { secure, formerScopes } = resolveCookie(options)
  return new CookieHealing(secure, formerScopes)
}

function scopes(source: CookieHealing, host: string | undefined, path: string, count: number): string[] {
  return Array.from({ length: count }, () => source.nextLine(host, path) ?? 'nothing').map((line) =>
    line === 'nothing'
      ? line
      : line
          .split('; ')
          .filter((part) => /^(Path|Domain)/.test(part))
          .join(' '),
  )
}

describe('left-over cookies', () => {
  test('are looked for in configured scopes first, then where this request could have them from', () => {
    const source = healing({ formerScopes: [{ path: '/old' }] })

    expect(scopes(source, 'shop.example.com', '/a/b', 9)).toEqual([
      'Path=/old',
      'Path=/ Domain=example.com',
      'Path=/a',
      'Path=/a Domain=shop.example.com',
      'Path=/a Domain=example.com',
      'Path=/a/b',
      'Path=/a/b Domain=shop.example.com',
      'Path=/a/b Domain=example.com',
      'Path=/old',
    ])
  })

  test('are never looked for in the scope in use', () => {
    const source = healing({ domain: 'example.com', shared: true })

    expect(scopes(source, 'shop.Example.com', '/', 3)).toEqual(['Path=/', 'Path=/ Domain=shop.example.com', 'Path=/'])
  })

  test('are not looked for where an older browser would take them for the session’s own', () => {
    const onDomain = healing({ domain: 'example.com', shared: true })
    const onHost = healing()

    expect(scopes(onDomain, 'example.com', '/', 2)).toEqual(['nothing', 'nothing'])
    expect(scopes(onHost, 'example.com', '/', 2)).toEqual(['nothing', 'nothing'])
  })

  test('on a host without parents and paths are not looked for at all', () => {
    expect(healing().nextLine('localhost', '/')).toBeUndefined()
  })

  test('are gone from a browser after a few answers, and the session’s own cookie stays', () => {
    const url = 'https://shop.example.com/account/orders'
    const jar = new CookieJar()
    const own = resolveCookie({ name: '__Secure-sjn' }).secure.set('mine')
    jar.setCookieSync('__Secure-sjn=old; Domain=example.com; Path=/; Secure', url)
    jar.setCookieSync('__Secure-sjn=tossed; Domain=example.com; Path=/account; Secure', url)
    jar.setCookieSync('__Secure-sjn=old; Path=/account; Secure', url)
    jar.setCookieSync(own, url)
    const source = healing({ name: '__Secure-sjn' })

    for (let answers = 0; answers < 8 && jar.getCookiesSync(url).length > 1; answers++) {
      jar.setCookieSync(source.nextLine('shop.example.com', '/account/orders')!, url)
    }

    expect(jar.getCookieStringSync(url)).toBe('__Secure-sjn=mine')
  })
})

test('hosts and paths of hostile requests get nothing into the header', () => {
  const source = healing()
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (host, path) => {
      const line = source.nextLine(host, `/${path}`) ?? source.nextLine(`${host}.example.com`, path)

      expect(line ?? '__Host-sjn=').toMatch(/^__Host-sjn=[\x20-\x7e]*$/)
      expect((line ?? '').match(/Path=/g)?.length ?? 1).toBe(1)
    }),
    { numRuns: 5000 },
  )
})
