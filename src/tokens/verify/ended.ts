/**
 * What has ended, for as long as a token of it could still be good: two maps, the older of which goes as a whole, so that nothing is searched for what may go and nothing goes early.
 */

/** Ends that are remembered at most: about 100 MB. */
export const MOST_ENDED = 1_000_000

/** Keys with an instant each; the latest instant of a key stays. */
export class Ended {
  readonly #retention: number
  readonly #most: number
  #young = new Map<string, number>()
  #old = new Map<string, number>()
  #turnsAt = Number.NEGATIVE_INFINITY

  /**
   * @param retention - How long a key stays at least, in milliseconds; it may stay twice as long.
   * @param most - How many keys are kept; one more is not.
   */
  constructor(retention: number, most: number = MOST_ENDED) {
    this.#retention = retention
    this.#most = most
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  get(key: string): number | undefined {
    const [young, old] = [this.#young.get(key), this.#old.get(key)]
    return young === undefined || old === undefined ? (young ?? old) : Math.max(young, old)
  }

  /** @returns `false` when there is no room: from here on what is kept is not all. */
  add(key: string, at: number, now: number): boolean {
    if (now >= this.#turnsAt) {
      // After a long silence both are past their time.
      this.#old = now >= this.#turnsAt + this.#retention ? new Map() : this.#young
      this.#young = new Map()
      this.#turnsAt = now + this.#retention
    }
    const known = this.#young.get(key)
    if (known === undefined && this.size >= this.#most) return false
    this.#young.set(key, known === undefined ? at : Math.max(known, at))
    return true
  }

  clear(): void {
    this.#young = new Map()
    this.#old = new Map()
  }
}
