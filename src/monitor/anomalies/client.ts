/** What a sign-in shows of its client, as coarsely as the risk model needs it. Neither the address nor the header is in it. */

/** One client, in words. What is not known is `undefined`, and is then no evidence either way. */
export interface Client {
  /** The /24 of an IPv4 address, the /48 of an IPv6 one. */
  readonly network: string | undefined
  /** Number of the autonomous system. */
  readonly asn: number | undefined
  /** ISO 3166-1, such as `NL`. */
  readonly country: string | undefined
  /** Operating system, such as `Windows`. */
  readonly os: string | undefined
  /** `desktop`, `mobile`, `tablet` ...; empty where it is not said. */
  readonly device: string
  /** Browser family, such as `Firefox`. */
  readonly browser: string | undefined
  /** Its major version; 0 where it is not said. */
  readonly version: number
  /** Shortest round-trip time to the client, in milliseconds. */
  readonly roundTrip: number | undefined
}

/** Steps of the ladder of round-trip times: two to each doubling, from 1 ms to 4 s. */
export const ROUND_TRIP_STEPS = 24

/** Position on that ladder; `undefined` for what is no time. */
export function roundTripStep(milliseconds: number | undefined): number | undefined {
  if (milliseconds === undefined || !Number.isFinite(milliseconds) || milliseconds <= 0) return undefined
  return Math.max(0, Math.min(ROUND_TRIP_STEPS - 1, Math.floor(2 * Math.log2(milliseconds))))
}
