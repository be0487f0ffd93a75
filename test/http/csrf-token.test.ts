import { createHmac, hkdfSync } from 'node:crypto'
import fc from 'fast-check'
import { days } from 'sojourn'
import { describe, expect, test } from 'vitest'
import { pooledRandom } from '../../src/core/crypto.ts'
import { createKeyring } from '../../src/core/keyring.ts'
import { CsrfTokens } from '../../src/http/csrf/token.ts'
import { csrfSite } from './support/csrf.ts'
import { testKey } from './support/keys.ts'

const key = testKey()
const tokens = new CsrfTokens(createKeyring(key), pooledRandom())
const ADA = { kind: 'session', value: 'AAECAwQFBgcICQoLDA0ODw' } as const

describe('a token', () => {
  test('is another text each time, and each is its owner’s', () => {
    const made = Array.from({ length: 100 }, () => tokens.mint(ADA))

    expect(new Set(made).size).toBe(100)
    expect(made.every((token) => /^[A-Za-z0-9_-]{86}$/.test(token) && tokens.isOf(token, ADA))).toBe(true)
  })

  test('is a mask, and the HMAC of kind and owner under a key of its own, masked', () => {
    const bytes = Buffer.from(tokens.mint(ADA), 'base64url')
    const unmasked = bytes.subarray(32).map((byte, i) => byte ^ bytes[i]!)
    const csrfKey = hkdfSync('sha256', Buffer.from(key, 'base64url'), '', 'sojourn/1/further/csrf', 32)
    const expected = createHmac('sha256', Buffer.from(csrfKey)).update(`session\0${ADA.value}`).digest()

    expect(Buffer.from(unmasked)).toEqual(expected)
  })

  test('has nothing of the id in it', () => {
    expect(tokens.mint(ADA)).not.toContain(ADA.value)
  })

  test.each([
    ['another session', { kind: 'session', value: 'BAECAwQFBgcICQoLDA0ODw' }],
    ['a visitor whose cookie has the same value', { kind: 'anonymous', value: ADA.value }],
    ['nobody', { kind: 'session', value: '' }],
  ] as const)('is not that of %s', (_whose, owner) => {
    expect(tokens.isOf(tokens.mint(ADA), owner)).toBe(false)
  })

  test('of another key is none; of an older key of the ring it is one until the key goes', () => {
    const newer = testKey()
    const token = tokens.mint(ADA)
    const isOfRing = (keys: string[]) => new CsrfTokens(createKeyring(keys), pooledRandom()).isOf(token, ADA)

    expect([isOfRing([newer, key]), isOfRing([newer])]).toEqual([true, false])
  })

  test('has one spelling: the bits its last character has to spare are nothing else’s', () => {
    const token = tokens.mint(ADA)
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const spellings = [...alphabet].map((last) => token.slice(0, -1) + last)

    expect(spellings.filter((spelling) => tokens.isOf(spelling, ADA))).toEqual([token])
  })

  test.each([
    '',
    'x',
    'A'.repeat(85),
    'A'.repeat(86),
    'A'.repeat(87),
    'A'.repeat(1e6),
    '='.repeat(86),
    ' '.repeat(86),
    '\0'.repeat(86),
    'é'.repeat(43),
    '𝔸'.repeat(43),
  ])('is not %j', (text) => {
    expect(tokens.isOf(text, ADA)).toBe(false)
  })

  test('changed in any one place is none', () => {
    fc.assert(
      fc.property(fc.nat(85), fc.nat(63), (at, by) => {
        const token = tokens.mint(ADA)
        const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
        const changed = token.slice(0, at) + alphabet[by] + token.slice(at + 1)
        return changed === token || !tokens.isOf(changed, ADA)
      }),
    )
  })

  test('of whatever owner is that owner’s alone', () => {
    const owner = fc.record({ kind: fc.constantFrom('session' as const, 'anonymous' as const), value: fc.string() })
    fc.assert(
      fc.property(owner, owner, (mine, theirs) => {
        const isSame = mine.kind === theirs.kind && Buffer.from(mine.value).equals(Buffer.from(theirs.value))
        return tokens.isOf(tokens.mint(mine), mine) && tokens.isOf(tokens.mint(mine), theirs) === isSame
      }),
    )
  })

  test('is never made up', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => !tokens.isOf(text, ADA)))
  })
})

describe('session.csrfToken()', () => {
  const get = { method: 'GET' }
  const form = { 'content-type': 'application/x-www-form-urlencoded' }

  test('is for the session it is asked of', async () => {
    const site = csrfSite()
    const [ada, bob] = [await site.signedIn('ada'), await site.signedIn('bob')]
    const { result: adas } = await site.ask({ ...get, headers: { cookie: ada } }, (session) => session.csrfToken())

    const mine = await site.outcome({ headers: { ...form, cookie: ada }, body: { csrf_token: adas } })
    const anothers = await site.outcome({ headers: { ...form, cookie: bob }, body: { csrf_token: adas } })

    expect([mine, anothers]).toEqual(['ada', 'token-wrong'])
  })

  test('is good as long as the session: after a renewal of its token, and after a step-up', async () => {
    const site = csrfSite()
    const cookie = await site.signedIn()
    const { result: csrfToken } = await site.ask({ ...get, headers: { cookie } }, (session) => session.csrfToken())
    const rotated = await site.ask({ ...get, headers: { cookie } }, (session) => session.elevate({ method: 'otp' }))

    expect(await site.outcome({ headers: { ...form, cookie: rotated.cookie, 'x-csrf-token': csrfToken } })).toBe('ada')
  })

  test('gives a visitor a cookie and no session: no row is written and none read', async () => {
    const site = csrfSite()

    const { headers, cookie, result } = await site.ask(get, (session) => [session.csrfToken(), session.csrfToken(), session.id])

    expect(headers.getSetCookie()).toEqual([
      expect.stringMatching(/^__Host-sjn-csrf=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Lax$/),
    ])
    expect([headers.get('cache-control'), headers.get('vary'), result[2]]).toEqual(['no-store', 'Cookie', undefined])
    expect(await site.outcome({ headers: { ...form, cookie }, body: { csrf_token: result[0] } })).toBe('anonymous')
    expect(site.store.calls).toEqual([])
  })

  test('sets no cookie for a visitor who has one already', async () => {
    const site = csrfSite()
    const { cookie } = await site.ask(get, (session) => session.csrfToken())

    const again = await site.ask({ ...get, headers: { cookie } }, (session) => session.csrfToken())

    expect(again.headers.getSetCookie()).toEqual([])
  })

  test('is bound to no value that the server did not make', async () => {
    const again = await csrfSite().ask({ ...get, headers: { cookie: '__Host-sjn-csrf=x' } }, (session) => session.csrfToken())

    expect(again.headers.getSetCookie()).toEqual([expect.stringMatching(/^__Host-sjn-csrf=[\w-]{43};/)])
  })

  test('of before a sign-in is void after it, and its cookie goes', async () => {
    const site = csrfSite()
    const before = await site.ask(get, (session) => session.csrfToken())
    const given = { headers: { ...form, cookie: before.cookie, 'x-csrf-token': before.result } }
    const signIn = await site.ask(given, (session) => session.signIn({ subject: 'ada', method: 'pwd' }))

    expect(signIn.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^__Host-sjn=/),
      expect.stringMatching(/^__Host-sjn-csrf=; .*Max-Age=0/),
    ])
    expect(await site.outcome({ headers: { ...form, cookie: signIn.cookie, 'x-csrf-token': before.result } })).toBe('token-wrong')
    const both = `${signIn.cookie}; ${before.cookie}`
    expect(await site.outcome({ headers: { ...form, cookie: both, 'x-csrf-token': before.result } })).toBe('token-wrong')
  })

  test('asked for after the sign-in of the same request is the new session’s', async () => {
    const site = csrfSite()
    const own = { headers: { 'sec-fetch-site': 'same-origin' } }
    const signIn = await site.ask(own, async (session) => {
      session.csrfToken()
      await session.signIn({ subject: 'ada', method: 'pwd' })
      return session.csrfToken()
    })

    expect(signIn.headers.getSetCookie()).toEqual([expect.stringMatching(/^__Host-sjn=/)])
    expect(await site.outcome({ headers: { ...form, cookie: signIn.cookie, 'x-csrf-token': signIn.result } })).toBe('ada')
  })

  test('of a visitor needs its cookie, one and well-formed', async () => {
    const site = csrfSite()
    const { cookie, result } = await site.ask(get, (session) => session.csrfToken())
    const with_ = (sent: string) => site.outcome({ headers: { ...form, cookie: sent, 'x-csrf-token': result } })
    const other = `__Host-sjn-csrf=${'A'.repeat(43)}`

    expect(await with_('a=b')).toBe('token-wrong')
    expect(await with_(other)).toBe('token-wrong')
    expect(await Promise.all([with_(`${cookie}; ${other}`), with_(`${other}; ${cookie}`)])).toEqual([
      'token-wrong',
      'token-wrong',
    ])
    expect(await with_(`${cookie}x`)).toBe('token-wrong')
    expect(await with_(`a=b; ${cookie}; c=d`)).toBe('anonymous')
  })

  test('never comes from a cookie, whatever it holds', async () => {
    const site = csrfSite()
    const { cookie, result } = await site.ask(get, (session) => session.csrfToken())
    const sent = `${cookie}; csrf_token=${result}; x-csrf-token=${result}`

    expect(await site.outcome({ headers: { ...form, cookie: sent } })).toBe('token-missing')
  })

  test.each<[string, unknown, string]>([
    ['an array', ['x'], 'token-wrong'],
    ['an object', { $ne: '' }, 'token-wrong'],
    ['a number', 1, 'token-wrong'],
    ['true', true, 'token-wrong'],
    ['null', null, 'token-missing'],
    ['nothing', '', 'token-missing'],
  ])('that comes as %s is none', async (_what, value, rule) => {
    expect(await csrfSite().outcome({ headers: form, body: { csrf_token: value } })).toBe(rule)
  })

  test('in the header goes before the field, also when it is wrong', async () => {
    const site = csrfSite()
    const { cookie, result } = await site.ask(get, (session) => session.csrfToken())
    const headers = { ...form, cookie, 'x-csrf-token': `${result}, ${result}` }

    expect(await site.outcome({ headers, body: { csrf_token: result } })).toBe('token-wrong')
  })

  test('comes from where the application says', async () => {
    const site = csrfSite({ csrf: { tokenFrom: async ({ path }) => path?.slice(1) } })
    const { cookie, result } = await site.ask(get, (session) => session.csrfToken())

    expect(await site.outcome({ headers: { ...form, cookie }, path: `/${result}` })).toBe('anonymous')
    expect(await site.outcome({ headers: { ...form, cookie }, path: '/else' })).toBe('token-wrong')
  })

  test('has no deadline of its own', async () => {
    const site = csrfSite({}, { idleTimeout: days(30), absoluteTimeout: days(30) })
    const cookie = await site.signedIn()
    const { result } = await site.ask({ ...get, headers: { cookie } }, (session) => session.csrfToken())

    expect(Buffer.from(result, 'base64url')).toHaveLength(64)
    expect(await site.outcome({ headers: { ...form, cookie, 'x-csrf-token': result } })).toBe('ada')
  })

  test('over plain HTTP is worth nothing, shows the page all the same, and is reported', async () => {
    const site = csrfSite()

    const { headers, result } = await site.ask({ ...get, isEncrypted: false }, (session) => session.csrfToken())

    await site.sessions.events.drained()
    expect([headers.getSetCookie(), result.length]).toEqual([[], 86])
    expect(site.events).toContainEqual(expect.objectContaining({ type: 'transport.refused', reason: 'plain-http' }))
    expect(await site.outcome({ headers: { ...form, 'x-csrf-token': result }, isEncrypted: false })).toBe('token-wrong')
  })

  test('on a developer’s machine uses a cookie without prefix, as the session does', async () => {
    const site = csrfSite({ dangerouslyAllowHttp: true })
    const { headers } = await site.ask({ ...get, authority: 'localhost:3000', isEncrypted: false }, (session) =>
      session.csrfToken(),
    )

    expect(headers.getSetCookie()).toEqual([expect.stringMatching(/^sjn-csrf=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/)])
  })

  test('is called after the session cookie, and stays with one host where that is shared', async () => {
    const cookie = { name: '__Secure-shop', domain: 'shop.example', shared: true, sameSite: 'none' } as const
    const { headers } = await csrfSite({ cookie }).ask(get, (session) => session.csrfToken())

    expect(headers.getSetCookie()[0]).toMatch(/^__Host-shop-csrf=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=None$/)
  })

  test('is no question for a session that no adapter opened', async () => {
    const session = await csrfSite().sessions.signIn({ subject: 'ada', method: 'pwd' })

    expect(() => session.csrfToken()).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }))
  })

  test('comes too late for a visitor when the headers have left', async () => {
    const site = csrfSite()
    const { result: session } = await site.ask(get, (opened) => opened)

    expect(() => session.csrfToken()).toThrow(expect.objectContaining({ code: 'ERR_SESSION_COMMITTED' }))
  })
})
