import { nearCache } from 'sojourn/stores/near-cache'
import type { Store } from '../../../src/core/store.ts'

/** A lease that cannot be what ends a copy in the time of a test. */
const LONGEST_LEASE = 60_000

/** Keeps copies of sessions in a near cache of its own, and notes for each the moment when its copy was gone. */
export class Watcher {
  readonly #cache: Store
  readonly #held = new Set<string>()
  readonly #goneAt = new Map<string, number>()
  #listening: Promise<void> | undefined

  constructor(store: Store) {
    this.#cache = nearCache(store, { maxStaleness: LONGEST_LEASE })
  }

  /** Resolves once there is a copy of each. */
  async copy(ids: readonly string[]): Promise<void> {
    for (const id of ids) await this.#copy(id)
    this.#listening ??= this.#listen()
    await this.#listening
    // Again those whose copies went unnoticed meanwhile.
    for (const id of ids) await this.#copy(id)
  }

  /** When each copy was gone, by `monotonicNow`; those that are still there are not in it. */
  get goneAt(): readonly (readonly [id: string, at: number])[] {
    return [...this.#goneAt]
  }

  close(): Promise<void> {
    return this.#cache.close()
  }

  /** Listens after the cache does, so that what is heard here it has heard. */
  async #listen(): Promise<void> {
    const lookAtAll = () => setImmediate(() => this.#look(this.#held))
    await this.#cache.changes!.subscribe({
      changed: (id) => setImmediate(() => this.#look([id])),
      subjectRevoked: lookAtAll,
      interrupted: lookAtAll,
      resumed: lookAtAll,
    })
  }

  async #copy(id: string): Promise<void> {
    while (!this.#cache.copyOf!(id)) await this.#cache.read(id)
    this.#held.add(id)
  }

  #look(ids: Iterable<string>): void {
    for (const id of ids) {
      if (!this.#held.has(id) || this.#cache.copyOf!(id)) continue
      this.#held.delete(id)
      this.#goneAt.set(id, monotonicNow())
    }
  }
}

/** Milliseconds of the machine's clock that never jumps; all its processes share it. */
export const monotonicNow = (): number => Number(process.hrtime.bigint()) / 1e6
