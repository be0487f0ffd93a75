/** What a verifier knows of itself, for a status page or an alert. */
import type { KeySet } from './key-set.ts'
import type { VerifierSettings } from './options.ts'
import type { Revocation } from './revocation.ts'

/** Durations and instants are milliseconds. */
export interface VerifierStatus {
  /** Who tells what has ended. `none`: nobody, and tokens are good until they expire. */
  readonly revocation: 'feed-and-introspection' | 'feed' | 'introspection' | 'none'
  /** `live`: its last word is younger than the budget. `stale`: older, or there was none yet. `none`: not followed. */
  readonly feed: 'live' | 'stale' | 'none'
  /** Instant of the issuer's clock since which every end is known; older tokens are asked about. */
  readonly coveredSince: number | undefined
  /** `revokedWithin`; `undefined` where nobody tells what has ended. */
  readonly budget: number | undefined
  /** How long after a session's end a token of it may be accepted, at worst: the budget, or all of a token's life. */
  readonly worstCase: number
  /** From an end at the issuer to its receipt here, of all that came over the feed while it was followed; `undefined` before the first. */
  readonly measured: { readonly worst: number | undefined; readonly last: number | undefined }
  readonly introspections: { readonly asked: number; readonly failed: number }
  readonly keys: { readonly known: number; readonly fetches: number }
}

export function statusOf(parts: {
  readonly settings: VerifierSettings
  readonly keys: KeySet
  readonly revocation: Revocation
}): VerifierStatus {
  const { settings, keys, revocation } = parts
  const { feed, introspection } = revocation
  const hears = feed !== undefined || introspection !== undefined
  return {
    revocation:
      feed === undefined
        ? introspection === undefined
          ? 'none'
          : 'introspection'
        : introspection === undefined
          ? 'feed'
          : 'feed-and-introspection',
    feed: feed === undefined ? 'none' : feed.isLive ? 'live' : 'stale',
    coveredSince: feed?.coverage.since,
    budget: hears ? settings.revokedWithin : undefined,
    worstCase: hears ? settings.revokedWithin : settings.accessTokenLifetime + settings.clockTolerance,
    measured: feed?.coverage.measured ?? { worst: undefined, last: undefined },
    introspections: { asked: introspection?.calls ?? 0, failed: introspection?.failures ?? 0 },
    keys: { known: keys.size, fetches: keys.fetches },
  }
}
