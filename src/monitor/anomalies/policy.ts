/** The policy: which signal leads to what. */
import { ConfigError } from '../../core/errors.ts'
import { ACTIONS, type Action, SIGNALS, type Signal, type SignalName, stricter } from './signal.ts'

/** What is done from which score on. */
export interface PolicyRule {
  readonly action: Action
  /** Least score, 0 to 1. Default 0.5. */
  readonly from?: number
  /**
   * For `unusual-sign-in`, instead of `from`: at most this share of the population's sign-ins, the most suspicious ones. 0.0001 to 0.5. It follows by itself
   * what is usual; until 500 sign-ins were seen it does nothing.
   */
  readonly share?: number
}

/** Rules by signal; of several that apply the strictest counts. A signal without any is not reported. */
export type AnomalyPolicy = Readonly<Partial<Record<SignalName, PolicyRule | readonly PolicyRule[]>>>

/** Asks 1 % of sign-ins for more, ends nothing by itself, and tells operators what one session cannot show. */
export const defaultPolicy: AnomalyPolicy = Object.freeze({
  'unusual-sign-in': [
    { share: 0.01, action: 'step-up' },
    // What is likelier somebody else's than not, where there are too few sign-ins for a share. On the simulator one legitimate sign-in in a thousand.
    { from: 0.5, action: 'step-up' },
  ],
  'impossible-travel': { action: 'step-up' },
  'new-device': { action: 'note' },
  'new-network': { action: 'note' },
  'unusual-hours': { action: 'note' },
  'session-burst': { action: 'notify' },
  'shared-address': { action: 'notify' },
  'agent-changed': { action: 'step-up' },
  'parallel-use': { action: 'step-up' },
  'forged-tokens': { action: 'notify' },
  'session-guessing': { action: 'notify' },
  'token-reuse': { action: 'notify' },
  'unusual-behaviour': [
    { from: 0.5, action: 'note' },
    { from: 0.9, action: 'notify' },
  ],
})

export type ResolvedPolicy = ReadonlyMap<SignalName, readonly PolicyRule[]>

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - a signal, an action or a bound that does not exist. */
export function resolvePolicy(given: unknown): ResolvedPolicy {
  if (given !== undefined && (typeof given !== 'object' || given === null || Array.isArray(given)))
    throw invalid('policy', 'an object such as { ...defaultPolicy, "new-device": { action: "note" } }')
  const policy = new Map<SignalName, readonly PolicyRule[]>()
  for (const [name, value] of Object.entries({ ...defaultPolicy, ...(given as AnomalyPolicy) })) {
    if (!(SIGNALS as readonly string[]).includes(name)) throw invalid(`policy.${name}`, `one of ${SIGNALS.join(', ')}`)
    if (value === undefined) continue
    const rules = Array.isArray(value) ? value : [value]
    for (const rule of rules) checkRule(name, rule)
    policy.set(name as SignalName, rules)
  }
  return policy
}

function checkRule(name: string, rule: unknown): asserts rule is PolicyRule {
  const { action, from, share } = (typeof rule === 'object' && rule !== null ? rule : {}) as Partial<PolicyRule>
  if (!ACTIONS.includes(action as Action)) throw invalid(`policy.${name}.action`, `one of ${ACTIONS.join(', ')}`)
  if (from !== undefined && !(typeof from === 'number' && from >= 0 && from <= 1))
    throw invalid(`policy.${name}.from`, 'a number from 0 to 1')
  if (share === undefined) return
  if (name !== 'unusual-sign-in')
    throw invalid(`policy.${name}.share`, 'nothing: only unusual-sign-in is measured against the population')
  if (!(typeof share === 'number' && share >= 0.0001 && share <= 0.5))
    throw invalid(`policy.${name}.share`, 'a number from 0.0001 to 0.5')
}

/** The strictest action for a signal; `undefined` where it is not worth mentioning. */
export function actionFor(policy: ResolvedPolicy, signal: Signal): Action | undefined {
  let action: Action | undefined
  for (const rule of policy.get(signal.name) ?? []) {
    const applies =
      rule.share === undefined ? signal.score >= (rule.from ?? 0.5) : signal.share !== undefined && signal.share <= rule.share
    if (applies) action = action === undefined ? rule.action : stricter(action, rule.action)
  }
  return action
}

export function invalid(what: string, expected: string): ConfigError {
  return new ConfigError(`anomalyDetection: ${what} is not what it can be; expected ${expected}. See docs/guide/anomalies.md.`, {
    code: 'ERR_CONFIG_INVALID',
  })
}
