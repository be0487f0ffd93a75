// Device Bound Session Credentials, W3C editor's draft of 17 February 2026: requirements DBSC-01 to DBSC-21 by their ids, and what other
// pages say of device-bound sessions.
import { parseItem, parseList, type Token } from 'structured-headers'
import { describe, expect, it } from 'vitest'
import { deviceBinding } from '../../../src/binding/dbsc.ts'
import { minutes, seconds } from '../../../src/core/duration.ts'
import { Device } from '../../binding/dbsc/device.ts'
import { asThief, BindingBrowser, BOUND_COOKIE, boundSite, COOKIE, challengeIn } from '../../binding/dbsc/support.ts'
import { setUp, thrownBy } from '../../core/support.ts'
import { differences, problems } from './browser-rules.ts'

async function offered(site = boundSite()) {
  const browser = new BindingBrowser(site)
  const login = await browser.send('/login')
  return { site, browser, login, challenge: challengeIn(login) }
}

async function bound(site = boundSite()) {
  const { browser, challenge } = await offered(site)
  const registered = await browser.register(challenge)
  const id = browser.boundId!
  const post = (headers: Record<string, string> = {}) =>
    browser.post('/dbsc/refresh', { 'sec-secure-session-id': id, ...headers })
  const prove = async (proof: string) => (await post({ 'secure-session-response': proof })).status
  return { site, browser, registered, id, post, prove }
}

describe('headers', () => {
  it('DBSC-01: the offer is a structured field of known algorithms with a path and a challenge; a path that would need escapes is refused', async () => {
    const { login, challenge } = await offered()
    const [[algorithms, parameters]] = parseList(login.headers.get('secure-session-registration')!) as unknown as [
      [[Token, object][], Map<string, unknown>],
    ]

    expect(algorithms.map(([token]) => token.toString())).toEqual(['ES256', 'RS256'])
    expect(Object.fromEntries(parameters)).toEqual({ path: '/dbsc/register', challenge })
    for (const registrationPath of ['/a"b', '/a\\b', '/ä', '/a\nb'])
      expect(thrownBy(() => deviceBinding(setUp().sessions, { registrationPath })).message).toContain('registrationPath')
  })

  it('DBSC-07: a refresh that names no session is refused; no other origin may read or embed the answers', async () => {
    const { site, browser } = await bound()
    const unnamed = await browser.post('/dbsc/refresh', { 'secure-session-response': browser.device.refresh(browser.challenge!) })
    const preflight = await site.answer('/dbsc/refresh', {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    })

    expect([unnamed.status, preflight.status]).toEqual([400, 405])
    expect(unnamed.headers.get('cross-origin-resource-policy')).toBe('same-origin')
    expect(unnamed.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect([...unnamed.headers.keys(), ...preflight.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual(
      [],
    )
  })

  it('DBSC-15: proof and session id are read quoted, as the draft has them, and bare, as Chromium sends them', async () => {
    const { site, browser, id } = await bound()
    const statuses: number[] = []
    for (const quote of ['', '"']) {
      const headers = { 'sec-secure-session-id': `${quote}${id}${quote}` }
      const challenge = challengeIn(await browser.post('/dbsc/refresh', headers))
      const proof = `${quote}${browser.device.refresh(challenge)}${quote}`
      statuses.push((await browser.post('/dbsc/refresh', { ...headers, 'secure-session-response': proof })).status)
      site.clock.advance(1)
    }

    expect(statuses).toEqual([200, 200])
  })

  it('DBSC-16: no header of the former names is sent', async () => {
    const { login } = await offered()
    const { registered, post } = await bound()
    const challenge = await post()

    const names = [login, registered, challenge].flatMap(({ headers }) => [...headers.keys()])
    expect(names.filter((name) => name.startsWith('sec-session'))).toEqual([])
    expect(names.filter((name) => name.startsWith('secure-session'))).toEqual([
      'secure-session-registration',
      'secure-session-challenge',
      'secure-session-challenge',
    ])
  })

  it('DBSC-20: answers are kept by nobody and say that they are JSON', async () => {
    const { registered, post, browser } = await bound()
    const challenged = await post()
    const refreshed = await post({ 'secure-session-response': browser.device.refresh(challengeIn(challenged)) })

    for (const { headers } of [registered, challenged, refreshed])
      expect([headers.get('cache-control'), headers.get('content-type')]).toEqual(['no-store', 'application/json'])
  })
})

describe('challenges and proofs', () => {
  it('DBSC-02: a challenge is random, short-lived, of one session and one purpose, and answered once', async () => {
    const { site, browser, post, prove } = await bound()
    const seen = new Set<string>()
    for (let i = 0; i < 100; i++) seen.add(challengeIn(await post()))
    site.clock.advance(1)
    const challenge = challengeIn(await post())
    const once = await prove(browser.device.refresh(challenge))
    site.clock.advance(minutes(1))
    const twice = await prove(browser.device.refresh(challenge))
    const old = challengeIn(await post())
    site.clock.advance(minutes(15))
    const late = await prove(browser.device.refresh(old))
    const elsewhere = await offered(site)
    const otherPurpose = await prove(browser.device.refresh(elsewhere.challenge))
    const otherSession = await prove(browser.device.refresh((await bound(site)).browser.challenge!))

    expect(seen.size).toBe(100)
    expect([once, twice, late, otherPurpose, otherSession]).toEqual([200, 403, 403, 403, 403])
  })

  it.each<[string, (device: Device, challenge: string) => string]>([
    ['typ', (device, challenge) => device.registration(challenge, { header: { typ: 'jwt' } })],
    ['alg', (device, challenge) => device.registration(challenge, { header: { alg: 'ES384' } })],
    ['jwk absent', (device, challenge) => device.refresh(challenge)],
    ['jwk private', (device, challenge) => device.registration(challenge, { header: { jwk: device.privateJwk } })],
    ['kty', (device, challenge) => device.registration(challenge, { header: { jwk: { ...device.jwk, kty: 'RSA' } } })],
    ['crv', (device, challenge) => device.registration(challenge, { header: { jwk: { ...device.jwk, crv: 'P-521' } } })],
    ['RSA of 1,024 bits', (_device, challenge) => new Device('RS256', 1024).registration(challenge)],
    ['signature', (device, challenge) => device.registration(challenge, { signedBy: new Device() })],
    ['jti', (device) => device.registration('another')],
  ])('DBSC-03: a registration whose %s is wrong is refused', async (_what, make) => {
    const { browser, challenge } = await offered()

    expect((await browser.post('/dbsc/register', { 'secure-session-response': make(browser.device, challenge) })).status).toBe(
      403,
    )
    expect((await browser.register(challenge)).status).toBe(200)
  })

  it('DBSC-03: no `authorization` is offered, so that none has to come back', async () => {
    const { login } = await offered()

    expect(login.headers.get('secure-session-registration')).not.toContain('authorization')
  })

  it('DBSC-04: a registration with the cookies of another session is refused', async () => {
    const { site, challenge } = await offered()
    const bob = new BindingBrowser(site)
    await bob.send('/login?as=bob')

    expect((await bob.register(challenge)).status).toBe(403)
  })

  it('DBSC-05: a refresh is verified with the stored key; one that brings a key is refused', async () => {
    const { browser, post, prove, site } = await bound()
    const challenge = challengeIn(await post())
    const brought = [new Device(), browser.device].map((device) => device.registration(challenge))

    expect([await prove(brought[0]!), await prove(brought[1]!)]).toEqual([403, 403])
    expect(await site.reasons()).toEqual(['refresh:key-in-proof', 'refresh:key-in-proof'])
  })

  it('DBSC-06: the challenge before the newest is accepted, a stale one is not', async () => {
    const { site, browser, post, prove } = await bound()
    const challenges: string[] = []
    for (let i = 0; i < 3; i++) {
      site.clock.advance(10)
      challenges.push(challengeIn(await post()))
    }
    const [stale, previous, newest] = challenges.map((challenge) => browser.device.refresh(challenge)) as [string, string, string]

    expect([await prove(previous), await prove(newest), await prove(stale)]).toEqual([200, 200, 403])
  })

  it('DBSC-08: without a proof, or with a wrong one, a 403 has a challenge for this session, and nothing is extended', async () => {
    const { browser, post, id, site } = await bound()
    const wrong = await post({ 'secure-session-response': new Device().refresh(browser.challenge!) })
    const none = await post()

    for (const { status, headers } of [wrong, none]) {
      const [, parameters] = parseItem(headers.get('secure-session-challenge')!)
      expect([status, parameters.get('id'), headers.getSetCookie()]).toEqual([403, id, []])
    }
    site.clock.advance(minutes(10))
    expect((await browser.meAsIs()).state).toBe('unproven')
  })

  it('DBSC-14: `none` is not offered, and refused of a session that has a key', async () => {
    const { login } = await offered()
    const { browser, post, prove } = await bound()
    const challenge = challengeIn(await post())

    expect(login.headers.get('secure-session-registration')).not.toContain('none')
    expect(await prove(browser.device.refresh(challenge, { header: { alg: 'none' }, signature: '' }))).toBe(403)
  })

  it('DBSC-17: no key of another session is ever announced, so none is accepted on the word of a provider', async () => {
    const { login, browser, challenge } = await offered()
    const proof = new Device().registration(challenge, { payload: { provider_key: 'x' }, signedBy: browser.device })

    expect(login.headers.get('secure-session-registration')).not.toContain('provider_')
    expect((await browser.post('/dbsc/register', { 'secure-session-response': proof })).status).toBe(403)
  })
})

describe('the bound cookie and the instructions', () => {
  it('DBSC-10: once bound the long-lived token alone is refused, and a stolen bound cookie dies with its minutes', async () => {
    const { site, browser } = await bound()
    const token = `${COOKIE}=${browser.cookie(COOKIE)}`
    const both = `${token}; ${BOUND_COOKIE}=${browser.cookie(BOUND_COOKIE)}`
    site.clock.advance(seconds(10))

    const alone = await asThief(site, token)
    const early = await asThief(site, both)
    site.clock.advance(minutes(10))
    const late = await asThief(site, both)

    expect([alone.subject, early.subject, late.subject]).toEqual([null, 'ada', null])
  })

  const shapes = [
    ['by default', {}, {}],
    ['strict', { cookie: { sameSite: 'strict' as const } }, {}],
    ['on a path', { cookie: { name: '__Secure-s', path: '/app' } }, {}],
    ['shared', { cookie: { domain: 'shop.example', shared: true as const } }, { includeSite: 'https://shop.example' }],
  ] as const
  async function instructed(http: object, options: object) {
    const site = boundSite(options, {}, http)
    return new BindingBrowser(site).register(challengeIn(await site.answer('/login')))
  }

  it.each(shapes)('DBSC-11: the cookie that is set is the cookie described (%s)', async (_what, http, options) => {
    const registered = await instructed(http, options)

    expect(differences(await registered.text(), registered.headers.getSetCookie())).toEqual([])
  })

  it.each(shapes)('DBSC-12: the instructions pass what a browser checks (%s)', async (_what, http, options) => {
    const registered = await instructed(http, options)

    expect(problems(await registered.text(), 'https://shop.example/dbsc/register')).toEqual([])
  })

  it('CHIPS-4: no credential is partitioned, and no option makes it so', async () => {
    const { registered } = await bound()
    const partitioned = { cookie: { partitioned: true } as object }

    expect(`${await registered.text()} ${registered.headers.getSetCookie()}`).not.toMatch(/partitioned/i)
    expect(thrownBy(() => boundSite({}, {}, partitioned))).toMatchObject({ code: 'ERR_CONFIG_INVALID' })
  })

  it('DBSC-21: the well-known document lists the origins that may register for the site', async () => {
    const { binding } = boundSite({ registeringOrigins: ['https://login.shop.example'] })
    const document = await binding.web(new Request('https://shop.example/.well-known/device-bound-sessions'))

    expect([document?.status, await document?.json()]).toEqual([200, { registering_origins: ['https://login.shop.example'] }])
  })
})

describe('the ladder, and the end', () => {
  it('DBSC-09: a session that ended or expired answers `continue: false`, and sets no cookie', async () => {
    const ended = await bound()
    await ended.site.sessions.revoke(ended.id)
    const expired = await bound()
    expired.site.clock.advance(minutes(31))

    for (const { post, id } of [ended, expired]) {
      const response = await post()
      expect(await response.json()).toEqual({ continue: false, session_identifier: id })
      expect(response.headers.getSetCookie()).toEqual([])
    }
  })

  it.each(['unreachable', 'server_error', 'quota_exceeded'])(
    'DBSC-13: `%s` is read from Secure-Session-Skipped and reported; it admits nobody',
    async (token) => {
      const { site, browser, id } = await bound()
      site.clock.advance(seconds(10))
      const skipped = { 'secure-session-skipped': `unreachable;session_identifier="other", ${token};session_identifier="${id}"` }

      const seen = await asThief(site, `${COOKIE}=${browser.cookie(COOKIE)}`, '/me', skipped)

      expect(seen).toMatchObject({ subject: null, state: 'unproven', reason: `skipped:${token}` })
      expect(await site.reasons()).toEqual([`skipped:${token}`])
    },
  )

  it('DBSC-18: a browser without it keeps working, marked as unbound; the policy can ask for more', async () => {
    const { site, browser } = await offered()
    site.clock.advance(minutes(1))
    const required = boundSite({ mode: 'required' }, { store: site.store, clock: site.clock })

    expect(await browser.me()).toMatchObject({ subject: 'ada', binding: { state: 'unbound', reason: 'not-registered' } })
    expect((await browser.send('/pay')).status).toBe(403)
    expect((await asThief(required, `${COOKIE}=${browser.cookie(COOKIE)}`)).state).toBe('unproven')
  })

  it.each([
    ['sign-out', ({ browser }: Awaited<ReturnType<typeof bound>>) => browser.send('/logout')],
    ['revocation of the person', ({ site }: Awaited<ReturnType<typeof bound>>) => site.sessions.revokeSubject('ada')],
  ])('DBSC-19: %s ends the binding and deletes the key', async (_what, end) => {
    const session = await bound()
    const before = await session.site.noteOf(session.id)
    await end(session)

    expect([before?.k === undefined, await session.site.noteOf(session.id)]).toEqual([false, undefined])
    expect(await (await session.post()).json()).toMatchObject({ continue: false })
  })

  it('CSD-5: signing out clears "storage", which ends the binding in the browser; where it is switched off, `continue: false` does', async () => {
    const { browser } = await bound()
    const cleared = await browser.send('/logout')
    const quiet = await bound(boundSite({}, {}, { clearSiteData: false }))
    await quiet.browser.send('/logout')

    expect(cleared.headers.get('clear-site-data')).toContain('"storage"')
    expect(await (await quiet.post()).json()).toMatchObject({ continue: false })
  })

  it('SMCS-30: the bound cookie of one session beside the token of another is nobody’s', async () => {
    const ada = await bound()
    const eve = await bound(ada.site)
    ada.site.clock.advance(seconds(10))
    const mixed = `${COOKIE}=${ada.browser.cookie(COOKIE)}; ${BOUND_COOKIE}=${eve.browser.cookie(BOUND_COOKIE)}`

    expect(await asThief(ada.site, mixed)).toMatchObject({ subject: null, reason: 'proof-of-another' })
  })

  it('NIST-SB-1/2/3: possession of the session’s secret is proved by a signature over a challenge of the host', async () => {
    const { browser, post, prove } = await bound()
    const challenge = challengeIn(await post())

    expect([await prove(new Device().refresh(challenge)), await prove(browser.device.refresh(challenge))]).toEqual([403, 200])
  })

  it('WSTG-SESS-06.5: what is copied to a second device works neither beside the first nor after its sign-out', async () => {
    const { site, browser } = await bound()
    const token = `${COOKIE}=${browser.cookie(COOKIE)}`
    const all = `${token}; ${BOUND_COOKIE}=${browser.cookie(BOUND_COOKIE)}`
    site.clock.advance(seconds(10))
    const beside = await asThief(site, token)
    await browser.send('/logout')

    expect([beside.subject, (await asThief(site, all)).subject]).toEqual([null, null])
  })
})
