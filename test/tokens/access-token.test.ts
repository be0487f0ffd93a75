import { describe, expect, it } from 'vitest'
import { hours, minutes, seconds } from '../../src/core/duration.ts'
import { workOf } from '../../src/core/session.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { faultyStore } from '../../src/testing/faulty-store.ts'
import { createAccessTokens } from '../../src/tokens/access-token.ts'
import { createSigningKeys } from '../../src/tokens/signing-keys.ts'
import { codeOf, setUp } from '../core/support.ts'
import { contextOf } from './context.ts'
import { API, forged, ISSUER, minting, partsOf } from './support.ts'

const claimsOf = (jwt: string) => partsOf(jwt).claims

/** The part alone, which also mints from what no session would be. */
function part(options = {}) {
  const service = setUp()
  const context = contextOf(service.sessions, options)
  const keys = createSigningKeys(context)
  return { ...service, keys, accessTokens: createAccessTokens(context, keys) }
}

describe('an access token', () => {
  it('says who, for whom, since when and until when, by which session, and how it was proved', async () => {
    const { tokens, sessions, clock } = minting()
    const session = await sessions.signIn({ subject: 'ada', method: ['pwd', 'otp'] })
    clock.advance(seconds(90))

    const { accessToken, tokenType, expiresAt } = await tokens.mint(session, { scope: ['orders:read', 'orders:write'] })
    const { header, claims } = partsOf(accessToken)
    const now = clock() / 1000

    expect(header).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: expect.any(String) })
    expect(claims).toEqual({
      iss: ISSUER,
      sub: 'ada',
      aud: API,
      client_id: ISSUER,
      iat: now,
      exp: now + 300,
      jti: expect.stringMatching(/^[\w-]{22}$/),
      sid: session.id,
      scope: 'orders:read orders:write',
      acr: 'aal2',
      amr: ['pwd', 'otp'],
      auth_time: now - 90,
    })
    expect([tokenType, expiresAt]).toEqual(['Bearer', clock() + minutes(5)])
  })

  it("says since when its level has held, not when the latest proof was given: a night's password renews no code of the morning", async () => {
    const { tokens, sessions, clock } = minting()
    const session = await sessions.signIn({ subject: 'ada', method: ['pwd', 'otp'] })
    const morning = clock() / 1000
    clock.advance(minutes(20))
    await session.elevate({ method: 'pwd' })
    clock.advance(seconds(5))

    const highest = claimsOf((await tokens.mint(session)).accessToken)
    const asked = claimsOf((await tokens.mint(session, { acr: 'aal1' })).accessToken)

    expect(highest).toMatchObject({ acr: 'aal2', auth_time: morning })
    expect(asked).toMatchObject({ acr: 'aal1', auth_time: clock() / 1000 - 5 })
    expect(session.meets({ acr: 'aal2', maxAge: minutes(5) })).toBe(false)
  })

  it('says no level that was not proved', async () => {
    const { tokens, sessions } = minting()
    const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })

    await expect(tokens.mint(session, { acr: 'aal2' })).rejects.toMatchObject({ code: 'ERR_ASSURANCE_INSUFFICIENT' })
  })

  it('is for whom and what its caller names, bound to a key where there is one, with claims of the application', async () => {
    const { mint } = minting()
    const jkt = 'A'.repeat(43)

    const { accessToken, tokenType } = await mint({
      audience: ['https://a.example', 'b'],
      clientId: 'app',
      jkt,
      claims: { shop: 7 },
    })

    expect(claimsOf(accessToken)).toMatchObject({ aud: ['https://a.example', 'b'], client_id: 'app', cnf: { jkt }, shop: 7 })
    expect(tokenType).toBe('DPoP')
  })

  it('never has the name of another', async () => {
    const { tokens, sessions } = minting()
    const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })

    const minted = await Promise.all(Array.from({ length: 200 }, () => tokens.mint(session)))

    expect(new Set(minted.map(({ accessToken }) => claimsOf(accessToken).jti)).size).toBe(200)
  })

  it.each(['\u0000', '__proto__', 'a"}b', '😀', 'x'.repeat(1024), "'; DROP TABLE"])(
    'has any subject there can be, unchanged: %j',
    async (subject) => {
      const { tokens, sessions } = minting()

      const { accessToken } = await tokens.mint(await sessions.signIn({ subject, method: 'pwd' }))

      expect(claimsOf(accessToken).sub).toBe(subject)
    },
  )

  it('is told of as an event, by its name, never by itself', async () => {
    const { mint, seen } = minting()

    const { accessToken } = await mint({ clientId: 'app', audience: ['a', 'b'] })
    const { sid, jti } = claimsOf(accessToken)

    expect(await seen('access-token.minted')).toMatchObject([
      { tokenId: jti, sessionId: sid, subject: 'ada', clientId: 'app', audience: 'a b' },
    ])
    expect(JSON.stringify(await seen())).not.toContain(accessToken.split('.')[2])
  })
})

describe('its end', () => {
  it('is never past the session’s: neither its idle nor its absolute deadline', async () => {
    const policy = { idleTimeout: minutes(2), absoluteTimeout: minutes(3), rotateAfter: minutes(1) }
    const { tokens, sessions, clock } = minting({ core: { policy } })
    const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
    const idle = await tokens.mint(session)
    clock.advance(minutes(1) + seconds(30))
    await session.touch()
    const absolute = await tokens.mint(session)

    expect(idle.expiresAt).toBe(session.startedAt! + minutes(2))
    expect(absolute.expiresAt).toBe(session.startedAt! + minutes(3))
  })

  it('is shortened by the jitter, never lengthened: with 0.5, half to all of the lifetime, and not always the same', async () => {
    const { tokens, sessions, clock } = minting({
      tokens: { lifetimeJitter: 0.5, accessTokenLifetime: hours(1) },
      core: { policy: { idleTimeout: hours(3), justification: 'long enough for the lifetime to count' } },
    })
    const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })

    const minted = await Promise.all(Array.from({ length: 200 }, () => tokens.mint(session)))
    const lifetimes = minted.map(({ expiresAt }) => expiresAt - clock())

    expect(Math.max(...lifetimes)).toBeLessThanOrEqual(hours(1))
    expect(Math.min(...lifetimes)).toBeGreaterThanOrEqual(minutes(30) - seconds(1))
    expect(Math.max(...lifetimes) - Math.min(...lifetimes)).toBeGreaterThan(minutes(15))
  })

  it('is in whole seconds, early rather than late; a session with less than one left mints nothing', async () => {
    const { accessTokens, clock } = part()
    const session = { id: 'x'.repeat(22), subject: 'ada', facts: [], doubtedAt: undefined }
    clock.advance(700)

    const { expiresAt } = await accessTokens.mint({ ...session, deadline: clock() + 1500 })

    expect(expiresAt % 1000).toBe(0)
    expect(expiresAt).toBeLessThanOrEqual(clock() + 1500)
    expect(await codeOf(accessTokens.mint({ ...session, deadline: clock() + 200 }))).toBe('ERR_SESSION_ENDED')
    expect(await codeOf(accessTokens.mint({ ...session, deadline: clock() - minutes(1) }))).toBe('ERR_SESSION_ENDED')
  })
})

describe('a session mints nothing', () => {
  it('while nobody is signed in to it', async () => {
    const { tokens, sessions } = minting()

    expect(await codeOf(tokens.mint(sessions.anonymous()))).toBe('ERR_SESSION_ENDED')
    expect(await codeOf(tokens.mint(await sessions.start({ data: { basket: 1 } })))).toBe('ERR_SESSION_ENDED')
    expect(await codeOf(tokens.grant(sessions.anonymous(), { clientId: 'app' }))).toBe('ERR_SESSION_ENDED')
  })

  it('once it has ended: signed out, revoked, expired', async () => {
    const { tokens, sessions, clock } = minting()
    const signIn = async () => sessions.signIn({ subject: 'ada', method: 'pwd' })
    const signedOut = await signIn()
    await signedOut.signOut()
    const { token } = await (await signIn()).commit()
    clock.advance(hours(13))

    expect(await codeOf(tokens.mint(signedOut))).toBe('ERR_SESSION_ENDED')
    expect(await codeOf(tokens.mint(await sessions.read(token!)))).toBe('ERR_SESSION_ENDED')
  })

  it('while a second factor is due, on the pages that ask for it too', async () => {
    const { tokens, sessions } = minting()
    const session = await sessions.signIn({ subject: 'ada', method: 'pwd', due: 'aal2' })
    const { token } = await session.commit()
    const waiting = await sessions.read(token!, { mayBePending: true })
    const refused = await codeOf(tokens.mint(waiting))
    await waiting.elevate({ method: 'otp' })

    expect(refused).toBe('ERR_SESSION_ENDED')
    expect(claimsOf((await tokens.mint(waiting)).accessToken).acr).toBe('aal2')
  })

  it('while the store is away and a copy is all there is', async () => {
    const store = faultyStore(memoryStore())
    const { tokens, sessions } = minting({ core: { store } })
    const { token } = await (await sessions.signIn({ subject: 'ada', method: 'pwd' })).commit()
    await tokens.signer.jwks()
    store.setFaults({ read: { kind: 'error' } })

    expect(await codeOf(tokens.mint(await sessions.read(token!, { onOutage: 'anonymous' })))).toBe('ERR_STORE_UNAVAILABLE')
  })

  it('while its client is in doubt and nothing was proved since', async () => {
    const { tokens, sessions, clock } = minting()
    const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
    await workOf(session).amend(({ details }) => ({ details: { ...details, doubtedAt: clock() } }))
    const refused = await codeOf(tokens.mint(session))
    clock.advance(seconds(1))
    await session.elevate({ method: 'pwd' })

    expect(refused).toBe('ERR_ASSURANCE_INSUFFICIENT')
    expect(claimsOf((await tokens.mint(session)).accessToken)).toMatchObject({ acr: 'aal1', amr: ['pwd'] })
  })

  it('or less from a proof that a doubt has overtaken: a token says only what still counts', async () => {
    const { accessTokens, clock } = part()
    const now = clock()
    const facts = [
      { method: 'pwd', at: now - 10_000, strength: 1 },
      { method: 'otp', at: now, strength: 1 },
    ] as const
    const session = { id: 'x'.repeat(22), subject: 'ada', facts, deadline: now + hours(1) }

    const doubted = claimsOf((await accessTokens.mint({ ...session, doubtedAt: now - 5_000 })).accessToken)
    const lost = claimsOf((await accessTokens.mint({ ...session, doubtedAt: now })).accessToken)

    expect(doubted).toMatchObject({ acr: 'aal1', amr: ['otp'], auth_time: now / 1000 })
    expect(lost).toMatchObject({ acr: 'aal0' })
    expect(Object.keys(lost)).not.toEqual(expect.arrayContaining(['amr']))
  })
})

describe('what it is minted with', () => {
  const wrong: Record<string, unknown> = {
    'an empty audience': { audience: '' },
    'no audience at all': { audience: [] },
    'an audience twice': { audience: ['a', 'a'] },
    'eleven audiences': { audience: Array.from({ length: 11 }, (_, i) => `a${i}`) },
    'an audience with a blank': { audience: 'a b' },
    'an audience that is no text': { audience: 7 },
    'a scope with a blank': { scope: ['a b'] },
    'a scope with a quote': { scope: ['a"b'] },
    'a scope that is no list': { scope: 'read' },
    'a client without a name': { clientId: '' },
    'a thumbprint that is none': { jkt: 'short' },
    'claims that are no object': { claims: [1] },
    'claims that cannot be written': { claims: { big: 10n } },
    'claims over 4,096 characters': { claims: { long: 'x'.repeat(4096) } },
    ...Object.fromEntries(
      ['iss', 'sub', 'aud', 'exp', 'sid', 'acr', 'cnf', 'scope', 'act', 'nbf'].map((name) => [
        `a ${name} of its own`,
        { claims: { [name]: 'x' } },
      ]),
    ),
  }

  it.each(Object.entries(wrong))('%s is refused, and no token made', async (_name, options) => {
    const { mint, seen } = minting()

    expect(await codeOf(mint(options as object))).toBe('ERR_ARGUMENT_INVALID')
    expect(await seen('access-token.minted')).toEqual([])
  })
})

describe('reading a token of our own', () => {
  it('gives its claims while it is within its time, and not at its end', async () => {
    const { accessTokens, clock } = part()
    const session = { id: 'x'.repeat(22), subject: 'ada', facts: [], doubtedAt: undefined, deadline: clock() + hours(1) }
    const { accessToken, expiresAt } = await accessTokens.mint(session, { scope: ['read'] })
    const now = await accessTokens.read(accessToken)
    clock.set(expiresAt - 1)
    const last = await accessTokens.read(accessToken)
    clock.set(expiresAt)

    expect(now).toEqual(claimsOf(accessToken))
    expect(last).toEqual(now)
    expect(await accessTokens.read(accessToken)).toBeUndefined()
  })

  it('gives nothing for what is no access token of ours', async () => {
    const { accessTokens, keys, clock } = part()
    const session = { id: 'x'.repeat(22), subject: 'ada', facts: [], doubtedAt: undefined, deadline: clock() + hours(1) }
    const { accessToken } = await accessTokens.mint(session)
    const claims = claimsOf(accessToken)
    const wrong: unknown[] = [
      '',
      'a.b.c',
      '..',
      undefined,
      7,
      'x'.repeat(100_000),
      `${accessToken}a`,
      `${accessToken}.a`,
      forged(accessToken, { claims: { sub: 'eve' } }),
      forged(accessToken, { header: { alg: 'none' } }),
      `${forged(accessToken, { header: { alg: 'none' } })
        .split('.')
        .slice(0, 2)
        .join('.')}.`,
      forged(accessToken, { header: { alg: 'HS256' } }),
      forged(accessToken, { header: { kid: 'A'.repeat(43) } }),
      forged(accessToken, { header: { kid: { toString: 'x' } } }),
      await keys.sign(claims, 'logout+jwt'),
      await keys.sign(claims, 'JWT'),
      await keys.sign({ ...claims, iss: 'https://other.example' }, 'at+jwt'),
      await keys.sign({ ...claims, exp: undefined }, 'at+jwt'),
      await keys.sign({ ...claims, exp: 'never' }, 'at+jwt'),
      await keys.sign({ ...claims, sid: undefined }, 'at+jwt'),
    ]

    expect((await Promise.all(wrong.map((one) => accessTokens.read(one as string)))).filter((one) => one !== undefined)).toEqual(
      [],
    )
    expect(await accessTokens.read(accessToken)).toBeDefined()
  })
})
