import type { Clock } from '../core/clock.ts'

/** A clock that stands still until told otherwise. Call it for the time, as any `Clock`. */
export interface FakeClock extends Clock {
  /** Moves the clock by `milliseconds`; negative ones turn it back. Returns the new time. */
  advance(milliseconds: number): number
  /** Sets the clock to an instant in epoch milliseconds. */
  set(instant: number): void
}

/** 2030-01-01T00:00:00Z. */
const DEFAULT_START = 1_893_456_000_000

/**
 * Makes a clock for tests, which moves only when told to.
 *
 * Hand it to `createSessions({ clock })` and every deadline follows it. Timers do not: it is a clock, not a scheduler.
 *
 * @param start - Its first instant in epoch milliseconds; default 2030-01-01T00:00:00Z.
 * @example
 * const clock = fakeClock()
 * const sessions = createSessions({ store: memoryStore(), keys, clock })
 * clock.advance(minutes(31)) // the idle timeout has passed
 */
export function fakeClock(start: number = DEFAULT_START): FakeClock {
  let now = start
  const clock = () => now
  const advance = (milliseconds: number) => {
    now += milliseconds
    return now
  }
  const set = (instant: number) => {
    now = instant
  }
  return Object.assign(clock, { advance, set })
}
