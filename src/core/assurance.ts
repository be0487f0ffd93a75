/**
 * Assurance: what was proved, when, and how strongly. Facts have times, so authority can decay (design 1, promise 8).
 */
import { ConfigError } from './errors.ts'

/**
 * How strong one proof was. `1`: one factor. `2`: two factors in one act, such as a passkey with user verification.
 * `3`: two factors in one act on hardware that cannot be phished or copied (NIST SP 800-63B-4, 2.3).
 */
export type Strength = 1 | 2 | 3

/** One authentication event. */
export interface Fact {
  /** How: an RFC 8176 `amr` name such as `pwd`, `otp`, `hwk`, or the application's own. */
  readonly method: string
  /** When, in epoch milliseconds. */
  readonly at: number
  readonly strength: Strength
}

/** Assurance level: `aal1` to `aal3` of NIST SP 800-63B-4. `aal0` is a session whose facts have all decayed, or that has none. */
export type Acr = 'aal0' | 'aal1' | 'aal2' | 'aal3'

const ORDER: readonly Acr[] = ['aal0', 'aal1', 'aal2', 'aal3']

/** At most this many facts stay on a session: the latest of each method. */
export const MOST_FACTS = 8

type Kind = 'knowledge' | 'possession' | 'inherence' | 'other'

/** RFC 8176 names by kind of factor. Two proofs of one kind are still one factor (NIST SP 800-63B-4, 2.2.1). */
const KIND_OF_METHOD: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ...['pwd', 'pin', 'kba'].map((method) => [method, 'knowledge'] as const),
  // Recovery codes, which RFC 8176 has no name for: a look-up secret is something held (NIST SP 800-63B-4, 3.1.2).
  ...['otp', 'sms', 'tel', 'hwk', 'swk', 'sc', 'pop', 'recovery'].map((method) => [method, 'possession'] as const),
  ...['face', 'fpt', 'iris', 'retina', 'vbm'].map((method) => [method, 'inherence'] as const),
])

/**
 * The level these facts add up to.
 *
 * @returns `aal3` or `aal2` for one fact that strong; `aal2` for two of different kinds of which one is something held
 * (a biometric never stands alone, ASVS 5.0, 6.5.7); else `aal1` for any fact, `aal0` for none.
 */
export function acrOf(facts: readonly Fact[]): Acr {
  let strongest = 0
  const kinds = new Set<Kind>()
  for (const fact of facts) {
    strongest = Math.max(strongest, fact.strength)
    kinds.add(KIND_OF_METHOD.get(fact.method) ?? 'other')
  }
  if (strongest === 3) return 'aal3'
  if (strongest === 2) return 'aal2'
  if (kinds.has('possession') && (kinds.has('knowledge') || kinds.has('inherence'))) return 'aal2'
  return facts.length > 0 ? 'aal1' : 'aal0'
}

/** Whether facts add up to a level, whatever their age. */
export function reaches(facts: readonly Fact[], acr: Acr): boolean {
  return ORDER.indexOf(acrOf(facts)) >= ORDER.indexOf(acr)
}

/** What an action asks of a session. */
export interface Requirement {
  /** Least level. Default `aal1`. */
  readonly acr?: Acr
  /** Oldest proof that still counts, in milliseconds. Default: any age. Without it a morning's second factor opens the safe at night. */
  readonly maxAge?: number
}

/**
 * Tells whether the facts that are young enough reach the level. Facts from the future (a clock that jumped back) count as new.
 *
 * @throws {ConfigError} `ERR_ARGUMENT_INVALID` - there is no such level.
 */
export function meets(facts: readonly Fact[], requirement: Requirement, now: number): boolean {
  const { acr = 'aal1', maxAge = Number.POSITIVE_INFINITY } = requirement
  checkAcr(acr)
  const fresh = facts.filter((fact) => now - fact.at <= maxAge)
  return reaches(fresh, acr)
}

/** A misspelt level must not be one that everybody meets. */
export function checkAcr(acr: unknown): asserts acr is Acr {
  if ((ORDER as readonly unknown[]).includes(acr)) return
  throw new ConfigError('meets: acr is not a level; expected one of aal0, aal1, aal2, aal3. See docs/guide/sign-in.md.', {
    code: 'ERR_ARGUMENT_INVALID',
  })
}

/** Instant of the latest authentication event; OIDC calls it `auth_time`. */
export function authTimeOf(facts: readonly Fact[]): number | undefined {
  return facts.reduce<number | undefined>(
    (latest, fact) => (latest === undefined || fact.at > latest ? fact.at : latest),
    undefined,
  )
}

/**
 * Since when facts reach a level without a gap: `meets` with a `maxAge` holds as long as this is no older. The latest proof alone would say
 * that the second factor of the morning was given at night, with the password.
 *
 * @returns `undefined` where they do not reach it.
 */
export function reachedSince(facts: readonly Fact[], acr: Acr): number | undefined {
  const newestFirst = [...facts].sort((a, b) => b.at - a.at)
  const enough = newestFirst.findIndex((_, index) => reaches(newestFirst.slice(0, index + 1), acr))
  return newestFirst[enough]?.at
}

/** Adds facts, keeping the latest of each method. */
export function withFacts(facts: readonly Fact[], added: readonly Fact[]): Fact[] {
  const kept = facts.filter((fact) => !added.some((newer) => newer.method === fact.method))
  return [...kept, ...added].slice(-MOST_FACTS)
}

/** The facts that count after the session's client was doubted: those proved since. */
export function undoubted(facts: readonly Fact[], doubtedAt: number | undefined): readonly Fact[] {
  return doubtedAt === undefined ? facts : facts.filter((fact) => fact.at > doubtedAt)
}
