import type { ChangeListener, Changes } from '../../core/store.ts'

/** Pause after the first failed attempt, in milliseconds; doubled after each further one. */
const FIRST_PAUSE = 100
const LONGEST_PAUSE = 10_000

type Listener = Omit<ChangeListener, 'interrupted'>

/**
 * Listens for changes, and knows whether any may be missed.
 *
 * It has no timer: a failed attempt is repeated by the first read after the pause, since a process that reads nothing has no copies
 * to drop. Where messages stop without a word, it does not know; that is what the lease is for.
 */
export class Subscription {
  readonly #changes: Changes
  readonly #clock: () => number
  readonly #listener: Listener
  #state: 'none' | 'starting' | 'started' = 'none'
  #isClosed = false
  #isInterrupted = false
  #isComplete = false
  #retryAt = Number.NEGATIVE_INFINITY
  #pause = FIRST_PAUSE
  #leave: (() => Promise<void>) | undefined

  /** @param listener - `resumed` is called when the first attempt succeeds, too. */
  constructor(changes: Changes, clock: () => number, listener: Listener) {
    this.#changes = changes
    this.#clock = clock
    this.#listener = listener
  }

  /** No change is missed. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /** Starts listening if that is due. Returns at once. */
  ensure(): void {
    if (this.#state === 'none' && !this.#isClosed && this.#clock() >= this.#retryAt) void this.#start()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#isComplete = false
    const leave = this.#leave
    this.#leave = undefined
    // The connection may be lost already.
    await leave?.().catch(() => {})
  }

  async #start(): Promise<void> {
    this.#state = 'starting'
    this.#isInterrupted = false
    try {
      const leave = await this.#changes.subscribe({
        changed: (id) => this.#listener.changed(id),
        subjectRevoked: (subjectKey) => this.#listener.subjectRevoked(subjectKey),
        interrupted: () => this.#interrupt(),
        resumed: () => this.#resume(),
      })
      if (this.#isClosed) return await leave()
      this.#leave = leave
      this.#state = 'started'
      if (!this.#isInterrupted) this.#resume()
    } catch {
      // Without it every read asks the store, and that is all.
      this.#state = 'none'
      this.#retryAt = this.#clock() + this.#pause
      this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE)
    }
  }

  #interrupt(): void {
    this.#isInterrupted = true
    this.#isComplete = false
  }

  #resume(): void {
    this.#isInterrupted = false
    // What was read before this may have changed unheard.
    this.#listener.resumed()
    this.#isComplete = this.#state === 'started' && !this.#isClosed
  }
}
