import { describe, expect, it } from 'vitest'
import type { PolicyReport } from '../../src/core/policy-report.ts'
import { createSessions, days, hours, minutes } from '../../src/index.ts'
import { type CookieStoreOptions, cookieStore } from '../../src/stores/cookie.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { nearCache } from '../../src/stores/near-cache.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { codeOf, FOREIGN_KEY, KEY, OLDER_KEY, signedIn, thrownBy, tokenOf } from '../core/support.ts'
import { noise, sealed, sealedWithLedger, stateOf, tokenAfter } from './cookie/support.ts'

describe('a session in its cookie', () => {
  it('keeps subject, facts, data and device from request to request, and nothing anywhere else', async () => {
    const { sessions, store } = sealed()
    const session = sessions.anonymous({ device: 'Firefox on Linux' })
    await session.signIn({ subject: 'ada\0🦊__proto__', method: ['pwd', 'otp'] })
    session.data.basket = [{ name: "'; DROP TABLE--", count: 2 }]
    const read = await sessions.read(await tokenOf(session))

    expect([read.subject, read.acr, read.device, read.data]).toEqual([
      'ada\0🦊__proto__',
      'aal2',
      'Firefox on Linux',
      { basket: [{ name: "'; DROP TABLE--", count: 2 }] },
    ])
    expect(new Set(store.calls)).toEqual(new Set(['create', 'update', 'read']))
  })

  it('is read on every node that has the keys, and on no other', async () => {
    const token = await signedIn(sealed().sessions)

    expect([await stateOf(sealed(), token), await stateOf(sealed({ keys: FOREIGN_KEY }), token)]).toEqual(['active', 'forged'])
  })

  it('reading sets no cookie', async () => {
    const { sessions } = sealed()
    const session = await sessions.read(await signedIn(sessions))

    expect([session.subject, session.data, (await session.commit()).kind]).toEqual(['ada', {}, 'none'])
  })

  it('a visitor of whom nothing is kept gets no cookie', async () => {
    const session = sealed().sessions.anonymous()

    expect([session.data, (await session.commit()).kind]).toEqual([{}, 'none'])
  })

  it('no plaintext of it is in the cookie, and the id alone is in clear', async () => {
    const { sessions } = sealed()
    const session = sessions.anonymous({ device: 'CANARY-device' })
    await session.signIn({ subject: 'CANARY-subject', method: 'CANARY-method' })
    session.data.CANARY = 'CANARY-value'
    const token = await tokenOf(session)
    const bytes = Buffer.from(token.slice(5), 'base64url').toString('latin1')

    expect([bytes.includes('CANARY'), token.includes(Buffer.from('CANARY').toString('base64url'))]).toEqual([false, false])
    expect(bytes.includes(Buffer.from(session.id!, 'base64url').toString('latin1'))).toBe(true)
  })

  it('sealed twice, it is never the same bytes', async () => {
    const site = sealed()
    const token = await signedIn(site.sessions)
    const sealings = await Promise.all(Array.from({ length: 50 }, () => tokenAfter(site, token, (session) => session.touch())))
    const nonces = sealings.map((each) => Buffer.from(each.slice(5), 'base64url').toString('hex', 20, 32))

    expect(new Set(nonces).size).toBe(50)
  })
})

describe('its deadlines', () => {
  it('activity moves the idle deadline in the cookie, so that it reaches the browser', async () => {
    const site = sealed()
    let token = await signedIn(site.sessions)
    for (let i = 0; i < 8; i++) {
      site.clock.advance(minutes(20))
      token = await tokenAfter(site, token, () => {})
    }

    expect(await stateOf(site, token)).toBe('active')
  })

  it('without it the session is over after the idle timeout; polling is no activity', async () => {
    const site = sealed({ policy: { rotateAfter: hours(2) } })
    const token = await signedIn(site.sessions)
    site.clock.advance(minutes(20))
    const polled = await (await site.sessions.read(token, { isActivity: false })).commit()
    site.clock.advance(minutes(10))

    expect([polled.kind, await stateOf(site, token)]).toEqual(['none', 'expired'])
  })

  it('no cookie outlives the absolute deadline, however busy', async () => {
    const site = sealed()
    let token = await signedIn(site.sessions)
    for (let i = 0; i < 12 * 3; i++) {
      site.clock.advance(minutes(20))
      token = await tokenAfter(site, token, () => {})
    }

    expect(await stateOf(site, token)).toBe('expired')
  })

  it('a cookie that lasts says so each time it is sealed, and never past the absolute deadline', async () => {
    const site = sealed()
    const token = await signedIn(site.sessions, { isPersistent: true })
    site.clock.advance(minutes(25))
    const { expiresAt } = await (await site.sessions.read(token)).commit()

    expect(expiresAt! - site.clock()).toBe(hours(12) - minutes(25))
  })

  it.each([-1, 1])('a clock that jumps by a day and back signs nobody out for good (%i)', async (direction) => {
    const site = sealed({ policy: { absoluteTimeout: days(10), idleTimeout: days(5) } })
    const token = await signedIn(site.sessions)
    site.clock.advance(direction * days(1))
    const during = await tokenAfter(site, token, () => {})
    site.clock.advance(-direction * days(1))

    expect([await stateOf(site, token), await stateOf(site, during)]).toEqual(['active', 'active'])
  })

  it('a stricter policy counts for cookies of before', async () => {
    const site = sealed()
    const token = await signedIn(site.sessions)
    const stricter = sealed({ clock: site.clock, policy: { idleTimeout: minutes(5), absoluteTimeout: hours(1) } })
    site.clock.advance(minutes(6))

    expect([await stateOf(stricter, token), await stateOf(site, token)]).toEqual(['expired', 'active'])
  })
})

describe('an earlier cookie of a session', () => {
  it('still works while the session lives, with its own data: the last one sent is what counts', async () => {
    const site = sealed()
    const first = await signedIn(site.sessions)
    await tokenAfter(site, first, (session) => {
      session.data.coupon = 'used'
    })

    expect((await site.sessions.read(first)).data).toEqual({})
  })

  it('has only the authority it had', async () => {
    const site = sealedWithLedger()
    const before = await signedIn(site.sessions)
    const elevated = await tokenAfter(site, before, (session) => session.elevate({ method: 'otp' }))
    const [old, now] = [await site.sessions.read(before), await site.sessions.read(elevated)]

    expect([old.meets({ acr: 'aal2' }), now.meets({ acr: 'aal2' })]).toEqual([false, true])
  })

  it('is not lengthened by what was written since', async () => {
    const site = sealed()
    const first = await signedIn(site.sessions)
    site.clock.advance(minutes(20))
    await tokenAfter(site, first, (session) => session.touch())
    site.clock.advance(minutes(10))

    expect(await stateOf(site, first)).toBe('expired')
  })

  it('of an anonymous visitor is over once they signed in, where there is a ledger', async () => {
    const site = sealedWithLedger()
    const fixed = await tokenAfter(site, '', (session) => {
      session.data.basket = ['tea']
    })
    const signed = await tokenAfter(site, fixed, (session) => session.signIn({ subject: 'ada', method: 'pwd', keep: ['basket'] }))
    const read = await site.sessions.read(signed)

    expect([await stateOf(site, fixed), read.state, read.data]).toEqual(['revoked', 'active', { basket: ['tea'] }])
  })

  it('without one it is the anonymous visitor’s still, and nobody’s else', async () => {
    const site = sealed()
    const fixed = await tokenAfter(site, '', (session) => {
      session.data.basket = ['tea']
    })
    await tokenAfter(site, fixed, (session) => session.signIn({ subject: 'ada', method: 'pwd' }))

    expect((await site.sessions.read(fixed)).subject).toBeUndefined()
  })
})

describe('keys', () => {
  it('an older key in the ring still opens; the next write seals with the newest', async () => {
    const before = sealed({ keys: OLDER_KEY })
    const old = await signedIn(before.sessions)
    const both = sealed({ keys: [KEY, OLDER_KEY], clock: before.clock })
    const renewed = await tokenAfter(both, old, (session) => {
      session.data.note = 'sealed anew'
    })
    const alone = sealed({ keys: KEY, clock: before.clock })

    expect([await stateOf(both, old), await stateOf(alone, old), await stateOf(alone, renewed)]).toEqual([
      'active',
      'forged',
      'active',
    ])
  })

  it('a reader’s cookie moves to the newest key by itself, as soon as activity is due to be written', async () => {
    const before = sealed({ keys: OLDER_KEY })
    const old = await signedIn(before.sessions)
    const both = sealed({ keys: [KEY, OLDER_KEY], clock: before.clock })
    before.clock.advance(minutes(2))
    const touched = await tokenAfter(both, old, () => {})

    expect(await stateOf(sealed({ keys: KEY, clock: before.clock }), touched)).toBe('active')
  })
})

describe('a session too long for its cookie', () => {
  it('is refused when it is written, and nothing changes', async () => {
    const site = sealedWithLedger({ deflate: false })
    const token = await signedIn(site.sessions)
    const session = await site.sessions.read(token)
    session.data.letter = noise(10_000)
    const calls = site.store.calls.length
    const code = await codeOf(session.commit())

    expect([code, site.store.calls.slice(calls), (await site.sessions.read(token)).data]).toEqual([
      'ERR_COOKIE_TOO_LARGE',
      [],
      {},
    ])
  })

  it('who signs in with too much data is not signed in, and the session of before goes on', async () => {
    const site = sealedWithLedger({ maxLength: 1000 })
    const anonymous = await tokenAfter(site, '', (session) => {
      session.data.letter = noise(200)
    })
    const session = await site.sessions.read(anonymous)
    const code = await codeOf(session.signIn({ subject: noise(1000), method: 'pwd', keep: ['letter'] }))

    expect([code, await stateOf(site, anonymous), session.subject]).toEqual(['ERR_COOKIE_TOO_LARGE', 'active', undefined])
  })

  it('the error says how long, how long it may be, and holds nothing of the session', async () => {
    const site = sealed({ maxLength: 1000 })
    const session = site.sessions.anonymous()
    session.data.CANARY = `CANARY${noise(1000)}`
    const error = await Promise.resolve(session.commit()).catch((reason: Error & { status: number }) => reason)

    expect(error).toMatchObject({ status: 413, message: expect.stringMatching(/needs \d+ characters.*at most 1000/) })
    expect(String(error)).not.toContain('CANARY')
  })

  it('what compresses to nearly nothing is refused too, where no request could open it again', async () => {
    const site = sealed({ maxDataBytes: 1_048_576 })
    const outcomes: unknown[] = []
    for (const size of [1000, 100_000, 250_000, 262_144, 300_000, 1_000_000]) {
      const session = site.sessions.anonymous()
      session.data.letter = 'a'.repeat(size)
      const instruction = await Promise.resolve(session.commit()).catch((error: { code: string }) => error.code)
      outcomes.push(typeof instruction === 'string' ? instruction : await stateOf(site, instruction.token!))
    }

    const refused = 'ERR_COOKIE_TOO_LARGE'
    expect(outcomes).toEqual(['active', 'active', 'active', refused, refused, refused])
  })

  it('a limit that was lowered since locks no reader out: the cookie stays as it is until it ends', async () => {
    const before = sealed({ policy: { idleTimeout: hours(1) } })
    const token = await tokenAfter(before, await signedIn(before.sessions), (session) => {
      session.data.letter = noise(3000)
    })
    const lowered = sealed({ clock: before.clock, maxLength: 3000, policy: { idleTimeout: hours(1) } })
    before.clock.advance(minutes(40))
    const session = await lowered.sessions.read(token)

    expect([session.subject, (await session.commit()).kind]).toEqual(['ada', 'none'])
  })
})

describe('writing after the headers have left', () => {
  it.each([
    ['update', (session) => session.update((data) => Object.assign(data, { note: 'lost' }))],
    ['touch', (session) => session.touch()],
  ] satisfies [string, (session: Awaited<ReturnType<ReturnType<typeof sealed>['sessions']['read']>>) => Promise<void>][])(
    '%s is refused, since no cookie can take it to the browser',
    async (_name, write) => {
      const site = sealed()
      const session = await site.sessions.read(await signedIn(site.sessions))
      await session.commit()

      expect(await codeOf(write(session))).toBe('ERR_SESSION_COMMITTED')
    },
  )
})

describe('signing out', () => {
  it('with a ledger: a request that was slower brings nothing back', async () => {
    const site = sealedWithLedger()
    const token = await signedIn(site.sessions)
    const held = await Promise.all(Array.from({ length: 3 }, () => site.sessions.read(token)))
    held[0]!.data.basket = ['tea']
    const sealedBefore = await tokenAfter(site, token, (session) => session.touch())
    await tokenAfter(site, token, (session) => session.signOut())
    site.clock.advance(minutes(20))

    expect(await codeOf(held[0]!.commit())).toBe('ERR_SESSION_ENDED')
    expect(await codeOf(held[1]!.rotate())).toBe('ERR_SESSION_ENDED')
    expect(await held[2]!.commit()).toMatchObject({ kind: 'none' })
    expect(await stateOf(site, sealedBefore)).toBe('revoked')
  })

  it('without one it clears the cookie, and a copy of it stays good until its deadline', async () => {
    const site = sealed()
    const token = await signedIn(site.sessions)
    const session = await site.sessions.read(token)
    await session.signOut()

    expect([(await session.commit()).kind, await stateOf(site, token)]).toEqual(['clear', 'active'])
  })

  it('ending one’s own session by its id clears the cookie too, or it would go on', async () => {
    const site = sealed()
    const session = await site.sessions.read(await signedIn(site.sessions))

    expect([await session.revoke(session.id!), (await session.commit()).kind]).toEqual([true, 'clear'])
  })
})

describe('ending sessions by id, subject or list', () => {
  it('without a ledger nothing is said to have ended', async () => {
    const site = sealed()
    const token = await signedIn(site.sessions)
    const session = await site.sessions.read(token)
    const codes = [
      await codeOf(site.sessions.revoke(session.id!)),
      await codeOf(site.sessions.revokeSubject('ada')),
      await codeOf(session.revokeOthers()),
      await codeOf(site.sessions.list('ada')),
      await codeOf(session.list()),
    ]

    expect([new Set(codes), await stateOf(site, token)]).toEqual([new Set(['ERR_STORE_UNSUPPORTED']), 'active'])
    expect(await site.seen('session.revoked')).toEqual([])
  })

  it('with one, an id and a subject end, and are not counted', async () => {
    const site = sealedWithLedger()
    const tokens = [await signedIn(site.sessions), await signedIn(site.sessions)]
    const { id } = await site.sessions.read(tokens[0]!)
    const byId = await site.sessions.revoke(id!)
    const between = await Promise.all(tokens.map((token) => stateOf(site, token)))
    const bySubject = await site.sessions.revokeSubject('ada')

    expect([byId, between, bySubject, await stateOf(site, tokens[1]!)]).toEqual([
      true,
      ['revoked', 'active'],
      undefined,
      'revoked',
    ])
  })

  it('nobody can end a session of which nobody can tell whose it is', async () => {
    const site = sealedWithLedger()
    const [mine, theirs] = await Promise.all(['ada', 'grace'].map((subject) => signedIn(site.sessions, { subject })))
    const [session, victim] = [await site.sessions.read(mine!), await site.sessions.read(theirs!)]
    const codes = [await codeOf(session.revoke(victim.id!)), await codeOf(site.sessions.revoke(victim.id!, { subject: 'ada' }))]

    expect([codes, await stateOf(site, theirs!)]).toEqual([['ERR_STORE_UNSUPPORTED', 'ERR_STORE_UNSUPPORTED'], 'active'])
  })

  it('a list of sessions is not to be had, with a ledger or without', async () => {
    expect(await codeOf(sealedWithLedger().sessions.list('ada'))).toBe('ERR_STORE_UNSUPPORTED')
  })
})

describe('what is refused at start-up', () => {
  const withOptions = (options: unknown) => thrownBy(() => cookieStore(options as CookieStoreOptions))

  it.each([
    { maxLength: 999 },
    { maxLength: 15_001 },
    { maxLength: Number.NaN },
    { maxLength: '7500' },
    { deflate: 'no' },
    { ledger: {} },
    { ledger: 'ended.db' },
    { ledger: null },
    { ledger: cookieStore() },
    null,
  ])('%o', (options) => {
    const error = withOptions(options)

    expect([error.code, error.message]).toEqual(['ERR_CONFIG_INVALID', expect.stringContaining('docs/stores/cookie.md')])
  })

  it.each(['reject', 'evict-oldest', 'allow'] as const)('a limit of sessions (%s), which nobody could count', (onExceeded) => {
    const policy = { limit: { max: 5, onExceeded } }
    const error = thrownBy(() => createSessions({ keys: KEY, store: cookieStore({ ledger: memoryStore() }), policy }))

    expect([error.code, error.message]).toEqual(['ERR_CONFIG_INVALID', expect.stringContaining("'cookie' cannot count")])
  })

  it('a near cache over it, which would have nothing to copy', () => {
    const store = cookieStore({ ledger: Object.assign(memoryStore()) })

    expect(thrownBy(() => nearCache(store, { maxStaleness: 5000 })).code).toBe('ERR_CONFIG_INVALID')
  })
})

describe('what it says of itself', () => {
  const reportOf = (options: CookieStoreOptions): PolicyReport =>
    createSessions({ keys: KEY, store: cookieStore(options) }).describePolicy()
  const aboutCookies = (report: PolicyReport) => report.cautions.filter((sentence) => sentence.startsWith('Sealed cookies'))

  it('without a ledger: that signing out does not end anything elsewhere', () => {
    expect(aboutCookies(reportOf({}))).toEqual([
      expect.stringMatching(
        /without a ledger: signing out only removes the cookie.*a copy of it stays signed in until its deadline/,
      ),
      expect.stringMatching(/without a ledger: .*revoke.*ended for/),
      expect.stringMatching(/parallel.*lost/),
      expect.stringMatching(/earlier cookie.*put back/),
    ])
  })

  it('with one: what is left, each in a sentence', () => {
    const report = reportOf({ ledger: memoryStore() })

    expect(aboutCookies(report)).toEqual([
      expect.stringMatching(/parallel.*lost/),
      expect.stringMatching(/earlier cookie.*put back/),
    ])
    expect(report.cautions).toContain("The store 'cookie' cannot list a subject's sessions.")
    expect(report.cautions).toContain("The store 'cookie' forgets revocations when it loses power or restarts.")
  })

  it('a revocation is as durable as its ledger', () => {
    const durable = [cookieStore(), cookieStore({ ledger: memoryStore() }), cookieStore({ ledger: sqliteStore(':memory:') })]

    expect(durable.map(({ capabilities }) => capabilities.durableRevocation)).toEqual([
      false,
      false,
      sqliteStore(':memory:').capabilities.durableRevocation,
    ])
  })

  it('the ledger is purged with it, unless it does so by itself', async () => {
    const [alone, withSqlite] = [cookieStore(), cookieStore({ ledger: sqliteStore(':memory:') })]

    expect([alone.capabilities.purgesItself, withSqlite.capabilities.purgesItself]).toEqual([true, false])
  })

  it('the ledger’s own ledger and channel serve what else needs shared state; without one they refuse', async () => {
    const ledger = memoryStore()
    const [alone, both] = [cookieStore(), cookieStore({ ledger })]
    const options = { now: 0, deadline: 1000 }

    expect([await both.ledger.claim('once', options), await both.ledger.claim('once', options)]).toEqual([true, false])
    expect(await codeOf(alone.ledger.claim('once', options))).toBe('ERR_STORE_UNSUPPORTED')
    expect(await codeOf(alone.channel.publish('topic', 'message'))).toBe('ERR_STORE_UNSUPPORTED')
  })
})

// What such an engine makes room by forgetting is that a session was ended: it would be alive again.
it('an engine that may forget is refused as a ledger at start-up', () => {
  const evicting = memoryStore()
  Object.assign(evicting.capabilities, { evicts: true })
  const error = thrownBy(() => cookieStore({ ledger: evicting }))
  expect([error.code, error.message]).toEqual([
    'ERR_CONFIG_INVALID',
    expect.stringContaining('forgetting that sessions were ended'),
  ])
})
