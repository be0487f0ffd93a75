/** Writes down what came of tries, many at once: one write a try would be slower than the tries. */
import type { Settlement } from '../outbox.ts'
import type { HubContext } from './context.ts'

/** How long results are gathered, in milliseconds. */
const GATHER = 5
const MOST_AT_ONCE = 500
/** Before the outbox is asked again after it failed. */
const PAUSE = 500

export class Settling {
  readonly #context: HubContext
  #waiting: Settlement[] = []
  #writing: Promise<void> | undefined
  #isStopped = false

  constructor(context: HubContext) {
    this.#context = context
  }

  add(settlement: Settlement): void {
    this.#waiting.push(settlement)
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
    })
  }

  /** Resolves once nothing waits any more. */
  async idle(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing
  }

  /** From now on what cannot be written is left to whoever leases it next: it is told again. */
  stop(): void {
    this.#isStopped = true
  }

  async #write(): Promise<void> {
    const { outbox, service } = this.#context
    while (this.#waiting.length > 0) {
      await new Promise((resolve) => setTimeout(resolve, GATHER))
      const batch = this.#waiting.splice(0, MOST_AT_ONCE)
      try {
        await outbox.settle(batch)
      } catch {
        // It has been reported. Until the lease is over nobody else tells them, so it is worth another try.
        const now = service.config.clock()
        const good = this.#isStopped ? [] : batch.filter(({ leasedUntil }) => leasedUntil > now)
        this.#waiting = [...good, ...this.#waiting]
        if (good.length > 0) await new Promise((resolve) => setTimeout(resolve, PAUSE).unref())
      }
    }
  }
}
