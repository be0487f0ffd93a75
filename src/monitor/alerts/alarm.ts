/**
 * Wakes somebody up when an instant has come, by the clock that was handed in. Clocks are set, and machines sleep: it looks at least twice a second, and
 * never holds the process.
 */
import type { Clock } from '../../core/clock.ts'

const LONGEST_NAP = 500

export class Alarm {
  readonly #clock: Clock
  readonly #ring: () => void
  #at = Number.POSITIVE_INFINITY
  #timer: NodeJS.Timeout | undefined

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock
    this.#ring = ring
  }

  /** Rings once at this instant, or at an earlier one that was set before. */
  set(at: number): void {
    if (at >= this.#at) return
    this.#at = at
    this.#nap()
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#at = Number.POSITIVE_INFINITY
  }

  #nap(): void {
    clearTimeout(this.#timer)
    const wait = Math.max(0, Math.min(this.#at - this.#clock(), LONGEST_NAP))
    this.#timer = setTimeout(() => this.#look(), wait)
    this.#timer.unref()
  }

  #look(): void {
    if (this.#clock() < this.#at) {
      this.#nap()
      return
    }
    this.clear()
    this.#ring()
  }
}
