/** What the checks keep and do, to be read by people: the list of data that a privacy risk assessment starts from. */
import type { GeoDatabases } from './place.ts'
import type { DriftPolicy } from './policy.ts'

/** What is kept of each client, and what is done about changes. */
export interface TraitReport {
  readonly keeps: readonly {
    readonly what: string
    readonly form: 'keyed hash, salted for each session' | 'as it is'
    readonly until: string
  }[]
  readonly policy: DriftPolicy
  /** Whether it only reports. */
  readonly isShadow: boolean
  toString(): string
}

const UNTIL_END = "the session's end"

export function reportOf({
  policy,
  isShadow,
  geo,
  keptFor,
}: {
  policy: DriftPolicy
  isShadow: boolean
  geo: GeoDatabases | undefined
  keptFor: number | undefined
}): TraitReport {
  const hashed = [
    'browser family',
    'major version of the browser',
    'operating system',
    'client hints: brands, platform, mobile',
    'networks (/24 of IPv4, /48 of IPv6), at most 4',
    ...(geo?.asn === undefined ? [] : ['autonomous systems, at most 4']),
    ...(geo?.country === undefined ? [] : ['countries, at most 4']),
  ].map((what) => ({ what, form: 'keyed hash, salted for each session', until: UNTIL_END }) as const)
  const plain = [
    { what: 'the latest change: when, its grade, which traits; no values', until: UNTIL_END },
    ...(keptFor === undefined ? [] : [{ what: 'address', until: `${keptFor} ms after it was taken, or the session's end` }]),
  ].map((each) => ({ ...each, form: 'as it is' }) as const)
  const report = { keeps: [...hashed, ...plain], policy, isShadow }
  return { ...report, toString: () => textOf(report) }
}

function textOf({ keeps, policy, isShadow }: Omit<TraitReport, 'toString'>): string {
  const { together, ...changes } = policy
  return [
    isShadow ? 'Trait checks, which only report.' : 'Trait checks.',
    'Kept with each session:',
    ...keeps.map(({ what, form, until }) => `- ${what}: ${form}, until ${until}`),
    'Done about changes, the strictest of those that come at once:',
    ...Object.entries(changes).map(([change, grade]) => `- ${change}: ${grade}`),
    ...together.map((each) => `- ${each.changes.join(' with ')}: ${each.grade}`),
  ].join('\n')
}
