/**
 * One count of tries: a few at once, then one at a time, each after twice the wait of the one before. A success starts it anew.
 *
 * The ledger counts and claims atomically and can do no more, so the wait is a claim: whoever claims the gate may try, and holds it shut for the time
 * that follows. Where a process dies between claim and note, one wait is there twice; never a try too many.
 */
import type { Clock } from '../core/clock.ts'
import type { Random } from '../core/crypto.ts'
import { days, hours, seconds } from '../core/duration.ts'
import type { Ledger } from '../core/store.ts'

/** Failures are remembered so long after the last of them: at one a day, a hundred in a row (NIST SP 800-63B-4, 3.2.2) take a quarter of a year. */
const MEMORY = days(30)
const FIRST_WAIT = seconds(30)
const LONGEST_WAIT = hours(24)

interface State {
  /** Changes with each success, and with it the names of all counts and gates: a ledger can set none back. */
  readonly generation: string
  /** 0 while tries are free, then how many waits there were. */
  readonly level: number
  readonly until: number
}

const FRESH: State = { generation: '', level: 0, until: 0 }

/** `wait`: 0 where the try may be evaluated. `hasClosed`: this try was the last for so many milliseconds. */
interface Outcome {
  readonly wait: number
  readonly hasClosed: number | undefined
}

export class TryLane {
  readonly #ledger: Ledger
  readonly #clock: Clock
  readonly #random: Random
  readonly #free: number

  /** @param free - How many may be tried without waiting. */
  constructor(parts: { readonly ledger: Ledger; readonly clock: Clock; readonly random: Random }, free: number) {
    this.#ledger = parts.ledger
    this.#clock = parts.clock
    this.#random = parts.random
    this.#free = free
  }

  async attempt(key: string): Promise<Outcome> {
    const now = this.#clock()
    const state = stateIn(await this.#ledger.get(`${key}:s`, { now }))
    if (state.level > 0) return this.#afterWait(key, state, now)
    const tries = await this.#ledger.count(`${key}:c${state.generation}`, { now, window: MEMORY })
    if (tries < this.#free) return { wait: 0, hasClosed: undefined }
    // The last free try shuts the gate behind it; one that came too late does if that one could not.
    const hasClosed = await this.#close(key, state, now)
    return { wait: tries === this.#free ? 0 : waitAt(1), hasClosed }
  }

  async #afterWait(key: string, state: State, now: number): Promise<Outcome> {
    const left = state.until - now
    const longest = waitAt(state.level)
    // Written by a clock that was ahead: nobody is to wait until then. The gate is shut until then too, so another takes its place.
    if (left > longest) await this.#put(key, { generation: this.#newGeneration(), level: state.level, until: now + longest }, now)
    if (left > 0) return { wait: Math.min(left, longest), hasClosed: undefined }
    const hasClosed = await this.#close(key, state, now)
    return { wait: hasClosed === undefined ? waitAt(state.level + 1) : 0, hasClosed }
  }

  /** Shuts the gate for the next wait. `undefined` where another was faster. */
  async #close(key: string, { generation, level }: State, now: number): Promise<number | undefined> {
    const wait = waitAt(level + 1)
    const until = now + wait
    // A claim holds up to and with its deadline, and the next may try when the wait is over.
    if (!(await this.#ledger.claim(`${key}:g${generation}`, { now, deadline: until - 1 }))) return undefined
    await this.#put(key, { generation, level: level + 1, until }, now)
    return wait
  }

  async reset(key: string): Promise<void> {
    await this.#put(key, { ...FRESH, generation: this.#newGeneration() }, this.#clock())
  }

  #newGeneration(): string {
    return Buffer.from(this.#random(6)).toString('base64url')
  }

  async #put(key: string, state: State, now: number): Promise<void> {
    await this.#ledger.put(`${key}:s`, Buffer.from(JSON.stringify(state)), { now, deadline: now + MEMORY })
  }
}

/** What is no state of ours counts as none: the counts behind it still hold. */
function stateIn(value: Uint8Array | undefined): State {
  return value === undefined ? FRESH : (JSON.parse(Buffer.from(value).toString()) as State)
}

function waitAt(level: number): number {
  return Math.min(FIRST_WAIT * 2 ** Math.min(level - 1, 20), LONGEST_WAIT)
}
