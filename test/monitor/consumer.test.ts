import { createSessions } from 'sojourn'
import { memoryStore } from 'sojourn/stores/memory'
import { describe, expect, it } from 'vitest'
import type { SojournEvent } from '../../src/core/events.ts'
import { type ConsumerOptions, consume } from '../../src/monitor/consumer.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import { KEY } from '../core/support.ts'
import { until } from './audit/support.ts'

function setUp(options: Partial<ConsumerOptions> = {}) {
  const clock = fakeClock()
  const sessions = createSessions({ store: memoryStore(), keys: KEY, clock })
  const seen: SojournEvent[] = []
  sessions.events.on('*', (event) => seen.push(event))
  const batches: SojournEvent[][] = []
  const consumer = consume(sessions, {
    name: 'tested',
    deliver: (batch) => void batches.push([...batch]),
    pauses: { first: 1, longest: 5 },
    ...options,
  })
  const emit = (count: number, from = 0) => {
    for (let i = from; i < from + count; i++) sessions.events.emit({ type: 'session.expired', reason: 'idle', subject: `${i}` })
  }
  const subjects = () => batches.flat().map(({ subject }) => subject)
  const reports = (type: string) => seen.filter((event) => event.type === type)
  return { clock, sessions, consumer, emit, batches, subjects, reports }
}

const numbered = (count: number) => Array.from({ length: count }, (_, i) => `${i}`)

describe('consume', () => {
  it('delivers nothing inside the code that emits, and then everything in order', async () => {
    const { consumer, emit, subjects } = setUp({ batchSize: 7 })
    emit(50)
    expect(subjects()).toEqual([])

    await consumer.drained()

    expect(subjects()).toEqual(numbered(50))
  })

  it('a slow consumer holds up no request, and gets larger batches', async () => {
    let release = () => {}
    const sizes: number[] = []
    const { consumer, emit } = setUp({
      deliver: (batch) => {
        sizes.push(batch.length)
        return new Promise<void>((resolve) => {
          release = resolve
        })
      },
    })
    emit(1)
    await until(() => sizes.length === 1)
    emit(20, 1)
    release()
    await until(() => sizes.length === 2)
    release()
    await consumer.drained()

    expect(sizes).toEqual([1, 20])
  })

  it('what fails is delivered again, the very same batch, until it is taken; and reported when it begins and when it is over', async () => {
    const tries: (readonly SojournEvent[])[] = []
    let isAway = true
    const { consumer, emit, sessions, reports } = setUp({
      deliver: (batch) => {
        tries.push(batch)
        if (isAway) throw Object.assign(new Error('away'), { code: 'ERR_STORE_UNAVAILABLE' })
      },
      wants: ({ type }) => type === 'session.expired',
    })
    emit(3)
    await until(() => tries.length >= 3)
    emit(2, 3)
    const failures = tries.length
    isAway = false
    await consumer.drained()
    await sessions.events.drained()

    expect(new Set(tries.slice(0, failures + 1)).size).toBe(1)
    expect(
      tries
        .slice(failures)
        .flat()
        .map(({ subject }) => subject),
    ).toEqual(numbered(5))
    expect(reports('monitor.failed')).toMatchObject([{ consumer: 'tested', code: 'ERR_STORE_UNAVAILABLE' }])
    expect(reports('monitor.recovered')).toMatchObject([{ consumer: 'tested', failures }])
  })

  it('a failure is told by its code, never by its text', async () => {
    const { emit, reports, consumer } = setUp({
      deliver: () => {
        throw new Error('canary-in-the-text')
      },
    })
    emit(1)
    await until(() => reports('monitor.failed').length === 1)

    expect(JSON.stringify(reports('monitor.failed'))).not.toContain('canary')
    await consumer.close({ timeout: 1 })
  })

  it('more than it holds is lost, the newest first; counted, told with the next batch, and reported once', async () => {
    let isAway = true
    const told: unknown[] = []
    const { consumer, emit, clock, sessions, reports } = setUp({
      mostWaiting: 10,
      reportEvery: 1,
      deliver: (batch, lost) => {
        if (isAway) throw new Error('away')
        told.push([batch.length, lost])
      },
      wants: ({ type }) => type === 'session.expired',
    })
    const startedAt = clock()
    emit(10)
    await until(() => consumer.failures > 0)
    clock.advance(1000)
    emit(3, 10)
    expect([consumer.waiting, consumer.dropped]).toEqual([10, 3])
    await until(() => reports('monitor.dropped').length > 0)
    isAway = false
    await consumer.drained()
    await until(() => told.length > 1)
    await sessions.events.drained()

    // The batch that failed had lost nothing yet; the one behind it tells.
    expect(told).toEqual([
      [10, undefined],
      [0, { count: 3, firstAt: startedAt + 1000, lastAt: startedAt + 1000 }],
    ])
    expect(reports('monitor.dropped')).toMatchObject([{ consumer: 'tested', count: 3 }])
  })

  it('what is alike takes no room while one of it waits, and says how many it was; the next batch counts anew', async () => {
    const { consumer, emit, batches, clock } = setUp({
      mostWaiting: 3,
      likeness: ({ subject }) => (subject === '0' ? 'flood' : undefined),
    })
    const startedAt = clock()
    for (let i = 0; i < 1000; i++) {
      emit(1)
      clock.advance(1)
    }
    emit(2, 1)
    await consumer.drained()
    emit(1)
    await consumer.drained()

    expect(consumer.dropped).toBe(0)
    expect(batches).toMatchObject([
      [{ at: startedAt, times: 1000, lastAt: startedAt + 999 }, { subject: '1' }, { subject: '2' }],
      [{ subject: '0' }],
    ])
    expect(batches[1]![0]).not.toHaveProperty('times')
  })

  it('close delivers what waits', async () => {
    const { consumer, emit, subjects } = setUp({ linger: 60_000 })
    emit(5)

    expect(await consumer.close()).toBe(0)

    emit(5, 5)
    expect(subjects()).toEqual(numbered(5))
  })

  it('close does not wait for ever for one that hangs; what was left is reported as lost', async () => {
    let aborted = false
    const { consumer, emit, sessions, reports } = setUp({
      deliver: (_, __, signal) =>
        new Promise(() => {
          signal.addEventListener('abort', () => {
            aborted = true
          })
        }),
    })
    emit(5)

    expect(await consumer.close({ timeout: 20 })).toBe(5)

    await sessions.events.drained()
    expect(aborted).toBe(true)
    expect(reports('monitor.dropped')).toMatchObject([{ count: 5 }])
  })

  it('hears of everything, also when core’s own queue is full', async () => {
    const { consumer, emit, subjects } = setUp({ mostWaiting: 30_000 })
    emit(12_000)

    await consumer.drained()

    expect(subjects()).toHaveLength(12_000)
  })
})
