/** The options of step-up: safe without most of them, and refused at start-up wherever they would protect nobody. */
import { minutes } from '../core/duration.ts'
import { ConfigError } from '../core/errors.ts'
import type { Store } from '../core/store.ts'
import { isPage } from '../http/assurance-pages.ts'
import type { FactorKind, FactorStore } from './factor-store.ts'
import type { PasskeyOptions } from './passkeys/options.ts'
import type { TotpOptions } from './totp/options.ts'

/** One factor as its owner may see it. Nothing in it is secret. */
export interface FactorSummary {
  readonly id: string
  readonly kind: FactorKind
  /** What the person calls it. */
  readonly name: string
  readonly createdAt: number
  readonly lastUsedAt: number | undefined
}

/** Paths of the pages that step-up knows of. */
export interface StepUpPages {
  /** Where a visitor proves more. Default `/step-up`. Adapters send pages' visitors there. */
  readonly stepUp?: string
  /**
   * Where a session may act although a second factor is still due: the step-up page, what it posts to, the sign-out. Paths as they are written in your routes; one
   * that ends in `/*` is everything below it. Default: the step-up page and everything below it.
   *
   * Whoever has a stolen password reaches all of these as its owner. List nothing that shows or changes anything else.
   */
  readonly whilePending?: readonly string[]
}

/** How many guesses there are. */
export interface ThrottleOptions {
  /**
   * Tries at one account, from one network or by one known client, before there is a wait: 30 seconds, then twice that each time, up to a day. Default 5,
   * at least 1, at most 20. All networks together have four times as many. An attacker gets as many at each account.
   */
  readonly tries?: number
  /** Tries from one network in ten minutes, at all accounts together; ten times that in a day. Default 60, at least 5. Large offices may need more. */
  readonly networkTries?: number
}

/** Options of `createStepUp`. */
export interface StepUpOptions {
  /** Where factors are kept: `memoryFactorStore`, `sqliteFactorStore`, `postgresFactorStore`, or your own. */
  readonly factors: FactorStore
  /** Your name as authenticator apps and browsers show it, such as `Shop`. */
  readonly issuer: string
  /** Origins whose pages may make and use passkeys; see `PasskeyOptions`. Without them there are no passkeys. */
  readonly origins?: readonly string[]
  /** The domain passkeys are made for; see `PasskeyOptions`. */
  readonly rpId?: string
  readonly totp?: TotpOptions
  readonly passkeys?: Omit<PasskeyOptions, 'rpName' | 'origins' | 'rpId'>
  readonly pages?: StepUpPages
  readonly throttle?: ThrottleOptions
  /**
   * Whether this person must prove a second factor to sign in. Default: whoever has an authenticator app or a passkey must.
   *
   * For those it says no to, a stolen password is a session; what calls `requireAssurance` still asks them.
   */
  readonly isDue?: (subject: string, factors: readonly FactorSummary[]) => boolean | Promise<boolean>
  /**
   * What becomes of a person's other sessions when a factor is added or removed. Default `offer`: nothing yet; the result says `others: true`, and your page
   * offers `session.revokeOthers()` (ASVS 5.0, 7.4.3). `end`: they end.
   */
  readonly onFactorChange?: 'offer' | 'end'
  /** How long an approval can be spent once it is granted, in milliseconds. Default `minutes(2)`, at least 1 second, at most `minutes(10)`. */
  readonly approvalLifetime?: number
  /**
   * Where used codes, counts of tries and approvals are kept, if not beside the sessions: a store that forgets nothing. Needed where sessions are in memcached, or in
   * sealed cookies without a ledger. What one process forgets, a used code say, is good again.
   */
  readonly ledger?: Pick<Store, 'name' | 'capabilities' | 'ledger'>
}

export interface ThrottleSettings extends Required<ThrottleOptions> {}

/** The options that concern step-up as a whole, checked and complete. */
export interface Settings {
  readonly stepUpPage: string
  readonly whilePending: readonly string[]
  readonly throttle: ThrottleSettings
  readonly isDue: (subject: string, factors: readonly FactorSummary[]) => boolean | Promise<boolean>
  readonly onFactorChange: 'offer' | 'end'
  readonly approvalLifetime: number
}

const KNOWN = new Set<string>([
  'factors',
  'issuer',
  'origins',
  'rpId',
  'totp',
  'passkeys',
  'pages',
  'throttle',
  'isDue',
  'onFactorChange',
  'approvalLifetime',
  'ledger',
] satisfies (keyof StepUpOptions)[])

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - what was given, what was expected, why, where to read. */
export function resolveOptions(options: StepUpOptions): Settings {
  if (typeof options !== 'object' || options === null)
    throw invalid('there are no options', '{ factors, issuer }', 'it needs both')
  checkKnown(options, KNOWN, 'an option')
  if (typeof options.factors?.list !== 'function')
    throw invalid('factors is no factor store', "one such as sqliteFactorStore('factors.db')", 'factors must be kept somewhere')
  const { pages = {}, throttle = {}, isDue = hasSecondFactor, onFactorChange = 'offer' } = options
  checkKnown(pages, new Set(['stepUp', 'whilePending']), 'an option under pages')
  checkKnown(throttle, new Set(['tries', 'networkTries']), 'an option under throttle')
  const { stepUp = '/step-up', whilePending = [stepUp, `${stepUp}/*`] } = pages
  if (!isPage(stepUp))
    throw invalid('pages.stepUp is no plain path', "one such as '/step-up', without query", 'visitors are sent there')
  const isPattern = (path: unknown) => typeof path === 'string' && isPage(path.replace(/(?<=.)\/\*$/, ''))
  if (!Array.isArray(whilePending) || !whilePending.every(isPattern))
    throw invalid(
      'pages.whilePending is no list of plain paths',
      "such as ['/step-up', '/step-up/*', '/sign-out']",
      'whoever has a stolen password reaches all of them',
    )
  if (typeof isDue !== 'function')
    throw invalid('isDue is no function', 'one of the subject and their factors', 'it decides who is asked')
  if (onFactorChange !== 'offer' && onFactorChange !== 'end')
    throw invalid('onFactorChange is neither word', "'offer' or 'end'", 'what is not said cannot be kept')
  return {
    stepUpPage: stepUp,
    whilePending,
    throttle: {
      tries: within('throttle.tries', throttle.tries, 5, 1, 20),
      networkTries: within('throttle.networkTries', throttle.networkTries, 60, 5, 100_000),
    },
    isDue,
    onFactorChange,
    approvalLifetime: within('approvalLifetime', options.approvalLifetime, minutes(2), 1000, minutes(10)),
  }
}

/** Recovery codes alone ask nobody: they stand in for another factor. */
function hasSecondFactor(_subject: string, factors: readonly FactorSummary[]): boolean {
  return factors.some(({ kind }) => kind !== 'recovery')
}

function checkKnown(given: object, known: ReadonlySet<string>, what: string): void {
  if (Object.keys(given).every((key) => known.has(key))) return
  throw invalid(`there is ${what} it does not have`, `only ${[...known].join(', ')}`, 'a typing error would change nothing')
}

function within(name: string, value: unknown, fallback: number, least: number, most: number): number {
  if (value === undefined) return fallback
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number
  throw invalid(
    `${name} is out of bounds`,
    `a whole number from ${least} to ${most}`,
    'outside of them it is nearly always a mistake',
  )
}

export function invalid(given: string, expected: string, why: string): ConfigError {
  return new ConfigError(`createStepUp: ${given}; expected ${expected}, because ${why}. See docs/guide/step-up.md.`, {
    code: 'ERR_CONFIG_INVALID',
  })
}
