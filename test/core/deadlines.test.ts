import { describe, expect, it } from 'vitest'
import { Deadlines } from '../../src/core/deadlines.ts'

const TIMEOUT = 60
const never = () => new Promise<never>(() => {})
const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length

describe('deadlines', () => {
  it('calls that begin together wait the full time each, and are told to stop by one signal', async () => {
    const deadlines = new Deadlines(TIMEOUT)
    const signals: AbortSignal[] = []
    const startedAt = performance.now()
    const calls = Array.from({ length: 20 }, () =>
      deadlines.run((signal) => {
        signals.push(signal)
        return never()
      }, undefined),
    )

    const ends = await Promise.allSettled(calls)

    expect(ends.every(({ status }) => status === 'rejected')).toBe(true)
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(TIMEOUT - 2)
    expect(new Set(signals).size).toBeLessThan(signals.length)
    expect(signals.every(({ aborted }) => aborted)).toBe(true)
  })

  it('no call is given up earlier than its time, less a fortieth', async () => {
    const deadlines = new Deadlines(400)
    const waits: number[] = []
    const one = async () => {
      const startedAt = performance.now()
      await deadlines.run(never, undefined).catch(() => {})
      waits.push(performance.now() - startedAt)
    }
    const all: Promise<void>[] = []
    for (let i = 0; i < 15; i++) {
      all.push(one())
      await new Promise((resolve) => setTimeout(resolve, 3))
    }
    await Promise.all(all)
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(400 - 12)
  })

  it('a call that is done keeps no process alive', async () => {
    const deadlines = new Deadlines(10_000)
    const before = timers()
    const waiting = deadlines.run(() => new Promise((resolve) => setTimeout(resolve, 5)), undefined)
    await waiting
    expect(timers()).toBeLessThanOrEqual(before)
  })

  it('an answer without a promise is an answer', async () => {
    expect(await new Deadlines(TIMEOUT).run(() => 'here', undefined)).toBe('here')
  })
})
