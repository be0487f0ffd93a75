import type { Clock } from '../../core/clock.ts'
import { hours } from '../../core/duration.ts'

/** So many an hour; those over it are counted, and told with the next. */
export class RateLimit {
  readonly #clock: Clock
  readonly #most: number
  #hourAt = 0
  #count = 0
  #heldBack = 0

  constructor(clock: Clock, most: number) {
    this.#clock = clock
    this.#most = most
  }

  /** How many were held back since the last that was admitted; `undefined` when this one is held back, too. */
  admit(): number | undefined {
    const now = this.#clock()
    // Also when the clock went back: an hour must not last for as long as it was ahead.
    if (now - this.#hourAt >= hours(1) || now < this.#hourAt) {
      this.#hourAt = now
      this.#count = 0
    }
    if (this.#count >= this.#most) {
      this.#heldBack++
      return undefined
    }
    this.#count++
    const heldBack = this.#heldBack
    this.#heldBack = 0
    return heldBack
  }
}
