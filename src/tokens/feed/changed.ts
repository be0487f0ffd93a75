/**
 * Finds out which of the changed records have ended. An engine that pushes changes says that a record is another now, not what became of it: each is
 * read once, in the order they came, a few at a time, so that the requests of people are not kept waiting.
 */
import { findLive } from '../../core/amending.ts'
import type { Service } from '../../core/service.ts'
import type { Ended } from './log.ts'

const AT_ONCE = 16
const PAUSE = 500
/** Ids that were read are let go of at this many at a time: under load the list is never at its end. */
const SPARE = 1024

export class ChangedRecords {
  readonly #service: Service
  readonly #hasEnded: (sessionId: string) => boolean
  readonly #tell: (ended: Ended) => void
  /** Told once everything that came before is known: so many came before. */
  readonly #fences: { readonly added: number; readonly resolve: () => void }[] = []
  #ids: string[] = []
  #queued = new Set<string>()
  #added = 0
  #done = 0
  #isReading = false
  #isClosed = false

  constructor(service: Service, hasEnded: (sessionId: string) => boolean, tell: (ended: Ended) => void) {
    this.#service = service
    this.#hasEnded = hasEnded
    this.#tell = tell
  }

  add(id: string): void {
    if (this.#isClosed || this.#queued.has(id) || this.#hasEnded(id)) return
    this.#queued.add(id)
    this.#ids.push(id)
    this.#added++
    if (!this.#isReading) void this.#read()
  }

  /** How many ids are in memory. */
  get kept(): number {
    return this.#ids.length
  }

  /** Resolves when it is known of all that changed until now; never while the store is away. */
  settled(): Promise<void> {
    if (this.#done >= this.#added) return Promise.resolve()
    return new Promise((resolve) => this.#fences.push({ added: this.#added, resolve }))
  }

  close(): void {
    this.#isClosed = true
    this.#ids = []
    this.#queued.clear()
  }

  async #read(): Promise<void> {
    this.#isReading = true
    let done = 0
    while (done < this.#ids.length && !this.#isClosed) {
      const batch = this.#ids.slice(done, done + AT_ONCE)
      try {
        await Promise.all(batch.map((id) => this.#readOne(id)))
      } catch {
        // The store is away, and has told so itself. Nothing is passed over: until it is back, nobody is told that all is known.
        await new Promise((resolve) => setTimeout(resolve, PAUSE).unref())
        continue
      }
      done += batch.length
      this.#done += batch.length
      if (done >= SPARE) {
        this.#ids = this.#ids.slice(done)
        done = 0
      }
      while (this.#fences.length > 0 && this.#fences[0]!.added <= this.#done) this.#fences.shift()!.resolve()
    }
    this.#ids = []
    this.#isReading = false
  }

  async #readOne(id: string): Promise<void> {
    // What changes while it is read is read again.
    this.#queued.delete(id)
    if (this.#hasEnded(id)) return
    const record = await findLive(this.#service, id)
    if (record === undefined) this.#tell({ kind: 'session', sessionId: id })
    else if (record.details.doubtedAt !== undefined) this.#tell({ kind: 'doubt', sessionId: id, at: record.details.doubtedAt })
  }
}
