import { describe, expect, it, vi } from 'vitest'
import { Cork } from '../../../src/stores/internal/cork.ts'

const socket = () => ({ cork: vi.fn(), uncork: vi.fn() })
const endOfTurn = () => new Promise((resolve) => setImmediate(resolve))

describe('what is written in one turn of the event loop', () => {
  it('is held back once, whatever the number of writes, and let go at the end of the turn', async () => {
    const [cork, one] = [new Cork(), socket()]
    for (let i = 0; i < 3; i++) cork.hold(one)
    await Promise.resolve()
    cork.hold(one)

    expect([one.cork.mock.calls.length, one.uncork.mock.calls.length]).toEqual([1, 0])
    await endOfTurn()
    expect([one.cork.mock.calls.length, one.uncork.mock.calls.length]).toEqual([1, 1])
  })

  it('is held back anew in the next turn', async () => {
    const [cork, one] = [new Cork(), socket()]
    cork.hold(one)
    await endOfTurn()
    cork.hold(one)
    await endOfTurn()

    expect([one.cork.mock.calls.length, one.uncork.mock.calls.length]).toEqual([2, 2])
  })

  it('is let go on a socket that was replaced meanwhile, and on the one that replaced it', async () => {
    const [cork, one, other] = [new Cork(), socket(), socket()]
    cork.hold(one)
    cork.hold(other)
    cork.hold(other)
    await endOfTurn()

    for (const each of [one, other]) expect([each.cork.mock.calls.length, each.uncork.mock.calls.length]).toEqual([1, 1])
  })

  it('is let go although somebody’s test has faked the timers', async () => {
    const [cork, one] = [new Cork(), socket()]
    vi.useFakeTimers({ toFake: ['setImmediate'] })
    cork.hold(one)
    vi.useRealTimers()
    await endOfTurn()

    expect(one.uncork).toHaveBeenCalledOnce()
  })
})
