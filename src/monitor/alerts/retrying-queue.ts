/**
 * A bounded queue of things to send, with retries: a few at a time, and one that fails waits, twice as long each time, while others go ahead. It lives in this process's
 * memory. Nothing that is sent can hold it up for longer than its time.
 */
import type { Clock } from '../../core/clock.ts'
import { hours, minutes, seconds } from '../../core/duration.ts'
import type { Events } from '../../core/events.ts'
import { Alarm } from './alarm.ts'
import type { SendOutcome } from './alert.ts'

/** What a queue works with, and whom it tells. */
export interface QueueOptions<Item> {
  /** Its name where losses are reported. */
  readonly name: string
  readonly clock: Clock
  readonly events: Events
  /** A number from 0 to 1. */
  readonly random: () => number
  readonly mostWaiting: number
  readonly giveUpAfter: number
  /** Sent at the same time. */
  readonly concurrency: number
  /** Longest time of a try, in milliseconds. */
  readonly timeout: number
  send(item: Item, sending: { readonly at: number; readonly signal: AbortSignal }): Promise<SendOutcome>
  sent(item: Item, attempts: number): void
  /** Given up. */
  failed(item: Item, attempts: number, reason: string): void
}

interface Waiting<Item> {
  readonly item: Item
  readonly since: number
  attempts: number
  nextAt: number
  isSending: boolean
}

const FIRST_PAUSE = seconds(1)
const LONGEST_PAUSE = minutes(5)
/** Whatever a receiver asks for. */
const LONGEST_RETRY_AFTER = hours(1)
/** Before anything is given up for its age: a clock that was set must not make the first failure the last. */
const FEWEST_TRIES = 3
const REASON = /^[a-z0-9][a-z0-9.-]{0,63}$/

export class RetryingQueue<Item> {
  readonly #options: QueueOptions<Item>
  readonly #queue: Waiting<Item>[] = []
  readonly #alarm: Alarm
  readonly #stopping = new AbortController()
  #idle: (() => void)[] = []
  #active = 0
  #isStopped = false
  #dropped = 0
  #unreported = 0
  #reporting: NodeJS.Timeout | undefined

  constructor(options: QueueOptions<Item>) {
    this.#options = options
    this.#alarm = new Alarm(options.clock, () => this.#work())
  }

  /** Waiting, or being sent. */
  get waiting(): number {
    return this.#queue.length
  }

  /** Lost since the start: there was no room, or nothing is sent any more. */
  get dropped(): number {
    return this.#dropped
  }

  /** Whether nothing is sent any more. */
  get isStopped(): boolean {
    return this.#isStopped
  }

  /** Never waits, never throws; what finds no room is counted. */
  add(item: Item): void {
    if (this.#isStopped || this.#queue.length >= this.#options.mostWaiting) {
      this.drop(1)
      return
    }
    const now = this.#options.clock()
    this.#queue.push({ item, since: now, attempts: 0, nextAt: now, isSending: false })
    this.#work()
  }

  /** Counts as lost; reported once a minute. */
  drop(count: number): void {
    if (count === 0) return
    this.#dropped += count
    this.#unreported += count
    if (this.#reporting !== undefined) return
    this.#reporting = setTimeout(() => this.#report(), minutes(1))
    this.#reporting.unref()
  }

  /** Resolves once nothing waits any more. */
  drained(): Promise<void> {
    return this.#queue.length === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve))
  }

  /** Sends what waits, whatever pause it was given, for at most so many milliseconds; what is left is lost. */
  async close(timeout: number): Promise<void> {
    for (const waiting of this.#queue) waiting.nextAt = 0
    this.#work()
    let timer: NodeJS.Timeout | undefined
    const isLate = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeout)
    })
    await Promise.race([this.drained(), isLate])
    clearTimeout(timer)
    this.stop()
    this.#report()
  }

  /** Breaks off what is under way, and counts as lost what waits. */
  stop(): void {
    this.#isStopped = true
    this.#alarm.clear()
    this.#stopping.abort()
    this.drop(this.#queue.splice(0).length)
    this.#rest()
  }

  #work(): void {
    while (!this.#isStopped && this.#active < this.#options.concurrency) {
      const waiting = this.#due()
      if (waiting === undefined) break
      waiting.isSending = true
      this.#active++
      void this.#send(waiting)
    }
    for (const { nextAt, isSending } of this.#queue) if (!isSending) this.#alarm.set(nextAt)
  }

  #due(): Waiting<Item> | undefined {
    const now = this.#options.clock()
    // Also when the clock went back: nobody waits longer than the longest pause.
    return this.#queue.find(({ nextAt, isSending }) => !isSending && (nextAt <= now || nextAt > now + LONGEST_RETRY_AFTER))
  }

  async #send(waiting: Waiting<Item>): Promise<void> {
    const outcome = await this.#try(waiting.item)
    this.#active--
    waiting.isSending = false
    const index = this.#queue.indexOf(waiting)
    // Else it was stopped meanwhile, and counted.
    if (index >= 0) this.#settle(waiting, index, outcome)
    this.#work()
    this.#rest()
  }

  #settle(waiting: Waiting<Item>, index: number, outcome: SendOutcome): void {
    const { clock, giveUpAfter } = this.#options
    const attempts = ++waiting.attempts
    if (outcome.kind === 'sent') {
      this.#queue.splice(index, 1)
      this.#options.sent(waiting.item, attempts)
      return
    }
    const now = clock()
    const { retryAfter = 0, isOver } = outcome
    const isTooOld = attempts >= FEWEST_TRIES && now - waiting.since >= giveUpAfter
    if (isOver === undefined && !isTooOld) {
      waiting.nextAt = now + Math.max(this.#pauseAfter(attempts), Math.min(retryAfter, LONGEST_RETRY_AFTER))
      return
    }
    this.#queue.splice(index, 1)
    this.#options.failed(waiting.item, attempts, REASON.test(outcome.reason) ? outcome.reason : 'failed')
    if (isOver === 'channel') this.stop()
  }

  /** Never rejects, and never takes longer than its time, whatever is called does. */
  async #try(item: Item): Promise<SendOutcome> {
    const { clock, send, timeout } = this.#options
    const late = new AbortController()
    const signal = AbortSignal.any([late.signal, this.#stopping.signal])
    const failed = (reason: string): SendOutcome => ({ kind: 'failed', reason })
    const timer = setTimeout(() => late.abort(), timeout).unref()
    const isOver = new Promise<SendOutcome>((resolve) => {
      signal.addEventListener('abort', () => resolve(failed('timeout')))
    })
    try {
      // As an async call, so that one that throws at once is one that failed.
      const sending = (async () => send(item, { at: clock(), signal }))()
      const outcome = await Promise.race([sending, isOver])
      return outcome?.kind === 'sent' || outcome?.kind === 'failed' ? outcome : failed('no-outcome')
    } catch {
      return failed('failed')
    } finally {
      clearTimeout(timer)
    }
  }

  /** A quarter of it left to chance: receivers that come back are not met by everything at once. */
  #pauseAfter(attempts: number): number {
    const longest = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(attempts - 1, 30))
    return Math.floor(longest * (0.75 + 0.25 * this.#options.random()))
  }

  #rest(): void {
    if (this.#queue.length === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  #report(): void {
    clearTimeout(this.#reporting)
    this.#reporting = undefined
    const count = this.#unreported
    this.#unreported = 0
    const { events, name: consumer } = this.#options
    if (count > 0) events.emit({ type: 'monitor.dropped', consumer, count })
  }
}
