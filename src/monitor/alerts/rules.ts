/** Rules: which events somebody must hear of, and those that everybody should start with. */
import { minutes } from '../../core/duration.ts'
import type { EventType, SojournEvent } from '../../core/events.ts'
import { catalogue } from '../catalogue.ts'
import { checkNames, invalid, within } from './invalid.ts'

/** One rule. */
export interface AlertRule {
  /** Its name, a machine word such as `stolen-token`. */
  readonly name: string
  /** Which events it is about. */
  readonly on: EventType | readonly EventType[]
  /** Which of these. Default: all. One that throws counts as yes: an alert too many. Called for every event, so quick. */
  readonly when?: (event: SojournEvent) => boolean
  /** What it says, for people. Default: what the catalogue says of the event. */
  readonly says?: string
  /** Whether each subject has alerts of its own (`subject`, the default), or all have one (`rule`). */
  readonly groupBy?: 'subject' | 'rule'
  /**
   * How long events are gathered, in milliseconds. Default `minutes(5)`; 1 second to 1 day. The first is told at once, and those after it as one alert when the time
   * is over.
   */
  readonly groupWithin?: number
  /** How many must come within that time before anybody is told. Default 1; at most 100,000. */
  readonly atLeast?: number
  /** Alerts in an hour, of this process. Default 20; 1 to 1,000. An attacker who makes noise must not fill the mailbox in which another alert is to be found. */
  readonly mostPerHour?: number
  /** Names of the channels it goes to. Default: all. */
  readonly channels?: readonly string[]
}

/** A rule, checked and complete. */
export interface ResolvedRule extends Required<Omit<AlertRule, 'on' | 'when' | 'says'>> {
  readonly on: ReadonlySet<EventType>
  readonly when: ((event: SojournEvent) => boolean) | undefined
  readonly says: string | undefined
}

const isForged = (event: SojournEvent) => event.type === 'token.refused' && event.state === 'forged'
const isInOtherHands = (event: SojournEvent) =>
  event.type === 'refresh-token.refused' && (event.reason === 'other-client' || event.reason === 'other-key')
const isAnotherClient = (event: SojournEvent) =>
  event.type === 'traits.drifted' && !event.isShadow && (event.grade === 'step-up' || event.grade === 'revoke')
const isAnomaly = (event: SojournEvent) => event.type === 'anomaly.detected' && !event.isShadow && event.action !== 'note'

/**
 * The rules that `alerts` has unless it is given others: each is something that a person should look at soon. Spread them to add your own.
 *
 * @example
 * alerts(sessions, { channels, rules: [...alertRules, { name: 'new-factor', on: 'factor.added' }] })
 */
export const alertRules: readonly AlertRule[] = [
  { name: 'stolen-token', on: ['session.reused', 'refresh-token.reused'] },
  { name: 'token-in-other-hands', on: 'refresh-token.refused', when: isInOtherHands },
  { name: 'another-client', on: 'traits.drifted', when: isAnotherClient },
  { name: 'anomaly', on: 'anomaly.detected', when: isAnomaly },
  { name: 'copied-passkey', on: 'factor.suspected' },
  { name: 'disowned-sign-in', on: 'sign-in.disowned' },
  { name: 'guessing', on: 'throttle.reached' },
  {
    name: 'forged-tokens',
    on: 'token.refused',
    when: isForged,
    groupBy: 'rule',
    groupWithin: minutes(1),
    atLeast: 20,
    says: 'Tokens come that no key of ours made: somebody is making them up, or a key was removed too early.',
  },
  { name: 'sign-out-elsewhere', on: 'delivery.given-up', groupBy: 'rule' },
  { name: 'damaged-record', on: 'session.quarantined', groupBy: 'rule' },
  { name: 'store-away', on: 'store.circuit-opened', groupBy: 'rule' },
  { name: 'events-lost', on: ['monitor.dropped', 'monitor.failed', 'alert.failed'], groupBy: 'rule' },
]

const KNOWN: ReadonlySet<string> = new Set([
  'name',
  'on',
  'when',
  'says',
  'groupBy',
  'groupWithin',
  'atLeast',
  'mostPerHour',
  'channels',
] satisfies (keyof AlertRule)[])
const MOST_RULES = 200
const LONGEST_WORDS = 500
export const NAME = /^[a-z0-9][a-z0-9.-]{0,63}$/

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up. */
export function resolveRules(rules: unknown, channels: ReadonlySet<string>): readonly ResolvedRule[] {
  if (!Array.isArray(rules) || rules.length === 0 || rules.length > MOST_RULES)
    throw invalid('alerts', 'rules is no list', `1 to ${MOST_RULES} rules`, 'nobody would hear of anything')
  const resolved = rules.map((rule) => resolveRule(rule, channels))
  if (new Set(resolved.map(({ name }) => name)).size < resolved.length)
    throw invalid('alerts', 'two rules have one name', 'each once', 'their alerts could not be told apart')
  return resolved
}

function resolveRule(rule: AlertRule, known: ReadonlySet<string>): ResolvedRule {
  checkNames('alerts, a rule', rule, KNOWN)
  const { name, when, says, groupBy = 'subject', channels = [...known] } = rule
  if (typeof name !== 'string' || !NAME.test(name))
    throw invalid('alerts', 'the name of a rule is no machine word', "one such as 'stolen-token'", 'receivers sort by it')
  const what = `alerts, rule ${name}`
  const on = typeof rule.on === 'string' ? [rule.on] : rule.on
  if (!Array.isArray(on) || on.length === 0 || !on.every((type) => typeof type === 'string' && Object.hasOwn(catalogue, type)))
    throw invalid(
      what,
      '`on` names no event, or one that there is not',
      'types such as session.reused',
      'it would never be heard',
    )
  if (on.includes('alert.sent')) throw invalid(what, '`on` names alert.sent', 'other events', 'each alert would cause the next')
  if (when !== undefined && typeof when !== 'function')
    throw invalid(what, 'when is no function', 'one that takes the event', 'it decides who is told')
  if (says !== undefined && (typeof says !== 'string' || says.trim() === '' || says.length > LONGEST_WORDS))
    throw invalid(what, 'says is no sentence', `1 to ${LONGEST_WORDS} characters`, 'people read it')
  if (groupBy !== 'subject' && groupBy !== 'rule')
    throw invalid(what, 'groupBy is neither word', "'subject' or 'rule'", 'it would group by nothing')
  if (!Array.isArray(channels) || channels.length === 0 || !channels.every((channel) => known.has(channel)))
    throw invalid(what, 'channels names none, or one that there is not', [...known].join(', '), 'it would reach nobody')
  return {
    name,
    on: new Set(on),
    when,
    says,
    groupBy,
    channels,
    groupWithin: within(what, 'groupWithin', rule.groupWithin, minutes(5), 1000, minutes(1440)),
    atLeast: within(what, 'atLeast', rule.atLeast, 1, 1, 100_000),
    mostPerHour: within(what, 'mostPerHour', rule.mostPerHour, 20, 1, 1000),
  }
}
