/** The policy: which change of the client is graded how, and what a person is told about it. */
import { ConfigError } from '../../core/errors.ts'

/**
 * What is done about a change, mildest first.
 *
 * - `allow`: nothing; the new value is remembered in silence.
 * - `note`: an event, and the new value is remembered.
 * - `rotate`: the token is replaced too, so that of two holders of the old one the later is found out.
 * - `step-up`: what was proved before counts no more, until `session.elevate` brings a new proof. The subject stays.
 * - `revoke`: the session ends, with the reason `drift`.
 */
export type Grade = 'allow' | 'note' | 'rotate' | 'step-up' | 'revoke'

/** What can change. */
export type Change =
  /** Another browser family, by the user agent or the client hints. */
  | 'browser'
  /** The same family in a later major version. */
  | 'browser-update'
  /** The same family in an earlier major version; browsers do not go back by themselves. */
  | 'browser-downgrade'
  /** Another operating system, by the user agent or the client hints. */
  | 'os'
  /** What "request desktop site" does: the same browser calls itself Linux on Android, or macOS on iOS, or changes its mobile flag. */
  | 'layout'
  /** The `User-Agent` header is gone. */
  | 'agent-missing'
  /** The client hints are gone, which this browser sent before. */
  | 'hints-missing'
  /** Client hints came, which this browser did not send before. */
  | 'hints-new'
  /** A network (/24, or /48 of IPv6) that this session has not been seen in. */
  | 'network'
  /** The same for a phone or tablet, by its operating system: they move. */
  | 'phone-network'
  /** The new network is of another operator (autonomous system); beside `network`, and not for phones. */
  | 'asn'
  /** The new network is in another country; beside `network` or `phone-network`. */
  | 'country'

/** Changes that are worse together than each alone. */
export interface Combination {
  readonly changes: readonly Change[]
  readonly grade: Grade
}

/** A grade for each change. The strictest of a request's changes and of the combinations that they complete is done. */
export type DriftPolicy = Readonly<Record<Change, Grade>> & { readonly together: readonly Combination[] }

const MOVES: readonly Change[] = ['network', 'phone-network']
const ODD: readonly Change[] = ['hints-missing', 'hints-new', 'layout', 'browser-downgrade']

/** A client that is odd and somewhere else at once: tools that copy a user agent look like this, browsers seldom do. */
const oddElsewhere = (grade: Grade): readonly Combination[] =>
  ODD.flatMap((odd) => MOVES.map((move) => ({ changes: [odd, move], grade })))

/** Presets to start from: `{ ...presets.standard, country: 'note' }`. */
export const presets: Readonly<Record<'lenient' | 'standard' | 'strict', DriftPolicy>> = {
  /** Ends no session. For sites where a stolen one does little harm, and to look at what would happen. */
  lenient: {
    browser: 'step-up',
    'browser-update': 'allow',
    'browser-downgrade': 'note',
    os: 'step-up',
    layout: 'allow',
    'agent-missing': 'note',
    'hints-missing': 'allow',
    'hints-new': 'allow',
    network: 'allow',
    'phone-network': 'allow',
    asn: 'note',
    country: 'note',
    together: oddElsewhere('rotate'),
  },
  /** The default: what no browser does by itself ends the session; where people move, they prove again or notice nothing. */
  standard: {
    browser: 'revoke',
    'browser-update': 'note',
    'browser-downgrade': 'step-up',
    os: 'revoke',
    layout: 'step-up',
    'agent-missing': 'step-up',
    'hints-missing': 'note',
    'hints-new': 'note',
    network: 'rotate',
    'phone-network': 'allow',
    asn: 'note',
    country: 'step-up',
    together: oddElsewhere('step-up'),
  },
  /** For consoles and money, where people work from few places. Expect step-ups. */
  strict: {
    browser: 'revoke',
    'browser-update': 'note',
    'browser-downgrade': 'revoke',
    os: 'revoke',
    layout: 'revoke',
    'agent-missing': 'revoke',
    'hints-missing': 'step-up',
    'hints-new': 'step-up',
    network: 'step-up',
    'phone-network': 'rotate',
    asn: 'step-up',
    country: 'revoke',
    together: oddElsewhere('revoke'),
  },
}

const GRADES: readonly Grade[] = ['allow', 'note', 'rotate', 'step-up', 'revoke']
const CHANGES = Object.keys(presets.standard).filter((name) => name !== 'together') as readonly Change[]

/** Sentences without any value: what the values were is the person's own affair. */
const REASONS: Readonly<Record<Change, string>> = {
  browser: 'The browser changed from one family to another.',
  'browser-update': 'The browser was updated.',
  'browser-downgrade': 'The browser is of an earlier version than before.',
  os: 'The operating system changed.',
  layout: 'The browser asked for the other layout of the site, for desktop or mobile.',
  'agent-missing': 'The browser no longer says what it is.',
  'hints-missing': 'The browser no longer sends its client hints.',
  'hints-new': 'The browser began to send client hints.',
  network: 'The network changed.',
  'phone-network': 'A mobile device moved to another network.',
  asn: 'The new network belongs to another operator.',
  country: 'The country changed.',
}

/** The strictest grade of these changes, alone and together; `allow` for none. */
export function gradeOf(policy: DriftPolicy, changes: readonly Change[]): Grade {
  let strictest = 0
  for (const change of changes) strictest = Math.max(strictest, GRADES.indexOf(policy[change]))
  for (const combination of policy.together) {
    if (combination.changes.every((change) => changes.includes(change)))
      strictest = Math.max(strictest, GRADES.indexOf(combination.grade))
  }
  return GRADES[strictest]!
}

/** What changed, for a person; without any value. */
export function reasonOf(changes: readonly Change[]): string {
  return changes.map((change) => REASONS[change]).join(' ')
}

/** Whether some change would end a session. */
export function canRevoke(policy: DriftPolicy): boolean {
  return CHANGES.some((change) => policy[change] === 'revoke') || policy.together.some(({ grade }) => grade === 'revoke')
}

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - a word that no change and no grade has: it would guard nothing. */
export function resolvePolicy(given: unknown = {}): DriftPolicy {
  if (typeof given !== 'object' || given === null) throw invalid('policy', 'a table such as presets.standard')
  for (const [name, grade] of Object.entries(given)) {
    if (name === 'together') continue
    if (!CHANGES.includes(name as Change)) throw invalid('policy', `a table of changes; they are ${CHANGES.join(', ')}`)
    if (!GRADES.includes(grade as Grade)) throw invalid(`policy['${name}']`, `one of ${GRADES.join(', ')}`)
  }
  const { together = presets.standard.together } = given as Partial<DriftPolicy>
  const isCombination = (each: Partial<Combination> | null) =>
    GRADES.includes(each?.grade as Grade) &&
    Array.isArray(each?.changes) &&
    each.changes.length > 0 &&
    each.changes.every((change) => CHANGES.includes(change))
  if (!Array.isArray(together) || !together.every(isCombination))
    throw invalid('policy.together', "a list such as [{ changes: ['network', 'hints-missing'], grade: 'revoke' }]")
  return { ...presets.standard, ...given, together }
}

export function invalid(option: string, expected: string): ConfigError {
  return new ConfigError(`traitChecks: ${option} is not ${expected}. See docs/guide/traits.md.`, { code: 'ERR_CONFIG_INVALID' })
}
