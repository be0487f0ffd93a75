import type { CallOptions, Channel } from '../../core/store.ts'
import { throwIfAborted } from '../internal/abort.ts'
import { Listeners } from '../internal/listeners.ts'

/** The channel of `memoryStore`: a plain emitter, since there is only this process to tell. */
export class MemoryChannel implements Channel {
  readonly #listeners = new Listeners()

  async publish(topic: string, message: string, options?: CallOptions): Promise<void> {
    throwIfAborted(options?.signal)
    this.#listeners.deliver(topic, message)
  }

  async subscribe(topic: string, listener: (message: string) => void): Promise<() => Promise<void>> {
    const remove = this.#listeners.add(topic, listener)
    return async () => remove()
  }

  close(): void {
    this.#listeners.clear()
  }
}
