import type { Store } from 'sojourn'
import { memcachedStore } from 'sojourn/stores/memcached'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Server as MemcachedServer } from '../../../src/stores/memcached/server.ts'
import { Servers } from '../../../src/stores/memcached/servers.ts'
import { MemcachedStore } from '../../../src/stores/memcached/store.ts'
import { clientOf, startMemcached } from '../../servers/memcached.ts'
import type { Server } from '../../servers/server.ts'
import { created, DAY, groupKey, HOUR, isAlive, say, secondsLeft, someRecord, someSubject } from './support.ts'

const now = Date.now()
const end = (except?: string) => ({ now, reason: 'logout', keepUntil: now + DAY, except })
let server: Server
let store: Store
let second: Store

beforeAll(async () => {
  server = await startMemcached()
  store = memcachedStore(clientOf([server]))
  second = memcachedStore(clientOf([server]))
})
afterAll(async () => {
  await Promise.all([store.close(), second.close()])
  await server.stop()
})

/** Two subjects whose sessions share a group: their epochs are in one item. */
function neighbours(): [string, string] {
  const seen = new Map<string, string>()
  for (;;) {
    const subject = someSubject()
    const other = seen.get(groupKey(subject))
    if (other !== undefined) return [other, subject]
    seen.set(groupKey(subject), subject)
  }
}

describe('ending a subject', () => {
  test('ends 10,000 sessions in one step, and no others', { timeout: 60_000 }, async () => {
    const subject = '👩‍👩‍👧\0\r\nflush_all\r\n'
    const records = Array.from({ length: 10_000 }, () => someRecord(now, { subject }))
    for (let at = 0; at < records.length; at += 500)
      await Promise.all(records.slice(at, at + 500).map((record) => store.create(record, { now })))
    const other = await created(store, now, { subject: someSubject() })

    const answer = await store.revokeSubject(subject, end(records[5_000]!.id))

    const alive: string[] = []
    for (let at = 0; at < records.length; at += 500) {
      const some = records.slice(at, at + 500)
      const lives = await Promise.all(some.map((record) => isAlive(second, record)))
      alive.push(...some.filter((_, index) => lives[index]).map(({ id }) => id))
    }
    expect(answer).toBeUndefined()
    expect(alive).toEqual([records[5_000]!.id])
    expect(await isAlive(store, other)).toBe(true)
  })

  test('never brings back a session by sparing it', async () => {
    const subject = someSubject()
    const [first, other] = [await created(store, now, { subject }), await created(store, now, { subject })]

    await store.revokeSubject(subject, end(first.id))
    await store.revokeSubject(subject, end(other.id))

    expect([await isAlive(store, first), await isAlive(store, other)]).toEqual([false, false])
  })

  test('never brings back a session by sparing it after ending all', async () => {
    const subject = someSubject()
    const record = await created(store, now, { subject })

    await store.revokeSubject(subject, end())
    await store.revokeSubject(subject, end(record.id))

    expect(await isAlive(store, record)).toBe(false)
    expect(await store.update(record.id, 1, record)).toBe('gone')
  })

  test('spares a session as often as it is told to, and ends it when it is not', async () => {
    const subject = someSubject()
    const record = await created(store, now, { subject })
    for (let time = 0; time < 3; time++) await store.revokeSubject(subject, end(record.id))
    const afterThree = await isAlive(store, record)

    await store.revokeSubject(subject, end())

    expect([afterThree, await isAlive(store, record)]).toEqual([true, false])
  })

  test('can spare a session that began after an earlier end', async () => {
    const subject = someSubject()
    await store.revokeSubject(subject, end())
    const [spared, other] = [await created(store, now, { subject }), await created(store, now, { subject })]

    await store.revokeSubject(subject, end(spared.id))

    expect([await isAlive(store, spared), await isAlive(store, other)]).toEqual([true, false])
  })

  test('spares nobody when the session to spare is no session', async () => {
    const subject = someSubject()
    const record = await created(store, now, { subject })

    await store.revokeSubject(subject, end(''))
    await store.revokeSubject(subject, end('\0 __proto__'))

    expect(await isAlive(store, record)).toBe(false)
  })

  test('does not touch a subject whose epochs are in the same item', async () => {
    const [one, other] = neighbours()
    const [ended, living] = [await created(store, now, { subject: one }), await created(store, now, { subject: other })]

    await store.revokeSubject(one, end())

    expect([await isAlive(store, ended), await isAlive(store, living)]).toEqual([false, true])
    expect(await store.read(living.id)).toMatchObject({ record: { epoch: 0 }, subjectEpoch: 0 })
  })

  test('of many subjects at once loses none', async () => {
    const subjects = neighbours()
    const records = await Promise.all([...subjects, ...subjects].map((subject) => created(store, now, { subject })))

    await Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 ? store : second).revokeSubject(subjects[index % 2]!, end())),
    )

    expect(await Promise.all(records.map((record) => isAlive(store, record)))).toEqual([false, false, false, false])
  })
})

describe('an end that is forgotten', () => {
  test('is not, before the last session it concerns is over', async () => {
    const [one, other] = neighbours()
    const record = await created(store, now, { subject: one, deadline: now + DAY, absoluteDeadline: now + DAY })
    await store.revokeSubject(one, end())

    // Five minutes of difference between clocks are allowed for.
    await store.revokeSubject(other, { ...end(), now: now + DAY + 240_000 })

    expect(await isAlive(store, record)).toBe(false)
  })

  test('leaves its place, and later ends are above every stamp all the same', async () => {
    const [one, other] = neighbours()
    for (let time = 0; time < 3; time++) await store.revokeSubject(one, end())
    const record = await created(store, now, { subject: one, deadline: now + 9 * DAY, absoluteDeadline: now + 9 * DAY })
    const before = await say(server, `mg ${groupKey(one)} s`)

    await store.revokeSubject(other, { ...end(), now: now + 2 * DAY, keepUntil: now + 3 * DAY })
    const after = await say(server, `mg ${groupKey(one)} s`)
    const isAliveWithoutIt = await isAlive(store, record)
    await store.revokeSubject(one, { ...end(), now: now + 2 * DAY, keepUntil: now + 9 * DAY })

    expect(after).toBe(before)
    expect([isAliveWithoutIt, await isAlive(store, record)]).toEqual([true, false])
  })

  test('is not, when a later end of the same subject would be forgotten sooner', async () => {
    const [one, other] = neighbours()
    const record = await created(store, now, { subject: one, deadline: now + 9 * DAY, absoluteDeadline: now + 9 * DAY })
    await store.revokeSubject(one, { ...end(), keepUntil: now + 9 * DAY })
    await store.revokeSubject(one, { ...end(), keepUntil: now + HOUR })

    await store.revokeSubject(other, { ...end(), now: now + 2 * DAY })

    expect(await isAlive(store, record)).toBe(false)
  })
})

describe('a sign-in at the moment its subject is ended', () => {
  test('is dead if it was answered before, and lives if it began afterwards', { timeout: 30_000 }, async () => {
    for (let round = 0; round < 60; round++) {
      const subject = someSubject()
      const before = await created(store, now, { subject })
      const during = Array.from({ length: 6 }, () => someRecord(now, { subject }))

      const [, ...outcomes] = await Promise.all([
        store.revokeSubject(subject, end()),
        ...during.map((record) => second.create(record, { now })),
      ])
      const after = await created(second, now, { subject })

      expect(outcomes.map(({ kind }) => kind)).toEqual(during.map(() => 'created'))
      expect([await isAlive(store, before), await isAlive(store, after)]).toEqual([false, true])
      await store.revokeSubject(subject, end())
      const alive = await Promise.all([...during, after].map((record) => isAlive(second, record)))
      expect(alive).not.toContain(true)
    }
  })

  test('lives when it was answered last, since it looks again after it wrote', async () => {
    const subject = someSubject()
    await created(store, now, { subject })
    const slow = slowAfterFirstLook()
    const record = someRecord(now, { subject })

    const starting = slow.store.create(record, { now })
    await slow.looked
    await second.revokeSubject(subject, end())
    slow.goOn()

    expect(await starting).toEqual({ kind: 'created', epoch: 1, evicted: [] })
    expect(await isAlive(second, record)).toBe(true)
    await second.revokeSubject(subject, end())
    expect(await isAlive(second, record)).toBe(false)
  })
})

/** A store that waits between its first look at the epochs and what it makes of it. */
function slowAfterFirstLook() {
  const servers = new Servers(clientOf([server]))
  const looked = Promise.withResolvers<void>()
  const waiting = Promise.withResolvers<void>()
  const real = servers.of('')
  const get = async (key: string) => {
    const item = await real.get(key)
    looked.resolve()
    await waiting.promise
    return item
  }
  const slow = { get, add: real.add.bind(real), replace: real.replace.bind(real) } as unknown as MemcachedServer
  const slowServers = { of: () => slow, close: () => servers.close() } as unknown as Servers
  onTestFinished(() => servers.close())
  return { store: new MemcachedStore(slowServers, 'sjn:'), looked: looked.promise, goOn: waiting.resolve }
}

test('epochs stay until memory runs out: they have no deadline of their own', async () => {
  const subject = someSubject()
  await created(store, now, { subject })

  expect(await secondsLeft(server, groupKey(subject))).toBe(-1)
})
