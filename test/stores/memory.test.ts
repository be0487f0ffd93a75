import { memoryStore } from 'sojourn/stores/memory'
import { describe, expect, it } from 'vitest'

const HOUR = 3_600_000
const now = 1_893_456_000_000
const recordOf = (id: string, deadline = now + HOUR) => ({
  id,
  subject: undefined as string | undefined,
  startedAt: now,
  deadline,
  absoluteDeadline: now + 12 * HOUR,
  body: new Uint8Array(0),
})

describe('memoryStore', () => {
  it('refuses a session more than it may hold, and keeps those it has', async () => {
    const store = memoryStore({ maxSessions: 2 })
    await store.create(recordOf('a'), { now })
    await store.create(recordOf('b'), { now })

    const refused = store.create(recordOf('c'), { now })

    await expect(refused).rejects.toMatchObject({ name: 'StoreError', code: 'ERR_STORE_FULL', status: 503 })
    expect((await store.read('a'))?.kind).toBe('record')
    expect(await store.read('c')).toBeUndefined()
  })

  it('makes room from expired sessions when it is full', async () => {
    const store = memoryStore({ maxSessions: 2 })
    await store.create(recordOf('expired', now + 1000), { now })
    await store.create(recordOf('live'), { now })

    const outcome = await store.create(recordOf('new'), { now: now + 2000 })

    expect(outcome.kind).toBe('created')
    expect(await store.read('expired')).toBeUndefined()
    expect((await store.read('live'))?.kind).toBe('record')
  })

  it('gives up no tombstone before its absolute deadline, however full it is', async () => {
    const store = memoryStore({ maxSessions: 1 })
    await store.create(recordOf('ended', now + 1000), { now })
    await store.revoke('ended', { now, reason: 'logout' })

    await expect(store.create(recordOf('new'), { now: now + HOUR })).rejects.toMatchObject({ code: 'ERR_STORE_FULL' })
    expect((await store.create(recordOf('new'), { now: now + 13 * HOUR })).kind).toBe('created')
  })

  it('does not end the session to be replaced when there is no room for the new one', async () => {
    const store = memoryStore({ maxSessions: 1 })
    await store.create(recordOf('old'), { now })
    const replaces = { id: 'old', version: 1, reason: 'signed-in' }

    await expect(store.create(recordOf('new'), { now, replaces })).rejects.toMatchObject({ code: 'ERR_STORE_FULL' })
    expect((await store.read('old'))?.kind).toBe('record')
  })

  it('bounds its ledger too, and makes room from outdated entries', async () => {
    const { ledger } = memoryStore({ maxSessions: 2 })
    await ledger.claim('a', { now, deadline: now + 1000 })
    await ledger.claim('b', { now, deadline: now + HOUR })

    await expect(ledger.claim('c', { now, deadline: now + HOUR })).rejects.toMatchObject({ code: 'ERR_STORE_FULL' })
    expect(await ledger.claim('c', { now: now + 2000, deadline: now + HOUR })).toBe(true)
    expect(await ledger.claim('b', { now: now + 2000, deadline: now + HOUR })).toBe(false)
  })

  it('hands out expired sessions until they are purged', async () => {
    const store = memoryStore()
    await store.create(recordOf('a', now - 1), { now: now - HOUR })

    const found = await store.read('a')
    const updated = await store.update('a', 1, { ...recordOf('a') })

    expect([found?.kind, updated]).toEqual(['record', 'updated'])
  })

  it('purges by deadlines that moved back and forth, in small steps', async () => {
    const store = memoryStore()
    const ids = Array.from({ length: 500 }, (_, index) => `id-${index}`)
    for (const [index, id] of ids.entries()) await store.create(recordOf(id, now + index), { now })
    for (const [index, id] of ids.entries()) await store.update(id, 1, { ...recordOf(id), deadline: now + 1000 - 2 * index })

    const removed: number[] = []
    for (let before = now; before <= now + 1001; before += 77) removed.push(await store.purge({ before, limit: 1000 }))
    removed.push(await store.purge({ before: now + 1001, limit: 1000 }))

    expect(removed.reduce((sum, count) => sum + count)).toBe(500)
    expect(await store.read('id-0')).toBeUndefined()
  })

  it('frees what it held of keys that come and go', async () => {
    const { ledger } = memoryStore({ maxSessions: 10 })

    for (let i = 0; i < 10_000; i++) {
      await ledger.put('key', new Uint8Array(1), { now, deadline: now + HOUR })
      await ledger.take('key', { now })
    }

    expect(await ledger.take('key', { now })).toBeUndefined()
  })

  it('lets a throttle go when the clock that started it ran a year ahead', async () => {
    const { ledger } = memoryStore()
    await ledger.count('key', { now: now + 365 * 24 * HOUR, window: 1000 })

    await ledger.count('key', { now, window: 1000 })

    expect(await ledger.count('key', { now: now + 1001, window: 1000 })).toBe(1)
  })

  it('forgets the epoch of a subject with its last session', async () => {
    const store = memoryStore()
    await store.create({ ...recordOf('a'), subject: 'ada' }, { now })
    await store.revokeSubject('ada', { now, reason: 'logout' })

    await store.purge({ before: now + 13 * HOUR, limit: 10 })

    expect(await store.create({ ...recordOf('b'), subject: 'ada' }, { now })).toEqual({ kind: 'created', epoch: 0, evicted: [] })
  })

  it('shares nothing between two stores', async () => {
    const one = memoryStore()
    await one.create(recordOf('a'), { now })

    expect(await memoryStore().read('a')).toBeUndefined()
  })

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses a limit of %s sessions at start-up', (maxSessions) => {
    expect(() => memoryStore({ maxSessions })).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }))
  })
})
