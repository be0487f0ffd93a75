type Listener = (message: string) => void

/** The subscribers of one store handle in this process. A listener that throws, or leaves while being called, harms nobody. */
export class Listeners {
  readonly #topics = new Map<string, Set<Listener>>()

  get isEmpty(): boolean {
    return this.#topics.size === 0
  }

  /** Adds a listener; the returned function removes it and may be called twice. */
  add(topic: string, listener: Listener): () => void {
    // A wrapper of its own, so that one function subscribed twice hears twice and leaves once at a time.
    const entry: Listener = (message) => listener(message)
    const present = this.#topics.get(topic)
    if (present) present.add(entry)
    else this.#topics.set(topic, new Set([entry]))
    return () => {
      const listeners = this.#topics.get(topic)
      if (!listeners?.delete(entry)) return
      if (listeners.size === 0) this.#topics.delete(topic)
    }
  }

  deliver(topic: string, message: string): void {
    for (const listener of [...(this.#topics.get(topic) ?? [])]) {
      try {
        listener(message)
      } catch {
        // Messages are hints: a listener's fault is its own, and must reach neither the publisher nor the other listeners.
      }
    }
  }

  clear(): void {
    this.#topics.clear()
  }
}
