import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { LEASE, NOW, recordOf, settled, setUp } from './support.ts'

describe('the lease of a copy', () => {
  it('ends maxStaleness after the record was asked for, not after the answer came', async () => {
    const { cache, clock, gate, held, add, copyOf, lastCopyOf } = await setUp()
    await add('a')
    gate.isHolding = true
    const reading = cache.read('a')
    clock.advance(2000)
    await held[0]!.answer()
    await reading

    clock.advance(LEASE - 2000 - 1)
    expect(copyOf('a')).toBeDefined()
    clock.advance(1)
    expect([copyOf('a'), lastCopyOf('a')]).toEqual([undefined, undefined])
  })

  it('is over at once when the answer took longer', async () => {
    const { cache, clock, gate, held, add, lastCopyOf } = await setUp()
    await add('a')
    gate.isHolding = true
    const reading = cache.read('a')
    clock.advance(LEASE)
    await held[0]!.answer()
    await reading

    expect(lastCopyOf('a')).toBeUndefined()
  })

  it('begins anew with every read, and only with a read', async () => {
    const { cache, clock, addAndRead, copyOf } = await setUp()
    await addAndRead('a')
    clock.advance(LEASE - 1)
    copyOf('a')
    await cache.read('a')

    clock.advance(LEASE - 1)
    expect(copyOf('a')).toBeDefined()
    clock.advance(1)
    expect(copyOf('a')).toBeUndefined()
  })
})

describe('the memory of a cache', () => {
  it('holds maxEntries copies, and the one read longest ago goes first', async () => {
    const { cache, clock, addAndRead, copyOf } = await setUp({ maxEntries: 3 })
    for (const id of ['a', 'b', 'c']) await addAndRead(id)
    clock.advance(1)
    await cache.read('a')
    await addAndRead('d')

    expect(['a', 'b', 'c', 'd'].filter((id) => copyOf(id))).toEqual(['a', 'c', 'd'])
  })

  it('keeps no body over 16 KiB, nor an earlier copy of such a record', async () => {
    const { cache, add, engine, copyOf } = await setUp()
    await add('at the limit', { body: new Uint8Array(16_384) })
    await add('over', { body: new Uint8Array(1) })
    for (const id of ['at the limit', 'over']) await cache.read(id)
    const found = await engine.read('over')
    const { deadline, absoluteDeadline } = recordOf('over')
    await engine.update('over', 1, { deadline, absoluteDeadline, body: new Uint8Array(1_048_576) })

    expect(found?.kind).toBe('record')
    await cache.read('over')
    expect(copyOf('at the limit')).toBeDefined()
    expect(copyOf('over')).toBeUndefined()
  })

  it('takes at most 4 KiB a copy altogether, large subjects included', async () => {
    const { addAndRead, copyOf } = await setUp({ maxEntries: 100 })
    const parts = { body: new Uint8Array(14_336), subject: 'x'.repeat(1024) }
    for (let i = 0; i < 100; i++) await addAndRead(`id-${i}`, parts)

    const kept = Array.from({ length: 100 }, (_, i) => `id-${i}`).filter((id) => copyOf(id))

    expect(kept).toEqual(Array.from({ length: 25 }, (_, i) => `id-${75 + i}`))
  })

  it('gives up what is past its lease when others come', async () => {
    const { clock, addAndRead, lastCopyOf } = await setUp()
    await addAndRead('a', { subject: 'ada' })
    clock.advance(LEASE)
    await addAndRead('b')
    clock.advance(-LEASE)

    expect([lastCopyOf('a'), lastCopyOf('b')]).toEqual([undefined, expect.anything()])
  })

  it('does not grow with sessions that come and go, however they go', async () => {
    const { cache, clock, engine, store, push } = await setUp({ maxEntries: 500 })
    // Made up, so that the engine's own memory does not count.
    const known = new Set<string>()
    store.read = async (id) =>
      known.has(id)
        ? {
            kind: 'record',
            record: { ...recordOf(id, { subject: `of ${id}`, body: new Uint8Array(1000) }), version: 1, epoch: 0 },
            subjectEpoch: 0,
          }
        : engine.read(id)
    const round = async (from: number) => {
      for (let i = from; i < from + 10_000; i++) {
        const id = `id-${i}`
        known.add(id)
        await cache.read(id)
        if (i % 3 === 0) push((listener) => listener.changed(id))
        if (i % 5 === 0) await cache.revoke(id, { now: NOW, reason: 'logout' })
        if (i % 7 === 0) clock.advance(100)
        if (i % 11 === 0) push((listener) => listener.resumed())
        known.delete(id)
      }
    }
    await round(0)
    const before = await memoryInUse()
    for (let i = 1; i <= 4; i++) await round(i * 10_000)

    expect((await memoryInUse()) - before).toBeLessThan(2_000_000)
  }, 60_000)
})

/** Bytes on the heap and in buffers once no further collection frees any; buffers are freed some time after their owners. */
async function memoryInUse(): Promise<number> {
  for (let least = Number.POSITIVE_INFINITY, unchanged = 0; ; ) {
    collectGarbage()
    await settled()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    unchanged = heapUsed + arrayBuffers < least - 10_000 ? 0 : unchanged + 1
    least = Math.min(least, heapUsed + arrayBuffers)
    if (unchanged === 5) return least
  }
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void
