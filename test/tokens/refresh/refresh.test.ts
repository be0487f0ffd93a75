// What a refresh token gets, and what it never gets.
import { describe, expect, it } from 'vitest'
import { hours, minutes, seconds } from '../../../src/core/duration.ts'
import { FOREIGN_KEY, KEY, OLDER_KEY, tokenOf } from '../../core/support.ts'
import { partsOf } from '../support.ts'
import { nextOf, refreshSite } from './support.ts'

describe('a refresh', () => {
  it('gives an access token of the session and the next refresh token', async () => {
    const site = refreshSite()
    const { refreshToken, sessionId } = await site.app()
    const outcome = await site.refresh(refreshToken)

    expect(outcome).toMatchObject({ ok: true, tokens: { tokenType: 'Bearer', scope: ['read', 'write'] } })
    expect(nextOf(outcome)).not.toBe(refreshToken)
    expect(partsOf(outcome.ok ? outcome.tokens.accessToken : '').claims).toMatchObject({
      sub: 'ada',
      sid: sessionId,
      client_id: 'app',
      scope: 'read write',
      aud: 'https://api.shop.example',
    })
  })

  it('goes on, token by token, up to the absolute deadline of a session that nothing else uses', async () => {
    const site = refreshSite()
    let { refreshToken, session } = await site.app()
    const end = session.absoluteDeadline!
    let refreshes = 0
    while (site.clock() + minutes(20) < end) {
      site.clock.advance(minutes(20))
      refreshToken = await site.next(refreshToken)
      refreshes++
    }
    site.clock.set(end)

    expect(refreshes).toBeGreaterThan(10)
    expect(await site.reasonOf(refreshToken)).toBe('ended')
  })

  it('counts as use of the session, and browsing is none of the family', async () => {
    const site = refreshSite()
    const { refreshToken, cookieToken, sessionId } = await site.app()
    site.clock.advance(minutes(20))
    const second = await site.next(refreshToken)
    site.clock.advance(minutes(20))

    expect(await site.isAlive(sessionId)).toBe(true)
    const session = await site.sessions.read(cookieToken)
    await session.touch()
    site.clock.advance(minutes(10))
    expect([(await site.sessions.read(cookieToken)).state, await site.reasonOf(second)]).toEqual(['active', 'expired'])
  })

  it('of a family with a limit of its own ends when it was not used for so long', async () => {
    const site = refreshSite({ tokens: { refreshIdleTimeout: minutes(5) } })
    const { refreshToken } = await site.app()
    site.clock.advance(minutes(5) - 1)
    const second = await site.next(refreshToken)
    site.clock.advance(minutes(5))

    expect(await site.reasonOf(second)).toBe('expired')
  })

  it('never outlives the session where the family’s limit is longer', async () => {
    const site = refreshSite({ tokens: { refreshIdleTimeout: hours(100) } })
    const { refreshToken } = await site.app()
    site.clock.advance(minutes(30))

    expect(await site.reasonOf(refreshToken)).toBe('ended')
  })

  it('says no more than was proved at the grant, whatever the browser proves later', async () => {
    const site = refreshSite()
    const { refreshToken, session } = await site.app()
    site.clock.advance(seconds(5))
    await session.elevate({ method: 'otp' })
    const outcome = await site.refresh(refreshToken)
    const { claims } = partsOf(outcome.ok ? outcome.tokens.accessToken : '')

    expect(claims).toMatchObject({ acr: 'aal1', amr: ['pwd'] })
  })

  it('after a clock that was set back gives the next token as before', async () => {
    const site = refreshSite()
    let { refreshToken } = await site.app()
    refreshToken = await site.next(refreshToken)
    site.clock.set(site.clock() - minutes(3))
    refreshToken = await site.next(refreshToken)

    expect(await site.reasonOf(refreshToken)).toBe('good')
  })
})

describe('a token that comes again', () => {
  it('is dead a grace after any later one was used, also where the clock was ahead for a while', async () => {
    const site = refreshSite()
    const { refreshToken } = await site.app()
    const second = await site.next(refreshToken)
    site.clock.advance(minutes(20))
    const third = await site.next(second)
    site.clock.set(site.clock() - minutes(20))
    await site.next(third)
    site.clock.advance(seconds(30))

    expect(await site.reasonOf(refreshToken)).toBe('reused')
  })

  it('gets the same successor, however long the client was silent', async () => {
    const site = refreshSite()
    const { refreshToken } = await site.app()
    const lost = await site.next(refreshToken)
    site.clock.advance(minutes(29))

    expect(await site.next(refreshToken)).toBe(lost)
    expect(await site.reasonOf(lost)).toBe('good')
  })

  it('gets the same within the grace after its successor was used, and not after it', async () => {
    const site = refreshSite()
    const { refreshToken } = await site.app()
    const second = await site.next(refreshToken)
    await site.next(second)
    site.clock.advance(seconds(30) - 1)
    expect(await site.next(refreshToken)).toBe(second)
    site.clock.advance(1)

    expect(await site.reasonOf(refreshToken)).toBe('reused')
  })

  it('in parallel, many times over, gets one successor', async () => {
    const site = refreshSite()
    const { refreshToken } = await site.app()
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => site.refresh(refreshToken)))

    expect(new Set(outcomes.map(nextOf)).size).toBe(1)
    expect(await site.reasonOf(nextOf(outcomes[0]!))).toBe('good')
  })

  it('keeps the session alive too: a client that cannot hear is there all the same', async () => {
    const site = refreshSite()
    const { refreshToken } = await site.app()
    await site.next(refreshToken)
    for (let i = 0; i < 4; i++) {
      site.clock.advance(minutes(20))
      await site.next(refreshToken)
    }
    expect(await site.reasonOf(refreshToken)).toBe('good')
  })

  it('is told apart in the event', async () => {
    const site = refreshSite()
    const { refreshToken } = await site.app()
    await site.next(refreshToken)
    await site.next(refreshToken)

    expect(await site.seen('refresh-token.rotated')).toMatchObject([{ isRepeated: false }, { isRepeated: true }])
  })

  it('of a client that refreshes too often gets itself back, and nothing is forgotten that may still come', async () => {
    const site = refreshSite()
    const { refreshToken } = await site.app()
    const all = [refreshToken]
    for (let i = 0; i < 6; i++) all.push(await site.next(all.at(-1)!))

    expect(new Set(all).size).toBe(4)
    expect(await site.next(refreshToken)).toBe(all[1])
    site.clock.advance(seconds(30))
    const later = await site.next(all[3]!)
    expect(all).not.toContain(later)
    expect(await site.reasonOf(all[2]!)).toBe('reused')
  })
})

describe('reuse', () => {
  it('ends the family and its session, and no other', async () => {
    const site = refreshSite()
    const { refreshToken, sessionId, cookieToken } = await site.app()
    const neighbour = await site.app()
    const current = await site.next(await site.next(refreshToken))
    site.clock.advance(seconds(30))
    expect(await site.reasonOf(refreshToken)).toBe('reused')

    expect([await site.reasonOf(current), await site.isAlive(sessionId)]).toEqual(['ended', false])
    const reading = await site.sessions.read(cookieToken)
    expect([reading.state, reading.stateReason]).toEqual(['revoked', 'refresh-reuse'])
    expect(await site.reasonOf(neighbour.refreshToken)).toBe('good')
    expect(await site.seen('refresh-token.reused')).toMatchObject([
      { sessionId, subject: 'ada', clientId: 'app', generation: 2, outcome: 'session-revoked' },
    ])
    expect(await site.seen('session.revoked')).toMatchObject([{ sessionId, reason: 'refresh-reuse' }])
  })

  it('with a policy that only refuses, ends the family all the same', async () => {
    const site = refreshSite({ core: { policy: { onReuse: 'refuse' } } })
    const { refreshToken, sessionId } = await site.app()
    const current = await site.next(await site.next(refreshToken))
    site.clock.advance(seconds(30))
    await site.reasonOf(refreshToken)

    expect([await site.reasonOf(current), await site.isAlive(sessionId)]).toEqual(['ended', true])
    expect(await site.seen('refresh-token.reused')).toMatchObject([{ outcome: 'family-ended' }])
  })

  it('of a token older than all that is remembered is reuse too', async () => {
    const site = refreshSite()
    const { refreshToken } = await site.app()
    let current = refreshToken
    for (let i = 0; i < 8; i++) {
      current = await site.next(current)
      site.clock.advance(minutes(1))
    }
    expect(await site.reasonOf(refreshToken)).toBe('reused')
  })

  it('is not seen in a family that had already expired: there is nothing left to protect', async () => {
    const site = refreshSite({ tokens: { refreshIdleTimeout: minutes(1) } })
    const { refreshToken, sessionId } = await site.app()
    await site.next(await site.next(refreshToken))
    site.clock.advance(minutes(1))

    expect([await site.reasonOf(refreshToken), await site.isAlive(sessionId)]).toEqual(['expired', true])
  })
})

describe('what a family lives through', () => {
  it('rotation and step-up of its session', async () => {
    const site = refreshSite()
    const { refreshToken, session, cookieToken } = await site.app()
    await session.elevate({ method: 'otp' })
    const renewed = await site.sessions.read(cookieToken)
    await renewed.commit()

    expect(await site.reasonOf(refreshToken)).toBe('good')
  })

  it.each([
    ['a sign-out', (session) => session.signOut()],
    ['another sign-in of the same person', (session) => session.signIn({ subject: 'ada', method: 'pwd' })],
    ['a sign-in of somebody else', (session) => session.signIn({ subject: 'grace', method: 'pwd' })],
    ['a revocation by id', (session, sessions) => sessions.revoke(session.id!)],
    ['the end of all of the subject’s sessions', (_session, sessions) => sessions.revokeSubject('ada')],
  ] as [
    string,
    (
      session: Awaited<ReturnType<ReturnType<typeof refreshSite>['app']>>['session'],
      sessions: ReturnType<typeof refreshSite>['sessions'],
    ) => unknown,
  ][])('not %s', async (_what, end) => {
    const site = refreshSite()
    const { refreshToken, session } = await site.app()
    await end(session, site.sessions)

    expect(await site.reasonOf(refreshToken)).toBe('ended')
  })

  it('a new key at the head of the ring, and not the loss of its own', async () => {
    const site = refreshSite({ core: { keys: OLDER_KEY } })
    const { refreshToken } = await site.app()
    const second = await site.next(refreshToken)
    const rolled = refreshSite({ core: { keys: [KEY, OLDER_KEY], store: site.store, clock: site.clock } })
    expect(await rolled.reasonOf(refreshToken)).toBe('good')
    const third = await rolled.next(second)
    expect(await rolled.reasonOf(third)).toBe('good')
    const without = refreshSite({ core: { keys: FOREIGN_KEY, store: site.store, clock: site.clock } })

    expect(await without.reasonOf(third)).toBe('forged')
  })

  it('not a doubt about the session’s client, for good', async () => {
    const site = refreshSite()
    const { refreshToken, session, sessionId } = await site.app()
    const { amendLive } = await import('../../../src/core/amending.ts')
    await amendLive(site.context.service, sessionId, ({ details }) => ({ details: { ...details, doubtedAt: site.clock() } }))
    expect(await site.reasonOf(refreshToken)).toBe('doubted')
    site.clock.advance(1)
    await session.elevate({ method: 'otp' })
    const proved = await site.sessions.read(await tokenOf(session))

    expect(await site.reasonOf(refreshToken)).toBe('doubted')
    expect(await site.reasonOf((await site.grant(proved)).refreshToken)).toBe('good')
  })
})

describe('a refresh token that is refused', () => {
  it.each([
    ['of another client', { clientId: 'other' }, 'other-client'],
    ['for more than was granted', { scope: ['read', 'admin'] }, 'wider-scope'],
  ])('%s changes nothing', async (_what, more, reason) => {
    const site = refreshSite()
    const { refreshToken, sessionId } = await site.app()
    const before = await site.notesOf(sessionId)
    expect(await site.reasonOf(refreshToken, more)).toBe(reason)

    expect(await site.notesOf(sessionId)).toEqual(before)
    expect(await site.reasonOf(refreshToken)).toBe('good')
    expect(await site.seen('refresh-token.refused')).toMatchObject([{ reason, sessionId, subject: 'ada' }])
  })

  it.each([
    '',
    'x',
    'sjr1_',
    `sjr1_${'A'.repeat(91)}`,
    `sjr1_${'A'.repeat(90)}B`,
    `sjn1_${'A'.repeat(91)}`,
    'é'.repeat(96),
    'x'.repeat(1e6),
  ])('that is garbage (%#) is refused before the store is asked', async (garbage) => {
    const site = refreshSite()
    await site.app()
    const before = site.store.calls.length
    const reasons = [
      await site.reasonOf(garbage),
      await site.refreshTokens.inspect(garbage),
      await site.refreshTokens.revoke(garbage, { clientId: 'app' }),
    ]

    expect([['malformed', 'forged'].includes(String(reasons[0])), ...reasons.slice(1)]).toEqual([true, undefined, false])
    expect(site.store.calls.length).toBe(before)
  })

  it('as a store that is away says nothing of it', async () => {
    const site = refreshSite()
    const { refreshToken } = await site.app()
    site.store.setFaults({ read: { kind: 'error', error: new Error('away') } })
    await expect(site.refresh(refreshToken)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    site.store.setFaults({})

    expect(await site.reasonOf(refreshToken)).toBe('good')
  })

  it('was good when it came and was overtaken in the store is told to try again, and nobody is signed out', async () => {
    const site = refreshSite()
    const { refreshToken, sessionId } = await site.app()
    const { calls } = site.context.service
    const { update } = calls
    const slow = async (...given: Parameters<typeof update>) => {
      calls.update = update
      await site.next(await site.next(refreshToken))
      site.clock.advance(minutes(1))
      return update(...given)
    }
    calls.update = slow
    await expect(site.refresh(refreshToken)).rejects.toMatchObject({ code: 'ERR_STORE_CONTENDED', status: 503 })

    expect(await site.isAlive(sessionId)).toBe(true)
  })

  it('because less than a second of its session is left is refused like any other', async () => {
    const site = refreshSite({ core: { policy: { idleTimeout: minutes(30), absoluteTimeout: minutes(30) } } })
    site.clock.set(Math.ceil(site.clock() / 1000) * 1000 + 500)
    const { refreshToken, session } = await site.app()
    site.clock.set(session.absoluteDeadline! - 100)

    expect(await site.reasonOf(refreshToken)).toBe('ended')
  })

  it('because the write’s answer was lost gets its successor at the next try', async () => {
    const site = refreshSite()
    const { refreshToken } = await site.app()
    site.store.setFaults({ update: { kind: 'lost-reply' } })
    await expect(site.refresh(refreshToken)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    site.store.setFaults({})
    const second = await site.next(refreshToken)

    expect(await site.next(refreshToken)).toBe(second)
  })
})

describe('what may be had is what the client may have now', () => {
  it('less scope when it was taken away', async () => {
    const site = refreshSite()
    const { refreshToken } = await site.app()
    const clients = [{ id: 'app', authentication: 'public', scopes: ['read'], dpop: 'allowed' }] as const
    const stricter = refreshSite({ core: { store: site.store, clock: site.clock }, tokens: { clients } })

    expect(await stricter.refresh(refreshToken)).toMatchObject({ ok: true, tokens: { scope: ['read'] } })
  })

  it('nothing when its audience was taken away, or it must prove a key now', async () => {
    const site = refreshSite()
    const { refreshToken } = await site.app()
    const reasonWith = (client: object) => {
      const clients = [{ id: 'app', authentication: 'public' as const, scopes: ['read', 'write'], ...client }]
      return refreshSite({ core: { store: site.store, clock: site.clock }, tokens: { clients } }).reasonOf(refreshToken)
    }
    expect(await reasonWith({ dpop: 'allowed', audiences: ['https://elsewhere.example'] })).toBe('ended')
    expect(await reasonWith({ dpop: 'required' })).toBe('other-key')
  })
})

describe('looked at, and given back', () => {
  it('is whose it is, until when, and stays as it was', async () => {
    const site = refreshSite({ tokens: { refreshIdleTimeout: minutes(5) } })
    const { refreshToken, sessionId } = await site.app()
    const before = await site.notesOf(sessionId)

    expect(await site.refreshTokens.inspect(refreshToken)).toEqual({
      clientId: 'app',
      sessionId,
      subject: 'ada',
      scope: ['read', 'write'],
      deadline: site.clock() + minutes(5),
      jkt: undefined,
    })
    expect(await site.notesOf(sessionId)).toEqual(before)
  })

  it('is nothing once it is replaced for good, and looking ends nothing', async () => {
    const site = refreshSite()
    const { refreshToken, sessionId } = await site.app()
    await site.next(await site.next(refreshToken))
    site.clock.advance(seconds(30))

    expect([await site.refreshTokens.inspect(refreshToken), await site.isAlive(sessionId)]).toEqual([undefined, true])
  })

  it('ends its family, with a replaced token too, for its own client alone; the session lives', async () => {
    const site = refreshSite()
    const { refreshToken, sessionId, session } = await site.app()
    const second = await site.next(refreshToken)
    const other = await site.grant(session, { clientId: 'other' })
    const revoke = (clientId: string) => site.refreshTokens.revoke(refreshToken, { clientId })

    expect([await revoke('other'), await revoke('app'), await revoke('app')]).toEqual([false, true, false])
    expect([await site.reasonOf(second), await site.isAlive(sessionId)]).toEqual(['ended', true])
    expect(await site.reasonOf(other.refreshToken, { clientId: 'other' })).toBe('good')
    expect(await site.seen('refresh-token.ended')).toMatchObject([{ clientId: 'app', reason: 'revoked', sessionId }])
  })
})
