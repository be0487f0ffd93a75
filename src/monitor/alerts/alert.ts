/** An alert, and where it can be sent: what channels of this package and of the application have in common. */
import type { EventType } from '../../core/events.ts'
import type { Level } from '../catalogue.ts'

/**
 * What a channel is given: which rule, about whom, how often. Nothing in it is secret, and the subject and the session's public id are all that is
 * personal; subjects are your own names for people, so use ids that mean nothing elsewhere.
 */
export interface Alert {
  /** Its name, 22 random base64url characters behind `alert_`; the same in every try, so that a receiver can tell a repetition. */
  readonly id: string
  /** Name of the rule. */
  readonly rule: string
  readonly level: Level
  /** Type of the event it is about; of the latest, where it stands for several. */
  readonly event: EventType
  /** What happened, for people. No value of anybody's is in it. */
  readonly sentence: string
  readonly subject?: string | undefined
  /** Of the latest event. */
  readonly sessionId?: string | undefined
  /** Machine word of the latest event, such as `wrong-secret`. */
  readonly reason?: string | undefined
  /** How many events it stands for. */
  readonly count: number
  /** Of the first and the latest of these, in epoch milliseconds. */
  readonly firstAt: number
  readonly lastAt: number
  /** Whether an alert of the same rule about the same subject came just before, and these events after it. */
  readonly isFollowUp: boolean
  /** Alerts of this rule that were not sent since the last one, because there were too many. */
  readonly heldBack: number
}

/** One try of a channel. */
export interface Sending {
  /** When it is made, in epoch milliseconds. */
  readonly at: number
  /** Aborts when the time for it is over: give up then. */
  readonly signal: AbortSignal
}

/** What came of a try. */
export type SendOutcome =
  | { readonly kind: 'sent' }
  | {
      readonly kind: 'failed'
      /** Machine word, such as `status-503`. */
      readonly reason: string
      /** How long the receiver asks to be left alone, in milliseconds. */
      readonly retryAfter?: number | undefined
      /** `alert`: this one is not tried again. `channel`: nothing is sent there any more by this process. Default: it is tried again. */
      readonly isOver?: 'alert' | 'channel' | undefined
    }

/** Where alerts go: `webhook`, `email`, or your own. */
export interface AlertChannel {
  /** Sends one alert. A rejection counts as a failure that is tried again. */
  send(alert: Alert, sending: Sending): Promise<SendOutcome>
  /** Longest time of a try, in milliseconds. Default `seconds(15)`. */
  readonly timeout?: number | undefined
  /** Whether it sends in the clear; reported at start-up. */
  readonly isPlain?: boolean | undefined
}
