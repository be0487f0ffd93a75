/**
 * How long past its deadline a record stays, and a tombstone past its absolute deadline, in milliseconds. Deadlines are core's to judge:
 * Redis only removes what no node can take for live any more, so clocks may differ by nearly this much. Until then a late visitor is told
 * "expired"; afterwards "unknown". Shorter than the day that core keeps them elsewhere: here every hour of it costs memory.
 */
export const KEPT_FOR = 3_600_000

/** The instant Redis may remove what is over at a deadline. */
export const endOf = (deadline: number): string => String(Math.ceil(deadline + KEPT_FOR))
