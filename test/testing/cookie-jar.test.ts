import fc from 'fast-check'
import { cookieJar, fakeClock } from 'sojourn/testing'
import { CookieJar as ToughJar } from 'tough-cookie'
import { afterEach, describe, expect, it, vi } from 'vitest'

const URL_A = 'https://shop.example.com/account/orders'

describe('cookieJar', () => {
  it('sends a cookie back to the host that set it, and to no other', () => {
    const jar = cookieJar()
    jar.store(URL_A, 'a=1; Path=/')

    expect(jar.header('https://shop.example.com/')).toBe('a=1')
    expect(jar.header('https://example.com/')).toBeUndefined()
    expect(jar.header('https://www.shop.example.com/')).toBeUndefined()
  })

  it('shares a cookie with a Domain among its subdomains', () => {
    const jar = cookieJar()
    jar.store(URL_A, 'a=1; Path=/; Domain=.Example.com')

    expect(jar.header('https://example.com/')).toBe('a=1')
    expect(jar.header('https://deep.www.example.com/')).toBe('a=1')
    expect(jar.header('https://notexample.com/')).toBeUndefined()
  })

  it('refuses a Domain the host does not belong to, or that is a public suffix', () => {
    const jar = cookieJar()

    expect(jar.store(URL_A, ['a=1; Domain=other.com', 'b=1; Domain=www.shop.example.com', 'c=1; Domain=com'])).toBe(0)
  })

  it('takes a Domain equal to a one-label host for a host-only cookie', () => {
    const jar = cookieJar()
    jar.store('https://localhost/', 'a=1; Domain=localhost')

    expect(jar.cookies('https://localhost/')[0]?.isHostOnly).toBe(true)
  })

  it('matches addresses whole', () => {
    const jar = cookieJar()

    expect(jar.store('http://127.0.0.1/', 'a=1; Domain=0.0.1')).toBe(0)
    expect(jar.store('http://127.0.0.1/', 'a=1')).toBe(1)
    expect(jar.header('http://127.0.0.1:8080/')).toBe('a=1')
  })

  it('sends Secure cookies over TLS alone and takes them over TLS alone', () => {
    const jar = cookieJar()

    expect(jar.store('http://example.com/', 'a=1; Secure')).toBe(0)
    expect(jar.store('https://example.com/', 'a=1; Secure')).toBe(1)
    expect(jar.header('http://example.com/')).toBeUndefined()
  })

  it('trusts plain HTTP to loopback only if told to', () => {
    const jar = cookieJar({ trustsLoopback: true })

    expect(jar.store('http://localhost:3000/', '__Host-sjn=1; Secure; Path=/')).toBe(1)
    expect(jar.header('http://localhost:3000/')).toBe('__Host-sjn=1')
    expect(jar.store('http://example.com/', 'a=1; Secure')).toBe(0)
  })

  it('does not let plain HTTP overlay a Secure cookie', () => {
    const jar = cookieJar()
    jar.store('https://example.com/', 'a=1; Secure; Path=/')

    expect(jar.store('http://example.com/', 'a=evil; Path=/')).toBe(0)
    expect(jar.store('http://example.com/deep/page', 'a=evil; Path=/deep')).toBe(0)
    expect(jar.header('https://example.com/')).toBe('a=1')
  })

  it.each([
    ['__Host-a=1; Secure; Path=/', 1],
    ['__Host-a=1; Path=/', 0],
    ['__Host-a=1; Secure', 0],
    ['__Host-a=1; Secure; Path=/account', 0],
    ['__Host-a=1; Secure; Path=/; Domain=shop.example.com', 0],
    ['__HOST-a=1; Path=/', 0],
    ['__Secure-a=1; Secure; Domain=example.com', 1],
    ['__Secure-a=1', 0],
    ['=__Host-a=1; Secure; Path=/', 0],
    ['__Secure-a', 0],
  ])('holds a prefixed name to its rules: %s', (header, accepted) => {
    expect(cookieJar().store(URL_A, header)).toBe(accepted)
  })

  it('sends longer paths first, then older cookies', () => {
    const jar = cookieJar()
    jar.store(URL_A, ['a=1; Path=/', 'b=2; Path=/account', 'c=3; Path=/'])

    expect(jar.header(URL_A)).toBe('b=2; a=1; c=3')
  })

  it('keeps the place of a cookie that is set again', () => {
    const clock = fakeClock()
    const jar = cookieJar({ clock })
    jar.store(URL_A, ['a=1; Path=/', 'b=2; Path=/'])
    clock.advance(1000)

    jar.store(URL_A, 'a=3; Path=/')

    expect(jar.header(URL_A)).toBe('a=3; b=2')
  })

  it('forgets a cookie at its Max-Age, which wins over Expires', () => {
    const clock = fakeClock()
    const jar = cookieJar({ clock })
    jar.store(URL_A, 'a=1; Path=/; Max-Age=10; Expires=Thu, 01 Jan 2099 00:00:00 GMT')

    clock.advance(9_999)
    const before = jar.header(URL_A)
    clock.advance(1)

    expect([before, jar.header(URL_A)]).toEqual(['a=1', undefined])
  })

  it('removes a cookie that is set with a past date', () => {
    const jar = cookieJar()
    jar.store(URL_A, 'a=1; Path=/')

    jar.store(URL_A, 'a=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT')

    expect(jar.header(URL_A)).toBeUndefined()
  })

  it('keeps no cookie for longer than 400 days', () => {
    const clock = fakeClock()
    const jar = cookieJar({ clock })
    jar.store(URL_A, ['a=1; Max-Age=99999999999', 'b=1; Expires=Thu, 01 Jan 2099 00:00:00 GMT'])

    const lives = jar.cookies(URL_A).map(({ expiresAt }) => expiresAt! - clock())

    expect(lives).toEqual([400 * 86_400_000, 400 * 86_400_000])
  })

  it('keeps SameSite and HttpOnly, and refuses SameSite=None without Secure', () => {
    const jar = cookieJar()
    jar.store(URL_A, ['a=1; SameSite=Strict; HttpOnly', 'b=1; SameSite=odd', 'c=1; SameSite=None'])

    expect(jar.cookies(URL_A).map(({ name, sameSite, isHttpOnly }) => [name, sameSite, isHttpOnly])).toEqual([
      ['a', 'strict', true],
      ['b', 'default', false],
    ])
  })

  it('ignores headers with control characters, without content, or over 4,096 bytes', () => {
    const jar = cookieJar()

    expect(jar.store(URL_A, ['a=1\r\nSet-Cookie: b=2', 'a=\u0000', '', '=', `a=${'x'.repeat(4096)}`])).toBe(0)
    expect(jar.store(URL_A, `a=${'x'.repeat(4095)}`)).toBe(1)
  })

  it('sends a cookie without a name as its bare value', () => {
    const jar = cookieJar()
    jar.store(URL_A, 'bare; Path=/')

    expect(jar.header(URL_A)).toBe('bare')
  })

  it('forgets everything when cleared', () => {
    const jar = cookieJar()
    jar.store(URL_A, 'a=1')

    jar.clear()

    expect(jar.header(URL_A)).toBeUndefined()
  })
})

describe('cookieJar beside tough-cookie', () => {
  const hosts = ['example.com', 'shop.example.com', 'a.shop.example.com', 'other.org', 'notexample.com']
  const paths = ['/', '/account', '/account/', '/account/orders', '/accounting', '/a/b/c']
  const url = fc.tuple(fc.constantFrom(...hosts), fc.constantFrom(...paths)).map(([host, path]) => `https://${host}${path}`)
  const attribute = fc.oneof(
    fc.constantFrom('Path=/', 'Path=/account', 'path = /a/b', 'Path=relative', 'Path', 'PATH=/account/'),
    fc.constantFrom('Max-Age=60', 'Max-Age=0', 'Max-Age=-1', 'Max-Age=abc', 'Max-Age=100000'),
    fc.constantFrom('Secure', 'HttpOnly', 'SameSite=Lax', 'Unknown=1', ''),
    fc.constantFrom(
      'Expires=Thu, 01 Jan 1970 00:00:00 GMT',
      'Expires=Wed, 01 Jan 2031 00:00:00 GMT',
      'Expires=31-Jan-30 10:00:00',
    ),
    fc.constantFrom('Expires=garbage', 'Expires=Thu, 31 Feb 2030 00:00:00 GMT', 'Expires=2030 12:00:61 Jan 1'),
  )
  const pair = fc.constantFrom('a=1', 'b=2', ' a = 3 ', 'a=x=y', 'c="quoted"', 'd=', '__Host-a=1', '__Secure-b=2')
  const hostOnly = fc.tuple(pair, fc.array(attribute, { maxLength: 4 })).map(([first, rest]) => [first, ...rest].join('; '))
  // Shared cookies have names of their own here: RFC 6265bis keeps them apart from host-only ones of the same name, the oracle
  // still follows RFC 6265, which does not.
  const domain = fc.constantFrom('Domain=example.com', 'Domain=.shop.example.com', 'domain=EXAMPLE.com', 'Domain=other.org')
  const shared = fc.tuple(hostOnly, domain).map(([first, last]) => `shared-${first.trim()}; ${last}`)
  const header = fc.oneof(hostOnly, shared)
  const history = fc.array(fc.tuple(url, header), { minLength: 1, maxLength: 8 })

  afterEach(() => {
    vi.useRealTimers()
  })

  it('keeps and sends the same cookies in the same order', () => {
    // The oracle reads the system's clock, so that is the one to turn.
    vi.useFakeTimers({ toFake: ['Date'] })
    fc.assert(
      fc.property(history, url, (steps, target) => {
        vi.setSystemTime('2030-01-01T00:00:00Z')
        const ours = cookieJar()
        const oracle = new ToughJar(undefined, { prefixSecurity: 'silent', rejectPublicSuffixes: true })
        for (const [from, set] of steps) {
          ours.store(from, set)
          oracle.setCookieSync(set, from, { ignoreError: true })
          // Reading is when the oracle drops what has expired.
          oracle.getCookiesSync(from, { allPaths: true })
          vi.advanceTimersByTime(1)
        }

        expect(ours.header(target) ?? '').toBe(oracle.getCookieStringSync(target))
      }),
      { numRuns: 3000 },
    )
  })
})
