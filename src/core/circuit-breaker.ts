/**
 * A store that failed several times in a row is left alone for a while: callers are refused at once instead of waiting for a
 * timeout each, and the store is not buried under them while it comes back. Then one call goes through to try it.
 */
import { monotonic } from './clock.ts'

/** When the store is left alone. */
export interface CircuitBreakerOptions {
  /** Failures in a row that open the circuit. Default 5; 1 to 1,000. One slow answer among good ones never does. */
  readonly failures?: number
  /** First pause, in milliseconds. Default `seconds(1)`; 10 ms to 1 minute. Doubles with each failed probe, up to ten times this. */
  readonly pause?: number
}

const LONGEST_PAUSES = 10
/** Pauses differ by up to a fifth, so that the processes of a site do not all probe at the same instant. */
const JITTER = 0.2

/** What happened to the circuit. */
export interface CircuitListener {
  opened(failures: number, pause: number): void
  closed(): void
}

export class CircuitBreaker {
  readonly #mostFailures: number
  readonly #firstPause: number
  readonly #listener: CircuitListener
  readonly #random: () => number
  readonly #now: () => number
  #failures = 0
  #pause = 0
  #opensAgainAt = 0
  #isProbing = false

  /**
   * @param random - A number from 0 to 1, for the jitter.
   * @param now - Milliseconds that never jump; tests hand in their own.
   */
  constructor(
    { failures, pause }: Required<CircuitBreakerOptions>,
    listener: CircuitListener,
    random: () => number,
    now: () => number = monotonic,
  ) {
    this.#mostFailures = failures
    this.#firstPause = pause
    this.#listener = listener
    this.#random = random
    this.#now = now
  }

  /**
   * Whether a call may go to the store. While the circuit is open, one is let through after each pause, to try.
   *
   * @returns 0 when it may, else the milliseconds until the next try.
   */
  admit(): number {
    if (this.#pause === 0) return 0
    const left = this.#opensAgainAt - this.#now()
    if (left > 0) return left
    if (this.#isProbing) return this.#firstPause
    this.#isProbing = true
    return 0
  }

  /** The store answered, whatever it said. */
  succeeded(): void {
    this.#failures = 0
    if (this.#pause === 0) return
    // An answer to a call of before the pause says that the store is there, too.
    this.#pause = 0
    this.#isProbing = false
    this.#listener.closed()
  }

  /** The store failed, or did not answer in time. */
  failed(): void {
    this.#failures++
    const isOpen = this.#pause > 0
    // Calls that were on their way when the circuit opened fail later; only the probe counts now.
    if (isOpen ? !this.#isProbing : this.#failures < this.#mostFailures) return
    this.#isProbing = false
    this.#pause = isOpen ? Math.min(2 * this.#pause, LONGEST_PAUSES * this.#firstPause) : this.#firstPause
    this.#opensAgainAt = this.#now() + this.#pause * (1 + JITTER * this.#random())
    this.#listener.opened(this.#failures, this.#pause)
  }
}
