import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { days, hours, minutes, seconds } from '../../src/core/duration.ts'
import { codeOf, type LooseOptions, setUp, signedIn, tokenOf } from './support.ts'

const policy = { idleTimeout: minutes(20), absoluteTimeout: hours(8) }

/** A browser that is signed in, with a way to make a request with any of its tokens. */
async function browser(options: LooseOptions = {}) {
  const service = setUp({ policy, ...options })
  const token = await signedIn(service.sessions)
  return { ...service, token, request: (with_ = token) => service.sessions.read(with_) }
}

describe('expiry', () => {
  it.each([
    ['a millisecond before the idle limit the session lives', minutes(20) - 1, 'active', undefined],
    ['at the idle limit it is over', minutes(20), 'expired', 'idle'],
    ['at the absolute limit it is over', hours(8), 'expired', 'absolute'],
    ['a clock that jumped forward a year ends it', days(365), 'expired', 'absolute'],
    ['a clock that jumped back an hour does not', -hours(1), 'active', undefined],
  ])('%s', async (_case, later, state, stateReason) => {
    const { request, clock } = await browser()
    clock.advance(later)

    expect(await request()).toMatchObject({ state, stateReason })
  })

  it('constant activity never reaches past the absolute limit', async () => {
    const { request, clock } = await browser({ policy: { ...policy, rotateAfter: hours(9) } })
    for (let passed = 0; passed < hours(8) - minutes(10); passed += minutes(10)) {
      clock.advance(minutes(10))
      await (await request()).touch()
    }
    clock.advance(minutes(10))

    expect(await request()).toMatchObject({ state: 'expired', stateReason: 'absolute' })
  })

  it('an expired session is anonymous, and an event', async () => {
    const { request, clock, seen } = await browser()
    const { id } = await request()
    clock.advance(minutes(20))
    const session = await request()

    expect([session.id, session.subject, session.data, session.meets()]).toEqual([undefined, undefined, {}, false])
    expect(await seen('session.expired')).toMatchObject([{ sessionId: id, reason: 'idle' }])
  })

  it('an expired session is not brought back by touching, rotating or elevating it', async () => {
    const { request, clock } = await browser()
    clock.advance(minutes(20))
    const session = await request()
    await session.touch()

    expect(await codeOf(session.rotate())).toBe('ERR_SESSION_ENDED')
    expect(await codeOf(session.elevate({ method: 'otp' }))).toBe('ERR_SESSION_ENDED')
    expect((await request()).state).toBe('expired')
  })

  it('a request that is no activity does not keep it alive', async () => {
    const { sessions, token, clock } = await browser()
    clock.advance(minutes(19))
    await (await sessions.read(token, { isActivity: false })).commit()
    clock.advance(minutes(1))

    expect((await sessions.read(token)).state).toBe('expired')
  })

  it('a session that started while the clock was a year ahead ends in time once it is used', async () => {
    const service = setUp({ policy })
    service.clock.advance(days(365))
    const token = await signedIn(service.sessions)
    service.clock.advance(-days(365))
    await (await service.sessions.read(token)).touch()
    service.clock.advance(hours(8))

    expect((await service.sessions.read(token)).state).toBe('expired')
  })
})

describe('touch', () => {
  it('is written at most once per twentieth of the idle timeout', async () => {
    const { request, clock, store } = await browser()
    for (let i = 0; i < 60; i++) {
      clock.advance(seconds(5))
      await (await request()).commit()
    }

    expect(store.calls.filter((call) => call === 'update').length).toBe(5)
  })

  it('never delays the response', async () => {
    const { request, clock, store } = await browser()
    clock.advance(minutes(2))
    const session = await request()
    store.setFaults({ update: { kind: 'partition' } })

    expect(session.commit()).toEqual({ kind: 'none', isLogout: false })
  })

  it('moves the idle deadline and never the absolute one', async () => {
    const { request, clock } = await browser()
    const before = await request()
    const { absoluteDeadline } = before
    clock.advance(minutes(5))
    await (await request()).touch()
    const after = await request()

    expect([after.idleDeadline! - clock(), after.absoluteDeadline]).toEqual([minutes(20), absoluteDeadline])
  })

  it('the deadline a request shows counts its own activity', async () => {
    const { request, clock } = await browser()
    clock.advance(minutes(10))

    expect((await request()).idleDeadline).toBe(clock() + minutes(20))
  })

  it('the time left can be shown without being activity', async () => {
    const { sessions, token, clock } = await browser()
    clock.advance(minutes(10))

    expect((await sessions.read(token, { isActivity: false })).idleDeadline).toBe(clock() + minutes(10))
  })
})

describe('commit', () => {
  it('answers without a promise when there is nothing to do', async () => {
    expect((await (await browser()).request()).commit()).toEqual({ kind: 'none', isLogout: false })
  })

  it('called twice it writes once and answers the same', async () => {
    const { request, store } = await browser()
    const session = await request()
    session.data.a = 1
    const [first, second] = await Promise.all([session.commit(), session.commit()])

    expect([first === second, store.calls.filter((call) => call === 'update').length]).toEqual([true, 1])
  })

  it.each(['signIn', 'elevate', 'rotate', 'signOut'] as const)(
    'after it, %s is an error: the headers have left',
    async (operation) => {
      const session = await (await browser()).request()
      await session.commit()

      expect(await codeOf(session[operation]({ subject: 'ada', method: 'pwd' }))).toBe('ERR_SESSION_COMMITTED')
    },
  )

  it('the token it gives cannot be had again from the session', async () => {
    const { sessions } = setUp()
    const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
    const token = await tokenOf(session)

    expect(`${JSON.stringify(session)}${inspect(session, { depth: 10, showHidden: true })}`).not.toContain(token.slice(5, 30))
  })
})

describe('signing out', () => {
  it('ends the session and clears the cookie', async () => {
    const { request } = await browser()
    const session = await request()
    await session.signOut()

    expect(await session.commit()).toEqual({ kind: 'clear', isLogout: true })
    expect(await request()).toMatchObject({ state: 'revoked', stateReason: 'logout', subject: undefined })
  })

  it('is safe for a visitor who has no session', async () => {
    const { sessions, store } = setUp()
    const visitor = sessions.anonymous()
    await visitor.signOut()

    expect([await visitor.commit(), store.calls]).toEqual([{ kind: 'clear', isLogout: true }, []])
  })

  it('drops what was changed before it', async () => {
    const { sessions, store } = setUp()
    const visitor = sessions.anonymous()
    visitor.data.note = 'x'
    await visitor.signOut()
    await visitor.commit()

    expect(store.calls).toEqual([])
  })

  it('the data is gone for the rest of the request', async () => {
    const { request } = await browser()
    const first = await request()
    first.data.secretNote = 'x'
    await first.commit()
    const session = await request()
    await session.signOut()

    expect(session.data).toEqual({})
  })
})

describe('a slow request that ends after logout', () => {
  const late = async () => {
    const opened = await browser()
    const slow = await opened.request()
    await (await opened.request()).signOut()
    return { ...opened, slow }
  }

  it('gets ERR_SESSION_ENDED for its change', async () => {
    const { slow } = await late()
    slow.data.basket = ['tea']

    await expect(slow.commit()).rejects.toMatchObject({ code: 'ERR_SESSION_ENDED', status: 401 })
  })

  it.each<[string, (slow: Awaited<ReturnType<typeof late>>['slow']) => Promise<unknown>]>([
    [
      'committing',
      async (slow) => {
        slow.data.a = 1
        await slow.commit()
      },
    ],
    [
      'update',
      (slow) =>
        slow.update((data) => {
          data.a = 1
        }),
    ],
    ['touch', (slow) => slow.touch()],
    ['rotate', (slow) => slow.rotate()],
    ['elevate', (slow) => slow.elevate({ method: 'otp' })],
    ['signOut', (slow) => slow.signOut()],
  ])('brings nothing back by %s', async (_name, work) => {
    const { slow, request, sessions } = await late()
    await codeOf(work(slow))

    expect([(await request()).state, await sessions.list('ada')]).toEqual(['revoked', []])
  })

  it('sets no cookie', async () => {
    const { slow } = await late()
    await codeOf(slow.rotate())

    expect(await slow.commit()).toMatchObject({ kind: 'none' })
  })
})

describe('rotation', () => {
  it('gives a new token and keeps id, subject, data and deadlines', async () => {
    const { request } = await browser()
    const first = await request()
    first.data.basket = ['tea']
    await first.commit()
    const session = await request()
    const before = [session.id, session.subject, session.absoluteDeadline]
    await session.rotate()
    const renewed = await request(await tokenOf(session))

    expect([[renewed.id, renewed.subject, renewed.absoluteDeadline], renewed.data]).toEqual([before, { basket: ['tea'] }])
  })

  it('is told by its instant, which is the start until there was one', async () => {
    const { request, clock } = await browser()
    const session = await request()
    const atFirst = session.rotatedAt

    clock.advance(minutes(1))
    await session.rotate()

    expect(atFirst).toBe(session.startedAt)
    expect(session.rotatedAt).toBe(clock())
  })

  it('happens by itself once the token is rotateAfter old', async () => {
    const { request, clock, token } = await browser()
    clock.advance(minutes(15))

    expect(await tokenOf(await request())).not.toBe(token)
  })

  it('two tabs that rotate at once end with one token, and both stay in', async () => {
    const { request, clock } = await browser()
    clock.advance(minutes(15))
    const tabs = await Promise.all([request(), request()])
    const tokens = await Promise.all(tabs.map(tokenOf))

    expect(tokens[0]).toBe(tokens[1])
    expect((await request(tokens[0])).state).toBe('active')
  })

  it('a lost response costs nothing, however long the client stays silent', async () => {
    const { request, clock } = await browser({ policy: { idleTimeout: hours(8), absoluteTimeout: hours(8) } })
    clock.advance(minutes(15))
    const lost = await tokenOf(await request())
    clock.advance(hours(7))

    expect(await tokenOf(await request())).toBe(lost)
  })

  it('several lost responses in a row cost nothing', async () => {
    const { request, clock } = await browser({ policy: { idleTimeout: hours(8), absoluteTimeout: hours(8) } })
    const tokens: string[] = []
    for (let i = 0; i < 5; i++) {
      clock.advance(minutes(16))
      tokens.push(await tokenOf(await request()))
    }

    expect((await request(tokens.at(-1))).state).toBe('active')
  })

  it.each([
    ['a millisecond before the grace is over a replaced token still works', seconds(30) - 1, 'active'],
    ['when it is over, that is reuse', seconds(30), 'reused'],
  ])('%s', async (_case, later, state) => {
    const { request, clock } = await browser()
    const session = await request()
    await session.rotate()
    const renewed = await tokenOf(session)
    await request(renewed)
    clock.advance(later)

    expect((await request()).state).toBe(state)
  })

  it('any earlier token that comes back after its grace ends the session with reason `reuse`', async () => {
    const { request, clock, token } = await browser({ policy: { idleTimeout: hours(8), absoluteTimeout: hours(8) } })
    const tokens = [token]
    for (let i = 0; i < 8; i++) {
      clock.advance(minutes(16))
      tokens.push(await tokenOf(await request(tokens.at(-1))))
      await request(tokens.at(-1))
    }
    clock.advance(seconds(31))

    expect((await request(tokens[0])).state).toBe('reused')
    expect(await request(tokens.at(-1))).toMatchObject({ state: 'revoked', stateReason: 'reuse' })
  })

  it.each([1, 2, 3, 4, 5, 6])('the token of %i generations ago is caught', async (ago) => {
    const { request, clock, token, seen } = await browser({ policy: { idleTimeout: hours(8), absoluteTimeout: hours(8) } })
    const tokens = [token]
    for (let i = 0; i < 6; i++) {
      clock.advance(minutes(16))
      tokens.push(await tokenOf(await request(tokens.at(-1))))
      await request(tokens.at(-1))
    }
    clock.advance(seconds(31))
    const { state } = await request(tokens.at(-1 - ago))

    expect([state, await seen('session.reused')]).toMatchObject([
      'reused',
      [{ outcome: 'revoked', generation: Math.min(ago, 5) }],
    ])
  })

  it('onReuse refuse: the request is refused and the session goes on', async () => {
    const { request, clock, seen } = await browser({ policy: { ...policy, onReuse: 'refuse' } })
    const session = await request()
    await session.rotate()
    const renewed = await tokenOf(session)
    await request(renewed)
    clock.advance(seconds(31))

    expect([(await request()).state, (await request(renewed)).state]).toEqual(['reused', 'active'])
    expect(await seen('session.reused')).toMatchObject([{ outcome: 'refused' }])
  })

  it('by a visitor who has no session it is an error', async () => {
    expect(await codeOf(setUp().sessions.anonymous().rotate())).toBe('ERR_SESSION_ENDED')
  })
})

describe('elevation', () => {
  it('adds the proof and replaces the token', async () => {
    const { request, token } = await browser()
    const session = await request()
    await session.elevate({ method: 'otp' })
    const elevated = await tokenOf(session)

    expect([elevated === token, (await request(elevated)).acr]).toEqual([false, 'aal2'])
  })

  it('the token of before keeps only what it could do before', async () => {
    const { request } = await browser()
    const session = await request()
    await session.elevate({ method: 'otp' })
    await tokenOf(session)
    const old = await request()

    expect([old.state, old.acr, old.meets({ acr: 'aal2' })]).toEqual(['active', 'aal1', false])
  })

  it('the token of before is never given the new one', async () => {
    const { request } = await browser()
    const session = await request()
    await session.elevate({ method: 'otp' })
    await tokenOf(session)

    expect(await (await request()).commit()).toMatchObject({ kind: 'none' })
    expect(await codeOf((await request()).rotate())).toBe('ERR_ROTATION_PENDING')
  })

  it('a proof as strong as the session restarts both clocks, a weaker one does not restart the absolute one', async () => {
    const { request, clock } = await browser()
    clock.advance(minutes(10))
    const first = await request()
    await first.elevate({ method: ['pwd', 'otp'] })
    const afterFull = first.absoluteDeadline
    clock.advance(minutes(10))
    const second = await request(await tokenOf(first))
    await second.elevate({ method: 'pwd' })

    expect([afterFull, second.absoluteDeadline]).toEqual([clock() - minutes(10) + hours(8), clock() - minutes(10) + hours(8)])
  })

  it('an anonymous session cannot be elevated', async () => {
    const { sessions } = setUp()
    const session = await sessions.start({ data: { a: 1 } })

    expect(await codeOf(session.elevate({ method: 'pwd' }))).toBe('ERR_SESSION_ENDED')
  })

  it('is an event with the level and the methods', async () => {
    const { request, seen } = await browser()
    await (await request()).elevate({ method: 'otp' })

    expect(await seen('session.elevated')).toMatchObject([{ subject: 'ada', acr: 'aal2', methods: ['otp'] }])
  })

  it('authority decays, and a fresh proof restores it', async () => {
    const { request, clock } = await browser()
    clock.advance(minutes(6))
    const session = await request()
    const before = session.meets({ maxAge: minutes(5) })
    await session.elevate({ method: 'pwd' })

    expect([before, session.meets({ maxAge: minutes(5) })]).toEqual([false, true])
  })

  it('a change of privilege without a new proof replaces the token so that the old one cannot get it', async () => {
    const { request } = await browser()
    const session = await request()
    await session.rotate({ isPrivilegeChange: true, reason: 'role-changed' })
    await tokenOf(session)

    expect(await (await request()).commit()).toMatchObject({ kind: 'none' })
  })
})

describe('a subject and its sessions', () => {
  it('lists them, oldest first, and says which is this one', async () => {
    const { request, clock, sessions } = await browser()
    clock.advance(1000)
    await sessions.signIn({ subject: 'ada', method: 'pwd' }, { device: 'Firefox on Linux' })

    expect(await (await request()).list()).toMatchObject([
      { isCurrent: true, subject: 'ada', acr: 'aal1', device: undefined },
      { isCurrent: false, device: 'Firefox on Linux' },
    ])
  })

  it('revokeOthers keeps exactly this one', async () => {
    const { request, sessions } = await browser()
    const others = [await signedIn(sessions), await signedIn(sessions)]
    const count = await (await request()).revokeOthers()

    const states = await Promise.all(others.map(async (token) => (await request(token)).state))
    expect([count, states, (await request()).state]).toEqual([2, ['revoked', 'revoked'], 'active'])
  })

  it('the spared session can go on writing and rotating', async () => {
    const { request, sessions } = await browser()
    await signedIn(sessions)
    const session = await request()
    await session.revokeOthers()
    session.data.a = 1
    await session.rotate()
    const renewed = await request(await tokenOf(session))

    expect([renewed.state, renewed.data]).toEqual(['active', { a: 1 }])
  })

  it('revoke ends one of its own, and no one else’s', async () => {
    const { request, sessions } = await browser()
    const own = await sessions.read(await signedIn(sessions))
    const foreign = await sessions.read(await signedIn(sessions, { subject: 'grace' }))
    const session = await request()

    expect([await session.revoke(own.id!), await session.revoke(foreign.id!)]).toEqual([true, false])
    expect((await sessions.list('grace')).length).toBe(1)
  })

  it('revoke of the own session signs out', async () => {
    const { request } = await browser()
    const session = await request()

    expect([await session.revoke(session.id!), session.subject, (await request()).state]).toEqual([true, undefined, 'revoked'])
  })

  it('a visitor lists nothing and may revoke nothing', async () => {
    const { sessions } = setUp()
    const visitor = sessions.anonymous()

    expect([await visitor.list(), await codeOf(visitor.revokeOthers()), await codeOf(visitor.revoke('x'))]).toEqual([
      [],
      'ERR_SESSION_ENDED',
      'ERR_SESSION_ENDED',
    ])
  })

  it('a device name is cut at 100 characters', async () => {
    const { sessions } = setUp()
    const session = await sessions.signIn({ subject: 'ada', method: 'pwd' }, { device: 'x'.repeat(5000) })

    expect(session.device?.length).toBe(100)
  })
})

describe('a policy of single sessions', () => {
  it('holds for its session from the first request', async () => {
    const { sessions, clock } = setUp({
      policy,
      policyFor: ({ subject }) => (subject === 'admin' ? { idleTimeout: minutes(5) } : undefined),
    })
    const [admin, ada] = [await signedIn(sessions, { subject: 'admin' }), await signedIn(sessions)]
    clock.advance(minutes(5))

    expect([(await sessions.read(admin)).state, (await sessions.read(ada)).state]).toEqual(['expired', 'active'])
  })

  it('made stricter since, it counts at once', async () => {
    let isStrict = false
    const { sessions, clock } = setUp({ policy, policyFor: () => (isStrict ? { idleTimeout: minutes(5) } : undefined) })
    const token = await signedIn(sessions)
    clock.advance(minutes(6))
    isStrict = true

    expect((await sessions.read(token)).state).toBe('expired')
  })

  it('that throws lets nobody in', async () => {
    const { sessions } = setUp({
      policyFor: ({ facts }) => {
        if (facts.length > 0) throw new RangeError('bug')
        return undefined
      },
    })

    await expect(sessions.signIn({ subject: 'ada', method: 'pwd' })).rejects.toThrow(RangeError)
  })
})
