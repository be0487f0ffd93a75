/** Signals: what looked wrong, how much, why, and one sentence for people. No address, name or place of anybody is in one: they leave in events. */

/** What is done about a signal, from the mildest. */
export const ACTIONS = ['note', 'notify', 'step-up', 'rotate', 'revoke'] as const
export type Action = (typeof ACTIONS)[number]

/** Every signal there is. `docs/guide/anomalies.md` says when each is given. */
export const SIGNALS = [
  'unusual-sign-in',
  'impossible-travel',
  'new-device',
  'new-network',
  'unusual-hours',
  'session-burst',
  'shared-address',
  'agent-changed',
  'parallel-use',
  'forged-tokens',
  'session-guessing',
  'token-reuse',
  'unusual-behaviour',
] as const
export type SignalName = (typeof SIGNALS)[number]

/** One reason, and its weight. */
export interface Feature {
  /** Such as `operator`, `speed`, `count`: of a fixed list for each signal. */
  readonly name: string
  /** For `unusual-sign-in` the logarithm of a likelihood ratio, above 0 where it speaks for somebody else; elsewhere the measured, coarse amount. */
  readonly contribution: number
}

/** One thing that looked wrong. */
export interface Signal {
  readonly name: SignalName
  /** From 0 to 1. */
  readonly score: number
  readonly features: readonly Feature[]
  /** For a person to read; without any value of anybody's. */
  readonly sentence: string
  /** For `unusual-sign-in`: share of the population's recent sign-ins that were at least as suspicious. `undefined` while too few are known. */
  readonly share?: number | undefined
}

/** With two decimals: who sees more would take it for precision. */
export function rounded(value: number): number {
  return Math.round(value * 100) / 100
}

export function stricter(a: Action, b: Action): Action {
  return ACTIONS.indexOf(a) >= ACTIONS.indexOf(b) ? a : b
}
