import type {
  CallOptions,
  CreateOptions,
  CreateOutcome,
  NewRecord,
  PurgeOptions,
  ReadOutcome,
  RecordChanges,
  RevokeOptions,
  RevokeSubjectOptions,
  Store,
  StoreCapabilities,
  StoredRecord,
  UpdateOutcome,
} from '../../core/store.ts'
import { abortedError } from '../internal/abort.ts'
import { SqliteChannel } from './channel.ts'
import { type Engine, nextTurn } from './engine.ts'
import { SqliteLedger } from './ledger.ts'
import { prepareStatements, type ReadRow, type RecordRow, rowReader, type Statements } from './statements.ts'
import { fromColumn, toColumn } from './text.ts'

/** Rows of one purge transaction: a few milliseconds of the event loop and of the write lock, also among a million rows. */
const PURGE_BATCH = 100
const NO_ID = ''

/** The store contract over one SQLite handle. `onClose` releases the handle if it is ours. */
export class SqliteStore implements Store {
  readonly name = 'sqlite'
  readonly capabilities: StoreCapabilities
  readonly ledger: SqliteLedger
  readonly channel: SqliteChannel

  readonly #engine: Engine
  readonly #sql: Statements
  readonly #readRow: (id: string) => ReadRow | undefined
  #onClose: (() => void) | undefined

  constructor(engine: Engine, onClose: () => void) {
    this.#engine = engine
    this.#onClose = onClose
    this.#sql = prepareStatements(engine.database)
    this.#readRow = rowReader(this.#sql.read)
    this.ledger = new SqliteLedger(engine)
    this.channel = new SqliteChannel(engine)
    const main = engine.database.prepare(`SELECT file FROM pragma_database_list WHERE name = 'main'`).get()
    const isFile = Boolean(main?.file)
    this.capabilities = { listsSubjects: true, limitsSubjects: true, durableRevocation: isFile, isLocal: true }
  }

  create(record: NewRecord, options: CreateOptions): Promise<CreateOutcome> {
    const { now, replaces, limit, signal } = options
    const sql = this.#sql
    const subject = toSubjectColumn(record.subject)
    const insert = (): CreateOutcome => {
      if (sql.find.get(record.id)) return { kind: 'exists' }
      if (replaces) {
        const replaced = sql.find.get(replaces.id)
        if (!replaced || replaced.revokedAt !== null || replaced.version !== replaces.version) return { kind: 'conflict' }
      }
      const evicted: string[] = []
      if (limit && subject !== null) {
        const live = sql.live.all(subject, now, replaces?.id ?? NO_ID) as { id: string }[]
        const excess = live.slice(0, Math.max(0, live.length + 1 - limit.max))
        if (excess.length > 0 && limit.onExceeded === 'reject') return { kind: 'limit' }
        for (const { id } of excess) evicted.push(id)
      }
      if (replaces) sql.revoke.run(now, replaces.reason, replaces.id)
      for (const id of evicted) sql.revoke.run(now, 'evicted', id)
      const epoch = subject === null ? 0 : Number(sql.epoch.get(subject)?.epoch ?? 0)
      const { id, startedAt, deadline, absoluteDeadline, body } = record
      sql.insert.run(id, subject, epoch, startedAt, deadline, absoluteDeadline, body)
      return { kind: 'created', epoch, evicted }
    }
    // What ends a session on the way is a revocation, and as durable as one.
    return this.#engine.write(insert, { signal, isDurable: replaces !== undefined || limit?.onExceeded === 'evict-oldest' })
  }

  // The path of every request: not `async`, and no closure unless the first attempt fails.
  read(id: string, options?: CallOptions): Promise<ReadOutcome | undefined> {
    const signal = options?.signal
    if (signal?.aborted) return Promise.reject(abortedError(signal))
    try {
      return Promise.resolve(this.#read(id))
    } catch (error) {
      return this.#engine.retry(() => this.#read(id), error, signal)
    }
  }

  update(id: string, version: number, changes: RecordChanges, options?: CallOptions): Promise<UpdateOutcome> {
    const { deadline, absoluteDeadline, body } = changes
    return this.#engine.write(() => {
      if (this.#sql.update.run(deadline, absoluteDeadline, body, id, version).changes === 1) return 'updated'
      const present = this.#sql.find.get(id)
      return present && present.revokedAt === null ? 'conflict' : 'gone'
    }, options)
  }

  revoke(id: string, options: RevokeOptions): Promise<boolean> {
    const { now, reason, signal } = options
    return this.#engine.write(() => this.#sql.revoke.run(now, reason, id).changes === 1, { signal, isDurable: true })
  }

  revokeSubject(subject: string, options: RevokeSubjectOptions): Promise<number> {
    const { now, reason, except = NO_ID, signal } = options
    const key = toColumn(subject)
    const sql = this.#sql
    const revokeAll = () => {
      // Expired ones are ended too: they could still be updated, and must not come back that way. But they were over already.
      const ended = Number(sql.countLive.get(key, now, except)?.count)
      sql.revokeSubject.run(now, reason, key, except)
      sql.raiseEpoch.run(key, now)
      if (except !== NO_ID) sql.spare.run(except, key)
      return ended
    }
    return this.#engine.write(revokeAll, { signal, isDurable: true })
  }

  list(subject: string, options?: CallOptions): Promise<readonly StoredRecord[]> {
    const find = () => {
      const rows = this.#sql.list.all(toColumn(subject)) as unknown as RecordRow[]
      return rows.map((row) => ({ ...row, subject, body: row.body ?? new Uint8Array(0) }))
    }
    return this.#engine.read(find, options?.signal)
  }

  async purge(options: PurgeOptions): Promise<number> {
    const { before, limit, signal } = options
    const removed = await this.#inBatches(limit, signal, (batch) => Number(this.#sql.purge.run(before, batch).changes))
    await this.#inBatches(limit, signal, (batch) => this.ledger.removeOutdated(before, batch))
    await this.#inBatches(limit, signal, (batch) => this.#removeOutdatedEpochs(before, batch))
    return removed
  }

  async close(): Promise<void> {
    const onClose = this.#onClose
    if (!onClose) return
    this.#onClose = undefined
    this.channel.close()
    this.#engine.close()
    onClose()
  }

  #read(id: string): ReadOutcome | undefined {
    const row = this.#readRow(id)
    if (row === undefined) return undefined
    const [version, rawSubject, epoch, startedAt, deadline, absoluteDeadline, body, revokedAt, reason, subjectEpoch] = row
    const subject = fromSubjectColumn(rawSubject)
    if (revokedAt !== null) {
      return { kind: 'tombstone', tombstone: { id, subject, revokedAt, reason: reason ?? '', absoluteDeadline } }
    }
    const record = { id, version, subject, epoch, startedAt, deadline, absoluteDeadline, body: body ?? new Uint8Array(0) }
    return { kind: 'record', record, subjectEpoch: subjectEpoch ?? 0 }
  }

  /** Runs small transactions until nothing is left or `limit` is reached, letting waiting requests go first in between. */
  async #inBatches(limit: number, signal: AbortSignal | undefined, work: (batch: number) => number): Promise<number> {
    let done = 0
    while (done < limit) {
      const batch = Math.min(PURGE_BATCH, limit - done)
      const count = await this.#engine.write(() => work(batch), { signal })
      done += count
      if (count < batch) break
      await nextTurn()
    }
    return done
  }

  #removeOutdatedEpochs(before: number, limit: number): number {
    const rows = this.#sql.outdatedEpochs.all(before, limit) as { subject: string | Uint8Array }[]
    for (const { subject } of rows) {
      // `before` itself counts as later, so that no epoch is looked at twice in one purge.
      if (this.#sql.postponeEpoch.run(before, subject).changes === 0) this.#sql.deleteEpoch.run(subject)
    }
    return rows.length
  }
}

const toSubjectColumn = (subject: string | undefined) => (subject === undefined ? null : toColumn(subject))

const fromSubjectColumn = (value: string | Uint8Array | null) => (value === null ? undefined : fromColumn(value))
