import type { SessionLimit } from './config.ts'
import { days, hours, minutes, seconds } from './duration.ts'

/** The rules in force for a session. Every duration is in milliseconds; write them with `minutes(15)`. */
export interface Policy {
  /**
   * Longest gap between two uses of a session. Default `minutes(30)`; at least 1 second, at most `absoluteTimeout`.
   *
   * OWASP suggests 2-5 minutes for high-value applications and 15-30 for low-risk ones. A stolen token stays useful for at
   * most this long once its owner stops. Activity is recorded at most every twentieth of this value, so a session may end
   * that much early, never late. ASVS 5.0, 7.3.1; NIST SP 800-63B-4, 2.2.3.
   */
  readonly idleTimeout?: number
  /**
   * Longest life of a session, whatever the activity. Default `hours(12)`; at least 1 second, at most a year.
   *
   * Whoever keeps a stolen token busy keeps it for at most this long. ASVS 5.0, 7.3.2; NIST SP 800-63B-4, 2.2.3.
   */
  readonly absoluteTimeout?: number
  /**
   * Age, counted from its first use, at which a token is replaced by itself mid-session. Default `minutes(15)`; at least twice
   * `rotationGrace`, at most a year.
   *
   * It bounds how long a token copied from a log, a backup or a disk is still the current one, and it is what makes theft show:
   * without rotation, thief and owner can share a token unseen. OWASP Session Management Cheat Sheet, "Renewal Timeout".
   */
  readonly rotateAfter?: number
  /**
   * How long a replaced token still works after its successor was first used, so that requests already in flight do not fail.
   * Default `seconds(30)`; at least 1 second, at most 5 minutes. A thief with a replaced token has this long.
   */
  readonly rotationGrace?: number
  /**
   * What happens when a token comes back after its grace window. Default `revoke`: the session ends, because thief and owner
   * cannot be told apart. `refuse` only refuses the request: a thief who rotated first then keeps the session.
   */
  readonly onReuse?: 'revoke' | 'refuse'
  /**
   * How many sessions one subject may have at once, and what happens to one more. Default: no limit.
   * Without one a stolen password gives any number of sessions that nobody notices. ASVS 5.0, 7.1.2.
   */
  readonly limit?: SessionLimit
  /** Name of the preset these values started from; set by `policies.*`. Values looser than the preset need a `justification`. */
  readonly preset?: PresetName
  /** Why a value is looser than its preset. Printed by the policy report (ASVS 5.0, 7.1.1). */
  readonly justification?: string
}

export type PresetName = 'low' | 'moderate' | 'high' | 'aal1' | 'aal2' | 'aal3'

type Preset = Readonly<Required<Omit<Policy, 'justification' | 'limit'>> & { preset: PresetName }>

const common = { rotateAfter: minutes(15), rotationGrace: seconds(30), onReuse: 'revoke' } as const

/**
 * Ready-made policies. Spread one to change a value: `{ ...policies.aal2, idleTimeout: minutes(20) }`; anything looser than the
 * preset needs a `justification`.
 *
 * - `low`, `moderate`, `high`: OWASP Session Management Cheat Sheet, "Session Expiration" (30 min / 12 h, 15 min / 8 h, 5 min / 4 h).
 * - `aal1`, `aal2`, `aal3`: NIST SP 800-63B-4, 2.1.3, 2.2.3, 2.3.3 (30 days, 24 h with 1 h idle, 12 h with 15 min idle).
 *
 * @example
 * createSessions({ store, keys, policy: policies.moderate })
 */
export const policies = {
  low: { ...common, preset: 'low', idleTimeout: minutes(30), absoluteTimeout: hours(12) },
  moderate: { ...common, preset: 'moderate', idleTimeout: minutes(15), absoluteTimeout: hours(8) },
  high: { ...common, preset: 'high', idleTimeout: minutes(5), absoluteTimeout: hours(4), rotateAfter: minutes(5) },
  // NIST requires no inactivity limit at AAL1. The idle timeout equals the absolute one, which is the same as none.
  aal1: { ...common, preset: 'aal1', idleTimeout: days(30), absoluteTimeout: days(30) },
  aal2: { ...common, preset: 'aal2', idleTimeout: hours(1), absoluteTimeout: hours(24) },
  aal3: { ...common, preset: 'aal3', idleTimeout: minutes(15), absoluteTimeout: hours(12) },
} as const satisfies Record<PresetName, Preset>
