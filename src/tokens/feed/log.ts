/**
 * What has ended lately, in order: what every connection is told, from wherever it left off. Connections keep no copies, only their place, so that a slow one costs
 * nothing; who falls behind the oldest entry is cut off.
 */
import { seconds } from '../../core/duration.ts'

/** Something that concerns tokens. The instants are those of this server. */
export type Ended =
  | { readonly kind: 'session'; readonly sessionId: string }
  | { readonly kind: 'subject'; readonly subjectKey: string; readonly at: number }
  | { readonly kind: 'doubt'; readonly sessionId: string; readonly at: number }
  | { readonly kind: 'token'; readonly jti: string }

/** How far the clocks of processes that mint and end may be apart: whatever is compared with a token's `iat` has this on top. */
export const CLOCK_SKEW = seconds(2)
/** Within the skew, the same news by another way. */
const SAME_NEWS = seconds(1)
/** Sent in one piece: about 20 KB. */
const PIECE = 200
/** Outdated entries are let go of at this many at a time. */
const SPARE = 4096

interface Entry {
  readonly text: string
  /** What it is known by, so that nothing is told twice. */
  readonly key: string | undefined
  readonly told: number
  readonly at: number
}

export class FeedLog {
  /** In front of the number in every `id:`: another process, or another start, counts from one again. */
  readonly nonce: string
  readonly #clock: () => number
  readonly #keepFor: number
  readonly #most: number
  /** By key, the instant it was told with. */
  readonly #told = new Map<string, number>()
  readonly #waiting = new Set<() => void>()
  #entries: Entry[] = []
  /** Number of the first of `#entries`, and how many of them are outdated. */
  #first = 1
  #outdated = 0
  #since: number

  constructor(nonce: string, clock: () => number, keepFor: number, most: number) {
    this.nonce = nonce
    this.#clock = clock
    this.#keepFor = keepFor
    this.#most = most
    this.#since = clock() + CLOCK_SKEW
  }

  /** From now on everything is heard. */
  begin(): void {
    this.#since = this.#clock() + CLOCK_SKEW
  }

  /** Instant from which on no end is missing. */
  get since(): number {
    return this.#since
  }

  get oldest(): number {
    return this.#first + this.#outdated
  }

  /** Number of the next entry. */
  get next(): number {
    return this.#first + this.#entries.length
  }

  hasEnded(sessionId: string): boolean {
    return this.#told.has(`s${sessionId}`)
  }

  tell(ended: Ended): void {
    const now = this.#clock()
    switch (ended.kind) {
      case 'session':
        if (!this.hasEnded(ended.sessionId))
          this.#append('session', { sid: ended.sessionId, at: now }, `s${ended.sessionId}`, now)
        return
      case 'token':
        if (!this.#told.has(`t${ended.jti}`)) this.#append('token', { jti: ended.jti, at: now }, `t${ended.jti}`, now)
        return
      case 'subject':
        this.#doubt('subject', { sub: ended.subjectKey }, `u${ended.subjectKey}`, ended.at, now)
        return
      case 'doubt':
        if (!this.hasEnded(ended.sessionId)) this.#doubt('doubt', { sid: ended.sessionId }, `d${ended.sessionId}`, ended.at, now)
    }
  }

  /** Something may have been missed until now. */
  gap(): void {
    this.#since = Math.max(this.#since, this.#clock() + CLOCK_SKEW)
    this.#append('gap', { since: this.#since }, undefined, this.#clock())
  }

  /** Entries from a number on, as they are sent; `undefined` for one that is kept no more. Empty when there are none yet. */
  piece(from: number): { readonly text: string; readonly next: number } | undefined {
    if (from < this.oldest) return undefined
    const entries = this.#entries.slice(from - this.#first, from - this.#first + PIECE)
    return { text: entries.map(({ text }) => text).join(''), next: from + entries.length }
  }

  /** Calls once, when there is something new. */
  wait(wake: () => void): void {
    this.#waiting.add(wake)
  }

  leave(wake: () => void): void {
    this.#waiting.delete(wake)
  }

  /** Lets go of what no token that is still good can come from. */
  trim(): void {
    const before = this.#clock() - this.#keepFor
    while (this.#outdated < this.#entries.length && this.#entries[this.#outdated]!.at < before) this.#drop()
  }

  #doubt(event: string, name: object, key: string, at: number, now: number): void {
    const sent = at + CLOCK_SKEW
    // Of a doubt so old that no token of before it is left, nobody need hear.
    if (at < now - this.#keepFor || (this.#told.get(key) ?? Number.NEGATIVE_INFINITY) >= at + SAME_NEWS) return
    this.#append(event, { ...name, at: sent }, key, now, sent)
  }

  #append(event: string, data: object, key: string | undefined, now: number, told: number = now): void {
    const text = `id: ${this.nonce}-${this.next}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`
    this.#entries.push({ text, key, told, at: now })
    if (key !== undefined) this.#told.set(key, told)
    this.trim()
    while (this.#entries.length - this.#outdated > this.#most) this.#drop()
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }

  #drop(): void {
    const { key, told, at } = this.#entries[this.#outdated]!
    // Who comes from now on is not told of it, and must not rely on having been; also where it only seemed outdated, to a clock that was ahead.
    this.#since = Math.max(this.#since, at + CLOCK_SKEW)
    // Unless there is a later entry of the same name.
    if (key !== undefined && this.#told.get(key) === told) this.#told.delete(key)
    this.#outdated++
    if (this.#outdated < SPARE) return
    this.#entries = this.#entries.slice(this.#outdated)
    this.#first += this.#outdated
    this.#outdated = 0
  }
}
