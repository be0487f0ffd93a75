import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Fact } from './assurance.ts'
import type { CircuitBreakerOptions } from './circuit-breaker.ts'
import { type Clock, systemClock } from './clock.ts'
import { pooledRandom, type Random } from './crypto.ts'
import { days, minutes, seconds } from './duration.ts'
import { ConfigError } from './errors.ts'
import type { SojournEvent } from './events.ts'
import { createKeyring, type Keyring } from './keyring.ts'
import { type Policy, policies } from './policies.ts'
import type { Store } from './store.ts'

/** How many sessions a subject may have at once. */
export interface SessionLimit {
  /** 1 to 10,000. */
  readonly max: number
  /** `reject` refuses the sign-in with `ERR_SESSION_LIMIT`; `evict-oldest` ends the oldest; `allow` only emits an event. */
  readonly onExceeded: 'reject' | 'evict-oldest' | 'allow'
}

/** What a policy function may look at. */
export interface PolicySubject {
  readonly subject: string | undefined
  readonly facts: readonly Fact[]
  readonly isPersistent: boolean
}

/** Options of `createSessions`. */
export interface SessionsOptions<Schema extends StandardSchemaV1 = StandardSchemaV1<unknown, Record<string, unknown>>> {
  /** Where sessions live, such as `sqliteStore('sessions.db')`. Without a durable store, a restart signs everybody out. */
  readonly store: Store
  /**
   * Keys of 32 random bytes in base64url, newest first; one string may hold several separated by commas. Make one with
   * `npx sojourn keys`. To replace a key, put the new one in front and remove the old one once `absoluteTimeout` has passed;
   * removing it at once ends what it made. Whoever has a key can make tokens that pass the first check, and read stored data.
   */
  readonly keys: string | readonly string[] | undefined
  /**
   * A synchronous Standard Schema (zod, valibot, arktype ...) of the session data; its output must be plain JSON. Validated on
   * read and on write. Default: any JSON object. Without one, one part of an application can plant values another trusts.
   */
  readonly data?: Schema
  /** Version of the data's shape, an integer from 1. Default 1. Raise it together with `migrate`. */
  readonly dataVersion?: number
  /** Turns data of an earlier version into the present one, before validation. Called on the first read after an upgrade. */
  readonly migrate?: (data: unknown, fromVersion: number) => unknown
  /** Largest session data as JSON, in bytes. Default 262,144; 1 to 1,048,576. Unbounded data lets a visitor fill the store. */
  readonly maxDataBytes?: number
  /** The rules in force. Default: 30 minutes idle, 12 hours absolute, renewal after 15 minutes. See `Policy` and `policies`. */
  readonly policy?: Policy
  /**
   * Other durations for some sessions, by role or by what was proved: called when a session is judged or touched, must be pure
   * and fast. A looser value than `policy` needs `policy.justification`, checked whenever it is returned.
   */
  readonly policyFor?: (session: PolicySubject) => Pick<Policy, 'idleTimeout' | 'absoluteTimeout' | 'rotateAfter'> | undefined
  /** Longest wait for the store, in milliseconds. Default `seconds(2)`; 10 ms to 1 minute. A hanging store then costs a 503, not a thread. */
  readonly storeTimeout?: number
  /**
   * When a store that fails is left alone for a moment, so that requests are refused at once instead of waiting `storeTimeout` each.
   * Default: after 5 failures in a row, for a second at first. Stores in this process have no circuit.
   */
  readonly circuitBreaker?: CircuitBreakerOptions
  /** How often expired sessions are removed in passing when new ones start, in milliseconds. Default `minutes(5)`; `0` leaves it to `purge()`. */
  readonly purgeInterval?: number
  /**
   * Whether a session keeps the network it was started from: the first 24 bits of an IPv4 address, the first 48 of an IPv6 one. Default `true`.
   *
   * It stands in the store in the clear, so that an operator can search by it (`sessions.query`), until the session ends; whoever reads the
   * database learns which provider, company or household somebody signed in from. With `false` it is kept nowhere, and nobody can say which
   * sessions came of an address that attacks.
   */
  readonly recordsNetwork?: boolean
  /** Called with every event, after the request that caused it went on. The same as `sessions.events.on('*', ...)`. */
  readonly onEvent?: (event: SojournEvent) => void
  /** The clock. Only tests need another than the system's. */
  readonly clock?: Clock
  /** The random source. Only tests need another; a predictable one lets anybody mint the next token. */
  readonly random?: Random
}

/** Durations with every default filled in. */
export interface ResolvedPolicy {
  readonly idleTimeout: number
  readonly absoluteTimeout: number
  readonly rotateAfter: number
  readonly rotationGrace: number
  readonly onReuse: 'revoke' | 'refuse'
  readonly limit: SessionLimit | undefined
}

/** Checked configuration, as the rest of core uses it. */
export interface ResolvedConfig {
  readonly store: Store
  readonly keyring: Keyring
  readonly clock: Clock
  readonly random: Random
  readonly policy: ResolvedPolicy
  readonly declared: Policy
  /** The policy of one session, where `policyFor` was given; else `policy` is everybody's. */
  readonly policyOf: ((session: PolicySubject) => ResolvedPolicy) | undefined
  readonly maxDataBytes: number
  readonly storeTimeout: number
  readonly circuitBreaker: Required<CircuitBreakerOptions>
  readonly purgeInterval: number
  readonly recordsNetwork: boolean
}

const LONGEST = days(366)
const MOST_DATA_BYTES = 1_048_576
const READ_MORE = 'See docs/guide/policy.md.'

/**
 * Checks the options and fills in the defaults.
 *
 * @throws {ConfigError} `ERR_CONFIG_INVALID`, `ERR_KEYS_INVALID`, `ERR_POLICY_UNJUSTIFIED` - says what was given, what was expected and why.
 */
export function resolveConfig(options: SessionsOptions<StandardSchemaV1>): ResolvedConfig {
  if (options === null || typeof options !== 'object') throw invalid('options', options, 'an object with `store` and `keys`', '')
  checkStore(options.store)
  const keyring = createKeyring(options.keys)
  const declared = options.policy === undefined ? {} : options.policy
  if (declared === null || typeof declared !== 'object')
    throw invalid('policy', declared, 'an object such as `policies.moderate`', READ_MORE)
  const policy = resolvePolicy(declared)
  const { limitsSubjects, listsSubjects } = options.store.capabilities
  if (policy.limit !== undefined && !(policy.limit.onExceeded === 'allow' ? listsSubjects : limitsSubjects)) {
    throw new ConfigError(
      `createSessions: policy.limit is '${policy.limit.onExceeded}', but the store '${options.store.name}' cannot count a subject's sessions; ` +
        `expected a store that can${listsSubjects ? ", or onExceeded: 'allow'" : ', or no limit'}. A limit that is not enforced protects nobody. See docs/stores.`,
      { code: 'ERR_CONFIG_INVALID' },
    )
  }
  const policyFor = checkFunction('policyFor', options.policyFor)
  checkFunction('migrate', options.migrate)
  checkFunction('onEvent', options.onEvent)
  return {
    store: options.store,
    keyring,
    clock: checkFunction('clock', options.clock) ?? systemClock,
    random: checkFunction('random', options.random) ?? pooledRandom(),
    policy,
    declared,
    policyOf: policyFor && ((session) => overridden(policy, declared, policyFor(session))),
    maxDataBytes: within('maxDataBytes', options.maxDataBytes, 262_144, 1, MOST_DATA_BYTES, 'bytes'),
    storeTimeout: duration('storeTimeout', options.storeTimeout, seconds(2), 10, minutes(1)),
    circuitBreaker: {
      failures: within('circuitBreaker.failures', options.circuitBreaker?.failures, 5, 1, 1000, 'failures'),
      pause: duration('circuitBreaker.pause', options.circuitBreaker?.pause, seconds(1), 10, minutes(1)),
    },
    recordsNetwork: flag('recordsNetwork', options.recordsNetwork, true),
    purgeInterval:
      options.purgeInterval === 0 ? 0 : duration('purgeInterval', options.purgeInterval, minutes(5), seconds(1), days(1)),
  }
}

function resolvePolicy(declared: Policy): ResolvedPolicy {
  const absoluteTimeout = timeout(
    'policy.absoluteTimeout',
    declared.absoluteTimeout,
    policies.low.absoluteTimeout,
    seconds(1),
    LONGEST,
  )
  const idleTimeout = timeout(
    'policy.idleTimeout',
    declared.idleTimeout,
    Math.min(policies.low.idleTimeout, absoluteTimeout),
    seconds(1),
    absoluteTimeout,
  )
  const rotationGrace = timeout('policy.rotationGrace', declared.rotationGrace, seconds(30), seconds(1), minutes(5))
  const rotateAfter = timeout('policy.rotateAfter', declared.rotateAfter, minutes(15), 2 * rotationGrace, LONGEST)
  const resolved = {
    idleTimeout,
    absoluteTimeout,
    rotateAfter,
    rotationGrace,
    onReuse: oneOf('policy.onReuse', declared.onReuse ?? 'revoke', ['revoke', 'refuse']),
    limit: checkLimit(declared.limit),
  } as const
  checkJustified(resolved, declared)
  return resolved
}

/** Deviations from the preset, as sentences. The policy report prints them; without a justification start-up refuses them. */
export function deviationsOf(policy: ResolvedPolicy, declared: Policy): string[] {
  if (declared.preset === undefined) return []
  const preset = policies[declared.preset]
  const looser = (['idleTimeout', 'absoluteTimeout', 'rotateAfter', 'rotationGrace'] as const)
    .filter((name) => policy[name] > preset[name])
    .map((name) => `${name} is ${policy[name]} ms, longer than the ${preset[name]} ms of '${declared.preset}'`)
  return policy.onReuse === 'refuse' ? [...looser, "onReuse is 'refuse', so a thief who rotates first keeps the session"] : looser
}

function checkJustified(policy: ResolvedPolicy, declared: Policy): void {
  if (declared.preset === undefined) return
  oneOf('policy.preset', declared.preset, Object.keys(policies))
  checkAal3(policy, declared)
  const deviations = deviationsOf(policy, declared)
  if (deviations.length > 0 && !declared.justification?.trim()) {
    throw new ConfigError(
      `createSessions: ${deviations.join('; ')}; expected policy.justification to say why, because ASVS 5.0, 7.1.1 asks for it. ${READ_MORE}`,
      { code: 'ERR_POLICY_UNJUSTIFIED' },
    )
  }
}

function checkAal3({ absoluteTimeout }: ResolvedPolicy, declared: Policy): void {
  const most = policies.aal3.absoluteTimeout
  if (declared.preset !== 'aal3' || absoluteTimeout <= most) return
  throw new ConfigError(
    `createSessions: absoluteTimeout is ${absoluteTimeout} ms, longer than the ${most} ms of 'aal3'; ` +
      `no justification lifts this limit (NIST SP 800-63B-4, 2.3.3: SHALL be no more than 12 hours). ${READ_MORE}`,
    { code: 'ERR_POLICY_UNJUSTIFIED' },
  )
}

function overridden(
  base: ResolvedPolicy,
  declared: Policy,
  override: ReturnType<NonNullable<SessionsOptions['policyFor']>>,
): ResolvedPolicy {
  if (override === undefined) return base
  // A promise above all: it would look like an answer that changes nothing.
  if (override === null || typeof override !== 'object' || 'then' in override)
    throw invalid('policyFor()', override, 'undefined, or an object of durations, synchronously', READ_MORE)
  const absoluteTimeout = timeout(
    'policyFor().absoluteTimeout',
    override.absoluteTimeout,
    base.absoluteTimeout,
    seconds(1),
    LONGEST,
  )
  const idleDefault = Math.min(base.idleTimeout, absoluteTimeout)
  const idleTimeout = timeout('policyFor().idleTimeout', override.idleTimeout, idleDefault, seconds(1), absoluteTimeout)
  const rotateAfter = timeout('policyFor().rotateAfter', override.rotateAfter, base.rotateAfter, 2 * base.rotationGrace, LONGEST)
  const resolved = { ...base, absoluteTimeout, idleTimeout, rotateAfter }
  checkAal3(resolved, declared)
  const isLooser = (['idleTimeout', 'absoluteTimeout', 'rotateAfter'] as const).some((name) => resolved[name] > base[name])
  if (isLooser && !declared.justification?.trim()) {
    throw new ConfigError(
      `policyFor returned a longer duration than policy has; expected policy.justification to say why, because the report would hide it. ${READ_MORE}`,
      { code: 'ERR_POLICY_UNJUSTIFIED' },
    )
  }
  return resolved
}

function checkStore(store: unknown): asserts store is Store {
  const operations = ['create', 'read', 'update', 'revoke', 'revokeSubject', 'list', 'purge'] as const
  const missing =
    store === null || typeof store !== 'object'
      ? operations
      : operations.filter((name) => typeof (store as Record<string, unknown>)[name] !== 'function')
  if (missing.length > 0) {
    throw invalid('store', store, `a store with ${missing.join(', ')}, such as sqliteStore('sessions.db')`, 'See docs/stores.')
  }
  const { capabilities } = store as Partial<Store>
  if (capabilities === null || typeof capabilities !== 'object')
    throw invalid('store.capabilities', capabilities, 'an object that says what the store can do', 'See docs/stores.')
}

function checkLimit(limit: SessionLimit | undefined): SessionLimit | undefined {
  if (limit === undefined) return undefined
  if (limit === null || typeof limit !== 'object')
    throw invalid('policy.limit', limit, "an object such as { max: 5, onExceeded: 'evict-oldest' }", READ_MORE)
  return {
    max: within('policy.limit.max', limit.max, 1, 1, 10_000, 'sessions'),
    onExceeded: oneOf('policy.limit.onExceeded', limit.onExceeded, ['reject', 'evict-oldest', 'allow']),
  }
}

/**
 * A duration of the policy: whole seconds. Nobody means 1.8 s by 1800 or 43.2 s by 43200; those are 30 minutes and 12 hours in the
 * wrong unit.
 */
function timeout(name: string, value: unknown, fallback: number, least: number, most: number): number {
  const checked = duration(name, value, fallback, least, most)
  if (checked % 1000 === 0) return checked
  throw invalid(name, value, 'whole seconds in milliseconds; write it with seconds(), minutes(), hours() or days()', READ_MORE)
}

/** A duration within bounds. Outside of them it is nearly always the wrong unit, so the sentence says which unit is meant. */
export function duration(name: string, value: unknown, fallback: number, least: number, most: number): number {
  return within(name, value, fallback, least, most, 'milliseconds; write it with seconds(), minutes(), hours() or days()')
}

function within(name: string, value: unknown, fallback: number, least: number, most: number, unit: string): number {
  if (value === undefined) return fallback
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > most) {
    throw invalid(name, value, `a whole number from ${least} to ${most} ${unit}`, READ_MORE)
  }
  return value
}

function oneOf<T extends string>(name: string, value: T, allowed: readonly string[]): T {
  if (!allowed.includes(value)) throw invalid(name, value, `one of ${allowed.join(', ')}`, READ_MORE)
  return value
}

function flag(name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? fallback
  throw invalid(name, value, 'true or false', '')
}

function checkFunction<T>(name: string, value: T | undefined): T | undefined {
  if (value !== undefined && typeof value !== 'function') throw invalid(name, value, 'a function', '')
  return value
}

/** Says a value only when it is a number or a short word: an option may hold a secret by mistake. */
function invalid(name: string, value: unknown, expected: string, readMore: string): ConfigError {
  const given =
    typeof value === 'number' || typeof value === 'boolean' || value == null ? String(value) : `a value of type ${typeof value}`
  return new ConfigError(`createSessions: ${name} is ${given}; expected ${expected}. ${readMore}`.trimEnd(), {
    code: 'ERR_CONFIG_INVALID',
  })
}
