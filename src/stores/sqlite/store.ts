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
} from '../../core/store.ts'
import { abortedError, throwIfAborted } from '../internal/abort.ts'
import { Background } from './background.ts'
import { SqliteChannel } from './channel.ts'
import { Cleaning } from './cleaning.ts'
import { type Engine, nextTurn } from './engine.ts'
import { SqliteLedger } from './ledger.ts'
import { Search } from './search.ts'
import { type LinkedRow, prepareStatements, type ReadRow, type RecordRow, rowReader, type Statements } from './statements.ts'
import { fromNullableColumn, toColumn, toNullableColumn } from './text.ts'

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
  readonly #cleaning: Cleaning
  readonly #search: Search
  readonly #background: Background | undefined
  #onClose: (() => void) | undefined

  constructor(engine: Engine, onClose: () => void) {
    this.#engine = engine
    this.#onClose = onClose
    this.#sql = prepareStatements(engine.database)
    this.#readRow = rowReader(this.#sql.read)
    this.ledger = new SqliteLedger(engine)
    this.channel = new SqliteChannel(engine)
    const main = engine.database.prepare(`SELECT file FROM pragma_database_list WHERE name = 'main'`).get()
    const file = main?.file ? String(main.file) : undefined
    this.#cleaning = new Cleaning(engine)
    this.#search = new Search(engine)
    // A database in memory cannot be reached from another thread, and has no disk to wait for.
    this.#background = file === undefined ? undefined : new Background(file, engine.busyTimeout)
    engine.onManyWrites = () => this.#background?.checkpoint()
    this.capabilities = {
      listsSubjects: true,
      revokesSubjects: true,
      limitsSubjects: true,
      revokesLinked: true,
      queries: true,
      durableRevocation: file !== undefined,
      isLocal: true,
    }
  }

  create(record: NewRecord, options: CreateOptions): Promise<CreateOutcome> {
    const { now, replaces, limit, link, signal } = options
    const sql = this.#sql
    const keys = link && ([link.keys[0] ?? null, link.keys[1] ?? null, link.keys[2] ?? null] as const)
    const subject = toNullableColumn(record.subject)
    const insert = (): CreateOutcome => {
      if (sql.find.get(record.id)) return { kind: 'exists' }
      if (keys && sql.isSevered.get(...keys, link.at)) return { kind: 'severed' }
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
      const { id, startedAt, deadline, absoluteDeadline, body, labels } = record
      const [device, network] = [toNullableColumn(labels?.device), toNullableColumn(labels?.network)]
      sql.insert.run(id, subject, epoch, startedAt, deadline, absoluteDeadline, body, device, network)
      if (keys) sql.link.run(link.at, ...keys, id)
      return { kind: 'created', epoch, evicted }
    }
    // What ends a session on the way is a revocation, and as durable as one.
    return this.#engine.write(insert, { signal, isDurable: replaces !== undefined || limit?.onExceeded === 'evict-oldest' })
  }

  // The path of every request: no promise and no closure unless the first attempt fails.
  read(id: string, options?: CallOptions): ReadOutcome | undefined | Promise<ReadOutcome | undefined> {
    const signal = options?.signal
    if (signal?.aborted) return Promise.reject(abortedError(signal))
    try {
      return this.#read(id)
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

  revokeLinked(key: string, options: RevokeLinkedOptions): Promise<readonly EndedRecord[]> {
    const { now, at, reason, keepUntil, signal } = options
    const sql = this.#sql
    const revokeAll = () => {
      const rows = sql.linked.all(key, at) as unknown as LinkedRow[]
      for (const { id } of rows) sql.revoke.run(now, reason, id)
      if (keepUntil !== undefined) sql.sever.run(key, keepUntil, at)
      const live = rows.filter(({ deadline }) => deadline > now)
      return live.map(({ id, subject }) => ({ id, subject: fromNullableColumn(subject) }))
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

  query(filter: RecordFilter, options: QueryOptions): Promise<FoundRecords> {
    return this.#search.query(filter, options)
  }

  count(filter: RecordFilter, options: CountOptions): Promise<RecordCount> {
    return this.#search.count(filter, options)
  }

  async purge(options: PurgeOptions): Promise<number> {
    const { before, limit, signal } = options
    throwIfAborted(signal)
    if (this.#background?.isUsable) {
      const removed = await this.#background.purge({ before, limit }, signal)
      if (removed !== undefined) return removed
    }
    return this.#cleaning.purge({ before, limit }, nextTurn, signal)
  }

  async close(): Promise<void> {
    const onClose = this.#onClose
    if (!onClose) return
    this.#onClose = undefined
    this.channel.close()
    this.#engine.close()
    await this.#background?.close()
    onClose()
  }

  #read(id: string): ReadOutcome | undefined {
    const row = this.#readRow(id)
    if (row === undefined) return undefined
    const [version, rawSubject, epoch, startedAt, deadline, absoluteDeadline, body, revokedAt, reason] = row
    const subject = fromNullableColumn(rawSubject)
    if (revokedAt !== null) {
      return { kind: 'tombstone', tombstone: { id, subject, revokedAt, reason: reason ?? '', absoluteDeadline } }
    }
    const record = { id, version, subject, epoch, startedAt, deadline, absoluteDeadline, body: body ?? new Uint8Array(0) }
    // Its subject's epoch is its own: `revokeSubject` ends or restamps every live record in the same transaction.
    return { kind: 'record', record, subjectEpoch: epoch }
  }
}
