import { memoryStore } from 'sojourn/stores/memory'
import { nearCache } from 'sojourn/stores/near-cache'
import { faultyStore } from 'sojourn/testing'
import { describe, expect, it } from 'vitest'
import { gatedStore, setUp } from './support.ts'

const refusal = (message: RegExp) =>
  expect.objectContaining({ code: 'ERR_CONFIG_INVALID', message: expect.stringMatching(message) })

describe('nearCache at start-up', () => {
  it('refuses a store in this process: a copy would be no nearer', () => {
    expect(() => nearCache(memoryStore(), { maxStaleness: 5000 })).toThrow(refusal(/'memory' is in this process already/))
  })

  it('refuses a store that does not tell what other processes change', () => {
    expect(() => nearCache(faultyStore(memoryStore()), { maxStaleness: 5000 })).toThrow(
      refusal(/does not tell .* docs\/stores\/near-cache\.md/),
    )
  })

  it('refuses a store whose records travel in cookies', () => {
    const { store } = gatedStore(memoryStore())
    const carrying = { ...store, capabilities: { ...store.capabilities, carries: { maxLength: 1, deflates: false } } }

    expect(() => nearCache(carrying)).toThrow(refusal(/keeps no records/))
  })

  it('refuses what is no store', () => {
    expect(() => nearCache(undefined as never)).toThrow(refusal(/must be a store/))
    expect(() => nearCache({} as never)).toThrow(refusal(/must be a store/))
  })

  it.each([-1, 5, 99, 60_001, Number.NaN, Number.POSITIVE_INFINITY, '5000' as never])(
    'refuses a maxStaleness of %s',
    (maxStaleness) => {
      const { store } = gatedStore(memoryStore())

      expect(() => nearCache(store, { maxStaleness })).toThrow(refusal(/maxStaleness must be 0/))
    },
  )

  it.each([0, -1, 1.5, 1_000_001, Number.NaN, '10' as never])('refuses %s for maxEntries', (maxEntries) => {
    const { store } = gatedStore(memoryStore())

    expect(() => nearCache(store, { maxStaleness: 5000, maxEntries })).toThrow(refusal(/maxEntries must be a whole number/))
  })

  it('is no cache until it is told how stale a copy may be', () => {
    const { store } = gatedStore(memoryStore())

    expect(nearCache(store)).toBe(store)
    expect(nearCache(store, { maxStaleness: 0 })).toBe(store)
  })

  it('promises what its store promises, and says for how long a lost message may matter', async () => {
    const { cache, store } = await setUp({ maxStaleness: 1234 })

    const { cautions, ...capabilities } = cache.capabilities
    expect(cache.name).toBe('near-cache(gated)')
    expect(capabilities).toEqual(store.capabilities)
    expect(cautions).toEqual([expect.stringContaining('1234 ms')])
    expect(cache.ledger).toBe(store.ledger)
    expect(cache.channel).toBe(store.channel)
    expect(cache.changes).toBe(store.changes)
  })
})
