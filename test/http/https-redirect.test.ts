import express from 'express'
import fc from 'fast-check'
import { createSessions } from 'sojourn'
import { type SessionApplication, sessionMiddleware } from 'sojourn/express'
import { httpsRedirect } from 'sojourn/node'
import { memoryStore } from 'sojourn/stores/memory'
import { httpsRedirect as webRedirect } from 'sojourn/web'
import { describe, expect, it, test, vi } from 'vitest'
import { HttpsRedirect, type HttpsRedirectOptions, type RedirectFacts } from '../../src/http/https-redirect.ts'
import { thrownBy } from '../core/support.ts'
import { testKey } from './support/keys.ts'
import { ask, serve } from './support/servers.ts'

const ORIGINS = ['https://shop.example', 'https://www.shop.example:8443', 'https://[::1]']

function facts(given: Partial<RedirectFacts> & { headers?: Record<string, string> } = {}): RedirectFacts {
  const { headers = {}, target = '/', ...rest } = given
  return {
    method: 'GET',
    isEncrypted: false,
    peer: '203.0.113.9',
    host: 'shop.example',
    authority: 'shop.example',
    path: target,
    target,
    header: (name) => headers[name],
    ...rest,
  }
}

const answerTo = (given: Parameters<typeof facts>[0], options: Partial<HttpsRedirectOptions> = {}) =>
  new HttpsRedirect({ origins: ORIGINS, ...options }).answer(facts(given))
const locationOf = (target: string, host = 'shop.example') => answerTo({ target, host })!.headers.Location!

describe('a visit over plain HTTP', () => {
  it.each(['GET', 'HEAD'])('%s goes to the same path and query over https, is not remembered, and gets no cookie', (method) => {
    expect(answerTo({ method, target: '/basket?item=1&note=%0D%0A' })).toEqual({
      status: 308,
      headers: {
        Location: 'https://shop.example/basket?item=1&note=%0D%0A',
        'Cache-Control': 'no-store',
        'Content-Type': 'text/plain; charset=utf-8',
        'X-Content-Type-Options': 'nosniff',
      },
      body: 'This has moved to https.\n',
    })
  })

  it.each([
    ['shop.example', 'https://shop.example/'],
    ['WWW.shop.example', 'https://www.shop.example:8443/'],
    ['[::1]', 'https://[::1]/'],
    ['evil.example', 'https://shop.example/'],
    ['shop.example.evil.example', 'https://shop.example/'],
    ['shop.example@evil.example', 'https://shop.example/'],
    ['', 'https://shop.example/'],
    ['constructor', 'https://shop.example/'],
  ])('for the host %j goes to %s', (host, location) => {
    expect(locationOf('/', host)).toBe(location)
  })

  it.each([
    ['//evil.example/x', 'https://shop.example//evil.example/x'],
    ['/\\evil.example', 'https://shop.example/\\evil.example'],
    ['@evil.example/', 'https://shop.example/'],
    ['.evil.example/', 'https://shop.example/'],
    [':80@evil.example/', 'https://shop.example/'],
    ['http://evil.example/a?b', 'https://shop.example/a?b'],
    ['https://evil.example', 'https://shop.example/'],
    ['http://evil.example?b', 'https://shop.example/?b'],
    ['http://evil.example#@x', 'https://shop.example/'],
    ['*', 'https://shop.example/'],
    ['', 'https://shop.example/'],
    ['/a\r\nSet-Cookie: evil=1', 'https://shop.example/a%0D%0ASet-Cookie:%20evil=1'],
    ['/caf\xe9', 'https://shop.example/caf%E9'],
    ['/€\ud800', 'https://shop.example/%E2%82%AC%EF%BF%BD'],
  ])('with the target %j goes to %s', (target, location) => {
    expect(locationOf(target)).toBe(location)
  })

  test('whatever the target is, the host is ours and the line is one', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc.constantFrom('', '/', '//', 'http://', '@', '?'),
        (text, start) => {
          const location = locationOf(start + text)

          expect(location).toMatch(/^https:\/\/shop\.example\/[\x21-\x7e]*$/)
          expect(new URL(location).host).toBe('shop.example')
        },
      ),
      { numRuns: 3000 },
    )
  })
})

describe('what is not a visit', () => {
  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'get'])(
    '%s is refused: it was readable on the way',
    (method) => {
      const answer = answerTo({ method })!

      expect([answer.status, answer.headers.Location]).toEqual([403, undefined])
    },
  )

  it('nor is a program that sends its credentials in the clear (ASVS 5.0, 4.1.2)', () => {
    expect(answerTo({ headers: { authorization: 'Bearer x' } })!.status).toBe(403)
  })

  it('nor is a path for programs', () => {
    const isUserFacing = (path: string) => !path.startsWith('/api/')

    expect([answerTo({ path: '/api/x' }, { isUserFacing })!.status, answerTo({ path: '/x' }, { isUserFacing })!.status]).toEqual([
      403, 308,
    ])
  })
})

describe('what came by TLS', () => {
  const trustedProxies = ['10.0.0.0/8']

  it('goes on, here or at a trusted proxy', () => {
    expect(answerTo({ isEncrypted: true })).toBeUndefined()
    expect(answerTo({ peer: '10.0.0.1', headers: { 'x-forwarded-proto': 'https' } }, { trustedProxies })).toBeUndefined()
  })

  it('is not what a stranger says', () => {
    expect(answerTo({ headers: { 'x-forwarded-proto': 'https' } }, { trustedProxies })!.status).toBe(308)
  })

  it('is not needed on a developer’s machine that says so', () => {
    expect(answerTo({ host: 'localhost' }, { dangerouslyAllowHttp: true })).toBeUndefined()
    expect(answerTo({ host: 'shop.example' }, { dangerouslyAllowHttp: true })!.status).toBe(308)
  })

  it.each([
    [{ peer: '10.0.0.1', headers: { 'x-forwarded-for': '203.0.113.9' } }, 1],
    [{ headers: { 'x-forwarded-proto': 'https' } }, 1],
    [{ peer: '10.0.0.1', headers: { 'x-forwarded-proto': 'http' } }, 0],
    [{}, 0],
  ])('may be what a circle is made of: %j is warned of %i times', (given, times) => {
    const warn = vi.fn()
    const redirect = new HttpsRedirect({ origins: ORIGINS, trustedProxies }, warn)

    redirect.answer(facts(given))
    redirect.answer(facts(given))

    expect(warn).toHaveBeenCalledTimes(times)
  })
})

test.each([
  [undefined, /origins is no list/],
  ['https://shop.example', /origins is no list/],
  [[], /origins is no list/],
  [['shop.example'], /origins\[0\] is no https origin/],
  [['http://shop.example'], /origins\[0\] is no https origin/],
  [['https://shop.example', 'https://shop.example/'], /origins\[1\] is no https origin/],
  [['https://shop.example/path'], /origins\[0\] is no https origin/],
  [['https://user@shop.example'], /origins\[0\] is no https origin/],
  [['https://Shop.example'], /origins\[0\] is no https origin/],
  [['https://shop.example:443'], /origins\[0\] is no https origin/],
  [['javascript:alert(1)'], /origins\[0\] is no https origin/],
  [[null], /origins\[0\] is no https origin/],
])('origins %j are refused at start-up', (origins, sentence) => {
  const error = thrownBy(() => httpsRedirect({ origins: origins as never }))

  expect([error.code, error.message]).toEqual(['ERR_CONFIG_INVALID', expect.stringMatching(sentence)])
})

describe('in an adapter', () => {
  const origins = ['https://shop.example']

  test('node:http: a listener for port 80', async () => {
    const origin = await serve(httpsRedirect({ origins }))

    const visit = await ask(`${origin}/a?b=1`)
    const head = await ask(`${origin}/a`, { method: 'HEAD' })
    const post = await ask(`${origin}/a`, { method: 'POST', body: 'x'.repeat(100_000) })

    expect([visit.status, visit.headers.location, visit.body]).toEqual([
      308,
      'https://shop.example/a?b=1',
      'This has moved to https.\n',
    ])
    expect([head.status, head.headers.location, head.body]).toEqual([308, 'https://shop.example/a', ''])
    expect([post.status, post.body]).toEqual([403, 'This has to be asked for over https.\n'])
  })

  test('node:https: without a next, what came by TLS is not there', async () => {
    const origin = await serve(httpsRedirect({ origins }), { tls: true })

    expect((await ask(origin)).status).toBe(404)
  })

  test.each(['in front of the session', 'behind it'])(
    'Express, %s: below a router the whole path is kept, and no cookie set',
    async (where) => {
      const sessions = createSessions({ store: memoryStore(), keys: testKey() })
      const app: SessionApplication<typeof sessions> = express()
      const shop = express.Router()
      shop.use(httpsRedirect({ origins }))
      shop.get('/', (_req, res) => void res.end('inside'))
      if (where === 'behind it') app.use(sessionMiddleware(sessions))
      app.use('/shop', shop)
      app.use(sessionMiddleware(sessions))

      const clear = await ask(`${await serve(app)}/shop/?b`, { headers: { cookie: '__Host-sjn=x' } })
      const tls = await ask(`${await serve(app, { tls: true })}/shop/?b`)

      expect([clear.status, clear.headers.location, clear.setCookies]).toEqual([308, 'https://shop.example/shop/?b', []])
      expect([tls.status, tls.body]).toEqual([200, 'inside'])
    },
  )

  test('the Web: a Response, or nothing', async () => {
    const redirect = webRedirect({ origins, isSecure: (request) => request.headers.get('x-edge') === 'tls' })

    const visit = redirect(new Request('http://evil.example/a?b#c'))!
    const post = redirect(new Request('http://shop.example/', { method: 'POST', body: 'x' }))!
    const head = redirect(new Request('http://shop.example/', { method: 'HEAD' }))!

    expect([visit.status, visit.headers.get('location'), await visit.text()]).toEqual([
      308,
      'https://shop.example/a?b',
      'This has moved to https.\n',
    ])
    expect([post.status, head.status, await head.text()]).toEqual([403, 308, ''])
    expect(redirect(new Request('http://shop.example/', { headers: { 'x-edge': 'tls' } }))).toBeUndefined()
    expect(webRedirect({ origins })(new Request('https://shop.example/'))).toBeUndefined()
  })
})
