import { subjectKeyOf } from '../../core/placement.ts'
import type {
  CallOptions,
  CreateOptions,
  CreateOutcome,
  EndedRecord,
  NewRecord,
  PurgeOptions,
  ReadOutcome,
  RecordChanges,
  RecordLink,
  RevokeLinkedOptions,
  RevokeOptions,
  RevokeSubjectOptions,
  Store,
  StoreCapabilities,
  StoredRecord,
  UpdateOutcome,
} from '../../core/store.ts'
import { throwIfAborted } from '../internal/abort.ts'
import { RedisChanges } from './changes.ts'
import { RedisChannel } from './channel.ts'
import type { Engine } from './engine.ts'
import { isSlotMoving } from './faults.ts'
import { decode, decodeRecord, encodeChanges, encodeRecord } from './format.ts'
import { endOf, KEPT_FOR } from './keeping.ts'
import type { Keys } from './keys.ts'
import { RedisLedger } from './ledger.ts'
import { Links } from './links.ts'
import type { Reply } from './port.ts'
import { CREATE, LIST, REGISTER, REVOKE, REVOKE_SUBJECT, UPDATE } from './scripts.ts'

const CREATE_KINDS = ['created', 'exists', 'conflict', 'limit'] as const
const ANY_VERSION = ''

/** The store contract over one client. */
export class RedisStore implements Store {
  readonly name = 'redis'
  readonly capabilities: StoreCapabilities
  readonly ledger: RedisLedger
  readonly channel: RedisChannel
  readonly changes: RedisChanges | undefined

  readonly #changes: RedisChanges
  readonly #engine: Engine
  readonly #keys: Keys
  readonly #links: Links

  constructor(engine: Engine, keys: Keys, capabilities: StoreCapabilities, tellsChanges: boolean) {
    this.#engine = engine
    this.#keys = keys
    this.capabilities = capabilities
    this.ledger = new RedisLedger(engine, keys)
    this.channel = new RedisChannel(engine, keys)
    this.#changes = new RedisChanges(engine, keys, tellsChanges)
    this.changes = tellsChanges ? this.#changes : undefined
    this.#links = new Links(engine, keys, this.#changes)
  }

  create(record: NewRecord, options: CreateOptions): Promise<CreateOutcome> {
    const { link } = options
    return link ? this.#createLinked(record, link, options) : this.#createAny(record, options)
  }

  async #createAny(record: NewRecord, options: CreateOptions): Promise<CreateOutcome> {
    const { replaces } = options
    const isOneStep = !replaces || !this.#engine.port.isCluster || this.#keys.areTogether(replaces.id, record.id)
    try {
      const outcome = isOneStep
        ? await this.#createAtOnce(record, options)
        : await this.#endThenCreate(record, { ...options, replaces })
      if (outcome.kind === 'created') for (const id of outcome.evicted) this.#changes.tellOfRecord(id)
      return outcome
    } finally {
      // Whatever the outcome: in a Cluster it may be ended and the new one refused.
      if (replaces) this.#changes.tellOfRecord(replaces.id)
    }
  }

  // The path of every request.
  read(id: string, options?: CallOptions): Promise<ReadOutcome | undefined> {
    return this.#engine.get(this.#keys.record(id), options?.signal, decode, id)
  }

  async update(id: string, version: number, changes: RecordChanges, options?: CallOptions): Promise<UpdateOutcome> {
    const { deadline, absoluteDeadline, body } = changes
    const args = [
      String(version),
      encodeChanges(deadline, absoluteDeadline, body),
      endOf(deadline),
      this.#changes.scriptChannel,
      id,
      String(KEPT_FOR),
      String(absoluteDeadline),
      '0',
    ]
    const keys = [this.#keys.record(id)]
    try {
      let reply = await this.#engine.write(UPDATE, keys, args, options?.signal)
      // It would outlive its subject's key, or its links' keys: rare, since absolute deadlines hardly ever move.
      if (Array.isArray(reply)) {
        const [subject, links] = reply as readonly Reply[]
        // Before the record: were it the other way round, a crash in between would leave a record that no logout finds.
        await this.#links.extend(id, String(links), absoluteDeadline, options?.signal)
        args[7] = '1'
        if (subject !== null) keys.push(this.#keys.subject(String(subject)))
        reply = await this.#engine.write(UPDATE, keys, args, options?.signal)
      }
      return reply === 0 ? 'updated' : reply === 1 ? 'conflict' : 'gone'
    } finally {
      this.#changes.tellOfRecord(id)
    }
  }

  async revoke(id: string, options: RevokeOptions): Promise<boolean> {
    try {
      return (await this.#revoke(id, ANY_VERSION, options)) === 1
    } finally {
      this.#changes.tellOfRecord(id)
    }
  }

  async revokeSubject(subject: string, options: RevokeSubjectOptions): Promise<number> {
    const { now, reason, except = '', signal } = options
    const key = this.#keys.subject(subject)
    const name = subjectKeyOf(subject)
    const prefix = this.#keys.recordsOf(subject)
    const args = [String(now), reason, String(KEPT_FOR), this.#changes.scriptChannel, prefix, except, subject, name]
    try {
      return Number(await this.#engine.write(REVOKE_SUBJECT, [key], args, signal))
    } finally {
      this.#changes.tellOfSubject(name)
    }
  }

  revokeLinked(key: string, options: RevokeLinkedOptions): Promise<readonly EndedRecord[]> {
    return this.#links.sever(key, options)
  }

  async list(subject: string, options?: CallOptions): Promise<readonly StoredRecord[]> {
    const args = [this.#keys.recordsOf(subject)]
    const found = (await this.#engine.run(LIST, [this.#keys.subject(subject)], args, options?.signal)) as readonly Buffer[]
    const records: StoredRecord[] = []
    for (let i = 0; i < found.length; i += 2) records.push(decodeRecord(String(found[i]), found[i + 1]!))
    return records.sort((a, b) => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1))
  }

  /** Keys expire by themselves. */
  async purge(options: PurgeOptions): Promise<number> {
    throwIfAborted(options.signal)
    return 0
  }

  async close(): Promise<void> {
    this.channel.close()
    this.#changes.close()
    this.#engine.port.close()
  }

  /**
   * The record first, then its names, each in its own slot. Whoever severs a name in between is found by the second: the record goes, and
   * nobody has had its token. Asked before, too, so that a login which ended long ago costs nobody the session that would be replaced.
   */
  async #createLinked(record: NewRecord, link: RecordLink, options: CreateOptions): Promise<CreateOutcome> {
    const { now, signal } = options
    if (await this.#links.isSevered(link, signal)) return { kind: 'severed' }
    const outcome = await this.#createAny(record, options)
    if (outcome.kind !== 'created' || (await this.#links.add(record, link, { now, signal }))) return outcome
    await this.revoke(record.id, { now, reason: 'severed', signal })
    return { kind: 'severed' }
  }

  /**
   * Creates in one step; or, while the slot moves and that cannot be, in several. A limit needs the one step, hence waits for the slot,
   * and so does a replacement: these two try again until their caller leaves.
   */
  async #createAtOnce(record: NewRecord, options: CreateOptions): Promise<CreateOutcome> {
    const { subject } = record
    if (subject === undefined || options.limit || options.replaces) return this.#create(record, options)
    try {
      return await this.#create(record, options, { attempts: 1 })
    } catch (error) {
      if (!(error instanceof Error) || !isSlotMoving(error.cause)) throw error
      return this.#createInSteps(record, subject, options)
    }
  }

  async #create(
    record: NewRecord,
    options: CreateOptions,
    how: { isDryRun?: boolean; attempts?: number } = {},
  ): Promise<CreateOutcome> {
    const { id, subject } = record
    const { now, replaces, limit, link, signal } = options
    const keys = [this.#keys.record(id)]
    if (subject !== undefined) keys.push(this.#keys.subject(subject))
    if (replaces) keys.push(this.#keys.record(replaces.id))
    const args = [
      encodeRecord(record, 0, link),
      endOf(record.deadline),
      String(now),
      String(KEPT_FOR),
      this.#changes.scriptChannel,
      subject === undefined ? '0' : '1',
      id,
      subject === undefined ? '' : this.#keys.recordsOf(subject),
      String(record.absoluteDeadline),
      replaces ? String(replaces.version) : ANY_VERSION,
      replaces?.id ?? '',
      replaces?.reason ?? '',
      limit ? String(limit.max) : '',
      limit?.onExceeded ?? '',
      how.isDryRun ? '1' : '0',
    ]
    const reply = how.isDryRun
      ? await this.#engine.run(CREATE, keys, args, signal)
      : await this.#engine.write(CREATE, keys, args, signal, how.attempts)
    const [kind, epoch, ...evicted] = reply as readonly Reply[]
    if (kind === 0) return { kind: 'created', epoch: Number(epoch), evicted: evicted.map(String) }
    return { kind: CREATE_KINDS[kind as 1 | 2 | 3] }
  }

  /**
   * In a slot that moves, the record and its subject's key may be on two servers, so each is written by itself: the id is added to the
   * subject's sessions, the record is created under the epoch they have, and then they must still have it. If not, the subject was ended
   * meanwhile and may have overlooked the record: nobody has heard of it yet, and it goes. So it is counted, dead or younger, as ever.
   */
  async #createInSteps(record: NewRecord, subject: string, { now, link, signal }: CreateOptions): Promise<CreateOutcome> {
    const { id, deadline, absoluteDeadline } = record
    const [key, subjectKey] = [this.#keys.record(id), this.#keys.subject(subject)]
    const register = (epoch: string) =>
      this.#engine.write(REGISTER, [subjectKey], [id, String(absoluteDeadline), String(now), String(KEPT_FOR), epoch], signal)
    for (;;) {
      const epoch = Number(await register(''))
      const created = await this.#engine.writeCommand(
        key,
        ['set', key, encodeRecord(record, epoch, link), 'pxat', endOf(deadline), 'nx'],
        signal,
      )
      if (created === null) return { kind: 'exists' }
      if (Number(await register(String(epoch))) === epoch) return { kind: 'created', epoch, evicted: [] }
      await this.#engine.writeCommand(key, ['del', key], signal)
    }
  }

  /**
   * A Cluster's scripts reach one slot only, and the two records are in different ones: the old one is ended first, so that no crash
   * leaves both alive. Before that, whether the new one would be refused is asked, since then the old one is to stay.
   */
  async #endThenCreate(
    record: NewRecord,
    { replaces, ...options }: CreateOptions & { readonly replaces: NonNullable<CreateOptions['replaces']> },
  ): Promise<CreateOutcome> {
    if (options.limit) {
      const refusal = await this.#create(record, options, { isDryRun: true })
      if (refusal.kind !== 'created') return refusal
    }
    const end = { ...replaces, now: options.now, signal: options.signal }
    if ((await this.#revoke(replaces.id, String(replaces.version), end)) !== 1) return { kind: 'conflict' }
    return this.#createAtOnce(record, options)
  }

  #revoke(id: string, version: string, { now, reason, signal }: RevokeOptions): Promise<Reply> {
    const args = [String(now), reason, String(KEPT_FOR), this.#changes.scriptChannel, id, version]
    return this.#engine.write(REVOKE, [this.#keys.record(id)], args, signal)
  }
}
