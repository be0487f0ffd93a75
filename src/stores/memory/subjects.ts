/** What the memory store knows of one subject: its epoch, its live sessions, and how many rows of any kind it still has. */
export interface SubjectEntry {
  epoch: number
  readonly liveIds: Set<string>
  rows: number
}

/**
 * The subject index. An entry lives as long as its subject has a row, be it a tombstone, so that the epoch outlives every
 * record it was stamped on. A `Map`, not an object: `__proto__` is a subject like any other.
 */
export class Subjects {
  readonly #entries = new Map<string, SubjectEntry>()
  /** Subjects that have an epoch but no row; kept until the next purge, oldest first. */
  readonly #rowless = new Set<string>()
  readonly #maxRowless: number

  constructor(maxRowless: number) {
    this.#maxRowless = maxRowless
  }

  get(subject: string): SubjectEntry | undefined {
    return this.#entries.get(subject)
  }

  epochOf(subject: string | undefined): number {
    return subject === undefined ? 0 : (this.#entries.get(subject)?.epoch ?? 0)
  }

  addRow(subject: string | undefined, id: string): void {
    if (subject === undefined) return
    const entry = this.#entries.get(subject) ?? this.#create(subject)
    entry.liveIds.add(id)
    entry.rows += 1
    this.#rowless.delete(subject)
  }

  /** The row stays, as a tombstone. */
  markRevoked(subject: string | undefined, id: string): void {
    if (subject !== undefined) this.#entries.get(subject)?.liveIds.delete(id)
  }

  removeRow(subject: string | undefined, id: string): void {
    const entry = subject === undefined ? undefined : this.#entries.get(subject)
    if (!entry || subject === undefined) return
    entry.liveIds.delete(id)
    entry.rows -= 1
    if (entry.rows === 0) this.#entries.delete(subject)
  }

  raiseEpoch(subject: string): SubjectEntry {
    const entry = this.#entries.get(subject) ?? this.#create(subject)
    entry.epoch += 1
    if (entry.rows === 0) this.#keepRowless(subject)
    return entry
  }

  purgeRowless(limit: number): void {
    let left = limit
    for (const subject of this.#rowless) {
      if (left-- === 0) return
      this.#forgetRowless(subject)
    }
  }

  #create(subject: string): SubjectEntry {
    const entry: SubjectEntry = { epoch: 0, liveIds: new Set(), rows: 0 }
    this.#entries.set(subject, entry)
    return entry
  }

  #keepRowless(subject: string): void {
    this.#rowless.add(subject)
    if (this.#rowless.size <= this.#maxRowless) return
    for (const oldest of this.#rowless) {
      this.#forgetRowless(oldest)
      return
    }
  }

  #forgetRowless(subject: string): void {
    this.#rowless.delete(subject)
    this.#entries.delete(subject)
  }
}
