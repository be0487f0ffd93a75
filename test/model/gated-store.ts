import type { Store } from '../../src/core/store.ts'
import { memoryStore } from '../../src/stores/memory.ts'

/** A call that waits to be let through. */
export interface Waiting {
  readonly operation: string
  readonly release: () => void
}

/**
 * A memory store whose every call waits until it is let through, so that a test decides in which order the reads and writes of
 * several requests happen. Works for one running request at a time: whoever runs is whoever calls.
 */
export class GatedStore {
  readonly store: Store
  #waiting: Waiting | undefined
  #arrived = () => {}

  constructor() {
    const inner = memoryStore()
    const gate = <Args extends unknown[], Result>(operation: string, call: (...args: Args) => Result | Promise<Result>) => {
      return async (...args: Args): Promise<Result> => {
        await new Promise<void>((release) => {
          this.#waiting = { operation, release }
          this.#arrived()
        })
        return call(...args)
      }
    }
    this.store = {
      name: inner.name,
      capabilities: inner.capabilities,
      ledger: inner.ledger,
      channel: inner.channel,
      create: gate('create', inner.create.bind(inner)),
      read: gate('read', inner.read.bind(inner)),
      update: gate('update', inner.update.bind(inner)),
      revoke: gate('revoke', inner.revoke.bind(inner)),
      revokeSubject: inner.revokeSubject.bind(inner),
      list: inner.list.bind(inner),
      purge: inner.purge.bind(inner),
      close: inner.close.bind(inner),
    }
  }

  /** Runs until the work calls the store, which then waits, or is done: `undefined`. */
  async untilCall(work: Promise<unknown>): Promise<Waiting | undefined> {
    const call = new Promise<void>((resolve) => {
      this.#arrived = resolve
    })
    if (this.#waiting === undefined) await Promise.race([call, work])
    const waiting = this.#waiting
    this.#waiting = undefined
    this.#arrived = () => {}
    return waiting
  }
}
