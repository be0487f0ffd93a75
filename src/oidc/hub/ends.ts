/**
 * Finds out that sessions have ended. Events of this process say so at once; whatever they miss is found by looking at every watched session again and again: ends in
 * other processes, deadlines that pass, a crash between a revocation and its entry. So nothing rests on an event.
 */
import { hours } from '../../core/duration.ts'
import { expiredBy } from '../../core/expiry.ts'
import { policyFor, type Service } from '../../core/service.ts'
import type { OutboxEntry } from '../outbox.ts'
import type { HubContext } from './context.ts'
import { untried } from './outcome.ts'

interface End {
  readonly endedAt: number
  readonly reason: string
}

/** Sessions read at a time. */
const READERS = 16
const BATCH = 200
/** Of a batch: more of them, and there is no use in going on. */
const MOST_FAILURES = READERS
/** In one sweep, by one process: the rest is the next one's, the oldest first. */
const MOST_LOOKED_AT = 10_000
/** Ends that wait to be written; more are found by looking. */
const MOST_WAITING = 10_000
const WRITERS = 4
/** Nothing is put off for longer than an hour. What is twice as far away was written by a clock that was ahead: of this machine, or of another. */
const FARTHEST = hours(2)
/** Entries of each kind that are brought back in one sweep. */
const MOST_BROUGHT_BACK = 100

export class Ends {
  readonly #context: HubContext
  readonly #onDue: (clientIds: readonly string[]) => void
  readonly #waiting = new Map<string, End>()
  readonly #under = new Set<Promise<void>>()
  #sweeping: Promise<void> | undefined
  #writers = 0
  #isStopped = false

  /** @param onDue - Called with whose entries came due. */
  constructor(context: HubContext, onDue: (clientIds: readonly string[]) => void) {
    this.#context = context
    this.#onDue = onDue
  }

  /** Listens to this process's own events; call what it gives to stop. */
  listen(): () => void {
    const { events } = this.#context.service
    const stops = [
      events.on('session.revoked', ({ sessionId, at, reason }) => this.#ended(sessionId, { endedAt: at, reason })),
      events.on('session.expired', ({ sessionId, at }) => this.#ended(sessionId, { endedAt: at, reason: 'expired' })),
      events.on('session.reused', ({ sessionId, at, outcome }) => {
        if (outcome === 'revoked') this.#ended(sessionId, { endedAt: at, reason: 'reuse' })
      }),
      events.on('session.started', ({ replacedSessionId, at }) =>
        this.#ended(replacedSessionId, { endedAt: at, reason: 'replaced' }),
      ),
      events.on('subject.revoked', ({ subject }) => subject !== undefined && this.#look(subject)),
    ]
    return () => {
      for (const stop of stops) stop()
    }
  }

  /** Looks at the watched sessions whose turn it is. Never rejects: what could not be looked at has its turn again. */
  sweep(): Promise<void> {
    this.#sweeping ??= this.#sweep()
      .catch(() => {})
      .finally(() => {
        this.#sweeping = undefined
      })
    return this.#sweeping
  }

  get isIdle(): boolean {
    return this.#under.size === 0 && this.#sweeping === undefined
  }

  async idle(): Promise<void> {
    while (!this.isIdle) await Promise.all([...this.#under, this.#sweeping])
  }

  /** Takes no more; what it has is still written. */
  stop(): void {
    this.#isStopped = true
  }

  #ended(sessionId: string | undefined, end: End): void {
    if (sessionId === undefined || this.#waiting.size >= MOST_WAITING || this.#isStopped) return
    this.#waiting.set(sessionId, end)
    if (this.#writers >= WRITERS) return
    this.#writers++
    this.#track(this.#write())
  }

  async #write(): Promise<void> {
    try {
      for (let next = this.#next(); next !== undefined; next = this.#next()) await this.#end(...next)
    } finally {
      this.#writers--
    }
  }

  #next(): [string, End] | undefined {
    const [next] = this.#waiting
    if (next !== undefined) this.#waiting.delete(next[0])
    return next
  }

  async #end(sessionId: string, end: End): Promise<void> {
    const { outbox, service } = this.#context
    const clientIds = await outbox.end(sessionId, { ...end, nextAt: service.config.clock() })
    if (clientIds.length > 0) this.#onDue(clientIds)
  }

  /** All of a subject's sessions ended but perhaps one: which, the store knows. */
  #look(subject: string): void {
    const { outbox, service } = this.#context
    this.#track(
      outbox.hasten(subject, service.config.clock()).then(async (count) => {
        if (count === 0) return
        // One that is running may have passed them.
        await this.#sweeping
        await this.sweep()
      }),
    )
  }

  /** A failure is reported by the call that failed; looking makes up for it. */
  #track(work: Promise<void>): void {
    const tracked = work.catch(() => {})
    this.#under.add(tracked)
    void tracked.finally(() => this.#under.delete(tracked))
  }

  async #sweep(): Promise<void> {
    const { outbox, service, settings } = this.#context
    // Sweeps come every quarter of the interval, so each session's turn is at most one interval after its last.
    const pause = Math.floor((settings.sweepInterval * 3) / 4)
    await this.#bringBack()
    for (let looked = 0; looked < MOST_LOOKED_AT && !this.#isStopped; looked += BATCH) {
      const now = service.config.clock()
      const watched = await outbox.lease('watching', { now, until: now + pause, limit: BATCH })
      const sessionIds = [...new Set(watched.map(({ sessionId }: OutboxEntry) => sessionId))]
      const batch = { sessionIds, failures: 0 }
      await Promise.all(Array.from({ length: READERS }, () => this.#lookAt(batch)))
      if (watched.length < BATCH) break
    }
    if (!this.#isStopped) await outbox.purge({ before: service.config.clock(), limit: 1000 })
  }

  /** A clock that was ahead and was put right must not leave anybody untold for as long as it was ahead. */
  async #bringBack(): Promise<void> {
    const { outbox, service } = this.#context
    const now = service.config.clock()
    const lost = async (state: 'watching' | 'due') =>
      (await outbox.list(state, { limit: MOST_BROUGHT_BACK })).filter(({ nextAt }) => nextAt > now + FARTHEST)
    const due = await lost('due')
    if (due.length > 0) await outbox.settle(due.map((entry) => untried(entry, now)))
    for (const subject of new Set((await lost('watching')).map((entry) => entry.subject))) await outbox.hasten(subject, now)
  }

  /** One that cannot be read has its turn again, and holds up no other; where many cannot, the store is away. */
  async #lookAt(batch: { readonly sessionIds: string[]; failures: number }): Promise<void> {
    const { sessionIds } = batch
    for (let id = sessionIds.shift(); id !== undefined; id = sessionIds.shift()) {
      try {
        const end = await endOf(this.#context.service, id)
        if (end !== undefined) await this.#end(id, end)
      } catch (error) {
        batch.failures++
        if (batch.failures > MOST_FAILURES) throw error
      }
    }
  }
}

/**
 * How a session ended, as its store knows; `undefined` while it lives.
 *
 * A record that cannot be read is taken for alive until its deadline: a process that lacks a key must not sign everybody out everywhere.
 *
 * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - nobody knows.
 */
export async function endOf(service: Service, id: string): Promise<End | undefined> {
  const found = await service.calls.read(id)
  const now = service.config.clock()
  if (found === undefined) return { endedAt: now, reason: 'gone' }
  if (found.kind === 'tombstone') return { endedAt: found.tombstone.revokedAt, reason: found.tombstone.reason }
  const { record: stored, subjectEpoch } = found
  if (stored.epoch < subjectEpoch) return { endedAt: now, reason: 'subject-revoked' }
  const record = service.decode(stored)
  const isExpired =
    record === undefined ? stored.deadline < now : expiredBy(record, now, policyFor(service, record)) !== undefined
  return isExpired ? { endedAt: Math.min(now, stored.deadline), reason: 'expired' } : undefined
}
