/**
 * A bounded queue between the events of a service and a consumer that may be slow, or away: a database, a webhook, an exporter. What happens there never slows a request:
 * events wait, in batches, while it fails; what finds no room is counted and reported, once a minute. Hears events at once (`tap`), so that none is lost in core's own queue.
 */
import type { SojournEvent } from '../core/events.ts'
import { type Service, serviceOf } from '../core/service.ts'

/** Events that found no room, since the last batch that was delivered. */
export interface Lost {
  readonly count: number
  readonly firstAt: number
  readonly lastAt: number
}

/** An event, and how many that were alike it stands for, where they were more than one. */
export type Merged = SojournEvent & { readonly times?: number; readonly lastAt?: number }

/** What a consumer is. */
export interface ConsumerOptions {
  /** Its name in reports, such as `audit`. */
  readonly name: string
  /** Whether it wants this event. Called inside a request: quick, and without waiting. Default: all. */
  readonly wants?: (event: SojournEvent) => boolean
  /**
   * What an event is like: while one waits, those like it are counted with it and take no room, so that a flood neither fills the queue nor pushes out what is rare. `undefined`: like no other.
   * Called inside a request. Default: each is an event of its own.
   */
  readonly likeness?: (event: SojournEvent) => string | undefined
  /**
   * Takes a batch, oldest first. When it throws, or its promise rejects, the very same array comes again later: it must bear that.
   *
   * @param lost - What found no room since the last batch it took.
   * @param signal - Aborted when `close` will not wait any longer.
   */
  readonly deliver: (batch: readonly Merged[], lost: Lost | undefined, signal: AbortSignal) => Promise<unknown> | unknown
  /** Most events that wait. Default 10,000. Then the newest are lost: those that wait tell how it began. */
  readonly mostWaiting?: number
  /** Most events in a batch. Default 500. */
  readonly batchSize?: number
  /** How long the first event of a batch waits for company, in milliseconds. Default 0: what came in the same turn. */
  readonly linger?: number
  /** Pauses after a failure, doubled from the first to the longest, in milliseconds. Default 100 and 30,000. */
  readonly pauses?: { readonly first: number; readonly longest: number }
  /** How often losses are reported, in milliseconds. Default 60,000. */
  readonly reportEvery?: number
}

/** A consumer at work. */
export interface Consumer {
  /** Events that wait, or are being delivered. */
  readonly waiting: number
  /** Events lost since the start. */
  readonly dropped: number
  /** Deliveries that failed in a row; 0 while all is well. */
  readonly failures: number
  /** Resolves when everything that waits now has been delivered. It does not resolve while the consumer fails. */
  drained(): Promise<void>
  /**
   * Stops listening and delivers what waits, for at most `timeout` milliseconds (default 5,000). What is left then counts as lost and is reported.
   *
   * @returns How many events were left.
   */
  close(options?: { readonly timeout?: number }): Promise<number>
}

const MINUTE = 60_000

/** Starts a consumer of the events of `sessions`. Its timers hold no process. */
export function consume(sessions: object, options: ConsumerOptions): Consumer {
  return new Queue(serviceOf(sessions), options)
}

interface Waiting {
  readonly event: SojournEvent
  readonly likeness: string | undefined
  times: number
  lastAt: number
}

class Queue implements Consumer {
  readonly #service: Service
  readonly #options: ConsumerOptions &
    Required<Pick<ConsumerOptions, 'mostWaiting' | 'batchSize' | 'linger' | 'pauses' | 'reportEvery'>>
  readonly #queue: Waiting[] = []
  /** Those that others may be counted with: not yet in a batch. */
  readonly #alike = new Map<string, Waiting>()
  readonly #abort = new AbortController()
  readonly #stopListening: () => void
  #whenEmpty: (() => void)[] = []
  #timer: NodeJS.Timeout | undefined
  #isDelivering = false
  #isClosed = false
  #failures = 0
  #dropped = 0
  #unreported = 0
  #reporting: NodeJS.Timeout | undefined
  #lost: Lost | undefined
  /** What is being delivered, or is to be delivered again. */
  #batch: { readonly events: readonly Merged[]; readonly lost: Lost | undefined } | undefined

  constructor(service: Service, options: ConsumerOptions) {
    this.#service = service
    this.#options = {
      mostWaiting: 10_000,
      batchSize: 500,
      linger: 0,
      pauses: { first: 100, longest: 30_000 },
      reportEvery: MINUTE,
      ...options,
    }
    this.#stopListening = service.events.tap((event) => this.#take(event))
  }

  get waiting(): number {
    return this.#queue.length
  }

  get dropped(): number {
    return this.#dropped
  }

  get failures(): number {
    return this.#failures
  }

  drained(): Promise<void> {
    if (this.#queue.length === 0 && !this.#isDelivering) return Promise.resolve()
    const drained = new Promise<void>((resolve) => this.#whenEmpty.push(resolve))
    if (this.#failures === 0) this.#schedule(0)
    // Somebody waits now, and a script that does must not end before.
    this.#timer?.ref()
    return drained
  }

  async close({ timeout = 5000 }: { readonly timeout?: number } = {}): Promise<number> {
    if (this.#isClosed) return 0
    this.#isClosed = true
    this.#stopListening()
    let deadline: NodeJS.Timeout | undefined
    const isLate = new Promise<void>((resolve) => {
      deadline = setTimeout(resolve, timeout)
    })
    // At once, also after a failure: there may be no later.
    this.#schedule(0)
    await Promise.race([this.drained(), isLate])
    clearTimeout(deadline)
    clearTimeout(this.#timer)
    this.#abort.abort()
    const left = this.#queue.length
    if (left > 0) this.#drop(left)
    this.#report()
    return left
  }

  #take(event: SojournEvent): void {
    // It is told of its own losses beside the next batch, and there may be no room for more.
    if (event.type === 'monitor.dropped' && event.consumer === this.#options.name) return
    if (this.#options.wants?.(event) === false) return
    const likeness = this.#options.likeness?.(event)
    const alike = likeness === undefined ? undefined : this.#alike.get(likeness)
    if (alike !== undefined) {
      alike.times++
      alike.lastAt = event.at
      return
    }
    if (this.#queue.length >= this.#options.mostWaiting) {
      const { count = 0, firstAt = event.at } = this.#lost ?? {}
      this.#lost = { count: count + 1, firstAt, lastAt: event.at }
      this.#drop(1)
      return
    }
    const waiting = { event, likeness, times: 1, lastAt: event.at }
    this.#queue.push(waiting)
    if (likeness !== undefined) this.#alike.set(likeness, waiting)
    if (this.#timer === undefined && !this.#isDelivering) this.#schedule(this.#options.linger)
  }

  #schedule(pause: number): void {
    if (this.#isDelivering) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#deliver(), pause)
    if (this.#whenEmpty.length === 0) this.#timer.unref()
  }

  async #deliver(): Promise<void> {
    this.#timer = undefined
    if (this.#isDelivering) return
    this.#isDelivering = true
    const { name, deliver, batchSize, pauses } = this.#options
    this.#batch ??= { events: this.#queue.slice(0, batchSize).map((waiting) => this.#merged(waiting)), lost: this.#lost }
    const { events, lost } = this.#batch
    try {
      if (events.length > 0 || lost !== undefined) await deliver(events, lost, this.#abort.signal)
      this.#queue.splice(0, events.length)
      this.#batch = undefined
      this.#forget(lost)
      if (this.#failures > 0) this.#service.events.emit({ type: 'monitor.recovered', consumer: name, failures: this.#failures })
      this.#failures = 0
    } catch (error) {
      this.#failures++
      if (this.#failures === 1) this.#service.events.emit({ type: 'monitor.failed', consumer: name, code: codeOf(error) })
    }
    this.#isDelivering = false
    if (this.#failures > 0) {
      if (!this.#abort.signal.aborted)
        this.#schedule(Math.min(pauses.longest, pauses.first * 2 ** Math.min(this.#failures - 1, 30)))
    } else if (this.#queue.length > 0 || this.#lost !== undefined)
      this.#schedule(this.#queue.length >= batchSize || this.#whenEmpty.length > 0 ? 0 : this.#options.linger)
    else for (const resolve of this.#whenEmpty.splice(0)) resolve()
  }

  #merged({ event, likeness, times, lastAt }: Waiting): Merged {
    if (likeness !== undefined) this.#alike.delete(likeness)
    return times === 1 ? event : { ...event, times, lastAt }
  }

  /** What was lost while it was being told is told next time. */
  #forget(told: Lost | undefined): void {
    if (told === undefined || this.#lost === undefined) return
    const count = this.#lost.count - told.count
    this.#lost = count === 0 ? undefined : { count, firstAt: told.lastAt, lastAt: this.#lost.lastAt }
  }

  #drop(count: number): void {
    this.#dropped += count
    this.#unreported += count
    if (this.#reporting !== undefined || this.#isClosed) return
    this.#reporting = setTimeout(() => this.#report(), this.#options.reportEvery)
    this.#reporting.unref()
  }

  #report(): void {
    clearTimeout(this.#reporting)
    this.#reporting = undefined
    const count = this.#unreported
    this.#unreported = 0
    if (count > 0) this.#service.events.emit({ type: 'monitor.dropped', consumer: this.#options.name, count })
  }
}

/** The code of an error, never its text: that may quote what was to be delivered. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^[A-Za-z0-9_-]{1,60}$/.test(code) ? code : 'failed'
}
