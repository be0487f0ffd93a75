import { memoryStore } from 'sojourn/stores/memory'
import { nearCache } from 'sojourn/stores/near-cache'
import { fakeClock } from 'sojourn/testing'
import { describe, expect, it } from 'vitest'
import { copiesOf, gatedStore, LEASE, NOW, recordOf, settled, setUp } from './support.ts'

/** A cache that has not read anything yet. */
async function notListening() {
  const clock = fakeClock(0)
  const engine = memoryStore()
  const gated = gatedStore(engine)
  const cache = nearCache(gated.store, { maxStaleness: LEASE, clock })
  await engine.create(recordOf('a'), { now: NOW })
  return { ...gated, ...copiesOf(cache), cache, clock, engine }
}

describe('listening for changes', () => {
  it('begins with the first read, not when the cache is made', async () => {
    const { cache, gate } = await notListening()
    expect(gate.attempts).toBe(0)

    await cache.read('a')
    await cache.read('a')

    expect(gate.attempts).toBe(1)
  })

  it('makes copies usable once it has begun; what was read before is dropped', async () => {
    const { cache, store, gate, held, copyOf, lastCopyOf } = await notListening()
    const begun = Promise.withResolvers<void>()
    const { subscribe } = store.changes!
    store.changes!.subscribe = async (listener) => {
      await begun.promise
      return subscribe(listener)
    }
    await cache.read('a')
    expect([copyOf('a'), lastCopyOf('a')]).toEqual([undefined, expect.anything()])
    gate.isHolding = true
    const onItsWay = cache.read('a')
    await held[0]!.look()

    begun.resolve()
    await settled()
    expect(lastCopyOf('a')).toBeUndefined()
    await held[0]!.answer()
    await onItsWay
    expect(lastCopyOf('a')).toBeUndefined()

    gate.isHolding = false
    await cache.read('a')
    expect(copyOf('a')).toBeDefined()
  })

  it('is begun once, however many reads there are meanwhile', async () => {
    const { cache, store, gate } = await notListening()
    const { subscribe } = store.changes!
    store.changes!.subscribe = async (listener) => {
      await subscribe(listener)
      return new Promise(() => {})
    }

    for (let i = 0; i < 5; i++) await cache.read('a')

    expect(gate.attempts).toBe(1)
  })

  it('is tried again by reads, after pauses that grow from 100 ms to 10 s; until then every read asks the store', async () => {
    const { cache, clock, gate, copyOf } = await notListening()
    gate.isRefusing = true
    const attemptsAt: number[] = []
    for (let i = 0; i < 4000; i++) {
      const before = gate.attempts
      await cache.read('a')
      if (gate.attempts > before) attemptsAt.push(clock())
      expect(copyOf('a')).toBeUndefined()
      clock.advance(10)
    }
    const pauses = attemptsAt.slice(1).map((at, index) => at - attemptsAt[index]!)
    expect(pauses).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000])

    gate.isRefusing = false
    clock.advance(10_000)
    await cache.read('a')
    await settled()
    await cache.read('a')
    expect(copyOf('a')).toBeDefined()
  })

  it('survives a store whose subscribe throws at once', async () => {
    const { cache, store, copyOf } = await notListening()
    store.changes!.subscribe = () => {
      throw new Error('at once, as the test asked')
    }

    expect((await cache.read('a'))?.kind).toBe('record')
    expect(copyOf('a')).toBeUndefined()
  })
})

describe('an interruption', () => {
  it('makes reads ask the store, but leaves the last copies for whom nothing else is left', async () => {
    const { cache, push, addAndRead, copyOf, lastCopyOf } = await setUp()
    await addAndRead('a')
    const copy = copyOf('a')

    push((listener) => listener.interrupted())
    await cache.read('a')

    expect(copyOf('a')).toBeUndefined()
    expect(lastCopyOf('a')).toEqual(copy)
  })

  it('makes no lease longer', async () => {
    const { clock, push, addAndRead, lastCopyOf } = await setUp()
    await addAndRead('a')
    clock.advance(LEASE - 1)
    push((listener) => listener.interrupted())

    expect(lastCopyOf('a')).toBeDefined()
    clock.advance(1)
    expect(lastCopyOf('a')).toBeUndefined()
  })

  it('still hears what it hears: a message and a write of our own end the last copy too', async () => {
    const { cache, push, faulty, addAndRead, lastCopyOf } = await setUp()
    await addAndRead('a')
    await addAndRead('b')
    push((listener) => listener.interrupted())

    push((listener) => listener.changed('a'))
    faulty.setFaults({ all: { kind: 'error' } })
    await expect(cache.revoke('b', { now: NOW, reason: 'logout' })).rejects.toThrow()

    expect([lastCopyOf('a'), lastCopyOf('b')]).toEqual([undefined, undefined])
  })

  it('ends with every copy read before its end dropped, and later ones used', async () => {
    const { cache, engine, push, addAndRead, copyOf, lastCopyOf } = await setUp()
    await addAndRead('before')
    push((listener) => listener.interrupted())
    await addAndRead('during')
    await engine.revoke('during', { now: NOW, reason: 'logout' })

    push((listener) => listener.resumed())

    expect(['before', 'during'].filter((id) => lastCopyOf(id))).toEqual([])
    await cache.read('before')
    expect(copyOf('before')).toBeDefined()
  })

  it('that comes and goes while listening is only beginning is forgotten once it has begun, and not before', async () => {
    const { cache, store, copyOf } = await notListening()
    const begun = Promise.withResolvers<void>()
    const { subscribe } = store.changes!
    store.changes!.subscribe = async (listener) => {
      const leave = await subscribe(listener)
      listener.interrupted()
      listener.resumed()
      await begun.promise
      return leave
    }
    for (let i = 0; i < 2; i++) await cache.read('a')
    await settled()
    expect(copyOf('a')).toBeUndefined()

    begun.resolve()
    await settled()
    await cache.read('a')
    expect(copyOf('a')).toBeDefined()
  })

  it('in an attempt that failed does not count in the next one', async () => {
    const { cache, store, clock, copyOf } = await notListening()
    const { subscribe } = store.changes!
    store.changes!.subscribe = async (listener) => {
      store.changes!.subscribe = subscribe
      listener.interrupted()
      throw new Error('no subscription, as the test asked')
    }
    await cache.read('a')
    await settled()
    clock.advance(100)
    await cache.read('a')
    await settled()

    await cache.read('a')
    expect(copyOf('a')).toBeDefined()
  })

  it('that comes while listening is only beginning counts', async () => {
    const { cache, store, push, copyOf } = await notListening()
    const { subscribe } = store.changes!
    store.changes!.subscribe = async (listener) => {
      const leave = await subscribe(listener)
      listener.interrupted()
      return leave
    }
    await cache.read('a')
    await settled()
    await cache.read('a')
    expect(copyOf('a')).toBeUndefined()

    push((listener) => listener.resumed())
    await cache.read('a')
    expect(copyOf('a')).toBeDefined()
  })
})

describe('closing', () => {
  it('stops listening, uses no copy any more and closes the store; twice is as good as once', async () => {
    const { cache, store, gate, addAndRead, copyOf, lastCopyOf } = await setUp()
    let closed = 0
    store.close = async () => {
      closed += 1
    }
    await addAndRead('a')

    await cache.close()
    await cache.close()

    expect([gate.left, closed]).toEqual([1, 2])
    expect([copyOf('a'), lastCopyOf('a')]).toEqual([undefined, undefined])
    await cache.read('a')
    expect(copyOf('a')).toBeUndefined()
  })

  it('before the first read leaves nothing to begin', async () => {
    const { cache, gate } = await notListening()

    await cache.close()
    await cache.read('a')

    expect(gate.attempts).toBe(0)
  })

  it('does not wait for listening to begin, and leaves as soon as it has', async () => {
    const { cache, store, gate, copyOf } = await notListening()
    const begun = Promise.withResolvers<void>()
    const { subscribe } = store.changes!
    store.changes!.subscribe = async (listener) => {
      await begun.promise
      return subscribe(listener)
    }
    await cache.read('a')

    await cache.close()
    begun.resolve()
    await settled()

    expect(gate.left).toBe(1)
    expect(copyOf('a')).toBeUndefined()
  })

  it('survives a connection that is lost already, and begins nothing anew', async () => {
    const { cache, store, gate, push, copyOf } = await notListening()
    const { subscribe } = store.changes!
    store.changes!.subscribe = async (listener) => {
      await subscribe(listener)
      return () => Promise.reject(new Error('the connection is lost, as the test asked'))
    }
    await cache.read('a')
    await settled()

    await cache.close()
    push((listener) => listener.resumed())
    await cache.read('a')

    expect(gate.attempts).toBe(1)
    expect(copyOf('a')).toBeUndefined()
  })
})
