/**
 * Tells the time in epoch milliseconds. Core never reads the system's clock elsewhere, so a test can hand in
 * `fakeClock()` of `sojourn/testing` and every deadline follows it.
 */
export type Clock = () => number

/** The system's wall clock. */
export const systemClock: Clock = () => Date.now()
