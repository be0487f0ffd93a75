import { describe, expect, it } from 'vitest'
import { minutes, seconds } from '../../../src/core/duration.ts'
import { SessionStateError } from '../../../src/core/errors.ts'
import { Device } from './device.ts'
import { asThief, BindingBrowser, BOUND_COOKIE, type BoundSite, boundSite, COOKIE, challengeIn } from './support.ts'

/** A browser whose session is bound; the bound cookie lives ten minutes. */
async function bound(site: BoundSite = boundSite()) {
  const browser = new BindingBrowser(site)
  await browser.signIn()
  const { id } = await browser.me()
  const post = (headers: Record<string, string>) => browser.post('/dbsc/refresh', { 'sec-secure-session-id': id!, ...headers })
  /** A proof of this device for a challenge that the server has just given. */
  const freshProof = async () => browser.device.refresh(challengeIn(await post({})))
  return { site, browser, id: id!, post, freshProof }
}

describe('refresh', () => {
  it('keeps a browser signed in, ten minutes at a time', async () => {
    const { site, browser } = await bound()

    const seen: unknown[] = []
    for (let round = 0; round < 5; round++) {
      site.clock.advance(minutes(10))
      seen.push((await browser.me()).binding.state)
    }

    expect(seen).toEqual(Array(5).fill('bound'))
    expect(await site.seen('binding.refreshed')).toHaveLength(5)
    expect(await site.reasons()).toEqual([])
  })

  it('takes one round trip, for the challenge came with the answer before', async () => {
    const { site, browser } = await bound()
    browser.answers.length = 0

    site.clock.advance(minutes(10))
    await browser.me()
    site.clock.advance(minutes(10))
    await browser.me()

    expect(browser.answers.map(({ status }) => status)).toEqual([200, 200])
  })

  it('takes two after the challenge’s lifetime, and the person notices nothing', async () => {
    const { site, browser } = await bound()
    browser.answers.length = 0

    site.clock.advance(minutes(16))
    const me = await browser.me()

    expect(browser.answers.map(({ status }) => status)).toEqual([403, 200])
    expect(me).toMatchObject({ subject: 'ada', binding: { state: 'bound' } })
  })

  it('asks for a proof where there is none: 403, with a challenge for this session', async () => {
    const { post, id, site } = await bound()

    const response = await post({})

    expect(response.status).toBe(403)
    expect(response.headers.get('secure-session-challenge')).toMatch(new RegExp(`^"[\\w-]{74}";id="${id}"$`))
    expect(response.headers.getSetCookie()).toEqual([])
    expect(await site.reasons()).toEqual([])
  })

  it('takes the session id quoted, as the draft has it, and bare, as Chromium sends it', async () => {
    const { browser, id } = await bound()

    const { status } = await browser.post('/dbsc/refresh', { 'sec-secure-session-id': `"${id}"` })

    expect(status).toBe(403)
  })

  it.each([undefined, '', '""', 'x', 'A'.repeat(100_000), '../../etc', 'AAAAAAAAAAAAAAAAAAAAAB', '"', "AAAAAAAAAAAAAAAAAAAAA'"])(
    'without a session id is refused, and asks no store (%#)',
    async (id) => {
      const { site } = await bound()
      const calls = site.store.calls.length

      const headers = id === undefined ? {} : { 'sec-secure-session-id': id }
      const response = await site.answer('/dbsc/refresh', { method: 'POST', headers })

      expect(response.status).toBe(400)
      expect(response.headers.has('secure-session-challenge')).toBe(false)
      expect(site.store.calls.length).toBe(calls)
    },
  )

  it('needs no session cookie, and what it gives without one is worth nothing without it', async () => {
    const { site, browser, id } = await bound()
    const headers = { 'sec-secure-session-id': id }
    const challenge = challengeIn(await site.answer('/dbsc/refresh', { method: 'POST', headers }))
    const proof = { 'secure-session-response': browser.device.refresh(challenge) }

    const response = await site.answer('/dbsc/refresh', { method: 'POST', headers: { ...headers, ...proof } })
    const [line] = response.headers.getSetCookie()

    expect(response.status).toBe(200)
    expect((await asThief(site, line!.split(';')[0]!)).subject).toBeNull()
  })

  it('does not count as activity: a session nobody uses ends', async () => {
    const { site, browser } = await bound(boundSite({}, { policy: { idleTimeout: minutes(30) } }))
    for (let round = 0; round < 3; round++) {
      site.clock.advance(minutes(10))
      await browser.refresh()
    }

    expect(browser.boundId).toBeUndefined()
    expect((await browser.meAsIs()).state).toBe('expired')
  })
})

describe('a proof', () => {
  const other = new Device()
  it.each<[string, string, (device: Device, challenge: string) => string]>([
    ['another key’s', 'signature-wrong', (device, challenge) => device.refresh(challenge, { signedBy: other })],
    ['that brings its key', 'key-in-proof', (device, challenge) => device.registration(challenge)],
    ['that brings another key, signed by it', 'key-in-proof', (_device, challenge) => other.registration(challenge)],
    [
      'that names a key by URL',
      'key-in-proof',
      (device, challenge) => device.refresh(challenge, { header: { jku: 'https://evil.example' } }),
    ],
    [
      'alg none',
      'proof-unreadable',
      (device, challenge) => device.refresh(challenge, { header: { alg: 'none' }, signature: '' }),
    ],
    ['another algorithm', 'algorithm-wrong', (_device, challenge) => new Device('RS256').refresh(challenge)],
    ['a made-up challenge', 'challenge-unknown', (device) => device.refresh('A'.repeat(74))],
    ['another type', 'proof-unreadable', (device, challenge) => device.refresh(challenge, { header: { typ: 'JWT' } })],
    ['garbage', 'proof-unreadable', () => '"\\"'],
  ])('%s, is refused with a new challenge, and nothing else', async (_what, reason, make) => {
    const { site, browser, post, id } = await bound()
    const before = await site.noteOf(id)
    const challenge = challengeIn(await post({}))

    const response = await post({ 'secure-session-response': make(browser.device, challenge) })

    expect(response.status).toBe(403)
    expect(response.headers.getSetCookie()).toEqual([])
    expect(challengeIn(response)).not.toBe(challenge)
    expect(await site.noteOf(id)).toEqual(before)
    expect(await site.reasons()).toEqual([`refresh:${reason}`])
  })

  it('counts once: sent again within a minute it gets the same again, and later nothing', async () => {
    const { site, browser, post, freshProof } = await bound()
    const proof = await freshProof()
    await post({ 'secure-session-response': proof })
    const cookie = browser.cookie(BOUND_COOKIE)

    site.clock.advance(seconds(59))
    const resent = await post({ 'secure-session-response': proof })
    const same = browser.cookie(BOUND_COOKIE)
    site.clock.advance(seconds(1))
    const late = await post({ 'secure-session-response': proof })

    expect([resent.status, late.status]).toEqual([200, 403])
    expect(same).toBe(cookie)
    expect(await site.seen('binding.refreshed')).toHaveLength(1)
  })

  it('sent again proves nothing longer than the first time: its cookie ends when the first one did', async () => {
    const { site, browser, post, freshProof } = await bound(boundSite({ boundLifetime: minutes(3) }))
    const proof = await freshProof()
    await post({ 'secure-session-response': proof })
    site.clock.advance(seconds(50))
    await post({ 'secure-session-response': proof })
    const cookies = `${COOKIE}=${browser.cookie(COOKIE)}; ${BOUND_COOKIE}=${browser.cookie(BOUND_COOKIE)}`

    site.clock.advance(minutes(3) - seconds(51))
    const before = await asThief(site, cookies)
    site.clock.advance(seconds(1))
    const after = await asThief(site, cookies)

    expect([before.subject, after.subject]).toEqual(['ada', null])
  })

  it('answers any challenge that is later than the last answered one, also the one before the newest', async () => {
    const { site, browser, post } = await bound()
    const first = challengeIn(await post({}))
    site.clock.advance(10)
    const second = challengeIn(await post({}))
    site.clock.advance(10)
    const third = challengeIn(await post({}))

    const statuses: number[] = []
    for (const challenge of [second, third, first, second])
      statuses.push((await post({ 'secure-session-response': browser.device.refresh(challenge) })).status)

    expect(statuses).toEqual([200, 200, 403, 403])
  })

  it('of a challenge for registration is none for a refresh, and the other way round', async () => {
    const site = boundSite()
    const browser = new BindingBrowser(site)
    const registering = challengeIn(await browser.send('/login'))
    await browser.register(registering)
    const refreshing = challengeIn(await browser.post('/dbsc/refresh', { 'sec-secure-session-id': browser.boundId! }))

    const refreshed = await browser.post('/dbsc/refresh', {
      'sec-secure-session-id': browser.boundId!,
      'secure-session-response': browser.device.refresh(registering),
    })
    const registered = await browser.register(refreshing)

    expect([refreshed.status, registered.status]).toEqual([403, 403])
    expect(await site.reasons()).toEqual(['refresh:challenge-unknown', 'registration:challenge-unknown'])
  })

  it('two parallel ones of one challenge are one proof', async () => {
    const { site, post, freshProof } = await bound()
    const proof = { 'secure-session-response': await freshProof() }

    const answers = await Promise.all([post(proof), post(proof), post(proof)])

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(new Set(answers.map(({ headers }) => headers.getSetCookie()[0]!.split(';')[0])).size).toBe(1)
    expect(await site.seen('binding.refreshed')).toHaveLength(1)
  })

  it('of a server whose clock is ahead does not lock the browser out of one whose clock is behind', async () => {
    const { site, browser, freshProof, post } = await bound()
    site.clock.advance(seconds(30))
    await post({ 'secure-session-response': await freshProof() })

    site.clock.advance(seconds(-30))
    const { status } = await browser.refresh()

    expect(status).toBe(200)
  })

  it('with a key that was rotated out of the ring proves nothing, and the session itself is gone too', async () => {
    const { site, browser } = await bound()
    const others = boundSite({}, { store: site.store, clock: site.clock, keys: 'Xnzz_D7kyjGlC4qpfHOMurCGo-TXn2fbSDT6ThTdHLs' })
    const stranger = new BindingBrowser(others, { device: browser.device, jar: browser.jar })
    stranger.boundId = browser.boundId
    site.clock.advance(minutes(10))

    expect((await stranger.me()).state).toBe('forged')
    expect(stranger.boundId).toBeUndefined()
  })
})

describe('the end of a session ends its binding', () => {
  it.each<[string, (site: BoundSite, browser: BindingBrowser, id: string) => unknown]>([
    ['sign-out', (_site, browser) => browser.send('/logout')],
    ['revocation from elsewhere', (site, _browser, id) => site.sessions.revoke(id)],
    ['the end of all of a subject’s sessions', (site) => site.sessions.revokeSubject('ada')],
    ['the idle deadline', (site) => site.clock.advance(minutes(31))],
  ])('%s: the next refresh is told so, and gets no cookie', async (_what, end) => {
    const { site, browser, id, post, freshProof } = await bound()
    const proof = await freshProof()
    await end(site, browser, id)
    browser.jar.clear()

    for (const headers of [{}, { 'secure-session-response': proof }] as Record<string, string>[]) {
      const response = await post(headers)

      expect(response.status).toBe(200)
      expect(await response.json()).toEqual({ continue: false, session_identifier: id })
      expect(response.headers.getSetCookie()).toEqual([])
      expect(response.headers.has('secure-session-challenge')).toBe(false)
    }
  })

  it('its key is deleted with it', async () => {
    const { site, id } = await bound()
    const before = await site.noteOf(id)

    await site.sessions.revoke(id)

    expect([before === undefined, await site.noteOf(id)]).toEqual([false, undefined])
  })

  it('a session that never was is ended too', async () => {
    const { site } = await bound()

    const response = await site.answer('/dbsc/refresh', {
      method: 'POST',
      headers: { 'sec-secure-session-id': 'AAAAAAAAAAAAAAAAAAAAAA' },
    })

    expect(await response.json()).toEqual({ continue: false, session_identifier: 'AAAAAAAAAAAAAAAAAAAAAA' })
  })

  it('a session whose browser has another one’s cookie by now is not refreshed over it', async () => {
    const { site, browser, id } = await bound()
    // The old session cookie got lost, with the browser's end say, and somebody signed in anew.
    browser.jar.clear()
    await browser.send('/login?as=bob')

    const response = await browser.post('/dbsc/refresh', { 'sec-secure-session-id': id })

    expect(await response.json()).toEqual({ continue: false, session_identifier: id })
    expect((await site.sessions.list('ada')).map((session) => session.id)).toEqual([id])
  })
})

describe('trouble is never taken for an end', () => {
  it.each([
    ['registration', '/dbsc/register'],
    ['refresh', '/dbsc/refresh'],
  ])('%s while the store is away is 503, with no cookie, and works afterwards with the same proof', async (_what, path) => {
    const site = boundSite()
    const browser = new BindingBrowser(site)
    const challenge = challengeIn(await browser.send('/login'))
    let headers: Record<string, string> = { 'secure-session-response': browser.device.registration(challenge) }
    if (path === '/dbsc/refresh') {
      await browser.register(challenge)
      headers = {
        'sec-secure-session-id': browser.boundId!,
        'secure-session-response': browser.device.refresh(browser.challenge!),
      }
    }

    site.store.setFaults({ all: { kind: 'error' } })
    const away = await browser.post(path, headers)
    site.store.setFaults({})
    const back = await browser.post(path, headers)

    expect([away.status, back.status]).toEqual([503, 200])
    expect(away.headers.get('retry-after')).toBe('1')
    expect(away.headers.getSetCookie()).toEqual([])
  })

  it('whatever a store throws: no 4xx, which would end the binding in the browser', async () => {
    const { site, post } = await bound()
    const odd = new SessionStateError('odd', { code: 'ERR_SESSION_ENDED', status: 401 })
    site.store.setFaults({ read: { kind: 'error', error: odd } })

    expect((await post({})).status).toBeGreaterThanOrEqual(500)
  })

  it('a proof whose writing was lost sight of is answered when it is sent again', async () => {
    const { site, browser, post, freshProof } = await bound()
    const proof = { 'secure-session-response': await freshProof() }
    site.store.setFaults({ update: [{ kind: 'lost-reply' }] })

    const lost = await post(proof)
    const again = await post(proof)

    expect([lost.status, again.status]).toEqual([503, 200])
    expect((await browser.me()).binding.state).toBe('bound')
  })
})
