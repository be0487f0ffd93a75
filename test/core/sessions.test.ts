import { memoryStore } from 'sojourn/stores/memory'
import { describe, expect, it } from 'vitest'
import { hours, minutes } from '../../src/core/duration.ts'
import { Session } from '../../src/core/session.ts'
import { createSessions } from '../../src/core/sessions.ts'
import { codeOf, KEY, setUp, signedIn, tokenOf } from './support.ts'

const ID = `${'A'.repeat(21)}A`

describe('sessions.read', () => {
  it.each([undefined, ''])('no token is `absent`, without the store (%j)', async (token) => {
    const { sessions, store } = setUp()

    expect([(await sessions.read(token)).state, store.calls]).toEqual(['absent', []])
  })

  it('garbage never reaches the store', async () => {
    const { sessions, store } = setUp()
    const states = await Promise.all(
      ['x', 'sjn1_', `sjn1_${'A'.repeat(86)}`, 'a'.repeat(65_536), '\0'].map((token) => sessions.read(token)),
    )

    expect([states.map(({ state }) => state), store.calls]).toEqual([
      ['malformed', 'malformed', 'forged', 'malformed', 'malformed'],
      [],
    ])
  })

  it('reading costs one round trip', async () => {
    const { sessions, store } = setUp()
    const token = await signedIn(sessions)
    const before = store.calls.length
    const session = await sessions.read(token)
    await session.commit()

    expect(store.calls.slice(before)).toEqual(['read'])
  })

  it('a token of a record that is not there is `unknown`, with an event', async () => {
    const token = await signedIn(setUp().sessions)
    const { sessions, seen } = setUp()

    expect((await sessions.read(token)).state).toBe('unknown')
    expect(await seen('token.refused')).toMatchObject([{ state: 'unknown' }])
  })
})

describe('sessions.open', () => {
  it('a request whose store is in this process waits for nothing, with a token and without', async () => {
    const sessions = createSessions({ store: memoryStore(), keys: KEY })
    const token = await signedIn(sessions)

    const opened = [sessions.open(token), sessions.open(undefined), sessions.open('garbage')]

    expect(opened.map((session) => session instanceof Session && session.state)).toEqual(['active', 'absent', 'malformed'])
  })

  it('a store that throws where it should reject is a rejection with a code all the same', async () => {
    const store = memoryStore()
    const throwing = () => {
      throw new Error('the disk has gone')
    }
    const sessions = createSessions({ store: Object.assign(store, { read: throwing }), keys: KEY })
    const token = await signedIn(sessions)

    const opened = sessions.open(token)

    expect(await codeOf(opened)).toBe('ERR_STORE_UNAVAILABLE')
  })
})

describe('sessions.anonymous', () => {
  it('a visitor who stores nothing costs no call, no row and no cookie', () => {
    const { sessions, store } = setUp()
    const visitor = sessions.anonymous()
    const looked = [visitor.id, visitor.subject, visitor.data, visitor.acr, visitor.meets()]

    expect([looked, visitor.commit(), store.calls]).toEqual([
      [undefined, undefined, {}, 'aal0', false],
      { kind: 'none', isLogout: false },
      [],
    ])
  })

  it('a visitor who was only there left no trace of use', () => {
    expect(setUp().sessions.anonymous().isUsed).toBe(false)
  })
})

describe('sessions.start', () => {
  it('starts an anonymous session with data', async () => {
    const { sessions } = setUp()
    const token = await tokenOf(await sessions.start({ data: { basket: ['tea'] } }))

    expect((await sessions.read(token)).data).toEqual({ basket: ['tea'] })
  })

  it('`__proto__` in its data pollutes nothing', async () => {
    const { sessions } = setUp()
    const code = await codeOf(sessions.start({ data: JSON.parse('{"__proto__":{"isAdmin":true}}') }))

    expect([code, ({} as { isAdmin?: boolean }).isAdmin]).toEqual(['ERR_DATA_INVALID', undefined])
  })
})

describe('sessions.revoke', () => {
  it('ends a session by its public id, once', async () => {
    const { sessions } = setUp()
    const token = await signedIn(sessions)
    const id = (await sessions.read(token)).id!

    expect([await sessions.revoke(id), await sessions.revoke(id), (await sessions.read(token)).state]).toEqual([
      true,
      false,
      'revoked',
    ])
  })

  it('with a subject it ends only that subject’s', async () => {
    const { sessions } = setUp()
    const token = await signedIn(sessions)
    const id = (await sessions.read(token)).id!

    expect([await sessions.revoke(id, { subject: 'mallory' }), (await sessions.read(token)).state]).toEqual([false, 'active'])
  })

  it('with the subject of a visitor, which is undefined, it ends nobody’s', async () => {
    const { sessions } = setUp()
    const token = await signedIn(sessions)
    const id = (await sessions.read(token)).id!
    const { subject } = sessions.anonymous()

    expect([await sessions.revoke(id, { subject } as { subject: string }), (await sessions.read(token)).state]).toEqual([
      false,
      'active',
    ])
  })

  it.each(['', 'x', '../../etc', ID.slice(1), `${ID}A`, '\0'.repeat(22), {}, null])(
    'what is no id ends nothing and reaches no store (%j)',
    async (id) => {
      const { sessions, store } = setUp()

      expect([await sessions.revoke(id as string), store.calls]).toEqual([false, []])
    },
  )

  it.each(['', 'Logged out', 'a b', 'ü', 'x'.repeat(65), 'a\r\nb', 'ada@example.org'])(
    'a reason that is no machine word is refused (%j)',
    async (reason) => {
      const { sessions } = setUp()

      expect(await codeOf(sessions.revoke(ID, { reason }))).toBe('ERR_ARGUMENT_INVALID')
      expect(await codeOf(sessions.revokeSubject('ada', { reason }))).toBe('ERR_ARGUMENT_INVALID')
      expect(await codeOf((await sessions.signIn({ subject: 'ada', method: 'pwd' })).revokeOthers({ reason }))).toBe(
        'ERR_ARGUMENT_INVALID',
      )
    },
  )
})

describe('sessions.revokeSubject', () => {
  it('ends every session of the subject and nobody else’s, and counts them', async () => {
    const { sessions } = setUp()
    const mine = [await signedIn(sessions), await signedIn(sessions)]
    const other = await signedIn(sessions, { subject: 'grace' })

    const count = await sessions.revokeSubject('ada', { reason: 'account-disabled', actor: 'admin' })

    const states = await Promise.all([...mine, other].map(async (token) => (await sessions.read(token)).state))
    expect([count, states]).toEqual([2, ['revoked', 'revoked', 'active']])
  })

  it('is an event with count, reason and actor', async () => {
    const { sessions, seen } = setUp()
    await signedIn(sessions)
    await sessions.revokeSubject('ada', { reason: 'account-disabled', actor: 'admin' })

    expect(await seen('subject.revoked')).toMatchObject([
      { subject: 'ada', count: 1, reason: 'account-disabled', actor: 'admin' },
    ])
  })

  it('spares one', async () => {
    const { sessions } = setUp()
    const spared = await signedIn(sessions)
    await signedIn(sessions)
    const except = (await sessions.read(spared)).id!

    expect([await sessions.revokeSubject('ada', { except }), (await sessions.read(spared)).state]).toEqual([1, 'active'])
  })
})

describe('sessions.purge', () => {
  it('removes what ended more than a day ago and reports how many', async () => {
    const { sessions, clock } = setUp()
    const token = await signedIn(sessions)
    clock.advance(hours(12) + hours(24))
    expect((await sessions.read(token)).state).toBe('expired')
    clock.advance(hours(1))

    expect([await sessions.purge(), (await sessions.read(token)).state]).toEqual([1, 'unknown'])
  })

  it.each([0, -1, 1.5, 10_001, Number.NaN, Number.POSITIVE_INFINITY, '5'])('a limit of %j is refused', async (limit) => {
    const { sessions, store } = setUp()

    expect(await codeOf(sessions.purge({ limit: limit as number }))).toBe('ERR_ARGUMENT_INVALID')
    expect(store.calls).toEqual([])
  })

  it('happens in passing when sessions start, at most once per interval', async () => {
    const { sessions, clock, store } = setUp({ purgeInterval: minutes(5) })
    await signedIn(sessions)
    clock.advance(minutes(5))
    await signedIn(sessions)
    await signedIn(sessions)

    expect(store.calls.filter((call) => call === 'purge').length).toBe(1)
  })

  it('a purge that fails in passing harms no sign-in', async () => {
    const { sessions, clock, store } = setUp({ purgeInterval: minutes(5) })
    store.setFaults({ purge: { kind: 'error' } })
    clock.advance(minutes(5))

    expect(await signedIn(sessions)).toMatch(/^sjn1_/)
  })
})

describe('sessions.recognises', () => {
  it('tells by CPU alone whether a key of the ring made a token', async () => {
    const { sessions, store } = setUp()
    const token = await signedIn(sessions)
    const before = store.calls.length

    expect([sessions.recognises(token), sessions.recognises(token.replace(/.$/, '')), store.calls.length]).toEqual([
      true,
      false,
      before,
    ])
  })
})

describe('two services in one process', () => {
  it('share nothing', async () => {
    const [one, other] = [setUp({ keys: KEY }), setUp({ keys: KEY })]
    await signedIn(one.sessions)

    expect([await other.seen(), await other.sessions.list('ada')]).toEqual([[], []])
  })
})

describe('a subject', () => {
  const hostile: [string, string][] = [
    ['exactly 1 KB', 'x'.repeat(1024)],
    ['1 KB of four-byte letters', '👾'.repeat(256)],
    ['NUL', 'a\0b'],
    ['emoji', '👩‍💻'],
    ['`__proto__`', '__proto__'],
    ['`constructor`', 'constructor'],
    ['SQL', "'; DROP TABLE session; --"],
    ['Lua', "]] redis.call('flushall') --[["],
    ['a wildcard', '*'],
    ['a line break', 'a\r\nSet-Cookie: x=y'],
    ['only spaces', '   '],
    ['right-to-left override', '\u202eada'],
  ]

  it.each(hostile)('may hold %s, and is nobody else', async (_case, subject) => {
    const { sessions } = setUp()
    const token = await signedIn(sessions, { subject })
    await signedIn(sessions, { subject: 'ada' })
    const session = await sessions.read(token)

    expect([session.subject, (await sessions.list(subject)).length, (await sessions.list('ada')).length]).toEqual([subject, 1, 1])
    expect([await sessions.revokeSubject(subject), (await sessions.list('ada')).length]).toEqual([1, 1])
  })

  it.each<[string, unknown]>([
    ['empty', ''],
    ['over 1 KB', 'x'.repeat(1025)],
    ['over 1 KB of UTF-8', '€'.repeat(342)],
    ['half a surrogate pair', 'ada\ud800'],
    ['half a pair in front', '\udc00ada'],
    ['a number', 42],
    ['an object', { toString: () => 'ada' }],
    ['undefined', undefined],
    ['null', null],
  ])('that is %s is refused everywhere', async (_case, subject) => {
    const { sessions, store } = setUp()
    const given = subject as string

    expect(await codeOf(sessions.signIn({ subject: given, method: 'pwd' }))).toBe('ERR_ARGUMENT_INVALID')
    expect(await codeOf(sessions.revokeSubject(given))).toBe('ERR_ARGUMENT_INVALID')
    expect(await codeOf(sessions.list(given))).toBe('ERR_ARGUMENT_INVALID')
    expect(store.calls).toEqual([])
  })
})
