/**
 * The population: how often values come up among everybody's sign-ins, in bounded memory. Names are keyed hashes of 48 bits, so that neither a dump of
 * this process nor the store's copy tells who was where. Counts are a sample: of what was pruned, the rarest went first.
 */
import { days } from '../../core/duration.ts'

/** Gives the 48 bits a name is kept under. */
export type NameHash = (name: string) => number

/** What everybody else counted, of other processes. */
export type Counts = ReadonlyMap<number, number>

const HALF_LIFE = days(90)
/** New counts weigh more instead of old ones less; all are brought down before they lose precision. */
const MOST_WEIGHT = 2 ** 20
const NOTHING: Counts = new Map()

export class Population {
  readonly #hash: NameHash
  readonly #most: number
  readonly #own = new Map<number, number>()
  #others: Counts = NOTHING
  /** When a new count weighs 1. */
  #epoch: number
  #weight = 1

  /** @param most - Names kept at most; 16 bytes or so each in memory, 10 where they are stored. */
  constructor(hash: NameHash, at: number, most = 24_000) {
    this.#hash = hash
    this.#epoch = at
    this.#most = most
  }

  /** The 48 bits of a name. */
  keyOf(name: string): number {
    return this.#hash(name)
  }

  /** How many times this came up, in counts of now; may be a fraction. */
  count(name: string): number {
    return this.countOf(this.#hash(name))
  }

  countOf(key: number): number {
    return ((this.#own.get(key) ?? 0) + (this.#others.get(key) ?? 0)) / this.#weight
  }

  /** Counts by `amount`, and gives whether the name was new. */
  add(name: string, amount = 1): boolean {
    const key = this.#hash(name)
    const before = this.#own.get(key)
    this.#own.set(key, (before ?? 0) + amount * this.#weight)
    if (before === undefined && this.#own.size > this.#most) this.#prune()
    return before === undefined && !this.#others.has(key)
  }

  /** Call before counting, with the time of what is counted. */
  advance(at: number): void {
    if (at <= this.#epoch) return
    this.#weight *= 2 ** ((at - this.#epoch) / HALF_LIFE)
    this.#epoch = at
    if (this.#weight < MOST_WEIGHT) return
    for (const [key, count] of this.#own) this.#own.set(key, count / this.#weight)
    this.#others = new Map([...this.#others].map(([key, count]) => [key, count / this.#weight]))
    this.#weight = 1
  }

  /** Half of what came up least goes, so that it happens seldom. */
  #prune(): void {
    const counts = [...this.#own.values()].sort((a, b) => a - b)
    const least = counts[counts.length >> 1]!
    let excess = this.#own.size - (this.#most >> 1)
    // Oldest first among equals: a Map remembers who came first.
    for (const [key, count] of this.#own) {
      if (excess <= 0) break
      if (count > least) continue
      this.#own.delete(key)
      excess--
    }
  }

  get size(): number {
    return this.#own.size
  }

  /** This process's counts as of `epoch`. */
  snapshot(): { readonly epoch: number; readonly counts: Counts } {
    return { epoch: this.#epoch, counts: new Map([...this.#own].map(([key, count]) => [key, count / this.#weight])) }
  }

  /** Forgets this process's counts: another goes on from them. */
  clear(): void {
    this.#own.clear()
  }

  /** Goes on from counts of a process that is no more. */
  inherit(epoch: number, counts: Counts): void {
    this.advance(epoch)
    const factor = this.#factorSince(epoch)
    for (const [key, count] of counts) this.#own.set(key, (this.#own.get(key) ?? 0) + count * factor)
    if (this.#own.size > this.#most) this.#prune()
  }

  /** Replaces what is known of the others. */
  mergeOthers(shards: readonly { readonly epoch: number; readonly counts: Counts }[]): void {
    const others = new Map<number, number>()
    for (const { epoch, counts } of shards) {
      const factor = this.#factorSince(epoch)
      for (const [key, count] of counts) others.set(key, (others.get(key) ?? 0) + count * factor)
    }
    this.#others = others
  }

  /** Weight of a count that was 1 at `epoch`. */
  #factorSince(epoch: number): number {
    return this.#weight * 2 ** ((Math.min(epoch, this.#epoch) - this.#epoch) / HALF_LIFE)
  }
}
