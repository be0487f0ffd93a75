import { StoreError } from '../../core/errors.ts'
import type { RecordLink } from '../../core/store.ts'
import { DeadlineQueue } from './deadline-queue.ts'

interface Severed {
  readonly at: number
  readonly keepUntil: number
}

/**
 * Which records came of which login at a provider, and which logins have ended. Records of other sign-ins are not in it and cost
 * nothing. Ends are bounded like the ledger: one that still matters is never forgotten to make room.
 */
export class Links {
  readonly #idsByKey = new Map<string, Set<string>>()
  readonly #links = new Map<string, RecordLink>()
  readonly #severed = new Map<string, Severed>()
  readonly #queue = new DeadlineQueue()
  readonly #maxSevered: number
  readonly #deadlineOf = (key: string) => this.#severed.get(key)?.keepUntil

  constructor(maxSevered: number) {
    this.#maxSevered = maxSevered
  }

  isSevered({ keys, at }: RecordLink): boolean {
    return keys.some((key) => at <= (this.#severed.get(key)?.at ?? Number.NEGATIVE_INFINITY))
  }

  add(id: string, link: RecordLink): void {
    const keys = [...link.keys]
    this.#links.set(id, { keys, at: link.at })
    for (const key of keys) this.#idsByKey.set(key, (this.#idsByKey.get(key) ?? new Set()).add(id))
  }

  /** The record ended, or is gone. */
  remove(id: string): void {
    const link = this.#links.get(id)
    if (link === undefined) return
    this.#links.delete(id)
    for (const key of link.keys) {
      const ids = this.#idsByKey.get(key)
      ids?.delete(id)
      if (ids?.size === 0) this.#idsByKey.delete(key)
    }
  }

  /** Remembers that what a key means ended at an instant, where it is told how long, and gives the ids that came of it until then. */
  sever(key: string, at: number, keepUntil: number | undefined, now: number): string[] {
    const earlier = this.#severed.get(key)
    if (keepUntil === undefined) return this.#idsUntil(key, at)
    if (!earlier) this.#makeRoom(now)
    const severed = { at: Math.max(at, earlier?.at ?? at), keepUntil: Math.max(keepUntil, earlier?.keepUntil ?? keepUntil) }
    this.#severed.set(key, severed)
    if (!earlier) this.#queue.add(key, severed.keepUntil)
    return this.#idsUntil(key, severed.at)
  }

  #idsUntil(key: string, at: number): string[] {
    return [...(this.#idsByKey.get(key) ?? [])].filter((id) => this.#links.get(id)!.at <= at)
  }

  purge(before: number, limit: number): void {
    for (const key of this.#queue.takeOutdated(before, limit, this.#deadlineOf)) this.#severed.delete(key)
  }

  #makeRoom(now: number): void {
    if (this.#severed.size < this.#maxSevered) return
    this.purge(now, 64)
    if (this.#severed.size < this.#maxSevered) return
    throw new StoreError(
      `The memory store is full: it remembers ${this.#maxSevered} logouts at providers and none is outdated.`,
      {
        code: 'ERR_STORE_FULL',
        status: 503,
      },
    )
  }
}
