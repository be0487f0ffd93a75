import { ConfigError } from '../../core/errors.ts'
import { subjectKeyOf } from '../../core/placement.ts'
import type {
  CallOptions,
  Changes,
  Channel,
  CountOptions,
  CreateOptions,
  CreateOutcome,
  EndedRecord,
  FoundRecords,
  Ledger,
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
import { subjectPayload } from './announcement.ts'
import { PostgresChannel } from './channel.ts'
import { bytesFromHex, idFromColumn, idParameter, instantParameter, textParameter } from './columns.ts'
import type { Engine } from './engine.ts'
import { PostgresLedger } from './ledger.ts'
import type { Listening } from './listening.ts'
import { migrate } from './migration.ts'
import { Purge } from './purge.ts'
import { outcomeOf } from './read-row.ts'
import { Search } from './search.ts'
import { type Announcements, type SessionStatements, sessionStatements } from './statements.ts'

/** The store contract over a pool. */
export class PostgresStore implements Store {
  readonly name = 'postgres'
  readonly capabilities: StoreCapabilities = {
    listsSubjects: true,
    revokesSubjects: true,
    limitsSubjects: true,
    revokesLinked: true,
    queries: true,
    durableRevocation: true,
    isLocal: false,
  }
  readonly ledger: Ledger
  readonly channel: Channel
  readonly changes: Changes

  readonly #engine: Engine
  readonly #sql: SessionStatements
  readonly #purge: Purge
  readonly #search: Search
  readonly #listening: Listening

  constructor(engine: Engine, listening: Listening, announce: Announcements) {
    this.#engine = engine
    this.#listening = listening
    this.#sql = sessionStatements(engine.names, announce)
    this.#purge = new Purge(engine)
    this.#search = new Search(engine)
    this.ledger = new PostgresLedger(engine)
    this.channel = new PostgresChannel(engine, listening)
    this.changes = listening
  }

  /** As `PostgresStore.migrate` in `postgres.ts` says. */
  migrate(): Promise<void> {
    return migrate(this.#engine.pool, this.#engine.names)
  }

  async create(record: NewRecord, options: CreateOptions): Promise<CreateOutcome> {
    const { now, replaces, limit, link, signal } = options
    const { startedAt, deadline, absoluteDeadline, labels } = record
    const id = idParameter(record.id)
    if (id === undefined) throw malformedId()
    const replacedId = replaces && idParameter(replaces.id)
    if (replaces !== undefined && replacedId === undefined) return { kind: 'conflict' }
    const values = [
      id,
      record.subject === undefined ? null : textParameter(record.subject),
      instantParameter(startedAt),
      instantParameter(deadline),
      instantParameter(absoluteDeadline),
      record.body,
      instantParameter(now),
      replacedId ?? null,
      replaces?.version ?? null,
      replaces?.reason ?? null,
      limit?.max ?? null,
      limit?.onExceeded === 'evict-oldest',
      labels?.device === undefined ? null : textParameter(labels.device),
      labels?.network === undefined ? null : textParameter(labels.network),
    ]
    const { create, createLinked } = this.#sql
    const [row] = link
      ? await this.#engine.run(createLinked, [...values, instantParameter(link.at), link.keys.map(textParameter)], signal)
      : await this.#engine.run(create, values, signal)
    const [kind, epoch, evicted] = row as [CreateOutcome['kind'], number, string]
    if (kind !== 'created') return { kind }
    return { kind, epoch, evicted: evicted === '' ? [] : evicted.split(',').map(idFromColumn) }
  }

  async read(id: string, options?: CallOptions): Promise<ReadOutcome | undefined> {
    const parameter = idParameter(id)
    if (parameter === undefined) return undefined
    const rows = await this.#engine.run(this.#sql.read, [parameter], options?.signal)
    return rows.length === 0 ? undefined : outcomeOf(id, rows[0]![0] as string)
  }

  async update(id: string, version: number, changes: RecordChanges, options?: CallOptions): Promise<UpdateOutcome> {
    const parameter = idParameter(id)
    if (parameter === undefined) return 'gone'
    const { deadline, absoluteDeadline, body } = changes
    const values = [parameter, version, instantParameter(deadline), instantParameter(absoluteDeadline), body]
    const [row] = await this.#engine.run(this.#sql.update, values, options?.signal)
    return row![0] as UpdateOutcome
  }

  async revoke(id: string, { now, reason, signal }: RevokeOptions): Promise<boolean> {
    const parameter = idParameter(id)
    if (parameter === undefined) return false
    const [row] = await this.#engine.run(this.#sql.revoke, [parameter, instantParameter(now), reason], signal)
    return row![0] as boolean
  }

  async revokeSubject(subject: string, { now, reason, except, signal }: RevokeSubjectOptions): Promise<number> {
    const spared = except === undefined ? undefined : idParameter(except)
    const message = subjectPayload(subjectKeyOf(subject))
    const values = [textParameter(subject), instantParameter(now), reason, spared ?? null, message]
    const [row] = await this.#engine.run(this.#sql.revokeSubject, values, signal)
    return row![0] as number
  }

  async revokeLinked(key: string, options: RevokeLinkedOptions): Promise<readonly EndedRecord[]> {
    const { at, now, reason, keepUntil, signal } = options
    const until = keepUntil === undefined ? null : instantParameter(keepUntil)
    const values = [textParameter(key), instantParameter(at), instantParameter(now), reason, until]
    const rows = await this.#engine.run(this.#sql.revokeLinked, values, signal)
    return rows.map((row) => {
      const [id, subject] = row as [string, string | null]
      return { id: idFromColumn(id), subject: subject === null ? undefined : Buffer.from(subject, 'hex').toString('utf8') }
    })
  }

  async list(subject: string, options?: CallOptions): Promise<readonly StoredRecord[]> {
    const rows = await this.#engine.run(this.#sql.list, [textParameter(subject)], options?.signal)
    return rows.map((row) => {
      const [id, version, epoch, startedAt, deadline, absoluteDeadline, body] = row as ListRow
      return { id: idFromColumn(id), version, subject, epoch, startedAt, deadline, absoluteDeadline, body: bytesFromHex(body) }
    })
  }

  query(filter: RecordFilter, options: QueryOptions): Promise<FoundRecords> {
    return this.#search.query(filter, options)
  }

  count(filter: RecordFilter, options: CountOptions): Promise<RecordCount> {
    return this.#search.count(filter, options)
  }

  purge(options: PurgeOptions): Promise<number> {
    return this.#purge.run(options)
  }

  close(): Promise<void> {
    return this.#listening.close()
  }
}

type ListRow = [
  id: string,
  version: number,
  epoch: number,
  startedAt: number,
  deadline: number,
  absoluteDeadline: number,
  body: string | null,
]

const malformedId = () =>
  new ConfigError('postgresStore: a session id is 22 base64url characters, as core makes them.', { code: 'ERR_ARGUMENT_INVALID' })
