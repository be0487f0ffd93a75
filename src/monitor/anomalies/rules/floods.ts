/** Rules over events: what no single request shows. Each process counts what it sees itself. */
import { minutes } from '../../../core/duration.ts'
import type { SojournEvent } from '../../../core/events.ts'
import { rounded, type Signal } from '../signal.ts'

const WINDOW = minutes(1)
/** Counted in a minute: old tokens of replaced keys come singly, guesses do not. */
const FORGED = 100
/** An unknown token has a good MAC: it is of before, or somebody has a key. */
const UNKNOWN = 30

/** How many came within the last minute: two halves, so that it is bounded whatever comes. */
class Rate {
  #start = 0
  #before = 0
  #now = 0

  count(at: number): number {
    const since = at - this.#start
    if (since >= WINDOW || since < 0) {
      this.#before = since >= 0 && since < 2 * WINDOW ? this.#now : 0
      this.#now = 0
      this.#start = at
    }
    this.#now++
    const left = 1 - (at - this.#start) / WINDOW
    return this.#now + this.#before * left
  }
}

/** Tells once in a minute of each flood, and of every reused token. */
export class Floods {
  readonly #rates = { forged: new Rate(), unknown: new Rate() }
  readonly #toldAt = { forged: Number.NEGATIVE_INFINITY, unknown: Number.NEGATIVE_INFINITY }

  see(event: SojournEvent): Signal | undefined {
    if (event.type === 'session.reused' || event.type === 'refresh-token.reused') {
      const { generation } = event
      return {
        name: 'token-reuse',
        score: 0.95,
        features: [{ name: 'generation', contribution: generation }],
        sentence: 'A replaced token came back: there is a copy of it.',
      }
    }
    if (event.type !== 'token.refused') return undefined
    // A malformed one is a scanner's.
    if (event.state === 'unknown') return this.#seen('unknown', event.at)
    return event.state === 'forged' ? this.#seen('forged', event.at) : undefined
  }

  #seen(kind: 'forged' | 'unknown', at: number): Signal | undefined {
    const most = kind === 'forged' ? FORGED : UNKNOWN
    const count = this.#rates[kind].count(at)
    if (count <= most || Math.abs(at - this.#toldAt[kind]) < WINDOW) return undefined
    this.#toldAt[kind] = at
    return {
      name: kind === 'forged' ? 'forged-tokens' : 'session-guessing',
      score: rounded(1 - 0.5 * (most / count)),
      features: [{ name: 'count', contribution: Math.round(count) }],
      sentence:
        kind === 'forged'
          ? 'Many tokens came within a minute that no key of ours made.'
          : 'Many tokens came within a minute whose sessions are not there: sessions are guessed, or a key is in other hands.',
    }
  }
}
