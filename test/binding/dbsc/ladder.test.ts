import { describe, expect, it } from 'vitest'
import { minutes, seconds } from '../../../src/core/duration.ts'
import { fakeClock } from '../../../src/testing/fake-clock.ts'
import { asThief, BindingBrowser, BOUND_COOKIE, type BoundSite, boundSite, COOKIE, challengeIn } from './support.ts'

async function bound(site: BoundSite = boundSite()) {
  const browser = new BindingBrowser(site)
  await browser.signIn()
  site.clock.advance(minutes(1))
  return { site, browser, id: browser.boundId!, token: `${COOKIE}=${browser.cookie(COOKIE)}` }
}

describe('a browser that cannot bind', () => {
  it('under `preferred` works on, and says why it is unbound', async () => {
    const site = boundSite()
    const browser = new BindingBrowser(site)
    await browser.send('/login')

    const pending = await browser.me()
    site.clock.advance(minutes(1))
    const unbound = await browser.me()
    const pay = await browser.send('/pay')

    expect(pending).toMatchObject({ subject: 'ada', binding: { state: 'pending' } })
    expect(unbound).toMatchObject({ subject: 'ada', binding: { state: 'unbound', reason: 'not-registered' } })
    expect(pay.status).toBe(403)
    expect(await site.reasons()).toEqual([])
  })

  it('under `required` is nobody once the pending time is over', async () => {
    const site = boundSite({ mode: 'required', pendingTimeout: seconds(30) })
    const browser = new BindingBrowser(site)
    await browser.send('/login')

    site.clock.advance(seconds(29))
    const pending = await browser.me()
    site.clock.advance(seconds(1))
    const unbound = await browser.me()

    expect(pending).toMatchObject({ subject: 'ada', binding: { state: 'pending' } })
    expect(unbound).toMatchObject({ subject: null, state: 'unproven', reason: 'not-registered' })
    expect(browser.cookie(COOKIE)).toBeDefined()
    expect(await site.reasons()).toEqual(['not-registered'])
  })

  it('under `required` is nobody on a server whose clock is far behind', async () => {
    const ahead = boundSite({}, { clock: fakeClock(minutes(5)) })
    const browser = new BindingBrowser(ahead)
    await browser.send('/login')
    const behind = boundSite({ mode: 'required' }, { store: ahead.store, clock: fakeClock(0) })

    expect((await asThief(behind, `${COOKIE}=${browser.cookie(COOKIE)}`)).state).toBe('unproven')
  })

  it('under `required` a late registration makes it somebody', async () => {
    const site = boundSite({ mode: 'required' })
    const browser = new BindingBrowser(site)
    const challenge = challengeIn(await browser.send('/login'))
    site.clock.advance(minutes(2))
    const before = await browser.me()

    await browser.register(challenge)

    expect([before.subject, (await browser.me()).subject]).toEqual([null, 'ada'])
  })

  it('route by route', async () => {
    const site = boundSite({ mode: ({ path }) => (path === '/me' ? 'required' : 'preferred') })
    const browser = new BindingBrowser(site)
    await browser.send('/login')
    site.clock.advance(minutes(1))

    expect((await browser.me()).state).toBe('unproven')
    expect((await browser.send('/step-up')).status).toBe(200)
  })

  it('a session that began before binding was switched on says so, and `required` refuses it', async () => {
    const { store, clock, ...before } = boundSite({ mode: 'off' })
    const browser = new BindingBrowser({ ...before, store, clock })
    await browser.send('/login')
    const cookie = `${COOKIE}=${browser.cookie(COOKIE)}`

    const preferred = await asThief(boundSite({}, { store, clock }), cookie)
    const required = await asThief(boundSite({ mode: 'required' }, { store, clock }), cookie)

    expect(preferred).toMatchObject({ subject: 'ada', binding: { state: 'unbound', reason: 'not-offered' } })
    expect(required).toMatchObject({ subject: null, state: 'unproven', reason: 'not-offered' })
  })

  it('a visitor’s own data needs no device, under `required` either', async () => {
    const browser = new BindingBrowser(boundSite({ mode: 'required' }))
    await browser.send('/basket?item=tea')

    expect(await browser.me()).toMatchObject({ subject: null, state: 'active' })
  })
})

describe.each(['preferred', 'required'] as const)('once bound, under `%s`', (mode) => {
  it('the long-lived token alone is worth nothing', async () => {
    const { site, token, id } = await bound(boundSite({ mode }))

    const thief = await asThief(site, token)

    expect(thief).toMatchObject({ subject: null, id: null, state: 'unproven', reason: 'not-proven' })
    expect(await site.seen('binding.refused')).toMatchObject([{ sessionId: id, subject: 'ada', reason: 'not-proven' }])
  })

  it.each<[string, Record<string, string>]>([
    ['not-proven', { 'secure-session-skipped': 'unreachable' }],
    ['not-proven', { 'secure-session-skipped': 'unreachable;session_identifier="another"' }],
    ['not-proven', { 'secure-session-skipped': `bad_word;session_identifier="ID"` }],
    ['skipped:unreachable', { 'secure-session-skipped': 'unreachable;session_identifier="ID"' }],
    ['skipped:server_error', { 'secure-session-skipped': 'server_error; session_identifier=ID' }],
    [
      'skipped:quota_exceeded',
      { 'secure-session-skipped': 'unreachable;session_identifier="x", quota_exceeded;session_identifier="ID"' },
    ],
    ['not-proven', { 'secure-session-skipped': `${','.repeat(2000)}quota_exceeded;session_identifier="ID"` }],
    ['cross-site', { 'sec-fetch-site': 'cross-site' }],
    ['not-proven', { 'sec-secure-session-id': 'ID' }],
  ])('no header brings it back; the reason is %s (%#)', async (reason, headers) => {
    const { site, token, id } = await bound(boundSite({ mode }))
    const named = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replace('ID', id)]))

    expect(await asThief(site, token, '/me', named)).toMatchObject({ subject: null, state: 'unproven', reason })
  })

  it('a bound cookie works until its ten minutes are over, and not for another session', async () => {
    const { site, browser, token } = await bound(boundSite({ mode }))
    const stolen = `${token}; ${BOUND_COOKIE}=${browser.cookie(BOUND_COOKIE)}`
    const mallory = await bound(site)
    const mixed = `${token}; ${BOUND_COOKIE}=${mallory.browser.cookie(BOUND_COOKIE)}`

    const early = await asThief(site, stolen)
    const foreign = await asThief(site, mixed)
    site.clock.advance(minutes(10))
    const late = await asThief(site, stolen)

    expect(early.subject).toBe('ada')
    expect(foreign).toMatchObject({ subject: null, reason: 'proof-of-another' })
    expect(late).toMatchObject({ subject: null, reason: 'proof-expired' })
  })
})

it('a value that differs in one letter from the one that is remembered proves nothing', async () => {
  const { site, browser, token } = await bound()
  const value = browser.cookie(BOUND_COOKIE)!
  for (let round = 0; round < 5; round++) expect((await browser.meAsIs()).binding.state).toBe('bound')

  for (let i = 0; i < value.length; i++) {
    const changed = `${value.slice(0, i)}${value[i] === 'Q' ? 'g' : 'Q'}${value.slice(i + 1)}`
    expect((await asThief(site, `${token}; ${BOUND_COOKIE}=${changed}`)).state).toBe('unproven')
  }
})

it('the bound cookie of one session is none of another one of the same person and key', async () => {
  const { site, browser } = await bound()
  const second = new BindingBrowser(site, { device: browser.device })
  await second.signIn()
  site.clock.advance(minutes(1))
  const mixed = `${COOKIE}=${browser.cookie(COOKIE)}; ${BOUND_COOKIE}=${second.cookie(BOUND_COOKIE)}`

  expect(await asThief(site, mixed)).toMatchObject({ subject: null, reason: 'proof-of-another' })
})

describe('a bound cookie that proves nothing', () => {
  it('is cleared, so that the browser asks for another; the session cookie stays', async () => {
    const { browser, token } = await bound()
    const cookie = `${token}; ${BOUND_COOKIE}=wrong`

    const response = await browser.send('/untouched', { headers: { cookie } })

    expect(response.headers.getSetCookie()).toHaveLength(1)
    expect(response.headers.getSetCookie()[0]).toMatch(/^__Host-sjn-bound=; .*Max-Age=0/)
    expect(response.headers.get('cache-control')).toBe('no-store')
  })

  it('one that is not there is not cleared, and one that proves is not either', async () => {
    const { browser, token } = await bound()

    const missing = await browser.send('/untouched', { headers: { cookie: token } })
    const right = await browser.send('/untouched')

    expect([...missing.headers.getSetCookie(), ...right.headers.getSetCookie()]).toEqual([])
  })

  it('beside one that does, tossed by a neighbouring host, harms nobody', async () => {
    const { site, browser, token } = await bound()
    const right = `${BOUND_COOKIE}=${browser.cookie(BOUND_COOKIE)}`

    const before = await asThief(site, `${token}; ${BOUND_COOKIE}=wrong; ${right}`)
    const after = await asThief(site, `${token}; ${right}; ${BOUND_COOKIE}=wrong`)

    expect([before.subject, after.subject]).toEqual(['ada', 'ada'])
  })

  it.each(['', 'A', 'A'.repeat(30), 'A'.repeat(100_000), '%00', '"'.repeat(30), 'ä'])(
    'is no trouble, whatever it is (%#)',
    async (value) => {
      const { site, token } = await bound()

      expect((await asThief(site, `${token}; ${BOUND_COOKIE}=${encodeURI(value)}`)).state).toBe('unproven')
    },
  )
})

describe('a request of the browser that has not proved its key', () => {
  it('sent before it had the answer to its registration is pending for two seconds', async () => {
    const site = boundSite()
    const browser = new BindingBrowser(site)
    await browser.signIn()
    const token = `${COOKIE}=${browser.cookie(COOKIE)}`

    site.clock.advance(seconds(2) - 1)
    const inFlight = [(await asThief(site, token)).binding, (await site.answer('/pay', { headers: { cookie: token } })).status]
    site.clock.advance(1)
    const late = await asThief(site, token)

    expect(inFlight).toEqual([{ state: 'pending' }, 403])
    expect(late.state).toBe('unproven')
  })

  it('is refused at once with a grace of 0', async () => {
    const site = boundSite({ registrationGrace: 0 })
    const browser = new BindingBrowser(site)
    await browser.signIn()

    expect((await asThief(site, `${COOKIE}=${browser.cookie(COOKIE)}`)).state).toBe('unproven')
  })

  it('is refused by a server whose clock is behind that of the one that bound it, too', async () => {
    const ahead = boundSite({}, { clock: fakeClock(minutes(5)) })
    const browser = new BindingBrowser(ahead)
    await browser.signIn()
    const behind = boundSite({}, { store: ahead.store, clock: fakeClock(0) })

    expect((await asThief(behind, `${COOKIE}=${browser.cookie(COOKIE)}`)).state).toBe('unproven')
  })

  it('cannot keep data: a session for a visitor would push out the one it has', async () => {
    const { site, browser, token } = await bound()

    const { status } = await site.answer('/basket?item=tea', { headers: { cookie: token } })

    expect(status).toBe(403)
    expect((await browser.me()).subject).toBe('ada')
  })

  it('may sign in again', async () => {
    const { site, browser, token } = await bound()

    const response = await site.answer('/login?as=bob', { headers: { cookie: token } })

    expect(response.headers.getSetCookie()[0]).toMatch(/^__Host-sjn=sjn1_/)
    expect((await browser.me()).subject).toBe('ada')
  })
})

describe('the life of a bound session', () => {
  it('a step-up and a renewal keep the binding', async () => {
    const { site, browser, id } = await bound()
    await browser.visit('/step-up')
    const elevated = await browser.me()
    site.clock.advance(minutes(16))
    const token = browser.cookie(COOKIE)
    const renewed = await browser.me()

    expect([elevated, renewed]).toMatchObject([
      { id, binding: { state: 'bound' } },
      { id, binding: { state: 'bound' } },
    ])
    expect(browser.cookie(COOKIE)).not.toBe(token)
  })

  it('signing out clears the bound cookie with the session’s', async () => {
    const { browser } = await bound()

    const response = await browser.send('/logout')

    expect(response.headers.getSetCookie().map((line) => line.split('=')[0])).toEqual([COOKIE, BOUND_COOKIE])
    expect([browser.cookie(COOKIE), browser.cookie(BOUND_COOKIE)]).toEqual([undefined, undefined])
    // The browser's part of the binding goes too: Clear Site Data, "storage" (DBSC draft, 7.3).
    expect(response.headers.get('clear-site-data')).toContain('"storage"')
  })

  it('a sign-in leaves the bound cookie of the session before, which proves nothing for the new one and is overwritten', async () => {
    const { browser, site } = await bound()
    const before = browser.cookie(BOUND_COOKIE)

    const challenge = challengeIn(await browser.send('/login?as=bob'))
    const pending = await browser.meAsIs()
    const kept = browser.cookie(BOUND_COOKIE)
    await browser.register(challenge)
    site.clock.advance(minutes(1))

    expect(pending).toMatchObject({ subject: 'bob', binding: { state: 'pending' } })
    expect(kept).toBe(before)
    expect(await browser.meAsIs()).toMatchObject({ subject: 'bob', binding: { state: 'bound' } })
  })

  it('while the store is away a bound session is neither refused nor signed out', async () => {
    const { site, token } = await bound()
    site.store.setFaults({ all: { kind: 'error' } })

    expect((await site.answer('/me', { headers: { cookie: token } })).status).toBe(503)
  })
})
