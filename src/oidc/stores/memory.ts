import type { LeaseOptions, Outbox, OutboxCount, OutboxEntry, OutboxState, Settlement } from '../outbox.ts'
import { closedFault } from './internal/faults.ts'

/**
 * Keeps an outbox in this process's memory, for tests and for trying things out.
 *
 * Not for production: a restart forgets who is to be told, and applications stay signed in.
 *
 * @returns An outbox that is empty.
 * @example
 * const hub = createHub(sessions, { signer: tokens.signer, outbox: memoryOutbox(), clients })
 */
export function memoryOutbox(): Outbox {
  return new MemoryOutbox()
}

/** Entries are replaced, never changed, so that they can be handed out. Every method does its work before it first waits: each is atomic. */
class MemoryOutbox implements Outbox {
  readonly name = 'memory'
  /** By session, then by client. */
  readonly #bySession = new Map<string, Map<string, OutboxEntry>>()
  #isClosed = false

  async watch(entry: Parameters<Outbox['watch']>[0]): Promise<string> {
    const { sessionId, clientId, sid, subject, nextAt } = entry
    const present = this.#of(sessionId).find((other) => other.clientId === clientId)
    if (present !== undefined) return present.sid
    this.#put({
      ...{ sessionId, clientId, sid, subject, state: 'watching', nextAt, attempts: 0 },
      ...{ dueAt: undefined, endedAt: undefined, reason: undefined, lastError: undefined, keepUntil: undefined },
    })
    return sid
  }

  async end(sessionId: string, { endedAt, reason, nextAt }: Parameters<Outbox['end']>[1]): Promise<readonly string[]> {
    const watched = this.#of(sessionId).filter(isIn('watching'))
    for (const entry of watched) this.#put({ ...entry, state: 'due', endedAt, reason, nextAt, dueAt: nextAt })
    return watched.map(({ clientId }) => clientId)
  }

  async hasten(subject: string, nextAt: number): Promise<number> {
    const later = this.#all().filter((entry) => entry.state === 'watching' && entry.subject === subject && entry.nextAt > nextAt)
    for (const entry of later) this.#put({ ...entry, nextAt })
    return later.length
  }

  async lease(state: 'watching' | 'due', { clientId, now, until, limit }: LeaseOptions): Promise<readonly OutboxEntry[]> {
    const taken = this.#all()
      .filter((entry) => entry.state === state && entry.nextAt <= now && isOf(entry, { clientId }))
      .sort(oldestFirst)
      .slice(0, limit)
      .map((entry) => ({ ...entry, nextAt: until }))
    for (const entry of taken) this.#put(entry)
    return taken
  }

  async settle(settlements: readonly Settlement[]): Promise<number> {
    let changed = 0
    for (const { leasedUntil, ...changes } of settlements) {
      const present = this.#of(changes.sessionId).find(({ clientId }) => clientId === changes.clientId)
      if (present?.state !== 'due' || present.nextAt !== leasedUntil) continue
      this.#put({ ...present, ...changes })
      changed++
    }
    return changed
  }

  async list(state: OutboxState, { clientId, limit }: Parameters<Outbox['list']>[1]): Promise<readonly OutboxEntry[]> {
    const found = this.#all().filter((entry) => entry.state === state && isOf(entry, { clientId }))
    return found.sort((one, other) => oldestFirst(other, one)).slice(0, limit)
  }

  async counts(): Promise<readonly OutboxCount[]> {
    const counts = new Map<string, OutboxCount>()
    for (const { clientId, state } of this.#all()) {
      const key = `${state} ${clientId}`
      counts.set(key, { clientId, state, count: (counts.get(key)?.count ?? 0) + 1 })
    }
    return [...counts.values()]
  }

  async revive(which: Parameters<Outbox['revive']>[0], { nextAt, limit }: Parameters<Outbox['revive']>[1]): Promise<number> {
    const dead = this.#all().filter((entry) => entry.state === 'dead' && isOf(entry, which))
    const revived = dead.slice(0, limit)
    for (const entry of revived)
      this.#put({ ...entry, state: 'due', nextAt, dueAt: nextAt, attempts: 0, lastError: undefined, keepUntil: undefined })
    return revived.length
  }

  async purge({ before, limit }: Parameters<Outbox['purge']>[0]): Promise<number> {
    return this.#remove(({ keepUntil }) => keepUntil !== undefined && keepUntil < before, limit)
  }

  async forget(clientId: string, { limit }: { readonly limit: number }): Promise<number> {
    return this.#remove((entry) => entry.clientId === clientId, limit)
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  #remove(isDoomed: (entry: OutboxEntry) => boolean, limit: number): number {
    const doomed = this.#all().filter(isDoomed).slice(0, limit)
    for (const { sessionId, clientId } of doomed) {
      const ofSession = this.#bySession.get(sessionId)!
      ofSession.delete(clientId)
      if (ofSession.size === 0) this.#bySession.delete(sessionId)
    }
    return doomed.length
  }

  #put(entry: OutboxEntry): void {
    const ofSession = this.#bySession.get(entry.sessionId) ?? new Map<string, OutboxEntry>()
    this.#bySession.set(entry.sessionId, ofSession.set(entry.clientId, entry))
  }

  #of(sessionId: string): OutboxEntry[] {
    if (this.#isClosed) throw closedFault()
    return [...(this.#bySession.get(sessionId)?.values() ?? [])]
  }

  #all(): OutboxEntry[] {
    if (this.#isClosed) throw closedFault()
    const all: OutboxEntry[] = []
    for (const ofSession of this.#bySession.values()) all.push(...ofSession.values())
    return all
  }
}

const isIn = (state: OutboxState) => (entry: OutboxEntry) => entry.state === state

const isOf = (entry: OutboxEntry, which: Parameters<Outbox['revive']>[0]) =>
  (which.sessionId ?? entry.sessionId) === entry.sessionId && (which.clientId ?? entry.clientId) === entry.clientId

/** Names decide between two of one instant, as in every other outbox. */
const oldestFirst = (one: OutboxEntry, other: OutboxEntry) =>
  one.nextAt - other.nextAt || compare(one.sessionId, other.sessionId) || compare(one.clientId, other.clientId)

const compare = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0)
