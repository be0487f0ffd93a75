import { ConfigError, StoreError } from '../core/errors.ts'
import type {
  CallOptions,
  CountOptions,
  CreateOptions,
  CreateOutcome,
  EndedRecord,
  FoundRecords,
  NewRecord,
  PurgeOptions,
  QueryOptions,
  ReadOutcome,
  RecordChanges,
  RecordCount,
  RecordFilter,
  RevokeLinkedOptions,
  RevokeOptions,
  RevokeSubjectOptions,
  Store,
  StoreCapabilities,
  StoredRecord,
  UpdateOutcome,
} from '../core/store.ts'
import { abortedError, throwIfAborted } from './internal/abort.ts'
import { MemoryChannel } from './memory/channel.ts'
import { DeadlineQueue } from './memory/deadline-queue.ts'
import { MemoryLedger } from './memory/ledger.ts'
import { Links } from './memory/links.ts'
import { type Card, countRows, queryRows } from './memory/search.ts'
import { Subjects } from './memory/subjects.ts'

/** Options of `memoryStore`. */
export interface MemoryStoreOptions {
  /**
   * Most records and tombstones kept at once. Default 100,000; at least 1.
   *
   * At the limit, what is past its deadline is dropped first. If nothing is, `create` rejects with `ERR_STORE_FULL`: a live
   * session is never evicted, since that signs a person out, and neither is a tombstone that still matters, since that would
   * let an ended session come back. The ledger has a limit of the same size. An attacker who can start sessions at will fills
   * the store, so start none for visitors who store nothing (Sojourn's default) and throttle sign-in.
   */
  readonly maxSessions?: number
}

const DEFAULT_MAX_SESSIONS = 100_000
/** How many outdated rows one `create` at the limit clears: enough to pay ahead, little enough not to be felt. */
const ROOM_BATCH = 64

/**
 * Keeps sessions in this process's memory, with the semantics of a real store.
 *
 * Use it in tests, demos and sites of one process that may sign everyone out when they restart. Use `sqliteStore` as soon as
 * sessions should survive a restart or a second process needs them. It sets no timer: `purge` and the limit do the cleaning.
 *
 * @param options.maxSessions - Most records and tombstones kept at once; default 100,000. See `MemoryStoreOptions`.
 * @returns A store of its own; two calls share nothing.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - `maxSessions` is not a whole number of at least 1.
 * @example
 * const sessions = createSessions({ store: memoryStore({ maxSessions: 10_000 }), keys: process.env.SESSION_KEYS })
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  const maxSessions = options.maxSessions ?? DEFAULT_MAX_SESSIONS
  if (!Number.isSafeInteger(maxSessions) || maxSessions < 1) {
    throw new ConfigError(`memoryStore: maxSessions must be a whole number of at least 1; it is ${String(maxSessions)}.`, {
      code: 'ERR_CONFIG_INVALID',
    })
  }
  return new MemoryStore(maxSessions)
}

/** Every method runs to its end before another starts, since there is no `await` inside: that is what makes each one atomic. */
class MemoryStore implements Store {
  readonly name = 'memory'
  readonly capabilities: StoreCapabilities = {
    listsSubjects: true,
    revokesSubjects: true,
    limitsSubjects: true,
    revokesLinked: true,
    queries: true,
    // Nothing survives the process, so nothing a crash could bring back does either; but a revocation is not on any disk.
    durableRevocation: false,
    isLocal: true,
  }
  readonly ledger: MemoryLedger
  readonly channel = new MemoryChannel()

  /** What `read` answers, made once at the write: reading is one look-up and allocates nothing but its promise. */
  readonly #rows = new Map<string, ReadOutcome>()
  /** Of every row, what `query` goes by and `read` does not tell. */
  readonly #cards = new Map<string, Card>()
  readonly #subjects: Subjects
  readonly #links: Links
  readonly #queue = new DeadlineQueue()
  readonly #maxSessions: number
  readonly #deadlineOf = (id: string) => {
    const row = this.#rows.get(id)
    return row && deadlineOf(row)
  }

  constructor(maxSessions: number) {
    this.#maxSessions = maxSessions
    this.#subjects = new Subjects(maxSessions)
    this.#links = new Links(maxSessions)
    this.ledger = new MemoryLedger(maxSessions)
  }

  async create(record: NewRecord, options: CreateOptions): Promise<CreateOutcome> {
    throwIfAborted(options.signal)
    const { now, replaces, limit, link } = options
    if (this.#rows.has(record.id)) return { kind: 'exists' }
    if (link && this.#links.isSevered(link)) return { kind: 'severed' }
    // Before anything is looked up, since it may remove what would be found.
    this.#makeRoom(now)
    const replaced = replaces && this.#live(replaces.id)
    if (replaces && replaced?.version !== replaces.version) return { kind: 'conflict' }

    const excess = limit ? this.#excess(record.subject, limit.max, now, replaces?.id) : []
    if (excess.length > 0 && limit?.onExceeded === 'reject') return { kind: 'limit' }

    if (replaces && replaced) this.#entomb(replaced, now, replaces.reason)
    for (const evicted of excess) this.#entomb(evicted, now, 'evicted')
    const epoch = this.#subjects.epochOf(record.subject)
    const { labels, ...columns } = record
    this.#keep({ ...columns, body: new Uint8Array(record.body), version: 1, epoch })
    this.#cards.set(record.id, { startedAt: record.startedAt, device: labels?.device, network: labels?.network })
    this.#subjects.addRow(record.subject, record.id)
    this.#queue.add(record.id, record.deadline)
    if (link) this.#links.add(record.id, link)
    return { kind: 'created', epoch, evicted: excess.map(({ id }) => id) }
  }

  // Without a promise: this is the path of every request.
  read(id: string, options?: CallOptions): ReadOutcome | undefined | Promise<never> {
    if (options?.signal?.aborted) return Promise.reject(abortedError(options.signal))
    return this.#rows.get(id)
  }

  async update(id: string, version: number, changes: RecordChanges, options?: CallOptions): Promise<UpdateOutcome> {
    throwIfAborted(options?.signal)
    const record = this.#live(id)
    if (!record) return 'gone'
    if (record.version !== version) return 'conflict'
    const { deadline, absoluteDeadline, body } = changes
    this.#keep({ ...record, version: version + 1, deadline, absoluteDeadline, body: new Uint8Array(body) })
    if (deadline < record.deadline) this.#requeue(id, deadline)
    return 'updated'
  }

  async revoke(id: string, options: RevokeOptions): Promise<boolean> {
    throwIfAborted(options.signal)
    const record = this.#live(id)
    if (record) this.#entomb(record, options.now, options.reason)
    return record !== undefined
  }

  async revokeSubject(subject: string, options: RevokeSubjectOptions): Promise<number> {
    throwIfAborted(options.signal)
    const { epoch, liveIds } = this.#subjects.raiseEpoch(subject)
    let ended = 0
    for (const id of [...liveIds]) {
      const record = this.#live(id)!
      if (id === options.except) {
        this.#keep({ ...record, epoch })
      } else {
        // Expired ones too: they could still be updated, and must not come back that way. But they were over already.
        if (record.deadline > options.now) ended += 1
        this.#entomb(record, options.now, options.reason)
      }
    }
    return ended
  }

  async revokeLinked(key: string, options: RevokeLinkedOptions): Promise<readonly EndedRecord[]> {
    throwIfAborted(options.signal)
    const { now, at, reason, keepUntil } = options
    const ended: EndedRecord[] = []
    for (const id of this.#links.sever(key, at, keepUntil, now)) {
      const record = this.#live(id)!
      if (record.deadline > now) ended.push({ id, subject: record.subject })
      this.#entomb(record, now, reason)
    }
    return ended
  }

  async list(subject: string, options?: CallOptions): Promise<readonly StoredRecord[]> {
    throwIfAborted(options?.signal)
    return this.#liveOf(subject)
  }

  async query(filter: RecordFilter, options: QueryOptions): Promise<FoundRecords> {
    throwIfAborted(options.signal)
    return queryRows(this.#rows, this.#cards, filter, options)
  }

  async count(filter: RecordFilter, options: CountOptions): Promise<RecordCount> {
    throwIfAborted(options.signal)
    return countRows(this.#rows, this.#cards, filter, options)
  }

  async purge(options: PurgeOptions): Promise<number> {
    throwIfAborted(options.signal)
    this.ledger.purge(options.before, options.limit)
    this.#subjects.purgeRowless(options.limit)
    this.#links.purge(options.before, options.limit)
    return this.#removeOutdated(options.before, options.limit)
  }

  async close(): Promise<void> {
    this.channel.close()
  }

  #live(id: string): StoredRecord | undefined {
    const row = this.#rows.get(id)
    return row?.kind === 'record' ? row.record : undefined
  }

  #liveOf(subject: string): StoredRecord[] {
    const ids = this.#subjects.get(subject)?.liveIds ?? []
    return Array.from(ids, (id) => this.#live(id)!).sort((a, b) => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1))
  }

  /** The oldest live sessions of a subject that must go before one more fits under `max`. */
  #excess(subject: string | undefined, max: number, now: number, replacedId: string | undefined): StoredRecord[] {
    if (subject === undefined) return []
    const live = this.#liveOf(subject).filter(({ id, deadline }) => deadline > now && id !== replacedId)
    return live.slice(0, Math.max(0, live.length + 1 - max))
  }

  /** A live record's epoch is its subject's: `revokeSubject` ends or restamps every one in the same step. */
  #keep(record: StoredRecord): void {
    this.#rows.set(record.id, { kind: 'record', record, subjectEpoch: record.epoch })
  }

  #entomb({ id, subject, deadline, absoluteDeadline }: StoredRecord, revokedAt: number, reason: string): void {
    this.#rows.set(id, { kind: 'tombstone', tombstone: { id, subject, revokedAt, reason, absoluteDeadline } })
    this.#cards.set(id, { ...this.#cards.get(id)!, network: undefined })
    this.#subjects.markRevoked(subject, id)
    this.#links.remove(id)
    if (absoluteDeadline < deadline) this.#requeue(id, absoluteDeadline)
  }

  #requeue(id: string, deadline: number): void {
    this.#queue.add(id, deadline)
    this.#queue.compactIfSparse(this.#rows, this.#deadlineOf)
  }

  #makeRoom(now: number): void {
    if (this.#rows.size < this.#maxSessions) return
    this.#removeOutdated(now, ROOM_BATCH)
    if (this.#rows.size < this.#maxSessions) return
    throw new StoreError(`The memory store is full: it holds ${this.#maxSessions} sessions and none is outdated.`, {
      code: 'ERR_STORE_FULL',
      status: 503,
    })
  }

  #removeOutdated(before: number, limit: number): number {
    const outdated = this.#queue.takeOutdated(before, limit, this.#deadlineOf)
    for (const id of outdated) {
      const row = this.#rows.get(id)!
      this.#rows.delete(id)
      this.#cards.delete(id)
      this.#subjects.removeRow(subjectOf(row), id)
      this.#links.remove(id)
    }
    return outdated.length
  }
}

const deadlineOf = (row: ReadOutcome): number => (row.kind === 'record' ? row.record.deadline : row.tombstone.absoluteDeadline)
const subjectOf = (row: ReadOutcome): string | undefined => (row.kind === 'record' ? row.record.subject : row.tombstone.subject)
