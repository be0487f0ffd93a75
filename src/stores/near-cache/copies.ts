import { subjectKeyOf } from '../../core/placement.ts'
import type { ReadOutcome } from '../../core/store.ts'

type LiveOutcome = Extract<ReadOutcome, { kind: 'record' }>

interface Copy {
  readonly id: string
  readonly outcome: LiveOutcome
  /** When the record was asked for, not when the answer came: from then on it may have changed. */
  readonly sentAt: number
  readonly subjectKey: string | undefined
  readonly bytes: number
  older: Copy | undefined
  newer: Copy | undefined
}

/** Larger ones are rare, and few of them would take the place of very many others. */
const LARGEST_BODY = 16_384
/** Several times what a session usually takes, its data included. */
const BYTES_PER_ENTRY = 4096

/**
 * Copies of records by id, each with a lease. No timer: what is past its lease goes when others come.
 *
 * The copy read longest ago goes first, however often it was used since: its lease ends first, too. So a look-up moves nothing.
 */
export class Copies {
  readonly #byId = new Map<string, Copy>()
  readonly #bySubject = new Map<string, Set<Copy>>()
  readonly #maxEntries: number
  readonly #lease: number
  #oldest: Copy | undefined
  #newest: Copy | undefined
  #bytes = 0

  constructor(maxEntries: number, lease: number) {
    this.#maxEntries = maxEntries
    this.#lease = lease
  }

  /** The copy, unless its lease has ended. */
  get(id: string, clock: () => number): LiveOutcome | undefined {
    const copy = this.#byId.get(id)
    return copy !== undefined && this.#isFresh(copy, clock()) ? copy.outcome : undefined
  }

  /** Keeps what was read in place of any earlier copy; unless that one was asked for later, since answers overtake one another. */
  keep(found: LiveOutcome, sentAt: number): void {
    const { id, subject, body } = found.record
    const present = this.#byId.get(id)
    if (present !== undefined) {
      if (present.sentAt > sentAt) return
      this.#remove(present)
    }
    if (body.byteLength > LARGEST_BODY) return
    this.#add({
      id,
      outcome: withOwnBody(found),
      sentAt,
      subjectKey: subject === undefined ? undefined : subjectKeyOf(subject),
      bytes: body.byteLength + 2 * (subject?.length ?? 0),
      older: this.#newest,
      newer: undefined,
    })
    this.#makeRoom(sentAt)
  }

  drop(id: string): void {
    const copy = this.#byId.get(id)
    if (copy !== undefined) this.#remove(copy)
  }

  dropSubject(subjectKey: string): void {
    for (const copy of this.#bySubject.get(subjectKey) ?? []) this.#remove(copy)
  }

  dropAll(): void {
    this.#byId.clear()
    this.#bySubject.clear()
    this.#oldest = undefined
    this.#newest = undefined
    this.#bytes = 0
  }

  #isFresh({ sentAt }: Copy, now: number): boolean {
    return now - sentAt < this.#lease
  }

  #makeRoom(now: number): void {
    const mostBytes = this.#maxEntries * BYTES_PER_ENTRY
    while (this.#oldest !== undefined) {
      const isFull = this.#byId.size > this.#maxEntries || this.#bytes > mostBytes
      if (!isFull && this.#isFresh(this.#oldest, now)) return
      this.#remove(this.#oldest)
    }
  }

  #add(copy: Copy): void {
    this.#byId.set(copy.id, copy)
    if (copy.older === undefined) this.#oldest = copy
    else copy.older.newer = copy
    this.#newest = copy
    this.#bytes += copy.bytes
    if (copy.subjectKey === undefined) return
    const ofSubject = this.#bySubject.get(copy.subjectKey)
    if (ofSubject) ofSubject.add(copy)
    else this.#bySubject.set(copy.subjectKey, new Set([copy]))
  }

  #remove(copy: Copy): void {
    const { id, subjectKey, bytes, older, newer } = copy
    this.#byId.delete(id)
    if (older === undefined) this.#oldest = newer
    else older.newer = newer
    if (newer === undefined) this.#newest = older
    else newer.older = older
    this.#bytes -= bytes
    if (subjectKey === undefined) return
    const ofSubject = this.#bySubject.get(subjectKey)
    ofSubject?.delete(copy)
    if (ofSubject?.size === 0) this.#bySubject.delete(subjectKey)
  }
}

/** The bytes alone: a client's slice of what it received would keep all of that alive. */
function withOwnBody(found: LiveOutcome): LiveOutcome {
  const { record } = found
  if (record.body.byteLength === record.body.buffer.byteLength) return found
  return { ...found, record: { ...record, body: new Uint8Array(record.body) } }
}
