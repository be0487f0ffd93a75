import { minutes, policies } from 'sojourn'
import { describe, expect, test } from 'vitest'
import { csrfSite, type Given } from './support/csrf.ts'

const OWN = 'https://shop.example'
const EVIL = 'https://evil.example'
const ADMIN = 'https://admin.shop.example'
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const post = (headers: Record<string, string> = {}): Given => ({ headers: { ...FORM, ...headers } })

describe('an unsafe request', () => {
  test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'CONNECT', 'PROPFIND', 'get', ''])(
    '%s of another site is refused',
    async (method) => {
      expect(await csrfSite().outcome({ method, headers: { 'sec-fetch-site': 'cross-site' } })).toBe('sec-fetch-site')
    },
  )

  test.each(['GET', 'HEAD', 'OPTIONS', 'TRACE'])('%s is none: it passes, wherever it began', async (method) => {
    expect(await csrfSite().outcome({ method, headers: { 'sec-fetch-site': 'cross-site', origin: EVIL } })).toBe('anonymous')
  })

  test('a header that asks for another method changes nothing', async () => {
    const headers = { 'x-http-method-override': 'GET', 'sec-fetch-site': 'cross-site' }

    expect(await csrfSite().outcome({ headers })).toBe('sec-fetch-site')
    expect(await csrfSite().outcome({ method: 'GET', headers: { 'x-http-method-override': 'DELETE' } })).toBe('anonymous')
  })
})

describe('a method that a middleware in front made of another', () => {
  test.each<[string, Given, string]>([
    ['a form that became a DELETE could be any page’s', { method: 'DELETE', sentMethod: 'POST', headers: FORM }, 'token-missing'],
    ['so could a link that became one', { method: 'DELETE', sentMethod: 'GET', headers: {} }, 'token-missing'],
    ['a form that became a GET is still a form', { method: 'GET', sentMethod: 'POST', headers: FORM }, 'token-missing'],
    ['a DELETE that became a POST was asked about', { method: 'POST', sentMethod: 'DELETE', headers: FORM }, 'anonymous'],
    ['a link that became a HEAD is a read', { method: 'HEAD', sentMethod: 'GET', headers: {} }, 'anonymous'],
  ])('%s', async (_what, given, outcome) => {
    expect(await csrfSite().outcome(given)).toBe(outcome)
  })
})

// Rows: what the browser said, and what becomes of it.
describe('where a request began', () => {
  test.each<[string, Record<string, string>, string]>([
    ['from a page of the site', { 'sec-fetch-site': 'same-origin' }, 'anonymous'],
    ['by the person’s own hand', { 'sec-fetch-site': 'none' }, 'anonymous'],
    ['Fetch Metadata goes before Origin', { 'sec-fetch-site': 'same-origin', origin: EVIL }, 'anonymous'],
    ['from another site', { 'sec-fetch-site': 'cross-site', origin: EVIL }, 'sec-fetch-site'],
    ['from another site that claims our origin', { 'sec-fetch-site': 'cross-site', origin: OWN }, 'sec-fetch-site'],
    ['from a sibling host', { 'sec-fetch-site': 'same-site', origin: 'https://blog.shop.example' }, 'sec-fetch-site'],
    ['from a sibling host that is allowed', { 'sec-fetch-site': 'same-site', origin: ADMIN }, 'anonymous'],
    ['from another site that is allowed', { 'sec-fetch-site': 'cross-site', origin: ADMIN }, 'anonymous'],
    ['a word that is none of the specification’s says nothing', { 'sec-fetch-site': 'SAME-ORIGIN', origin: EVIL }, 'origin'],
    ['two words say nothing', { 'sec-fetch-site': 'same-origin, cross-site', origin: EVIL }, 'origin'],
    ['an empty one says nothing', { 'sec-fetch-site': '', origin: OWN }, 'anonymous'],
    ['our Origin', { origin: OWN }, 'anonymous'],
    ['our Origin goes before a foreign Referer', { origin: OWN, referer: `${EVIL}/` }, 'anonymous'],
    ['an allowed Origin', { origin: ADMIN }, 'anonymous'],
    ['a foreign Origin', { origin: EVIL }, 'origin'],
    ['a foreign Origin with our Referer', { origin: EVIL, referer: `${OWN}/` }, 'origin'],
    ['no origin at all, as of a sandboxed frame', { origin: 'null' }, 'origin'],
    ['an empty Origin', { origin: '' }, 'origin'],
    ['our host by another scheme of the same length', { origin: 'ionic://shop.example' }, 'origin'],
    ['our host by http', { origin: 'http://shop.example' }, 'origin'],
    ['our host at another port', { origin: 'https://shop.example:8443' }, 'origin'],
    ['a longer name that begins like ours', { origin: `${OWN}.evil.example` }, 'origin'],
    ['a longer name that ends like ours', { origin: 'https://evil-shop.example' }, 'origin'],
    ['our name as a user name', { origin: 'https://shop.example@evil.example' }, 'origin'],
    ['two Origins', { origin: `${OWN}, ${EVIL}` }, 'origin'],
    ['our Origin with a path', { origin: `${OWN}/` }, 'origin'],
    ['our Referer', { referer: `${OWN}/basket?x=1` }, 'anonymous'],
    ['our Referer without a path', { referer: OWN }, 'anonymous'],
    ['a foreign Referer', { referer: `${EVIL}/` }, 'referer'],
    ['a foreign Referer that has ours in its path', { referer: `${EVIL}/${OWN}/` }, 'referer'],
    ['our name as a user name in the Referer', { referer: 'https://shop.example@evil.example/' }, 'referer'],
    ['our name before a backslash', { referer: 'https://shop.example\\.evil.example/' }, 'referer'],
    ['garbage for a Referer', { referer: 'about:blank' }, 'referer'],
    ['nothing at all', {}, 'token-missing'],
    ['an empty Referer', { referer: '' }, 'token-missing'],
  ])('%s', async (_what, headers, outcome) => {
    const site = csrfSite({ csrf: { allowedOrigins: [ADMIN] } })

    expect(await site.outcome(post(headers))).toBe(outcome)
  })

  test.each<[string, Omit<Given, 'headers'>, string, string]>([
    ['the port is part of it', { authority: 'shop.example:8443' }, 'https://shop.example:8443', 'anonymous'],
    ['a port the host does not have', { authority: 'shop.example:8443' }, OWN, 'origin'],
    ['the scheme’s own port is no difference', { authority: 'shop.example:443' }, OWN, 'anonymous'],
    ['nor is the case of the Host', { authority: 'Shop.Example' }, OWN, 'anonymous'],
    ['IPv6', { authority: '[::1]:8443' }, 'https://[::1]:8443', 'anonymous'],
    ['no Host', { authority: undefined }, OWN, 'origin'],
    ['an empty Host', { authority: '' }, 'https://', 'origin'],
    ['plain HTTP', { isEncrypted: false }, 'http://shop.example', 'anonymous'],
    ['https over plain HTTP', { isEncrypted: false }, OWN, 'origin'],
  ])('%s', async (_what, given, origin, outcome) => {
    expect(await csrfSite().outcome({ ...given, headers: { ...FORM, origin } })).toBe(outcome)
  })

  test('X-Forwarded-Host is not believed, of a trusted proxy neither; the public origin is named', async () => {
    const headers = { ...FORM, origin: OWN, 'x-forwarded-host': 'shop.example', 'x-forwarded-proto': 'https' }
    const given = { headers, authority: 'internal:8080' }

    expect(await csrfSite().outcome(given)).toBe('origin')
    expect(await csrfSite({ csrf: { allowedOrigins: [OWN] } }).outcome(given)).toBe('anonymous')
  })
})

describe('a request that says nothing of where it began', () => {
  test.each<[string, Given, string]>([
    ['a form needs a token', { headers: FORM }, 'token-missing'],
    ['so does one with a file', { headers: { 'content-type': 'multipart/form-data; boundary=x' } }, 'token-missing'],
    ['and JSON in text/plain', { headers: { 'content-type': 'Text/Plain;charset=utf-8' } }, 'token-missing'],
    ['and one without a type', { headers: {} }, 'token-missing'],
    ['and one with an empty type', { headers: { 'content-type': '' } }, 'token-missing'],
    ['and two types at once', { headers: { 'content-type': 'application/json, text/plain' } }, 'token-missing'],
    ['and a type that is none', { headers: { 'content-type': 'json' } }, 'token-missing'],
    ['and an endless type', { headers: { 'content-type': `a/${'b'.repeat(1000)}` } }, 'token-missing'],
    [
      'JSON passes: another site’s page has to ask before it sends that',
      { headers: { 'content-type': 'application/json' } },
      'anonymous',
    ],
    ['in any case of letters', { headers: { 'content-type': ' Application/JSON ; charset=utf-8' } }, 'anonymous'],
    ['and so does PUT', { method: 'PUT', headers: {} }, 'anonymous'],
    ['and DELETE', { method: 'DELETE', headers: FORM }, 'anonymous'],
  ])('%s', async (_what, given, outcome) => {
    expect(await csrfSite().outcome(given)).toBe(outcome)
  })

  test('a program passes with its session, where the application can tell it', async () => {
    const site = csrfSite({ csrf: { isProgram: ({ headers }) => headers?.['x-api-version'] !== undefined } })
    const cookie = await site.signedIn()

    expect(await site.outcome(post({ cookie, 'x-api-version': '1' }))).toBe('ada')
    expect(await site.outcome(post({ cookie }))).toBe('token-missing')
    // Only where nothing else is known: a page says where it is from.
    expect(await site.outcome(post({ cookie, 'x-api-version': '1', origin: EVIL }))).toBe('origin')
  })

  test.each([Promise.resolve(true), 1, 'yes', {}])('isProgram that answers %s has not said true', async (answer) => {
    expect(await csrfSite({ csrf: { isProgram: () => answer as never } }).outcome(post())).toBe('token-missing')
  })
})

describe('a path of csrf.safe', () => {
  const site = () => csrfSite({ csrf: { safe: ['/hooks/payment'] } })

  test('passes without its session: nothing that a browser sends by itself can be used there', async () => {
    const shop = site()
    const cookie = await shop.signedIn()
    const given = { ...post({ cookie, 'sec-fetch-site': 'cross-site', origin: EVIL }), path: '/hooks/payment' }

    expect(await shop.outcome(given)).toBe('anonymous')
  })

  test('can start no session and set no cookie: the browser’s own would be replaced', async () => {
    const shop = site()
    const given = { ...post(), path: '/hooks/payment' }
    const signIn = shop.ask(given, (session) => session.signIn({ subject: 'mallory', method: 'pwd' }))
    const out = await shop.ask(given, (session) => session.signOut())
    const token = await shop.ask(given, (session) => session.csrfToken())

    await expect(signIn).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID', status: 500 })
    expect([...out.headers, ...token.headers]).toEqual([])
  })

  test.each([
    '/hooks/payment/',
    '//hooks/payment',
    '/hooks//payment',
    '/hooks/../hooks/payment',
    '/hooks/payment/../../transfer',
    '/hooks/%2e%2e/transfer',
    '/hooks/payment%2f..%2f..%2ftransfer',
    '/hooks/%70ayment',
    '/Hooks/Payment',
    '/hooks/payment;x=1',
    '/hooks/payment\\',
    '/hooks\\payment',
    'https://shop.example/hooks/payment',
    '',
    '*',
  ])('is not %j', async (path) => {
    expect(await site().outcome({ ...post({ origin: EVIL }), path })).toBe('origin')
  })

  test('may be a function of the request, whose yes is true and nothing else', async () => {
    const asked = (answer: unknown) => csrfSite({ csrf: { safe: () => answer as boolean } }).outcome(post({ origin: EVIL }))

    expect(await asked(true)).toBe('anonymous')
    expect(await Promise.all([asked(Promise.resolve(true)), asked(1), asked(undefined)])).toEqual(['origin', 'origin', 'origin'])
  })

  test('that throws is an error of the application, not a yes', async () => {
    const site = csrfSite({
      csrf: {
        safe: () => {
          throw new Error('a mistake')
        },
      },
    })

    await expect(site.outcome(post({ 'sec-fetch-site': 'same-origin' }))).rejects.toThrow('a mistake')
  })
})

describe('a GET of csrf.protect', () => {
  const get = (headers: Record<string, string>, path = '/unsubscribe'): Given => ({ method: 'GET', headers, path })

  test.each<[string, Record<string, string>, string]>([
    ['a link of the site', { 'sec-fetch-site': 'same-origin' }, 'anonymous'],
    ['the address bar', { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }, 'anonymous'],
    [
      'a link of another site',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
      'sec-fetch-site',
    ],
    ['an image on another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'image' }, 'sec-fetch-site'],
    ['an old browser’s link on another site', { referer: `${EVIL}/` }, 'referer'],
    ['an old browser that says nothing', {}, 'token-missing'],
  ])('%s', async (_what, headers, outcome) => {
    expect(await csrfSite({ csrf: { protect: ['/unsubscribe'] } }).outcome(get(headers))).toBe(outcome)
  })

  test.each<[string, Record<string, string>, string]>([
    [
      'a link of another site',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
      'anonymous',
    ],
    [
      'a frame of another site',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
      'sec-fetch-site',
    ],
    [
      'an object of another site',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'object' },
      'sec-fetch-site',
    ],
    [
      'an image on another site',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
      'sec-fetch-site',
    ],
    [
      'an image on a sibling host',
      { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
      'sec-fetch-site',
    ],
    ['an old browser’s script on another site', { origin: EVIL }, 'origin'],
    ['an old browser’s link on another site', { referer: `${EVIL}/` }, 'anonymous'],
    ['an old browser that says nothing', {}, 'anonymous'],
  ])('that is protected as a subresource: %s', async (_what, headers, outcome) => {
    expect(await csrfSite({ csrf: { protect: () => 'subresources' } }).outcome(get(headers))).toBe(outcome)
  })

  test.each([
    '/unsubscribe/',
    '/Unsubscribe',
    '//unsubscribe',
    '/%75nsubscribe',
    '/unsubscribe;x=1',
    '/x/../unsubscribe',
    '/./unsubscribe',
    '\\unsubscribe',
    '/unsubscribe%2f',
    '/unsubscribe%3fx',
    'https://shop.example/unsubscribe',
  ])('is %j as well: some router takes it for the same', async (path) => {
    const site = csrfSite({ csrf: { protect: ['/unsubscribe'] } })

    expect(await site.outcome(get({ 'sec-fetch-site': 'cross-site' }, path))).toBe('sec-fetch-site')
  })

  test.each(['/', '/unsubscribed', '/unsubscribe/x', '/x/unsubscribe', '/%zz', '%', ''])('is not %j', async (path) => {
    const site = csrfSite({ csrf: { protect: ['/unsubscribe'] } })

    expect(await site.outcome(get({ 'sec-fetch-site': 'cross-site' }, path))).toBe('anonymous')
  })

  test('says to caches what its answer depends on; other paths say nothing', async () => {
    const site = csrfSite({ csrf: { protect: ['/unsubscribe'] } })
    const own = { 'sec-fetch-site': 'same-origin' }
    const [guarded, other] = [await site.ask(get(own), () => 1), await site.ask(get(own, '/'), () => 1)]

    expect([guarded.headers.get('vary'), other.headers.get('vary')]).toEqual(['Sec-Fetch-Site, Origin', null])
  })

  test('takes a token by header only: a link’s parameters end up in logs', async () => {
    const site = csrfSite({ csrf: { protect: ['/unsubscribe'] } })
    const cookie = await site.signedIn()
    const { result: token } = await site.ask({ method: 'GET', headers: { cookie } }, (session) => session.csrfToken())

    expect(await site.outcome(get({ cookie, 'x-csrf-token': token }))).toBe('ada')
    expect(await site.outcome({ ...get({ cookie }), body: { csrf_token: token } })).toBe('token-missing')
  })

  test('and of csrf.safe keeps its session: it is a read like any other', async () => {
    const site = csrfSite({ csrf: { protect: () => true, safe: ['/unsubscribe'] } })
    const cookie = await site.signedIn()

    expect(await site.outcome(get({ cookie, origin: EVIL }))).toBe('ada')
  })
})

describe('an upgrade to a socket', () => {
  const upgrade = (headers: Record<string, string>): Given => ({ method: 'GET', headers: { upgrade: 'websocket', ...headers } })

  test.each<[string, Given, string]>([
    ['of a page of the site', upgrade({ origin: OWN }), 'anonymous'],
    ['of another site', upgrade({ origin: EVIL }), 'origin'],
    ['of a sandboxed frame', upgrade({ origin: 'null' }), 'origin'],
    ['of another site, by Fetch Metadata', upgrade({ 'sec-fetch-site': 'cross-site', origin: EVIL }), 'sec-fetch-site'],
    ['without Origin is no browser’s', upgrade({}), 'anonymous'],
    ['in another spelling', upgrade({ upgrade: 'h2c, WebSocket', origin: EVIL }), 'origin'],
    ['that the server says is one', { method: 'GET', headers: { upgrade: 'other', origin: EVIL }, isUpgrade: true }, 'origin'],
    ['to another protocol is a GET like any other', upgrade({ upgrade: 'h2c', origin: EVIL }), 'anonymous'],
    ['by HTTP/2', { method: 'CONNECT', headers: { ':protocol': 'websocket', origin: EVIL } }, 'origin'],
  ])('%s', async (_what, given, outcome) => {
    expect(await csrfSite().outcome(given)).toBe(outcome)
  })
})

describe("csrf.token: 'always'", () => {
  const always = () => csrfSite({ csrf: { token: 'always', isProgram: () => true } })

  test.each<[string, Given, string]>([
    ['a form of the site', post({ 'sec-fetch-site': 'same-origin' }), 'token-missing'],
    ['JSON', { headers: { 'content-type': 'application/json' } }, 'token-missing'],
    ['PUT', { method: 'PUT', headers: {} }, 'token-missing'],
    ['a program', post(), 'token-missing'],
    ['another site is refused before', post({ 'sec-fetch-site': 'cross-site' }), 'sec-fetch-site'],
    ['reads need none', { method: 'GET' }, 'anonymous'],
    ['nor do sockets, which cannot bring one', { method: 'GET', headers: { upgrade: 'websocket', origin: OWN } }, 'anonymous'],
  ])('%s', async (_what, given, outcome) => {
    expect(await always().outcome(given)).toBe(outcome)
  })

  test('is satisfied by a token of the session', async () => {
    const site = always()
    const visit = await site.ask({ method: 'GET' }, (session) => session.csrfToken())
    const headers = { cookie: visit.cookie, 'sec-fetch-site': 'same-origin', 'x-csrf-token': visit.result }

    expect(await site.outcome({ headers })).toBe('anonymous')
    expect(await site.outcome({ headers: { ...headers, 'sec-fetch-site': 'cross-site' } })).toBe('sec-fetch-site')
  })

  test.each(['aal1', 'aal2', 'aal3'] as const)('is the default under %s, and doing without is on the record', async (preset) => {
    const own = post({ 'sec-fetch-site': 'same-origin' })
    const strict = csrfSite({}, policies[preset])
    const loose = csrfSite({ csrf: { token: 'fallback' } }, policies[preset])

    expect([await strict.outcome(own), await loose.outcome(own)]).toEqual(['token-missing', 'anonymous'])
    await loose.sessions.events.drained()
    expect(loose.events).toContainEqual(expect.objectContaining({ type: 'safety.lowered', option: 'csrf.token' }))
  })
})

describe('a refusal', () => {
  test('reads nothing, writes nothing and is an event that names the rule', async () => {
    const site = csrfSite()
    const cookie = await site.signedIn()
    const before = site.store.calls.length

    await site.outcome(post({ cookie, origin: EVIL }))

    await site.sessions.events.drained()
    expect(site.store.calls.length).toBe(before)
    expect(site.events.at(-1)).toMatchObject({ type: 'csrf.refused', rule: 'origin', isReportOnly: false })
  })

  test('for want of a token counts as no activity and renews nothing, though the session was looked up', async () => {
    const site = csrfSite()
    const cookie = await site.signedIn()
    site.clock.advance(minutes(20))
    const before = site.store.calls.length

    await site.outcome(post({ cookie }))

    expect(site.store.calls.slice(before)).toEqual(['read'])
  })

  test('holds nothing the client sent', async () => {
    const error = await csrfSite()
      .ask(post({ origin: 'https://canary.example' }), () => 1)
      .catch((thrown: Error) => thrown as Error & { rule: string; status: number; code: string })

    expect(error).toMatchObject({ code: 'ERR_CSRF_REFUSED', status: 403, rule: 'origin', name: 'CsrfError' })
    expect(`${(error as Error).message}${JSON.stringify(error)}`).not.toContain('canary')
  })

  test('is only reported where the application wants to look first, which is on the record', async () => {
    const site = csrfSite({ csrf: { dangerouslyReportOnly: true } })
    const cookie = await site.signedIn()

    expect([await site.outcome(post({ cookie, origin: EVIL })), await site.outcome(post({ cookie }))]).toEqual(['ada', 'ada'])
    await site.sessions.events.drained()
    expect(site.events.filter(({ type }) => type === 'csrf.refused')).toMatchObject([
      { rule: 'origin', isReportOnly: true },
      { rule: 'token-missing', isReportOnly: true },
    ])
    expect(site.events).toContainEqual(expect.objectContaining({ type: 'safety.lowered', option: 'csrf.dangerouslyReportOnly' }))
  })

  test('never happens with dangerouslyDisableCsrf, which is on the record', async () => {
    const site = csrfSite({ dangerouslyDisableCsrf: true })

    expect(await site.outcome(post({ 'sec-fetch-site': 'cross-site', origin: EVIL }))).toBe('anonymous')
    await site.sessions.events.drained()
    expect(site.events).toContainEqual(expect.objectContaining({ type: 'safety.lowered', option: 'dangerouslyDisableCsrf' }))
  })
})
