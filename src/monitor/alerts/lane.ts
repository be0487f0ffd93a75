/**
 * One channel's lane: a bounded queue with retries. Each has its own, so that a webhook that hangs holds up no mail. One alert is sent at a time; those that failed wait,
 * twice as long each time, and others go ahead.
 */
import type { Clock } from '../../core/clock.ts'
import { hours, minutes, seconds } from '../../core/duration.ts'
import type { Events } from '../../core/events.ts'
import { Alarm } from './alarm.ts'
import type { Alert, AlertChannel, SendOutcome } from './alert.ts'

/** What every lane works with. */
export interface LaneParts {
  readonly clock: Clock
  readonly events: Events
  /** A number from 0 to 1. */
  readonly random: () => number
  readonly mostWaiting: number
  readonly mostPerHour: number
  readonly giveUpAfter: number
}

interface Waiting {
  readonly alert: Alert
  readonly since: number
  attempts: number
  nextAt: number
}

const FIRST_PAUSE = seconds(1)
const LONGEST_PAUSE = minutes(5)
/** Whatever a receiver asks for. */
const LONGEST_RETRY_AFTER = hours(1)
/** Before anything is given up for its age: a clock that was set must not make the first failure the last. */
const FEWEST_TRIES = 3
const REASON = /^[a-z0-9][a-z0-9.-]{0,63}$/

export class Lane {
  readonly #name: string
  readonly #channel: AlertChannel
  readonly #parts: LaneParts
  readonly #queue: Waiting[] = []
  readonly #alarm: Alarm
  readonly #stopping = new AbortController()
  #idle: (() => void)[] = []
  #isSending = false
  #isGone = false
  /** Of this hour. */
  #count = 0
  #hourAt = 0
  #dropped = 0
  #unreported = 0
  #reporting: NodeJS.Timeout | undefined

  constructor(name: string, channel: AlertChannel, parts: LaneParts) {
    this.#name = name
    this.#channel = channel
    this.#parts = parts
    this.#alarm = new Alarm(parts.clock, () => void this.#work())
  }

  get waiting(): number {
    return this.#queue.length
  }

  get dropped(): number {
    return this.#dropped
  }

  /** Whether the receiver has said that it wants no more. */
  get isGone(): boolean {
    return this.#isGone
  }

  /** Queues it. Never waits, never throws; what finds no room is counted. */
  add(alert: Alert): void {
    const now = this.#parts.clock()
    if (now - this.#hourAt >= hours(1) || now < this.#hourAt) {
      this.#hourAt = now
      this.#count = 0
    }
    this.#count++
    const isFull = this.#queue.length >= this.#parts.mostWaiting
    if (this.#isGone || isFull || this.#count > this.#parts.mostPerHour) {
      this.#drop(1)
      return
    }
    this.#queue.push({ alert, since: now, attempts: 0, nextAt: now })
    void this.#work()
  }

  /** Resolves once nothing waits any more, or nothing is sent any more. */
  drained(): Promise<void> {
    if (this.#queue.length === 0 && !this.#isSending) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  /** Sends what waits at once, whatever pause it was given: there may be no later. */
  hurry(): void {
    for (const waiting of this.#queue) waiting.nextAt = 0
    void this.#work()
  }

  /** Breaks off what is under way, and counts as lost what waits. */
  stop(): void {
    this.#alarm.clear()
    this.#stopping.abort()
    this.#isGone = true
    this.#drop(this.#queue.splice(0).length)
    this.#report()
  }

  async #work(): Promise<void> {
    if (this.#isSending) return
    this.#isSending = true
    for (let waiting = this.#due(); waiting !== undefined; waiting = this.#due()) await this.#send(waiting)
    this.#isSending = false
    if (this.#queue.length === 0) for (const resolve of this.#idle.splice(0)) resolve()
    else for (const { nextAt } of this.#queue) this.#alarm.set(nextAt)
  }

  #due(): Waiting | undefined {
    const now = this.#parts.clock()
    // Also when the clock went back: nobody waits longer than the longest pause.
    return this.#queue.find(({ nextAt }) => nextAt <= now || nextAt > now + LONGEST_RETRY_AFTER)
  }

  async #send(waiting: Waiting): Promise<void> {
    const { clock, events } = this.#parts
    const outcome = await this.#try(waiting.alert)
    const index = this.#queue.indexOf(waiting)
    // Stopped meanwhile, and counted.
    if (index < 0) return
    waiting.attempts++
    const { attempts, alert } = waiting
    const about = { channel: this.#name, rule: alert.rule, attempts }
    if (outcome.kind === 'sent') {
      this.#queue.splice(index, 1)
      events.emit({ type: 'alert.sent', ...about, count: alert.count })
      return
    }
    const now = clock()
    const { retryAfter = 0, isOver } = outcome
    const reason = REASON.test(outcome.reason) ? outcome.reason : 'failed'
    const isTooOld = attempts >= FEWEST_TRIES && now - waiting.since >= this.#parts.giveUpAfter
    if (isOver === undefined && !isTooOld) {
      waiting.nextAt = now + Math.max(this.#pauseAfter(attempts), Math.min(retryAfter, LONGEST_RETRY_AFTER))
      return
    }
    this.#queue.splice(index, 1)
    events.emit({ type: 'alert.failed', ...about, reason })
    if (isOver !== 'channel') return
    this.#isGone = true
    this.#drop(this.#queue.splice(0).length)
  }

  /** Never rejects, and never takes longer than its time, whatever the channel does. */
  async #try(alert: Alert): Promise<SendOutcome> {
    const { timeout = seconds(15) } = this.#channel
    const late = new AbortController()
    const signal = AbortSignal.any([late.signal, this.#stopping.signal])
    const failed = (reason: string): SendOutcome => ({ kind: 'failed', reason })
    let timer: NodeJS.Timeout | undefined
    const isOver = new Promise<SendOutcome>((resolve) => {
      signal.addEventListener('abort', () => resolve(failed('timeout')))
      timer = setTimeout(() => late.abort(), timeout)
      timer.unref()
    })
    try {
      // As an async call, so that a channel that throws at once is one that failed.
      const sending = (async () => this.#channel.send(alert, { at: this.#parts.clock(), signal }))()
      const outcome = await Promise.race([sending, isOver])
      return outcome?.kind === 'sent' || outcome?.kind === 'failed' ? outcome : failed('no-outcome')
    } catch {
      return failed('failed')
    } finally {
      clearTimeout(timer)
    }
  }

  /** Twice as long each time, a quarter of it left to chance: receivers that come back are not met by everything at once. */
  #pauseAfter(attempts: number): number {
    const longest = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(attempts - 1, 30))
    return Math.floor(longest * (0.75 + 0.25 * this.#parts.random()))
  }

  #drop(count: number): void {
    if (count === 0) return
    this.#dropped += count
    this.#unreported += count
    if (this.#reporting !== undefined) return
    this.#reporting = setTimeout(() => this.#report(), minutes(1))
    this.#reporting.unref()
  }

  #report(): void {
    clearTimeout(this.#reporting)
    this.#reporting = undefined
    const count = this.#unreported
    this.#unreported = 0
    if (count > 0) this.#parts.events.emit({ type: 'monitor.dropped', consumer: `alerts.${this.#name}`, count })
  }
}
