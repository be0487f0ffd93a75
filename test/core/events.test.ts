import { describe, expect, it } from 'vitest'
import { createEvents, type SojournEvent } from '../../src/core/events.ts'

const refused = { type: 'token.refused', state: 'forged' } as const
const events = () => createEvents(() => 42)

describe('createEvents', () => {
  it('an event carries its time', async () => {
    const emitter = events()
    const seen: SojournEvent[] = []
    emitter.on('*', (event) => seen.push(event))
    emitter.emit(refused)

    await emitter.drained()

    expect(seen).toEqual([{ ...refused, at: 42 }])
  })

  it('a listener is called after the code that emitted went on', () => {
    const emitter = events()
    const seen: SojournEvent[] = []
    emitter.on('*', (event) => seen.push(event))

    emitter.emit(refused)

    expect(seen).toEqual([])
  })

  it('events come in the order they happened', async () => {
    const emitter = events()
    const seen: unknown[] = []
    emitter.on('*', (event) => seen.push(event.sessionId))
    const ids = Array.from({ length: 500 }, (_, i) => `s${i}`)
    for (const sessionId of ids) emitter.emit({ ...refused, sessionId })

    await emitter.drained()

    expect(seen).toEqual(ids)
  })

  it('a listener of one type hears no other', async () => {
    const emitter = events()
    const seen: string[] = []
    emitter.on('session.expired', (event) => seen.push(event.type))
    emitter.emit(refused)
    emitter.emit({ type: 'session.expired', reason: 'idle' })

    await emitter.drained()

    expect(seen).toEqual(['session.expired'])
  })

  it('a listener that was removed hears nothing more', async () => {
    const emitter = events()
    const seen: SojournEvent[] = []
    emitter.on('*', (event) => seen.push(event))()
    emitter.emit(refused)

    await emitter.drained()

    expect(seen).toEqual([])
  })

  it('a listener that throws harms no other, and is counted', async () => {
    const emitter = events()
    const seen: SojournEvent[] = []
    emitter.on('*', () => {
      throw new Error('listener')
    })
    emitter.on('*', (event) => seen.push(event))
    emitter.emit(refused)

    await emitter.drained()

    expect([seen.length, emitter.failed]).toEqual([1, 1])
  })

  it('a listener that rejects is counted, and is no unhandled rejection', async () => {
    const emitter = events()
    const unhandled: unknown[] = []
    const note = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', note)
    emitter.on('*', async () => {
      throw new Error('listener')
    })
    emitter.emit(refused)

    await emitter.drained()
    await new Promise((resolve) => setTimeout(resolve, 10))
    process.off('unhandledRejection', note)

    expect([unhandled, emitter.failed]).toEqual([[], 1])
  })

  it('a thenable that rejects is counted too', async () => {
    const emitter = events()
    // biome-ignore lint/suspicious/noThenProperty: a promise of another library is what this is about
    emitter.on('*', () => ({ then: (_: unknown, reject: (reason: Error) => void) => reject(new Error('listener')) }))
    emitter.emit(refused)

    await emitter.drained()
    await new Promise((resolve) => setTimeout(resolve, 1))

    expect(emitter.failed).toBe(1)
  })

  it('a listener that never finishes delays nobody', async () => {
    const emitter = events()
    const seen: SojournEvent[] = []
    emitter.on('*', () => new Promise(() => {}))
    emitter.on('*', (event) => seen.push(event))
    emitter.emit(refused)

    await emitter.drained()

    expect(seen.length).toBe(1)
  })

  it('the queue is bounded, and what does not fit is counted', async () => {
    const emitter = events()
    let delivered = 0
    emitter.on('*', () => {
      delivered++
    })
    for (let i = 0; i < 10_007; i++) emitter.emit(refused)

    await emitter.drained()

    expect([delivered, emitter.dropped]).toEqual([10_000, 7])
  })

  it('without a listener nothing is queued', () => {
    const emitter = events()
    for (let i = 0; i < 20_000; i++) emitter.emit(refused)

    expect(emitter.dropped).toBe(0)
  })

  it('an event emitted by a listener is delivered as well', async () => {
    const emitter = events()
    const seen: string[] = []
    emitter.on('token.refused', () => emitter.emit({ type: 'session.expired', reason: 'idle' }))
    emitter.on('*', (event) => seen.push(event.type))
    emitter.emit(refused)

    await emitter.drained()

    expect(seen).toEqual(['token.refused', 'session.expired'])
  })

  it('drained resolves at once when nothing waits', async () => {
    await expect(events().drained()).resolves.toBeUndefined()
  })

  it.each(['x', 42, null, undefined, {}])('a listener that is no function is refused where it is added (%j)', (listener) => {
    expect(() => events().on('*', listener as never)).toThrow(/function/)
  })
})

it('a tap hears at once and of everything, also what the queue has no room for; its failures are its own', async () => {
  const emitter = events()
  const heard: string[] = []
  emitter.tap(() => {
    throw new Error('a bug of a layer')
  })
  const stop = emitter.tap(({ type }) => heard.push(type))
  emitter.on('*', () => {})
  for (let i = 0; i < 10_005; i++) emitter.emit({ type: 'token.refused', state: 'malformed' })
  const atOnce = heard.length
  stop()
  emitter.emit({ type: 'session.used-after-end', reason: 'logout' })
  await emitter.drained()

  expect([atOnce, heard.length, emitter.dropped, emitter.failed]).toEqual([10_005, 10_005, 6, 10_006])
})
