/**
 * Tells the time in epoch milliseconds. Core never reads the system's clock elsewhere, so a test can hand in
 * `fakeClock()` of `sojourn/testing` and every deadline follows it.
 */
export type Clock = () => number

/** The system's wall clock. */
export const systemClock: Clock = () => Date.now()

/** Milliseconds that never jump, for how long something takes: a wall clock set back would keep a circuit open for as long. */
export const monotonic = (): number => performance.now()
