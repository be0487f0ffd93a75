/** What operators search by, and what they are shown. How stores find it is in their contract. */
import { describe, expect, it } from 'vitest'
import { hours, minutes } from '../../src/core/duration.ts'
import type { SessionFilter } from '../../src/core/searching.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import { type FaultyStore, faultyStore } from '../../src/testing/faulty-store.ts'
import { codeOf, FOREIGN_KEY, KEY, OLDER_KEY, setUp, signedIn } from './support.ts'

const NETWORK = '203.0.113.0/24'
const context = { device: 'Firefox on Linux', network: NETWORK }
/** A store that finds by id and subject alone. */
function incapable(): FaultyStore {
  const store = faultyStore(memoryStore())
  return { ...store, capabilities: { ...store.capabilities, queries: false } }
}

describe('query', () => {
  it('shows of a live session what its owner sees, with device and network', async () => {
    const { sessions } = setUp()
    const session = await sessions.signIn({ subject: 'ada', method: 'pwd' }, context)

    const { sessions: found, next } = await sessions.query({ subject: 'ada' })

    expect(found).toEqual([{ ...(await sessions.list('ada'))[0], state: 'live' }])
    expect(found[0]).toMatchObject({ id: session.id, device: 'Firefox on Linux', network: NETWORK })
    expect(next).toBeUndefined()
  })

  it('finds by device and by network what the request said when it signed in', async () => {
    const { sessions } = setUp()
    const session = await sessions.signIn({ subject: 'ada', method: 'pwd' }, context)
    await sessions.signIn({ subject: 'grace', method: 'pwd' }, { device: 'Safari on iPhone', network: '198.51.100.0/24' })

    for (const filter of [{ device: 'Firefox on Linux' }, { network: NETWORK }, { id: session.id }, { subjectPrefix: 'ad' }])
      expect((await sessions.query(filter)).sessions.map(({ id }) => id)).toEqual([session.id])
  })

  it('says of each session what became of it', async () => {
    const { sessions, clock } = setUp()
    const expired = await sessions.signIn({ subject: 'ada', method: 'pwd' }, context)
    clock.advance(minutes(30))
    const revoked = await sessions.signIn({ subject: 'ada', method: 'pwd' }, context)
    const live = await sessions.signIn({ subject: 'ada', method: 'pwd' }, context)
    await sessions.revoke(revoked.id!, { reason: 'stolen' })

    const { sessions: found } = await sessions.query({}, {})
    const byId = new Map(found.map((one) => [one.id, one]))
    expect(byId.get(live.id!)?.state).toBe('live')
    expect(byId.get(expired.id!)?.state).toBe('expired')
    expect(byId.get(revoked.id!)).toEqual({
      state: 'revoked',
      id: revoked.id,
      subject: 'ada',
      startedAt: clock(),
      absoluteDeadline: clock() + hours(12),
      device: 'Firefox on Linux',
      revokedAt: clock(),
      revokeReason: 'stolen',
    })
    for (const state of ['live', 'expired', 'revoked'] as const)
      expect((await sessions.query({ state })).sessions.map((one) => one.state)).toEqual([state])
  })

  it('shows what it cannot read as unreadable, and believes nothing in it', async () => {
    const store = faultyStore(memoryStore())
    const clock = fakeClock()
    const foreign = setUp({ store, clock, keys: FOREIGN_KEY })
    const session = await foreign.sessions.signIn({ subject: 'ada', method: 'pwd' }, context)
    const body = Uint8Array.of(1, 2, 3)
    const damaged = {
      id: 'A'.repeat(22),
      subject: 'eve',
      startedAt: clock() - 1,
      deadline: clock() + 1,
      absoluteDeadline: clock() + 1,
      body,
    }
    await store.create(damaged, { now: clock() })

    const { sessions: found } = await setUp({ store, clock }).sessions.query()

    expect(found).toEqual([
      { state: 'unreadable', id: session.id, subject: 'ada', startedAt: clock() },
      { state: 'unreadable', id: damaged.id, subject: 'eve', startedAt: clock() - 1 },
    ])
  })

  it('shows neither token nor data', async () => {
    const { sessions } = setUp()
    const session = await sessions.signIn({ subject: 'ada', method: 'pwd' }, context)
    session.data.canary = 'c4n4ry'
    const { token } = await session.commit()

    const text = JSON.stringify(await sessions.query())

    expect(text).not.toContain('c4n4ry')
    expect(text).not.toContain(token!.slice(30))
  })

  it('goes through all, a page at a time, in either order', async () => {
    const { sessions, clock } = setUp()
    const ids: string[] = []
    for (let index = 0; index < 7; index++) {
      clock.advance(1)
      ids.push((await sessions.signIn({ subject: `p${index}`, method: 'pwd' })).id!)
    }
    for (const order of ['newest', 'oldest'] as const) {
      const found: string[] = []
      let cursor: string | undefined
      do {
        const page = await sessions.query({ order }, { limit: 3, cursor })
        found.push(...page.sessions.map(({ id }) => id))
        cursor = page.next
      } while (cursor !== undefined)
      expect(found).toEqual(order === 'oldest' ? ids : [...ids].reverse())
    }
  })

  it('refuses a cursor that was changed, or is of another filter, with status 400', async () => {
    const { sessions } = setUp()
    for (const subject of ['a', 'b', 'c']) await signedIn(sessions, { subject })
    const { next } = await sessions.query({ state: 'live' }, { limit: 1 })
    const bytes = Buffer.from(next!, 'base64url')
    const forgeries = Array.from({ length: bytes.length }, (_, index) => {
      const forged = Buffer.from(bytes)
      forged[index]! ^= 1
      return forged.toString('base64url')
    })

    for (const cursor of ['', 'x', ...forgeries, bytes.subarray(16).toString(), 'x'.repeat(10_000), 7 as never])
      await expect(sessions.query({ state: 'live' }, { cursor })).rejects.toMatchObject({
        code: 'ERR_ARGUMENT_INVALID',
        status: 400,
      })
    for (const filter of [{}, { state: 'all' }, { state: 'live', subject: 'a' }, { state: 'live', order: 'oldest' }] as const)
      expect(await codeOf(sessions.query(filter, { cursor: next }))).toBe('ERR_ARGUMENT_INVALID')
    expect((await sessions.query({ state: 'live' }, { cursor: next })).sessions).toHaveLength(2)
  })

  it('goes on with a cursor made under an older key of the ring, and not under one that has left it', async () => {
    const [store, clock] = [faultyStore(memoryStore()), fakeClock()]
    const older = setUp({ store, clock, keys: OLDER_KEY }).sessions
    for (const subject of ['a', 'b']) await signedIn(older, { subject })
    const { next } = await older.query({}, { limit: 1 })

    expect((await setUp({ store, clock, keys: [KEY, OLDER_KEY] }).sessions.query({}, { cursor: next })).sessions).toHaveLength(1)
    expect(await codeOf(setUp({ store, clock }).sessions.query({}, { cursor: next }))).toBe('ERR_ARGUMENT_INVALID')
  })

  it.each<[string, unknown]>([
    ['no object', null],
    ['a criterion that there is none of', { sbject: 'ada' }],
    ['an id that is none', { id: 'x' }],
    ['an empty subject', { subject: '' }],
    ['half a character as a prefix', { subjectPrefix: '\ud83d' }],
    ['a prefix over 1,024 bytes', { subjectPrefix: 'x'.repeat(1025) }],
    ['a device that is no text', { device: 7 }],
    ['an empty network', { network: '' }],
    ['a state that there is none of', { state: 'dead' }],
    ['an order that there is none of', { order: 'random' }],
    ['an instant that is none', { startedAfter: Number.NaN }],
    ['an instant as text', { startedBefore: '2026' }],
  ])('refuses %s', async (_, filter) => {
    const { sessions, store } = setUp()

    for (const work of [
      sessions.query(filter as SessionFilter),
      sessions.count(filter as SessionFilter),
      sessions.revokeMatching(filter as SessionFilter),
    ])
      await expect(work).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID', status: 400 })
    expect(store.calls).toEqual([])
  })

  it('refuses limits out of range', async () => {
    const { sessions } = setUp()
    for (const limit of [0, 501, 1.5, '10' as never])
      expect(await codeOf(sessions.query({}, { limit }))).toBe('ERR_ARGUMENT_INVALID')
    for (const most of [0, 1_000_001]) expect(await codeOf(sessions.count({}, { most }))).toBe('ERR_ARGUMENT_INVALID')
  })

  it('of a store that cannot search it says so, instead of "none"', async () => {
    const { sessions } = setUp({ store: incapable() })
    await signedIn(sessions)

    for (const work of [sessions.query(), sessions.count({}), sessions.revokeMatching({})])
      await expect(work).rejects.toMatchObject({ code: 'ERR_STORE_UNSUPPORTED', status: 501 })
    expect(await sessions.list('ada')).toHaveLength(1)
  })

  it('of a store that is away it says that', async () => {
    const { sessions, store } = setUp()
    store.setFaults({ query: { kind: 'error' }, count: { kind: 'error' } })

    expect(await codeOf(sessions.query())).toBe('ERR_STORE_UNAVAILABLE')
    expect(await codeOf(sessions.count({}))).toBe('ERR_STORE_UNAVAILABLE')
  })
})

describe('labels', () => {
  it('a long device name is found by its beginning, and by the whole', async () => {
    const { sessions } = setUp()
    const device = '👾'.repeat(40)
    await sessions.signIn({ subject: 'ada', method: 'pwd' }, { device })

    const { sessions: found } = await sessions.query({ device })

    expect(found).toMatchObject([{ device }])
  })

  it('a session of a store that cannot search keeps its network all the same, in its own record', async () => {
    const { sessions } = setUp({ store: incapable() })
    await sessions.signIn({ subject: 'ada', method: 'pwd' }, context)

    expect(await sessions.list('ada')).toMatchObject([{ network: NETWORK }])
  })

  it.each([
    ['half a character', '\ud800'],
    ['a long text', 'x'.repeat(101)],
    ['an empty text', ''],
    ['a number', 7 as never],
  ])('a network that is %s is not kept, and nobody is refused for it', async (_, network) => {
    const { sessions } = setUp()
    await sessions.signIn({ subject: 'ada', method: 'pwd' }, { network })

    expect((await sessions.list('ada'))[0]!.network).toBeUndefined()
  })

  it('with recordsNetwork: false nobody asks for it and it is kept nowhere; the report says which', async () => {
    const { sessions, store } = setUp({ recordsNetwork: false })
    let isAsked = false
    await sessions.signIn(
      { subject: 'ada', method: 'pwd' },
      {
        get network() {
          isAsked = true
          return NETWORK
        },
      },
    )

    expect(isAsked).toBe(false)
    expect(Buffer.from((await store.list('ada'))[0]!.body).toString('latin1')).not.toContain('203.0')
    expect((await sessions.query({ network: NETWORK })).sessions).toEqual([])
    expect([sessions.describePolicy().recordsNetwork, setUp().sessions.describePolicy().recordsNetwork]).toEqual([false, true])
    expect(`${sessions.describePolicy()}`).toContain('client networks    not kept')
    expect(() => setUp({ recordsNetwork: 'no' as never })).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }))
  })

  it('a session that is ended is found by its device, and by its network no more', async () => {
    const { sessions } = setUp()
    const session = await sessions.signIn({ subject: 'ada', method: 'pwd' }, context)
    await sessions.revoke(session.id!)

    expect((await sessions.query({ device: context.device })).sessions).toHaveLength(1)
    expect((await sessions.query({ network: NETWORK })).sessions).toEqual([])
  })
})

describe('count and revokeMatching', () => {
  it('a count is exact up to where it ends', async () => {
    const { sessions } = setUp()
    for (const subject of ['a', 'b', 'c']) await sessions.signIn({ subject, method: 'pwd' }, context)

    expect(await sessions.count({ network: NETWORK })).toEqual({ count: 3, isAtLeast: false })
    expect(await sessions.count({ network: NETWORK }, { most: 2 })).toEqual({ count: 2, isAtLeast: true })
  })

  it('ends what matches and nothing else, with an event for each that names the actor', async () => {
    const { sessions, seen } = setUp()
    const tokens = await Promise.all(
      Array.from({ length: 230 }, async (_, index) => {
        const session = await sessions.signIn({ subject: `p${index}`, method: 'pwd' }, context)
        return (await session.commit()).token!
      }),
    )
    const other = await signedIn(sessions, { subject: 'other' })

    const done = await sessions.revokeMatching({ network: NETWORK }, { reason: 'attack', actor: 'root-librarian' })

    expect(done).toEqual({ count: 230, isComplete: true })
    const states = await Promise.all(tokens.map(async (token) => (await sessions.read(token)).state))
    expect(new Set(states)).toEqual(new Set(['revoked']))
    expect((await sessions.read(other)).state).toBe('active')
    const events = await seen('session.revoked')
    expect(events).toHaveLength(230)
    expect(events[0]).toMatchObject({ reason: 'attack', actor: 'root-librarian' })
    expect(await sessions.revokeMatching({ network: NETWORK })).toEqual({ count: 0, isComplete: true })
  })

  it('ends no more than it was allowed, and says that there may be more', async () => {
    const { sessions } = setUp()
    for (let index = 0; index < 5; index++) await signedIn(sessions, { subject: `p${index}` })

    expect(await sessions.revokeMatching({}, { most: 3 })).toEqual({ count: 3, isComplete: false })
    expect(await sessions.count({ state: 'live' })).toEqual({ count: 2, isAtLeast: false })
    expect(await sessions.revokeMatching({}, { most: 2 })).toEqual({ count: 2, isComplete: true })
  })

  it('a criterion that is there and undefined ends nobody', async () => {
    const { sessions } = setUp()
    await signedIn(sessions)

    for (const filter of [
      { subject: undefined },
      { network: undefined, state: 'live' },
      { state: 'all' },
      { state: 'revoked' },
    ] as const)
      expect(await codeOf(sessions.revokeMatching(filter))).toBe('ERR_ARGUMENT_INVALID')
    expect(await codeOf(sessions.revokeMatching({}, { reason: 'Said so\n' }))).toBe('ERR_ARGUMENT_INVALID')
    expect(await sessions.count({ state: 'live' })).toEqual({ count: 1, isAtLeast: false })
  })

  it('what ended before a fault stays ended, and asking again ends the rest', async () => {
    const { sessions, store } = setUp()
    for (let index = 0; index < 20; index++) await signedIn(sessions, { subject: `p${index}` })
    store.setFaults({ revoke: [...Array.from({ length: 16 }, () => undefined), { kind: 'error' }] })

    expect(await codeOf(sessions.revokeMatching({}))).toBe('ERR_STORE_UNAVAILABLE')
    const { count } = await sessions.count({ state: 'live' })
    expect(count).toBeLessThan(20)
    expect(await sessions.revokeMatching({})).toEqual({ count, isComplete: true })
  })

  it('a session that has just ended by itself is not counted', async () => {
    const { sessions, store } = setUp()
    const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
    const revoke = store.revoke
    store.revoke = async (id, options) => {
      await revoke(id, { ...options, reason: 'logout' })
      return revoke(id, options)
    }

    expect(await sessions.revokeMatching({ id: session.id })).toEqual({ count: 0, isComplete: true })
  })
})
