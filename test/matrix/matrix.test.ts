import { connect } from 'node:tls'
import { createSessions, hours, minutes, type SessionsOptions } from 'sojourn'
import { memoryStore } from 'sojourn/stores/memory'
import { type FakeClock, type FaultyStore, fakeClock, faultyStore } from 'sojourn/testing'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { testKey } from '../http/support/keys.ts'
import { type Answer, ask, serve } from '../http/support/servers.ts'
import { type App, adapters, type Data, type Options } from './adapters.ts'
import { Browser } from './browser.ts'

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** One application, the same for every framework. */
const app: App = async ({ path }, session) => {
  switch (path) {
    case '/login':
      await session.signIn({ subject: 'ada', method: 'pwd' })
      return { status: 303, headers: { location: '/me' } }
    case '/remember':
      await session.signIn({ subject: 'ada', method: 'pwd', isPersistent: true })
      return { status: 303, headers: { location: '/me' } }
    case '/logout':
      await session.signOut()
      return { status: 303, headers: { location: '/' } }
    case '/me':
      return {
        body: JSON.stringify({
          state: session.state,
          subject: session.subject ?? null,
          id: session.id ?? null,
          device: session.device ?? null,
        }),
      }
    case '/public':
      return { headers: { 'cache-control': 'public, max-age=60' }, body: 'same for everybody' }
    case '/public-but-personal':
      return { headers: { 'cache-control': 'public, max-age=60', vary: 'Accept-Encoding' }, body: String(session.subject) }
    case '/private':
      return { headers: { 'cache-control': 'private, max-age=60' }, body: String(session.subject) }
    case '/stream':
      session.data.note = 'streamed'
      return {
        body: (async function* () {
          for (let i = 0; i < 50; i++) yield `${i} `.repeat(1000)
        })(),
      }
    case '/broken':
      session.data.note = 'broken'
      return { status: 500, headers: { 'set-cookie': ['theme=dark', 'lang=en'] }, body: 'sorry' }
    case '/not-modified':
      session.data.note = 'seen'
      return { status: 304, headers: { etag: '"x"' } }
    case '/throws':
      throw new Error('a mistake of the application')
    case '/note':
      session.data.note = 'kept'
      return { status: 303, headers: { location: '/data', etag: '"x"' }, body: 'moved' }
    case '/slow-note':
      session.data.note = 'too late'
      await pause(150)
      return { status: 303, headers: { location: '/data' } }
    case '/data':
      return { body: JSON.stringify(session.data) }
    case '/out-and-in':
      await session.rotate()
      await session.signOut()
      await session.signIn({ subject: 'grace', method: 'pwd' })
      return { headers: { 'set-cookie': '__Host-sjn=planted-by-mistake; Path=/; Secure' }, body: 'grace' }
    default: {
      const item = /^\/put\/(\w+)$/.exec(path)?.[1]
      if (item !== undefined) {
        session.data.items[item] = 1
        await pause(item.length)
        return { status: 204 }
      }
      return { status: 404 }
    }
  }
}

interface Site {
  origin: string
  store: FaultyStore
  clock: FakeClock
  events: string[]
  browser: Browser
  sessions: ReturnType<typeof sessionsWith>
}

function sessionsWith(options: Pick<SessionsOptions, 'store' | 'clock' | 'onEvent'>) {
  return createSessions({
    ...options,
    keys: testKey(),
    data: z.object({ items: z.record(z.string(), z.number()).default({}), note: z.string().default('') }),
    policy: { idleTimeout: minutes(30), absoluteTimeout: hours(12) },
  })
}

describe.each(Object.entries(adapters))('%s', (_name, listen) => {
  async function site({ tls = true, ...options }: Options & { tls?: boolean } = {}): Promise<Site> {
    const store = faultyStore(memoryStore())
    const clock = fakeClock()
    const events: string[] = []
    const onEvent = (event: { type: string }) => void events.push(event.type)
    const sessions = sessionsWith({ store, clock, onEvent })
    const origin = await serve(listen(sessions, app, options), { tls })
    return { origin, store, clock, events, sessions, browser: new Browser(origin) }
  }

  const me = async (
    browser: Browser,
  ): Promise<{ state: string; subject: string | null; id: string | null; device: string | null }> =>
    JSON.parse((await browser.get('/me')).body)
  const data = async (browser: Browser): Promise<Data> => JSON.parse((await browser.get('/data')).body)

  describe('signing in', () => {
    test('the redirect arrives with the cookie, and the session is readable at once', async () => {
      const { browser } = await site()

      const answer = await browser.post('/login', {
        headers: { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Firefox/143.0' },
      })

      expect(answer).toMatchObject({ status: 303, headers: { location: '/me', 'cache-control': 'no-store', vary: 'Cookie' } })
      expect(answer.setCookies).toEqual([
        expect.stringMatching(/^__Host-sjn=sjn1_[\w-]{86}; Path=\/; Secure; HttpOnly; SameSite=Lax$/),
      ])
      expect(await me(browser)).toMatchObject({ state: 'active', subject: 'ada', device: 'Firefox on Linux' })
    })

    test('it does so on a slow store, and not before the session is stored', async () => {
      const { browser, store } = await site()
      store.setFaults({ create: { kind: 'latency', milliseconds: 100 } })

      await browser.post('/login')

      expect(await me(browser)).toMatchObject({ state: 'active', subject: 'ada' })
    })

    test('a persistent session’s cookie says how long, and never past the absolute deadline', async () => {
      const { browser } = await site()

      const [line] = (await browser.post('/remember')).setCookies

      expect(line).toMatch(/; Max-Age=43200; Expires=\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT$/)
    })

    test('the token travels in the cookie alone (ASVS 3.3.4)', async () => {
      const { browser } = await site()

      const answer = await browser.post('/login')
      const seen = [await browser.get('/me'), await browser.get('/data')]

      const elsewhere = [
        answer.body,
        ...answer.lines.filter(([name]) => name !== 'set-cookie').flat(),
        ...seen.flatMap((one) => [one.body, ...one.lines.flat()]),
      ]
      expect(elsewhere.join()).not.toContain('sjn1_')
    })
  })

  describe('signing out', () => {
    test('clears the cookie and what else the browser keeps, on a response nobody stores', async () => {
      const { browser } = await site()
      await browser.post('/login')

      const answer = await browser.post('/logout')

      expect(answer.setCookies).toEqual([
        '__Host-sjn=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
      ])
      expect(answer.headers).toMatchObject({ 'clear-site-data': '"cache", "storage"', 'cache-control': 'no-store' })
      expect(browser.token).toBeUndefined()
    })

    test('a stolen copy of the token is dead', async () => {
      const { browser, origin } = await site()
      await browser.post('/login')
      const token = browser.token!
      await browser.post('/logout')

      const answer = await ask(`${origin}/me`, { headers: { cookie: `__Host-sjn=${token}` } })

      expect(JSON.parse(answer.body)).toMatchObject({ state: 'revoked', subject: null })
    })

    test('a slow request that ends later brings nothing back and sets no cookie (resurrection)', async () => {
      const { browser, store } = await site()
      await browser.post('/login')
      const slow = browser.get('/slow-note')
      await pause(50)
      await browser.post('/logout')

      const answer = await slow

      expect(answer).toMatchObject({ status: 401, setCookies: [] })
      expect(answer.headers).not.toHaveProperty('location')
      expect(store.calls.filter((call) => call === 'create')).toHaveLength(1)
      expect(await me(browser)).toMatchObject({ state: 'absent', subject: null })
    })

    test('and in again in one request leaves exactly one cookie of the name, ours', async () => {
      const { browser } = await site()
      await browser.post('/login')

      const answer = await browser.post('/out-and-in')

      expect(answer.setCookies).toEqual([expect.stringMatching(/^__Host-sjn=sjn1_/)])
      expect(await me(browser)).toMatchObject({ subject: 'grace' })
    })
  })

  describe('every kind of response carries the cookie', () => {
    test('a stream', async () => {
      const { browser } = await site()

      const answer = await browser.get('/stream')

      expect(answer.body).toHaveLength(140_000)
      expect(answer.setCookies).toHaveLength(1)
      expect((await data(browser)).note).toBe('streamed')
    })

    test('a stream on a slow store', async () => {
      const { browser, store } = await site()
      store.setFaults({ create: { kind: 'latency', milliseconds: 80 } })

      const answer = await browser.get('/stream')

      expect(answer.body).toHaveLength(140_000)
      expect((await data(browser)).note).toBe('streamed')
    })

    test('an error page, beside the application’s own cookies', async () => {
      const { browser } = await site()

      const answer = await browser.get('/broken')

      expect(answer).toMatchObject({ status: 500, body: 'sorry' })
      expect(answer.setCookies).toEqual(['theme=dark', 'lang=en', expect.stringMatching(/^__Host-sjn=/)])
      expect((await data(browser)).note).toBe('broken')
    })

    test('304', async () => {
      const { browser } = await site()

      const answer = await browser.get('/not-modified')

      expect(answer).toMatchObject({ status: 304, setCookies: [expect.stringMatching(/^__Host-sjn=/)] })
    })

    test('HEAD', async () => {
      const { browser } = await site()

      const answer = await browser.get('/note', { method: 'HEAD' })

      expect(answer).toMatchObject({ status: 303, body: '', setCookies: [expect.stringMatching(/^__Host-sjn=/)] })
      expect((await data(browser)).note).toBe('kept')
    })
  })

  describe('a visitor who stores nothing', () => {
    test('gets no cookie, costs no row and no call to the store', async () => {
      const { browser, store } = await site()

      const answers = [
        await browser.get('/public'),
        await browser.get('/me'),
        await browser.get('/data'),
        await browser.get('/nowhere'),
      ]

      expect(answers.flatMap((answer) => answer.setCookies)).toEqual([])
      expect(store.calls).toEqual([])
    })

    test('an unused page stays cacheable, for those who are signed in as well', async () => {
      const { browser } = await site()
      const before = await browser.get('/public')
      await browser.post('/login')

      const after = await browser.get('/public')

      for (const { headers } of [before, after]) {
        expect(headers['cache-control']).toBe('public, max-age=60')
        expect(headers).not.toHaveProperty('vary')
      }
    })

    test('a page that looked at the session is personal, whatever it says', async () => {
      const { browser } = await site()

      const { headers } = await browser.get('/public-but-personal')

      expect(headers).toMatchObject({ 'cache-control': 'no-store', vary: 'Accept-Encoding, Cookie' })
    })

    test('a page that called itself private stays as it is', async () => {
      const { browser } = await site()
      await browser.post('/login')

      const { headers } = await browser.get('/private')

      expect(headers).toMatchObject({ 'cache-control': 'private, max-age=60', vary: 'Cookie' })
    })
  })

  test('twenty parallel requests that each put a different item keep all twenty', async () => {
    const { browser } = await site()
    await browser.post('/login')
    const names = Array.from({ length: 20 }, (_, i) => `item${i}`)

    await Promise.all(names.map((name) => browser.get(`/put/${name}`)))

    expect(Object.keys((await data(browser)).items).sort()).toEqual(names.sort())
  })

  describe('when the store is away', () => {
    const outage = { all: { kind: 'error' } } as const

    test('reading answers 503 with Retry-After, and nobody is taken for signed out', async () => {
      const { browser, store } = await site()
      await browser.post('/login')
      store.setFaults(outage)
      const during = await browser.get('/me')
      store.setFaults({})

      expect(during).toMatchObject({ status: 503, setCookies: [], headers: { 'retry-after': '1' } })
      expect(during.body).not.toContain('absent')
      expect(await me(browser)).toMatchObject({ state: 'active', subject: 'ada' })
    })

    test('a write that fails after the handler answered is 503: its redirect is dropped', async () => {
      const { browser, store } = await site()
      await browser.post('/login')
      store.setFaults({ update: { kind: 'error' } })

      const answer = await browser.get('/note')

      expect(answer).toMatchObject({ status: 503, setCookies: [], headers: { 'retry-after': '1', 'cache-control': 'no-store' } })
      expect(answer.headers).not.toHaveProperty('location')
      expect(answer.headers).not.toHaveProperty('etag')
    })

    test('visitors without a cookie are served as ever', async () => {
      const { browser, store } = await site()
      store.setFaults(outage)

      expect((await browser.get('/public')).status).toBe(200)
    })

    test('signing in fails loudly and sets no cookie', async () => {
      const { browser, store } = await site()
      store.setFaults(outage)

      const answer = await browser.post('/login')

      expect(answer).toMatchObject({ status: 503, setCookies: [] })
    })
  })

  test('a client that leaves early loses no write and harms nobody', async () => {
    const { browser, origin } = await site()
    await browser.post('/login')
    const socket = connect({ port: Number(new URL(origin).port), host: '127.0.0.1', rejectUnauthorized: false })
    socket.write(`GET /slow-note HTTP/1.1\r\nHost: localhost\r\nCookie: __Host-sjn=${browser.token}\r\n\r\n`)
    await pause(60)
    socket.destroy()
    await pause(200)

    expect((await data(browser)).note).toBe('too late')
  })

  test('an error of the application is a 500 without details', async () => {
    const { browser } = await site()
    // The node adapter throws it on, as a bare listener would; the test runner would take it for its own.
    const ignore = () => {}
    process.on('unhandledRejection', ignore)

    const answer = await browser.get('/throws')

    process.off('unhandledRejection', ignore)
    expect(answer.status).toBe(500)
    expect(answer.body).not.toContain('mistake')
  })

  describe('bad input', () => {
    test.each([
      ['a token of 64 KB', `__Host-sjn=${'x'.repeat(65_536)}`, 'malformed'],
      ['64 KB of other cookies', Array.from({ length: 2_000 }, (_, i) => `c${i}=${'v'.repeat(24)}`).join('; '), 'absent'],
      ['a thousand duplicates', Array.from({ length: 1_000 }, (_, i) => `__Host-sjn=${i}`).join('; '), 'malformed'],
      ['an empty value', '__Host-sjn=', 'absent'],
      ['a forged token', `__Host-sjn=sjn1_${'A'.repeat(86)}`, 'forged'],
      ['the name in another case', '__host-sjn=x', 'absent'],
      ['a percent-encoded name', '__Host%2Dsjn=x', 'absent'],
      ['quotes', '__Host-sjn="sjn1_x"', 'malformed'],
      ['nonsense', ';;;=;= ;__Host-sjn', 'absent'],
    ])('%s leaves the visitor anonymous and reaches no store', async (_case, cookie, state) => {
      const { origin, store } = await site()

      const answer = await ask(`${origin}/me`, { headers: { cookie } })

      expect(JSON.parse(answer.body)).toMatchObject({ state, subject: null })
      expect(store.calls).toEqual([])
    })

    test('a token anywhere but in the cookie is not looked at (SMCS-09)', async () => {
      const { browser, origin } = await site()
      await browser.post('/login')
      const { token } = browser

      const answers = await Promise.all([
        ask(`${origin}/me?__Host-sjn=${token}`),
        ask(`${origin}/me`, { headers: { authorization: `Bearer ${token}`, '__Host-sjn': token! } }),
        ask(`${origin}/me`, {
          method: 'POST',
          headers: { origin, 'content-type': 'application/x-www-form-urlencoded' },
          body: `__Host-sjn=${token}`,
        }),
      ])

      for (const { body } of answers) expect(JSON.parse(body)).toMatchObject({ state: 'absent' })
    })

    test('nothing of a request gets into the headers of the response (header injection)', async () => {
      const { origin } = await site()
      const cookie = '__Host-sjn=a\tX-Evil: 1; __Host-sjn=b%0d%0aX-Evil:%201'

      const answer = await ask(`${origin}/a%0d%0aX-Evil:1/b;Domain=evil.example/c`, {
        headers: { cookie, host: 'shop.evil.example', 'user-agent': 'Firefox/1 (Linux) X-Evil: 1' },
      })

      expect(answer.lines.map(([name]) => name)).not.toContain('x-evil')
      expect(answer.setCookies.join()).not.toMatch(/evil:|Domain=evil\.example\/|[\r\n]/i)
      expect(answer.setCookies.length).toBeLessThanOrEqual(1)
    })
  })

  describe('several cookies of the name', () => {
    // The attacker has a session of their own and a neighbouring subdomain.
    // They toss their token beside the victim's, hoping that the victim acts in the attacker's account.
    // They must not get anything stored there, nor may the victim be signed out for good.
    test('of two sessions of ours neither is used (cookie tossing)', async () => {
      const { browser, origin, events, sessions } = await site()
      await browser.post('/login')
      const attacker = new Browser(origin)
      await attacker.post('/login')
      const cookie = `__Host-sjn=${attacker.token}; __Host-sjn=${browser.token}`

      const answer = await ask(`${origin}/me`, { headers: { cookie } })
      await sessions.events.drained()

      expect(JSON.parse(answer.body)).toMatchObject({ state: 'absent', subject: null })
      expect(events).toContain('cookie.duplicated')
      expect(await me(browser)).toMatchObject({ subject: 'ada' })
    })

    test('noise beside the session’s own signs nobody out, wherever it stands', async () => {
      const { browser, origin } = await site()
      await browser.post('/login')

      for (const cookie of [`__Host-sjn=x; __Host-sjn=${browser.token}`, `__Host-sjn=${browser.token}; __Host-sjn=x`]) {
        const answer = await ask(`${origin}/me`, { headers: { cookie } })

        expect(JSON.parse(answer.body)).toMatchObject({ state: 'active', subject: 'ada' })
      }
    })

    test('the stray one is cleared, one scope an answer, until it is gone', async () => {
      const { origin } = await site({ cookie: { name: '__Secure-sjn', formerScopes: [{ path: '/old' }] } })
      const url = new URL(origin)
      url.hostname = 'shop.example.test'
      const browser = new Browser(url.origin)
      await browser.post('/login')
      browser.jar.store(url, [
        '__Secure-sjn=stray; Domain=example.test; Path=/; Secure',
        '__Secure-sjn=stray; Path=/public; Secure',
      ])
      const answers: Answer[] = []

      for (let i = 0; i < 8; i++) answers.push(await browser.get('/public'))

      expect(answers[0]!.setCookies).toEqual([expect.stringMatching(/^__Secure-sjn=; Path=\/old; .*Max-Age=0/)])
      expect(answers.every((answer) => answer.setCookies.length <= 1)).toBe(true)
      expect(browser.jar.cookies(`${url.origin}/public`).map(({ value }) => value)).toEqual([expect.stringMatching(/^sjn1_/)])
      expect(answers.at(-1)!.headers['cache-control']).toBe('public, max-age=60')
    })

    test('when a cookie is due anyway, that one is sent and nothing is cleared', async () => {
      const { browser, origin } = await site()
      await browser.post('/login')

      const answer = await ask(`${origin}/login`, { headers: { cookie: `__Host-sjn=x; __Host-sjn=${browser.token}` } })

      expect(answer.setCookies).toEqual([expect.stringMatching(/^__Host-sjn=sjn1_/)])
    })
  })

  describe('over plain HTTP', () => {
    // Refusals are warnings of the process too (test/adapters/node.test.ts); here they would only be noise.
    beforeEach(() => {
      vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
      return () => vi.restoreAllMocks()
    })

    test('nobody signs in, and the error says why', async () => {
      const { origin, events, sessions } = await site({ tls: false })

      const answer = await ask(`${origin}/login`)
      await sessions.events.drained()

      expect(answer).toMatchObject({ status: 500, setCookies: [] })
      expect(events).toContain('transport.refused')
    })

    test('a token that was sent all the same is not looked at', async () => {
      const { browser, origin, sessions, events } = await site({ tls: false })
      const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
      const instruction = await session.commit()
      const cookie = `__Host-sjn=${instruction.token}; sjn=${instruction.token}`

      const answer = await ask(`${origin}/me`, { headers: { cookie } })
      await sessions.events.drained()

      expect(JSON.parse(answer.body)).toMatchObject({ state: 'absent' })
      expect(events).toContain('transport.refused')
      expect(browser.token).toBeUndefined()
    })

    test('a visitor’s data starts no session either', async () => {
      const { origin, store } = await site({ tls: false })

      const answer = await ask(`${origin}/note`)

      expect(answer).toMatchObject({ status: 500, setCookies: [] })
      expect(store.calls).toEqual([])
    })

    test('pages without a session are served', async () => {
      const { origin } = await site({ tls: false })

      expect(await ask(`${origin}/public`)).toMatchObject({ status: 200, body: 'same for everybody' })
      expect(JSON.parse((await ask(`${origin}/me`)).body)).toMatchObject({ state: 'absent' })
    })

    test('a developer’s own machine is served on request, under a name without prefix', async () => {
      const { browser } = await site({ tls: false, dangerouslyAllowHttp: true })

      const answer = await browser.post('/login')

      expect(answer.setCookies).toEqual([expect.stringMatching(/^sjn=sjn1_[\w-]{86}; Path=\/; HttpOnly; SameSite=Lax$/)])
      expect(await me(browser)).toMatchObject({ subject: 'ada' })
    })

    test.each(['shop.example', '10.0.0.7', 'localhost.shop.example'])('no other host is, such as %s', async (host) => {
      const { origin } = await site({ tls: false, dangerouslyAllowHttp: true })

      expect(await ask(`${origin}/login`, { headers: { host } })).toMatchObject({ status: 500, setCookies: [] })
    })

    test('a forwarding header does not make it TLS', async () => {
      const { origin } = await site({ tls: false })

      expect(await ask(`${origin}/login`, { headers: { 'x-forwarded-proto': 'https' } })).toMatchObject({
        status: 500,
        setCookies: [],
      })
    })

    test('turning safety off is on the record', async () => {
      const { events, sessions } = await site({ tls: false, dangerouslyAllowHttp: true })

      await sessions.events.drained()

      expect(events).toContain('safety.lowered')
    })
  })

  test('misuse is found at start-up', () => {
    const sessions = sessionsWith({ store: memoryStore() })

    expect(() => listen(sessions, app, { cookie: { domain: 'example.com' } })).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }),
    )
    expect(() => listen(sessions, app, { clearSiteData: ['all'] as never })).toThrow(/clearSiteData/)
  })
})
