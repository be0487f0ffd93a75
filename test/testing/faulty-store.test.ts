import { memoryStore } from 'sojourn/stores/memory'
import { faultyStore } from 'sojourn/testing'
import { describe, expect, it } from 'vitest'
import { changed } from './changed-store.ts'

const now = 1_893_456_000_000
const record = {
  id: 'AAAAAAAAAAAAAAAAAAAAAA',
  subject: 'ada',
  startedAt: now,
  deadline: now + 1000,
  absoluteDeadline: now + 2000,
  body: Uint8Array.of(1),
}

describe('faultyStore', () => {
  it('without faults answers as the store itself', async () => {
    const store = faultyStore(memoryStore())

    expect(await store.create(record, { now })).toEqual({ kind: 'created', epoch: 0, evicted: [] })
    expect(await store.list('ada')).toHaveLength(1)
    expect(await store.ledger.claim('key', { now, deadline: now + 1 })).toBe(true)
  })

  it('rejects with a code while nothing happens', async () => {
    const store = faultyStore(memoryStore(), { create: { kind: 'error' } })

    await expect(store.create(record, { now })).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', status: 503 })
    expect(await store.read(record.id)).toBeUndefined()
  })

  it('rejects with the error it was given', async () => {
    const error = new Error('out of memory')
    const store = faultyStore(memoryStore(), { read: { kind: 'error', error } })

    await expect(store.read(record.id)).rejects.toBe(error)
  })

  it('uses up a list of faults call by call, and works afterwards', async () => {
    const store = faultyStore(memoryStore(), { read: [undefined, { kind: 'error' }] })

    const results = await Promise.allSettled([store.read('a'), store.read('b'), store.read('c')])

    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })

  it('takes the fault of "all" for operations that are not named', async () => {
    const store = faultyStore(memoryStore(), { all: { kind: 'error' }, read: [] })

    await expect(store.list('ada')).rejects.toThrow()
    await expect(store.ledger.take('key', { now })).rejects.toThrow()
    expect(await store.read(record.id)).toBeUndefined()
  })

  it('hangs across a partition until the caller stops waiting', async () => {
    const store = faultyStore(memoryStore(), { create: { kind: 'partition' } })
    const controller = new AbortController()
    const pending = store.create(record, { now, signal: controller.signal })

    const first = await Promise.race([pending, new Promise((resolve) => setTimeout(resolve, 20, 'still waiting'))])
    controller.abort()

    expect(first).toBe('still waiting')
    await expect(pending).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect(await store.read(record.id)).toBeUndefined()
  })

  it('loses the answer of what happened', async () => {
    const store = faultyStore(memoryStore(), { create: { kind: 'lost-reply' } })

    await expect(store.create(record, { now })).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect(await store.read(record.id)).toMatchObject({ kind: 'record' })
  })

  it('delivers twice and gives the first answer', async () => {
    const store = faultyStore(memoryStore(), { 'ledger.count': { kind: 'duplicate' } })

    const counts = [
      await store.ledger.count('key', { now, window: 1000 }),
      await store.ledger.count('key', { now, window: 1000 }),
    ]

    expect(counts).toEqual([1, 3])
  })

  it('is slow by the time it is told, and stops with the caller', async () => {
    const store = faultyStore(memoryStore(), { read: { kind: 'latency', milliseconds: 30 } })
    const started = performance.now()

    await store.read(record.id)
    const took = performance.now() - started

    expect(took).toBeGreaterThanOrEqual(28)
    await expect(store.read(record.id, { signal: AbortSignal.timeout(1) })).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
    })
  })

  it('heals when its script is emptied', async () => {
    const store = faultyStore(memoryStore(), { all: { kind: 'error' } })

    store.setFaults({})

    expect(await store.read(record.id)).toBeUndefined()
  })

  it('notes every call, failed ones included', async () => {
    const store = faultyStore(memoryStore(), { read: { kind: 'error' } })

    await store.read(record.id).catch(() => {})
    await store.channel.publish('topic', 'message')

    expect(store.calls).toEqual(['read', 'channel.publish'])
  })

  it('does not pass for a local store, so that its callers set deadlines', () => {
    expect(faultyStore(memoryStore()).capabilities.isLocal).toBe(false)
  })

  it('lets changes and the copies of a cache through, which need no network', async () => {
    const memory = memoryStore()
    const found = { kind: 'record', record: { ...record, version: 1, epoch: 0 }, subjectEpoch: 0 } as const
    const changes = { subscribe: async () => async () => {} }
    const store = faultyStore(changed(memory, { copyOf: () => found, lastCopyOf: () => found, changes }), {
      all: { kind: 'error' },
    })

    expect([store.copyOf?.(record.id), store.lastCopyOf?.(record.id), store.changes]).toEqual([found, found, changes])
    expect(faultyStore(memory).copyOf).toBeUndefined()
  })

  it('hands the carried record to the store', async () => {
    const carried = { ...record, version: 1, epoch: 0 }
    const given: unknown[] = []
    const memory = memoryStore()
    const noting = changed(memory, {
      read: (_id, options) => void given.push(options?.carried),
      update: async (_id, _version, _changes, options) => {
        given.push(options?.carried)
        return 'gone'
      },
    })

    await faultyStore(noting).read(record.id, { carried })
    await faultyStore(noting).update(record.id, 1, record, { carried })

    expect(given).toEqual([carried, carried])
  })
})
