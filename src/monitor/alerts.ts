/**
 * Alerts: somebody hears of what must not wait for a look at a dashboard. Events become alerts by rules, alike ones become one, and each channel sends them at its
 * own pace. And notices: the person whose account it is hears of a new sign-in, and ends it with one click.
 */
import { hours, seconds } from '../core/duration.ts'
import type { SojournEvent } from '../core/events.ts'
import { serviceOf } from '../core/service.ts'
import type { Sessions } from '../core/sessions.ts'
import { encodeId } from '../core/token.ts'
import type { Alert, AlertChannel } from './alerts/alert.ts'
import { type Gathered, Groups } from './alerts/groups.ts'
import { checkNames, invalid, within } from './alerts/invalid.ts'
import { RateLimit } from './alerts/rate-limit.ts'
import { RetryingQueue } from './alerts/retrying-queue.ts'
import { type AlertRule, alertRules, NAME, type ResolvedRule, resolveRules } from './alerts/rules.ts'
import { consume } from './consumer.ts'

export type { Alert, AlertChannel, Sending, SendOutcome } from './alerts/alert.ts'
export { email } from './alerts/email.ts'
export { newSignInNotice } from './alerts/new-sign-in.ts'
export type { Disowned, NewSignInNotice, NewSignInOptions, NoticeState, SignIn } from './alerts/new-sign-in-options.ts'
export { type AlertRule, alertRules } from './alerts/rules.ts'
export { type WebhookOptions, webhook } from './alerts/webhook.ts'
export type { Level } from './catalogue.ts'

/** Options of `alerts`. */
export interface AlertsOptions {
  /** Where alerts go, by names of yours, such as `{ ops: webhook({ ... }), mail: email(...) }`; 1 to 20. A rule names those it goes to. */
  readonly channels: Readonly<Record<string, AlertChannel>>
  /** Default `alertRules`. Given ones replace them: spread them to add. */
  readonly rules?: readonly AlertRule[]
  /**
   * Alerts in an hour to one channel, of this process. Default 100; 1 to 10,000. More are counted and reported, not sent: whoever can cause alerts at will could
   * otherwise bury the one that matters.
   */
  readonly mostPerHour?: number
  /** Alerts that wait for one channel. Default 1,000; 10 to 100,000. Then the newest are lost, counted and reported. */
  readonly mostWaiting?: number
  /** How long an alert is tried before it is given up, in milliseconds. Default `hours(1)`; 1 second to 1 day. Three tries are made at least. */
  readonly giveUpAfter?: number
}

/** Alerts at work. */
export interface Alerts {
  /** How things are, by channel. */
  status(): Readonly<Record<string, { readonly waiting: number; readonly dropped: number; readonly isGone: boolean }>>
  /** Resolves when all that happened until now is sent or given up. Groups whose window is open are not waited for. For tests and jobs. */
  drained(): Promise<void>
  /**
   * Stops listening and sends what is gathered and what waits, for at most `timeout` milliseconds (default 5,000). What is left then is lost, and reported.
   */
  close(options?: { readonly timeout?: number }): Promise<void>
}

const KNOWN: ReadonlySet<string> = new Set([
  'channels',
  'rules',
  'mostPerHour',
  'mostWaiting',
  'giveUpAfter',
] satisfies (keyof AlertsOptions)[])
const MOST_CHANNELS = 20

/**
 * Sends alerts of a service's events.
 *
 * Call it once, at start-up; several make several alerts of each event. What waits is in this process's memory: a crash loses it, and each process groups and limits
 * by itself. The audit log is what must not be lost.
 *
 * @param sessions - What `createSessions` gave.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up: what was given, what was expected, why.
 * @see ASVS 5.0, 16.3 and 16.4
 * @example
 * alerts(sessions, { channels: { ops: webhook({ url: 'https://hooks.example/sojourn', secret: process.env.HOOK_SECRET }) } })
 */
export function alerts<Data>(sessions: Sessions<Data>, options: AlertsOptions): Alerts {
  const { config, events } = serviceOf(sessions)
  checkNames('alerts', options, KNOWN)
  const channels = checkChannels(options.channels)
  const rules = resolveRules(options.rules ?? alertRules, new Set(channels.keys()))
  const mostPerHour = within('alerts', 'mostPerHour', options.mostPerHour, 100, 1, 10_000)
  const settings = {
    clock: config.clock,
    events,
    random: () => config.random(1)[0]! / 255,
    concurrency: 1,
    mostWaiting: within('alerts', 'mostWaiting', options.mostWaiting, 1000, 10, 100_000),
    giveUpAfter: within('alerts', 'giveUpAfter', options.giveUpAfter, hours(1), seconds(1), hours(24)),
  }
  const lanes = new Map([...channels].map(([name, channel]) => [name, laneOf(name, channel)]))
  for (const [name, { isPlain }] of channels)
    if (isPlain === true) events.emit({ type: 'safety.lowered', option: `alerts.${name}.dangerouslyAllowHttp` })

  const limits = new Map(rules.map((rule) => [rule, new RateLimit(config.clock, rule.mostPerHour)]))
  const groups = new Groups(config.clock, send)
  const wanted = new Set(rules.flatMap(({ on }) => [...on]))
  const consumer = consume(sessions, {
    name: 'alerts',
    wants: ({ type }) => wanted.has(type),
    deliver: (batch) => {
      for (const event of batch) for (const rule of rules) if (isAbout(rule, event)) groups.add(rule, event)
    },
  })

  /** Each channel has a queue of its own, so that a webhook that hangs holds up no mail. */
  function laneOf(name: string, channel: AlertChannel): Lane {
    const about = ({ rule }: Alert, attempts: number) => ({ channel: name, rule, attempts })
    const queue = new RetryingQueue<Alert>({
      ...settings,
      name: `alerts.${name}`,
      timeout: channel.timeout ?? seconds(15),
      send: (alert, sending) => channel.send(alert, sending),
      sent: (alert, attempts) => events.emit({ type: 'alert.sent', ...about(alert, attempts), count: alert.count }),
      failed: (alert, attempts, reason) => events.emit({ type: 'alert.failed', ...about(alert, attempts), reason }),
    })
    return { queue, limit: new RateLimit(config.clock, mostPerHour) }
  }

  function send(rule: ResolvedRule, gathered: Gathered, latest: SojournEvent): void {
    const heldBack = limits.get(rule)!.admit()
    if (heldBack === undefined) return
    const alert: Alert = { id: `alert_${encodeId(config.random(16))}`, ...gathered, heldBack }
    for (const name of rule.channels) {
      const { queue, limit } = lanes.get(name)!
      if (isOfItself(latest, name)) continue
      if (limit.admit() === undefined) queue.drop(1)
      else queue.add(alert)
    }
  }

  return {
    status() {
      const statusOf = ({ queue: { waiting, dropped, isStopped } }: Lane) => ({ waiting, dropped, isGone: isStopped })
      return Object.fromEntries([...lanes].map(([name, lane]) => [name, statusOf(lane)]))
    },
    async drained() {
      await consumer.drained()
      await Promise.all([...lanes.values()].map(({ queue }) => queue.drained()))
    },
    async close({ timeout = 5000 } = {}) {
      await consumer.close({ timeout })
      groups.flush()
      await Promise.all([...lanes.values()].map(({ queue }) => queue.close(timeout)))
    },
  }
}

interface Lane {
  readonly queue: RetryingQueue<Alert>
  readonly limit: RateLimit
}

function isAbout({ on, when }: ResolvedRule, event: SojournEvent): boolean {
  if (!on.has(event.type)) return false
  try {
    return when === undefined || when(event) !== false
  } catch {
    return true
  }
}

/** What a channel could not send is not sent there. */
function isOfItself(event: SojournEvent, channel: string): boolean {
  if (event.type === 'alert.failed') return event.channel === channel
  return event.type === 'monitor.dropped' && event.consumer === `alerts.${channel}`
}

function checkChannels(channels: unknown): ReadonlyMap<string, AlertChannel> {
  const entries = typeof channels === 'object' && channels !== null ? Object.entries(channels) : []
  if (entries.length === 0 || entries.length > MOST_CHANNELS)
    throw invalid(
      'alerts',
      'channels is none',
      `an object of 1 to ${MOST_CHANNELS} channels by name`,
      'alerts would reach nobody',
    )
  for (const [name, channel] of entries) {
    if (!NAME.test(name))
      throw invalid('alerts', 'the name of a channel is no machine word', "one such as 'ops'", 'rules and events name it')
    if (typeof channel?.send !== 'function')
      throw invalid(
        `alerts, channel ${name}`,
        'it has no send',
        'what webhook or email gave, or your own',
        'alerts would reach nobody',
      )
  }
  return new Map(entries)
}
