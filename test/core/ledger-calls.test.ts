import { describe, expect, it } from 'vitest'
import { createEvents, type SojournEvent } from '../../src/core/events.ts'
import { ledgerCalls } from '../../src/core/store-calls.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { faultyStore } from '../../src/testing/faulty-store.ts'
import { codeOf } from './support.ts'

function setUp() {
  const store = faultyStore(memoryStore())
  const events = createEvents(() => 0)
  const seen: SojournEvent[] = []
  events.on('*', (event) => seen.push(event))
  const options = { timeout: 40, circuitBreaker: { failures: 3, pause: 1000 }, random: () => 0, events }
  return { store, ledger: ledgerCalls(store, options), events, seen }
}
const at = { now: 1, deadline: 1000 }

describe('calls of a ledger', () => {
  it('do what the ledger does', async () => {
    const { ledger } = setUp()

    expect([await ledger.claim('a', at), await ledger.claim('a', at)]).toEqual([true, false])
    await ledger.put('b', Buffer.from('x'), at)
    expect(Buffer.from((await ledger.get('b', { now: 1 }))!).toString()).toBe('x')
    expect(Buffer.from((await ledger.take('b', { now: 1 }))!).toString()).toBe('x')
    expect([await ledger.take('b', { now: 1 }), await ledger.count('c', { now: 1, window: 10 })]).toEqual([undefined, 1])
  })

  it('that hang are given up in time, their signal aborts, and it is an event', async () => {
    const { ledger, store, events, seen } = setUp()
    store.setFaults({ all: { kind: 'partition' } })
    const calls = [() => ledger.claim('a', at), () => ledger.put('a', Buffer.of(1), at), () => ledger.take('a', { now: 1 })]

    expect(await Promise.all(calls.map(codeOf))).toEqual(Array(3).fill('ERR_STORE_UNAVAILABLE'))
    await events.drained()
    expect(seen.filter(({ type }) => type === 'store.failed')).toMatchObject([
      { operation: 'ledger.claim' },
      { operation: 'ledger.put' },
      { operation: 'ledger.take' },
    ])
  })

  it('are not made for a while after several failed', async () => {
    const { ledger, store } = setUp()
    store.setFaults({ all: { kind: 'error' } })
    for (let i = 0; i < 3; i++) await codeOf(ledger.get('a', { now: 1 }))
    const before = store.calls.length

    expect(await codeOf(ledger.count('a', { now: 1, window: 10 }))).toBe('ERR_STORE_UNAVAILABLE')
    expect(store.calls.length).toBe(before)
  })

  it('stop waiting when their caller does', async () => {
    const { ledger, store } = setUp()
    store.setFaults({ 'ledger.get': { kind: 'partition' } })
    const controller = new AbortController()
    const call = ledger.get('a', { now: 1, signal: controller.signal })
    controller.abort()

    expect(await codeOf(call)).toBe('ERR_STORE_UNAVAILABLE')
  })
})
