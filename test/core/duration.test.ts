import { expect, it } from 'vitest'
import { days, hours, minutes, seconds } from '../../src/core/duration.ts'

it.each([
  [seconds, 30, 30_000],
  [minutes, 15, 900_000],
  [hours, 12, 43_200_000],
  [days, 30, 2_592_000_000],
] as const)('durations are milliseconds (case %#)', (unit, count, milliseconds) => {
  expect(unit(count)).toBe(milliseconds)
})
