/** The policy report: what is in force, where it deviates, and why; the answer to ASVS 5.0, 7.1.1 and 7.1.2. */
import { deviationsOf, type ResolvedConfig, type SessionLimit } from './config.ts'
import { days, hours, minutes } from './duration.ts'

/** A machine-readable policy report; `toString()` is its text for people. */
export interface PolicyReport {
  readonly idleTimeout: number
  readonly absoluteTimeout: number
  readonly rotateAfter: number
  readonly rotationGrace: number
  readonly onReuse: 'revoke' | 'refuse'
  readonly limit: SessionLimit | 'none'
  readonly store: string
  readonly keysInRing: number
  /** Whether sessions keep the network they were started from, in the clear. */
  readonly recordsNetwork: boolean
  readonly preset: string | undefined
  /** Whether single sessions may have other durations (`policyFor`). */
  readonly variesBySession: boolean
  /** Values looser than the preset, a sentence each. */
  readonly deviations: readonly string[]
  readonly justification: string | undefined
  /** Limits of NIST SP 800-63B-4 that these values stay within, strictest first. */
  readonly nistLevelsMet: readonly ('aal3' | 'aal2' | 'aal1')[]
  /** What this configuration cannot promise, a sentence each. */
  readonly cautions: readonly string[]
  toString(): string
}

/** NIST SP 800-63B-4, 2.1.3, 2.2.3, 2.3.3. */
const NIST = [
  { level: 'aal3', absolute: hours(12), idle: minutes(15) },
  { level: 'aal2', absolute: hours(24), idle: hours(1) },
  { level: 'aal1', absolute: days(30), idle: days(30) },
] as const

/** Describes the policy in force. */
export function describePolicy(config: ResolvedConfig, variesBySession: boolean): PolicyReport {
  const { policy, declared, store, keyring } = config
  const deviations = deviationsOf(policy, declared)
  const nistLevelsMet = NIST.filter(({ absolute, idle }) => policy.absoluteTimeout <= absolute && policy.idleTimeout <= idle).map(
    ({ level }) => level,
  )
  const report = {
    idleTimeout: policy.idleTimeout,
    absoluteTimeout: policy.absoluteTimeout,
    rotateAfter: policy.rotateAfter,
    rotationGrace: policy.rotationGrace,
    onReuse: policy.onReuse,
    limit: policy.limit ?? ('none' as const),
    store: store.name,
    keysInRing: keyring.all.length,
    recordsNetwork: config.recordsNetwork && store.capabilities.carries === undefined,
    preset: declared.preset,
    variesBySession,
    deviations,
    justification: declared.justification,
    nistLevelsMet,
    cautions: cautionsOf(config),
  }
  return { ...report, toString: () => textOf(report) }
}

function cautionsOf({ policy, store }: ResolvedConfig): string[] {
  const cautions: string[] = []
  const { capabilities } = store
  if (capabilities.cautions !== undefined) cautions.push(...capabilities.cautions)
  if (!capabilities.durableRevocation)
    cautions.push(`The store '${store.name}' forgets revocations when it loses power or restarts.`)
  if (!capabilities.listsSubjects) cautions.push(`The store '${store.name}' cannot list a subject's sessions.`)
  if (policy.onReuse === 'refuse') cautions.push('A reused token is only refused: a thief who rotates first keeps the session.')
  if (policy.limit === undefined) cautions.push('A subject may have any number of sessions at once.')
  return cautions
}

function textOf(report: Omit<PolicyReport, 'toString'>): string {
  const limit = report.limit === 'none' ? 'none' : `${report.limit.max}, one more: ${report.limit.onExceeded}`
  const lines = [
    `idle timeout       ${inWords(report.idleTimeout)}`,
    `absolute timeout   ${inWords(report.absoluteTimeout)}`,
    `renewal            every ${inWords(report.rotateAfter)}, grace ${inWords(report.rotationGrace)}, on reuse: ${report.onReuse}`,
    `sessions a subject ${limit}`,
    `store              ${report.store}`,
    `keys in the ring   ${report.keysInRing}`,
    `client networks    ${report.recordsNetwork ? 'kept in the clear, cut to /24 (IPv4) or /48 (IPv6)' : 'not kept'}`,
    `preset             ${report.preset ?? 'none'}${report.variesBySession ? ', some sessions have their own (policyFor)' : ''}`,
    `NIST SP 800-63B-4  within ${report.nistLevelsMet.join(', ') || 'no level'}`,
    ...report.deviations.map((deviation) => `deviation          ${deviation}`),
    ...(report.justification ? [`justification      ${report.justification}`] : []),
    ...report.cautions.map((caution) => `caution            ${caution}`),
  ]
  return lines.join('\n')
}

function inWords(milliseconds: number): string {
  const units = [
    ['day', days(1)],
    ['hour', hours(1)],
    ['minute', minutes(1)],
    ['second', 1000],
  ] as const
  for (const [name, size] of units) {
    if (milliseconds >= size && milliseconds % size === 0)
      return `${milliseconds / size} ${name}${milliseconds === size ? '' : 's'}`
  }
  return `${milliseconds} ms`
}
