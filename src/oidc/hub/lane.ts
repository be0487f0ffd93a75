/**
 * The deliveries to one application: a few at a time, in the order they came due. Each application has a lane of its own, so that one that is slow, or away,
 * holds up nobody else's. One that fails several times in a row is left alone for a moment, and then asked by one delivery.
 */
import { CircuitBreaker } from '../../core/circuit-breaker.ts'
import type { OutboxEntry } from '../outbox.ts'
import type { HubContext } from './context.ts'
import { signLogoutToken } from './logout-token.ts'
import type { HubClient } from './options.ts'
import { settled, untried } from './outcome.ts'
import { type Answer, post } from './receiver.ts'
import type { Settling } from './settling.ts'

/** Leased at once. What a process holds in memory of one application is no more. */
const BATCH = 100
/** Longer than a batch of timeouts takes at the default concurrency: 13 rounds of 5 seconds. */
const LEASE = 120_000
/** A lease that ends sooner than a try may take is left alone: another process would tell at the same time. */
const MARGIN = 5_000
const BREAKER = { failures: 5, pause: 1000 }

export class Lane {
  readonly #client: HubClient
  readonly #context: HubContext
  readonly #settling: Settling
  readonly #breaker: CircuitBreaker
  readonly #stopping = new AbortController()
  readonly #idle: (() => void)[] = []
  #queue: OutboxEntry[] = []
  #active = 0
  #leasing: Promise<boolean> | undefined
  /** Something came due since the last look at the outbox began. */
  #isStale = false
  #isOpen = false
  #timer: NodeJS.Timeout | undefined

  constructor(client: HubClient, context: HubContext, settling: Settling) {
    this.#client = client
    this.#context = context
    this.#settling = settling
    const opened = () => {
      this.#isOpen = true
    }
    const closed = () => {
      this.#isOpen = false
      this.wake()
    }
    this.#breaker = new CircuitBreaker(BREAKER, { opened, closed }, context.random)
  }

  /** Looks for deliveries that are due. Never waits, never throws. */
  wake(): void {
    this.#isStale = true
    while (!this.#isStopped && this.#active < this.#context.settings.concurrency) {
      this.#active++
      void this.#work()
    }
  }

  /** Resolves once nothing is under way. */
  idle(): Promise<void> {
    return this.#active === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve))
  }

  /** Begins nothing any more. What is under way may finish. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#isStopped = true
  }

  /** Breaks off what is still under way. */
  abort(): void {
    this.#stopping.abort()
  }

  #isStopped = false

  async #work(): Promise<void> {
    try {
      for (let entry = await this.#take(); entry !== undefined; entry = await this.#take()) await this.#deliver(entry)
    } catch {
      // The outbox is away, which has been reported. The next look at it tries again.
    } finally {
      this.#active--
      if (this.#active === 0) this.#rest()
    }
  }

  async #take(): Promise<OutboxEntry | undefined> {
    const { settings, service } = this.#context
    while (!this.#isStopped) {
      const entry = this.#queue.shift()
      if (entry === undefined) {
        if (!(await this.#refill())) return undefined
        continue
      }
      if (entry.nextAt - service.config.clock() < settings.timeout + MARGIN) continue
      const wait = this.#breaker.admit()
      if (wait === 0) return entry
      this.#queue.unshift(entry)
      this.#wakeIn(wait)
      return undefined
    }
    return undefined
  }

  /** All who find the queue empty wait for one lease. */
  #refill(): Promise<boolean> {
    this.#leasing ??= this.#lease().finally(() => {
      this.#leasing = undefined
    })
    return this.#leasing
  }

  async #lease(): Promise<boolean> {
    const { outbox, service } = this.#context
    do {
      this.#isStale = false
      const now = service.config.clock()
      const limit = this.#isOpen ? 1 : BATCH
      const leased = await outbox.lease('due', { clientId: this.#client.id, now, until: now + LEASE, limit })
      this.#queue.push(...leased)
      if (leased.length > 0) return true
    } while (this.#isStale && !this.#isStopped)
    return false
  }

  async #deliver(entry: OutboxEntry): Promise<void> {
    const { service, settings, random } = this.#context
    const answer = await this.#tell(entry)
    const now = service.config.clock()
    if (answer.kind === 'stopped') return this.#settling.add(untried(entry, now))
    if (isThere(answer)) this.#breaker.succeeded()
    else this.#breaker.failed()
    const settlement = settled(entry, answer, { ...settings, now, random: random() })
    this.#settling.add(settlement)
    this.#report(entry, settlement, now)
  }

  async #tell(entry: OutboxEntry): Promise<Answer> {
    const { fetch, timeout } = this.#context.settings
    let logoutToken: string
    try {
      logoutToken = await signLogoutToken(this.#context, entry)
    } catch {
      return { kind: 'failed', reason: 'unsigned', retryAfter: undefined }
    }
    return post(this.#client.logoutUri, logoutToken, { fetch, timeout, signal: this.#stopping.signal })
  }

  #report(
    entry: OutboxEntry,
    { state, attempts, lastError: reason = '', nextAt }: ReturnType<typeof settled>,
    now: number,
  ): void {
    const { events } = this.#context.service
    const { sessionId, subject, clientId } = entry
    const about = { sessionId, subject, clientId, attempts }
    if (state === 'delivered') events.emit({ type: 'delivery.succeeded', ...about, delay: now - (entry.endedAt ?? now) })
    else if (state === 'dead') events.emit({ type: 'delivery.given-up', ...about, reason })
    else events.emit({ type: 'delivery.failed', ...about, reason, retryAfter: nextAt - now })
  }

  /** What was leased and not tried is anybody's again; while the application is left alone, not before that is over. */
  #rest(): void {
    const now = this.#context.service.config.clock()
    const pause = this.#isOpen ? BREAKER.pause : 0
    for (const entry of this.#queue.splice(0)) this.#settling.add(untried(entry, now + pause))
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  #wakeIn(milliseconds: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.wake(), milliseconds)
    this.#timer.unref()
  }
}

/** An application that says what is wrong is there; one that is overloaded must be left alone. */
function isThere(answer: Answer): boolean {
  return answer.kind === 'delivered' || (answer.kind === 'failed' && /^status-(?!429|5)/.test(answer.reason))
}
