// The same rules on every framework, over TLS, with the requests browsers send.
import { createSessions } from 'sojourn'
import { memoryStore } from 'sojourn/stores/memory'
import { type FaultyStore, faultyStore } from 'sojourn/testing'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { testKey } from '../http/support/keys.ts'
import { ask, serve } from '../http/support/servers.ts'
import { type App, adapters, type Options } from './adapters.ts'
import { Browser } from './browser.ts'

const EVIL = 'https://evil.example'
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
/** `node:http` has no parser of forms; there a token comes by header. */
const readsForms = (name: string) => !name.startsWith('node')

describe.each(Object.entries(adapters))('%s', (name, listen) => {
  async function site(options: Options = {}) {
    const store: FaultyStore = faultyStore(memoryStore())
    const deeds: string[] = []
    const app: App = async ({ path }, session) => {
      if (path === '/token') return { body: session.csrfToken() }
      if (path === '/login') await session.signIn({ subject: 'ada', method: 'pwd' })
      deeds.push(`${path} by ${session.subject ?? 'nobody'}`)
      return { body: String(session.subject) }
    }
    const data = z.object({ items: z.record(z.string(), z.number()).default({}), note: z.string().default('') })
    const sessions = createSessions({ store, keys: testKey(), data })
    const origin = await serve(listen(sessions, app, options), { tls: true })
    const browser = new Browser(origin)
    /** Posts with the browser's cookies and only these headers. */
    const post = (path: string, headers: Record<string, string>, body = '') => {
      const cookie = browser.jar.header(origin + path)
      return ask(origin + path, { method: 'POST', headers: { ...FORM, ...(cookie && { cookie }), ...headers }, body })
    }
    return { origin, browser, post, deeds, store }
  }

  test('a form of another site is refused before the handler, and the session stays', async () => {
    const { browser, post, deeds, store } = await site()
    await browser.post('/login')
    const calls = store.calls.length

    const statuses = [
      (await post('/transfer', { 'sec-fetch-site': 'cross-site', origin: EVIL })).status,
      (await post('/transfer', { origin: EVIL })).status,
      (await post('/transfer', { origin: 'null' })).status,
      (await post('/transfer', { referer: `${EVIL}/` })).status,
      (await post('/transfer', {})).status,
    ]

    expect([statuses, deeds]).toEqual([[403, 403, 403, 403, 403], ['/login by ada']])
    // All but the last are refused unseen; that one's token might have been its session's.
    expect(store.calls.length).toBe(calls + 1)
    expect((await browser.post('/transfer')).body).toBe('ada')
  })

  test('a form of the site’s own passes, by whatever header shows it', async () => {
    const { origin, browser, post } = await site()
    await browser.post('/login')
    const own = [{ 'sec-fetch-site': 'same-origin' }, { 'sec-fetch-site': 'none' }, { origin }, { referer: `${origin}/form` }]

    const answers = await Promise.all(own.map((headers) => post('/transfer', headers as Record<string, string>)))

    expect(answers.map(({ body }) => body)).toEqual(['ada', 'ada', 'ada', 'ada'])
  })

  test('a token stands in for the headers of a browser that sends none', async () => {
    const { browser, post } = await site()
    await browser.post('/login')
    const { body: csrfToken } = await browser.get('/token')
    const { body: another } = await browser.get('/token')

    expect((await post('/transfer', { 'x-csrf-token': csrfToken })).body).toBe('ada')
    expect((await post('/transfer', { 'x-csrf-token': `${csrfToken.slice(0, -2)}AA` })).status).toBe(403)
    expect(another).not.toBe(csrfToken)
    if (!readsForms(name)) return
    expect((await post('/transfer', {}, `a=b&csrf_token=${another}`)).body).toBe('ada')
    expect((await post('/transfer', {}, `csrf_token[$ne]=x`)).status).toBe(403)
    expect((await post('/transfer', {}, `csrf_token=${another}&csrf_token=${another}`)).status).toBe(403)
    expect((await post('/transfer', {}, `__proto__[csrf_token]=${another}`)).status).toBe(403)
  })

  test('a visitor’s sign-in is held to the same, and no session is started for it', async () => {
    const { browser, post, store } = await site()
    const { body: csrfToken, setCookies } = await browser.get('/token')
    const forged = await post('/login', {})
    const calls = [...store.calls]
    const answer = await post('/login', { 'x-csrf-token': csrfToken })

    expect([setCookies.length, setCookies[0]?.startsWith('__Host-sjn-csrf='), calls]).toEqual([1, true, []])
    expect([forged.status, answer.status, answer.setCookies.map((line) => line.split('=')[0])]).toEqual([
      403,
      200,
      ['__Host-sjn', '__Host-sjn-csrf'],
    ])
  })

  test('a path of csrf.safe passes as nobody’s; a variation of it does not', async () => {
    const { browser, post, deeds } = await site({ csrf: { safe: ['/hook'] } })
    await browser.post('/login')
    const evil = { 'sec-fetch-site': 'cross-site', origin: EVIL }

    const statuses = await Promise.all(['/hook', '/hook/', '//hook', '/hook%2f', '/HOOK'].map((path) => post(path, evil)))

    expect([statuses.map(({ status }) => status), deeds.slice(1)]).toEqual([[200, 403, 403, 403, 403], ['/hook by nobody']])
  })

  test('a GET of csrf.protect is held to the rules, and says to caches that it was', async () => {
    const { browser, origin } = await site({ csrf: { protect: ['/unsubscribe'] } })
    await browser.post('/login')
    const own = await browser.get('/unsubscribe', { headers: { 'sec-fetch-site': 'same-origin' } })
    const evil = await browser.get('/unsubscribe', { headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' } })

    expect([own.status, own.headers.vary, evil.status]).toEqual([200, expect.stringContaining('Sec-Fetch-Site, Origin'), 403])
    expect((await ask(`${origin}/else`, { headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(200)
  })

  test("token: 'always' asks a page of the site's own as well", async () => {
    const { browser } = await site({ csrf: { token: 'always' } })
    const { body: csrfToken } = await browser.get('/token')

    const without = await browser.post('/login')
    const with_ = await browser.post('/login', { headers: { 'x-csrf-token': csrfToken } })

    expect([without.status, with_.status]).toEqual([403, 200])
  })

  test('an allowed origin passes, and a switch turns all of it off', async () => {
    const evil = { 'sec-fetch-site': 'cross-site', origin: EVIL }
    const [allowing, off] = [await site({ csrf: { allowedOrigins: [EVIL] } }), await site({ dangerouslyDisableCsrf: true })]

    expect([(await allowing.post('/x', evil)).status, (await off.post('/x', evil)).status]).toEqual([200, 200])
  })

  test('a GET that wants to become a socket is held to the rules', async () => {
    const { origin } = await site()
    const upgrade = { upgrade: 'websocket', connection: 'Upgrade', origin: EVIL }

    expect((await ask(`${origin}/socket`, { headers: upgrade })).status).toBe(403)
    expect((await ask(`${origin}/socket`, { headers: { ...upgrade, origin } })).status).toBe(200)
  })
})

test.each(['node, withSession', 'web'])('the answer of %s names the rule and nothing else', async (name) => {
  const sessions = createSessions({ store: memoryStore(), keys: testKey() })
  const origin = await serve(
    adapters[name]!(sessions as never, () => ({})),
    { tls: true },
  )
  const headers = { origin: 'https://canary.example' }

  const text = await ask(origin, { method: 'POST', headers })
  const json = await ask(origin, { method: 'POST', headers: { ...headers, accept: 'application/json' } })

  expect([text.status, text.body, text.headers['cache-control']]).toEqual([403, 'Forbidden: origin\n', 'no-store'])
  expect(JSON.parse(json.body)).toEqual({ status: 403, error: 'Forbidden', rule: 'origin' })
})
