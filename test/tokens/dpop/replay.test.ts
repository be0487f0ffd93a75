import { expect, it } from 'vitest'
import { seconds } from '../../../src/core/duration.ts'
import { memoryReplay } from '../../../src/tokens/dpop/replay.ts'
import { thrownBy } from '../../core/support.ts'

const START = 1_800_000_000_000

it('a key is claimed once until its deadline, whatever else is claimed', () => {
  const replay = memoryReplay()
  const deadline = START + seconds(65)

  expect(replay.claim('a', { now: START, deadline })).toBe(true)
  expect(replay.claim('b', { now: START, deadline })).toBe(true)
  for (const passed of [0, 30, 65]) {
    const now = START + seconds(passed)
    expect(replay.claim('a', { now, deadline })).toBe(false)
    expect(replay.claim('a', { now, deadline: now + seconds(65) })).toBe(false)
  }
})

it('what is over makes room', () => {
  const replay = memoryReplay()
  for (let i = 0; i < 10_000; i++) {
    const now = START + i * 100
    expect(replay.claim(String(i), { now, deadline: now + seconds(65) })).toBe(true)
  }

  expect(replay.size).toBeLessThan(900)
})

it('when it is full it says so, and forgets nothing', () => {
  const replay = memoryReplay(3)
  const times = { now: START, deadline: START + seconds(65) }
  for (const key of ['a', 'b', 'c']) replay.claim(key, times)

  expect(thrownBy(() => replay.claim('d', times))).toMatchObject({ code: 'ERR_STORE_FULL', status: 503 })
  expect(replay.claim('a', times)).toBe(false)
  const later = START + seconds(80)
  expect(replay.claim('d', { now: later, deadline: later + seconds(65) })).toBe(true)
})

it('a clock that leapt ahead and came back lets nothing in again', () => {
  const replay = memoryReplay()
  const deadline = START + seconds(65)
  replay.claim('a', { now: START, deadline })
  const leap = START + seconds(3600)
  replay.claim('b', { now: leap, deadline: leap + seconds(65) })

  expect(replay.claim('a', { now: START + seconds(1), deadline })).toBe(false)
  const next = START + seconds(80)
  expect(replay.claim('c', { now: next, deadline: next + seconds(65) })).toBe(true)
})
