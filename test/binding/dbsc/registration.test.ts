import { describe, expect, it } from 'vitest'
import { minutes, seconds } from '../../../src/core/duration.ts'
import { type Changes, Device } from './device.ts'
import { BindingBrowser, BOUND_COOKIE, boundSite, challengeIn } from './support.ts'

/** A browser that has signed in and not yet registered, and its challenge. */
async function offered(site = boundSite()) {
  const browser = new BindingBrowser(site)
  const challenge = challengeIn(await browser.send('/login'))
  return { site, browser, challenge }
}

describe('the offer', () => {
  it('comes with a sign-in, and with nothing else', async () => {
    const browser = new BindingBrowser(boundSite())

    const before = await browser.send('/basket?item=tea')
    const login = await browser.send('/login')
    const after = await browser.send('/me')
    const stepUp = await browser.send('/step-up')

    const offers = [before, login, after, stepUp].map((response) => response.headers.has('secure-session-registration'))
    expect(offers).toEqual([false, true, false, false])
    expect(login.headers.get('secure-session-registration')).toMatch(
      /^\(ES256 RS256\);path="\/dbsc\/register";challenge="[\w-]{74}"$/,
    )
  })

  it('does not come over plain HTTP, which browsers ignore it on', async () => {
    const site = boundSite({}, {}, { dangerouslyAllowHttp: true })

    const login = await site.answer('http://localhost/login')
    const me = await (
      await site.answer('http://localhost/me', { headers: { cookie: login.headers.get('set-cookie')!.split(';')[0]! } })
    ).json()

    expect(login.headers.has('secure-session-registration')).toBe(false)
    expect(me).toMatchObject({ subject: 'ada', binding: { state: 'unbound', reason: 'not-offered' } })
  })

  it('does not come where the mode is off', async () => {
    const browser = new BindingBrowser(boundSite({ mode: ({ path }) => (path === '/login' ? 'off' : 'preferred') }))

    const login = await browser.send('/login')

    expect(login.headers.has('secure-session-registration')).toBe(false)
    expect((await browser.me()).binding).toEqual({ state: 'unbound', reason: 'not-offered' })
  })

  it('comes anew with the next sign-in, for the new session', async () => {
    const browser = new BindingBrowser(boundSite())
    await browser.signIn('ada')
    const first = browser.boundId

    await browser.signIn('bob')

    expect(await browser.me()).toMatchObject({ subject: 'bob', id: browser.boundId, binding: { state: 'bound' } })
    expect(browser.boundId).not.toBe(first)
  })
})

describe('registration', () => {
  it.each(['ES256', 'RS256'] as const)('with %s binds the session', async (kind) => {
    const site = boundSite()
    const browser = new BindingBrowser(site, { device: new Device(kind) })

    await browser.signIn()
    const me = await browser.me()

    expect(me).toMatchObject({ subject: 'ada', binding: { state: 'bound' } })
    expect(browser.boundId).toBe(me.id)
    expect(await site.seen('binding.registered')).toMatchObject([{ sessionId: me.id, subject: 'ada', algorithm: kind }])
  })

  it('is pending until it is done, and reaches nothing that requires it', async () => {
    const { browser, challenge } = await offered()

    const pending = [(await browser.me()).binding, (await browser.send('/pay')).status]
    await browser.register(challenge)
    const bound = [(await browser.me()).binding, (await browser.send('/pay')).status]

    expect(pending).toEqual([{ state: 'pending' }, 403])
    expect(bound).toEqual([{ state: 'bound' }, 200])
  })

  it('needs no cookie: browsers may send none', async () => {
    const { browser, challenge, site } = await offered()
    const { device } = browser

    const { status } = await site.answer('/dbsc/register', {
      method: 'POST',
      headers: { 'secure-session-response': device.registration(challenge) },
    })

    expect(status).toBe(200)
  })

  it('accepts the proof quoted, as the draft has it, and bare, as Chromium sends it', async () => {
    const { browser, challenge } = await offered()

    const { status } = await browser.post('/dbsc/register', {
      'secure-session-response': `"${browser.device.registration(challenge)}"`,
    })

    expect(status).toBe(200)
  })

  it('with the same key once more, the answer having been lost, is answered alike for a minute', async () => {
    const { browser, challenge, site } = await offered()
    const first = await browser.register(challenge)
    const cookie = browser.cookie(BOUND_COOKIE)

    site.clock.advance(seconds(59))
    const resent = await browser.register(challenge)
    const same = browser.cookie(BOUND_COOKIE)
    site.clock.advance(seconds(1))
    const late = await browser.register(challenge)

    expect([first.status, resent.status, late.status]).toEqual([200, 200, 403])
    expect(same).toBe(cookie)
    expect(await site.seen('binding.registered')).toHaveLength(1)
  })

  it('sent again after a refresh, which shows that its answer arrived, is refused', async () => {
    const { browser, challenge } = await offered()
    await browser.register(challenge)
    await browser.refresh()

    expect((await browser.register(challenge)).status).toBe(403)
  })

  it('with another key of a session that is bound is refused, and changes nothing', async () => {
    const { browser, challenge, site } = await offered()
    await browser.register(challenge)
    const before = await site.noteOf(browser.boundId!)

    const { status } = await browser.post('/dbsc/register', { 'secure-session-response': new Device().registration(challenge) })

    expect(status).toBe(403)
    expect(await site.noteOf(browser.boundId!)).toEqual(before)
    expect(await site.reasons()).toEqual(['registration:already-bound'])
  })

  it('of two keys at once binds one, and the other is refused', async () => {
    const { browser, challenge, site } = await offered()
    const register = (device: Device) =>
      site.answer('/dbsc/register', { method: 'POST', headers: { 'secure-session-response': device.registration(challenge) } })

    const statuses = (await Promise.all([register(browser.device), register(new Device())])).map(({ status }) => status)

    expect(statuses.toSorted()).toEqual([200, 403])
  })

  it('of a session that has ended is refused', async () => {
    const { browser, challenge, site } = await offered()
    await browser.send('/logout')

    const { status } = await browser.register(challenge)

    expect(status).toBe(403)
    expect(await site.reasons()).toEqual(['registration:session-ended'])
  })

  it('after the challenge’s lifetime is refused', async () => {
    const { browser, challenge, site } = await offered(boundSite({ challengeLifetime: minutes(1) }))

    site.clock.advance(minutes(1))
    const { status } = await browser.register(challenge)

    expect(status).toBe(403)
    expect(await site.reasons()).toEqual(['registration:challenge-expired'])
  })

  it('of another session than the cookie’s is refused', async () => {
    const site = boundSite()
    const { challenge } = await offered(site)
    const bob = new BindingBrowser(site)
    await bob.send('/login?as=bob')

    const { status } = await bob.register(challenge)

    expect(status).toBe(403)
    expect(await site.reasons()).toEqual(['registration:session-of-another'])
  })

  it('with an algorithm that was not offered is refused', async () => {
    const { challenge, site } = await offered(boundSite({ algorithms: ['RS256'] }))

    const { status } = await new BindingBrowser(site).register(challenge)

    expect(status).toBe(403)
    expect(await site.reasons()).toEqual(['registration:algorithm-not-offered'])
  })

  const other = new Device()
  const rsa = new Device('RS256', 1024)
  it.each<[string, string, (device: Device, challenge: string) => string | undefined]>([
    ['no proof', 'proof-unreadable', () => undefined],
    ['an empty proof', 'proof-unreadable', () => ''],
    ['no JWT', 'proof-unreadable', () => 'not.a.jwt'],
    ['dots', 'proof-unreadable', () => '..'],
    [
      'a proof of 100 kB',
      'proof-unreadable',
      (device, challenge) => changed(device, challenge, { payload: { more: 'x'.repeat(100_000) } }),
    ],
    ['another type', 'proof-unreadable', (device, challenge) => changed(device, challenge, { header: { typ: 'jwt' } })],
    ['no type', 'proof-unreadable', (device, challenge) => changed(device, challenge, { header: { typ: undefined } })],
    [
      'a type in another case',
      'proof-unreadable',
      (device, challenge) => changed(device, challenge, { header: { typ: 'DBSC+JWT' } }),
    ],
    [
      'alg none',
      'proof-unreadable',
      (device, challenge) => changed(device, challenge, { header: { alg: 'none' }, signature: '' }),
    ],
    ['alg HS256', 'proof-unreadable', (device, challenge) => changed(device, challenge, { header: { alg: 'HS256' } })],
    [
      'an alg that is no text',
      'proof-unreadable',
      (device, challenge) => changed(device, challenge, { header: { alg: ['ES256'] } }),
    ],
    ['no challenge', 'proof-unreadable', (device, challenge) => changed(device, challenge, { payload: { jti: undefined } })],
    [
      'a challenge that is no text',
      'proof-unreadable',
      (device, challenge) => changed(device, challenge, { payload: { jti: 7 } }),
    ],
    ['a made-up challenge', 'challenge-unknown', (device) => device.registration('A'.repeat(74))],
    ['a changed challenge', 'challenge-unknown', (device, challenge) => device.registration(`B${challenge.slice(1)}`)],
    ['no key', 'key-unusable', (device, challenge) => changed(device, challenge, { header: { jwk: undefined } })],
    ['a key that is text', 'key-unusable', (device, challenge) => changed(device, challenge, { header: { jwk: 'key' } })],
    ['a private key', 'key-unusable', (device, challenge) => changed(device, challenge, { header: { jwk: device.privateJwk } })],
    [
      'a symmetric key',
      'key-unusable',
      (device, challenge) => changed(device, challenge, { header: { jwk: { kty: 'oct', k: 'AAAA' } } }),
    ],
    [
      'another curve',
      'key-unusable',
      (device, challenge) => changed(device, challenge, { header: { jwk: { ...device.jwk, crv: 'P-384' } } }),
    ],
    ['a short RSA key', 'key-unusable', (_device, challenge) => rsa.registration(challenge)],
    ['an RSA key under ES256', 'key-unusable', (device, challenge) => changed(device, challenge, { header: { jwk: rsa.jwk } })],
    [
      'a point off the curve',
      'signature-wrong',
      (device, challenge) => changed(device, challenge, { header: { jwk: { ...device.jwk, x: device.jwk.y } } }),
    ],
    ['another key’s signature', 'signature-wrong', (device, challenge) => changed(device, challenge, { signedBy: other })],
    ['no signature', 'signature-wrong', (device, challenge) => changed(device, challenge, { signature: '' })],
    ['a signature of zeros', 'signature-wrong', (device, challenge) => changed(device, challenge, { signature: 'A'.repeat(86) })],
    [
      'a critical extension',
      'signature-wrong',
      (device, challenge) => changed(device, challenge, { header: { crit: ['x'], x: 1 } }),
    ],
  ])('with %s is refused', async (_what, reason, make) => {
    const { browser, challenge, site } = await offered()
    const proof = make(browser.device, challenge)

    const { status } = await browser.post('/dbsc/register', proof === undefined ? {} : { 'secure-session-response': proof })
    const me = await browser.me()

    expect(status).toBe(403)
    expect(browser.cookie(BOUND_COOKIE)).toBeUndefined()
    expect(me.binding).toEqual({ state: 'pending' })
    expect(await site.reasons()).toEqual([`registration:${reason}`])
  })

  function changed(device: Device, challenge: string, changes: Changes): string {
    return device.registration(challenge, changes)
  }
})

describe('the answer to a registration', () => {
  it('is a configuration whose cookie is the one that is set', async () => {
    const { browser, challenge } = await offered()

    const response = await browser.register(challenge)
    const config = (await response.json()) as { credentials: { name: string; attributes: string }[] }
    const [line] = response.headers.getSetCookie()

    expect(config).toEqual({
      session_identifier: browser.boundId,
      refresh_url: '/dbsc/refresh',
      scope: { include_site: false, scope_specification: [] },
      credentials: [{ type: 'cookie', name: BOUND_COOKIE, attributes: 'Path=/; Secure; HttpOnly; SameSite=Lax' }],
      allowed_refresh_initiators: ['*'],
    })
    expect(line).toMatch(/^__Host-sjn-bound=[\w-]{30}; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=570; Expires=/)
  })

  it('names the site where the session cookie is shared with it', async () => {
    const site = boundSite(
      { includeSite: 'https://shop.example', allowedRefreshInitiators: ['*.partner.example'] },
      {},
      { cookie: { domain: 'shop.example', shared: true } },
    )
    const { browser, challenge } = await offered(site)

    const response = await browser.register(challenge)

    expect(await response.json()).toMatchObject({
      scope: { origin: 'https://shop.example', include_site: true },
      credentials: [{ name: '__Secure-sjn-bound', attributes: 'Path=/; Domain=shop.example; Secure; HttpOnly; SameSite=Lax' }],
      allowed_refresh_initiators: ['*.partner.example'],
    })
    expect(response.headers.get('cross-origin-resource-policy')).toBe('same-site')
  })

  it('lets no other site start a refresh where the session cookie is strict', async () => {
    const { browser, challenge } = await offered(boundSite({}, {}, { cookie: { sameSite: 'strict' } }))

    const response = await browser.register(challenge)

    expect(await response.json()).toMatchObject({
      credentials: [{ attributes: 'Path=/; Secure; HttpOnly; SameSite=Strict' }],
      allowed_refresh_initiators: [],
    })
  })

  it('is kept by nobody, embedded nowhere, and for no other origin', async () => {
    const { browser, challenge } = await offered()

    const { headers } = await browser.register(challenge)

    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'cross-origin-resource-policy': 'same-origin',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
    })
    expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
  })
})
