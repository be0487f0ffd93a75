import { subjectKeyOf } from '../../core/placement.ts'
import type {
  CallOptions,
  Changes,
  Channel,
  CreateOptions,
  CreateOutcome,
  EndedRecord,
  Ledger,
  NewRecord,
  PurgeOptions,
  ReadOptions,
  ReadOutcome,
  RecordChanges,
  RevokeLinkedOptions,
  RevokeOptions,
  RevokeSubjectOptions,
  Store,
  StoreCapabilities,
  StoredRecord,
  UpdateOptions,
  UpdateOutcome,
} from '../../core/store.ts'
import { Copies } from './copies.ts'
import { type Flight, Flights } from './flights.ts'
import { Subscription } from './subscription.ts'

/** Checked options of `nearCache`. */
export interface NearCacheConfig {
  readonly maxStaleness: number
  readonly maxEntries: number
  readonly clock: () => number
}

/**
 * A store that keeps copies of what it read.
 *
 * `read` always asks the engine, and its answer is kept for `copyOf` unless something happened to the record while the answer was
 * on its way. Four things say that something happened: a message, a write of our own, an answer that the session is over, and the
 * end of an interruption, in which messages may have been missed.
 */
export class NearCache implements Store {
  readonly name: string
  readonly capabilities: StoreCapabilities
  readonly ledger: Ledger
  readonly channel: Channel
  readonly changes: Changes | undefined
  readonly revokeLinked?: NonNullable<Store['revokeLinked']>
  readonly query?: NonNullable<Store['query']>
  readonly count?: NonNullable<Store['count']>

  readonly #store: Store
  readonly #clock: () => number
  readonly #copies: Copies
  readonly #flights = new Flights()
  readonly #subscription: Subscription

  constructor(store: Store, { maxStaleness, maxEntries, clock }: NearCacheConfig) {
    const { capabilities } = store
    this.name = `near-cache(${store.name})`
    this.capabilities = { ...capabilities, cautions: [...(capabilities.cautions ?? []), cautionOf(maxStaleness)] }
    this.ledger = store.ledger
    this.channel = store.channel
    this.changes = store.changes
    this.#store = store
    if (store.revokeLinked !== undefined) this.revokeLinked = (key, options) => this.#revokeLinked(key, options)
    if (store.query !== undefined) this.query = (filter, options) => store.query!(filter, options)
    if (store.count !== undefined) this.count = (filter, options) => store.count!(filter, options)
    this.#clock = clock
    this.#copies = new Copies(maxEntries, maxStaleness)
    this.#subscription = new Subscription(store.changes!, clock, {
      changed: (id) => this.#drop(id),
      subjectRevoked: (subjectKey) => this.#dropSubject(subjectKey),
      resumed: () => this.#dropAll(),
    })
  }

  // The path of every request: one look-up, one look at the clock.
  copyOf(id: string): ReadOutcome | undefined {
    return this.#subscription.isComplete ? this.lastCopyOf(id) : undefined
  }

  lastCopyOf(id: string): ReadOutcome | undefined {
    return this.#copies.get(id, this.#clock)
  }

  async read(id: string, options?: ReadOptions): Promise<ReadOutcome | undefined> {
    this.#subscription.ensure()
    // Before asking: the answer says what was true at some time after this, and nobody knows when.
    const sentAt = this.#clock()
    const flight = this.#flights.depart(id)
    try {
      const found = await this.#store.read(id, options)
      this.#learn(id, found, sentAt, flight)
      return found
    } finally {
      this.#flights.land(id, flight)
    }
  }

  create(record: NewRecord, options: CreateOptions): Promise<CreateOutcome> {
    const { replaces, limit } = options
    const drop = () => {
      if (replaces !== undefined) this.#drop(replaces.id)
      // Whom it evicts is known only if the answer arrives.
      if (limit?.onExceeded === 'evict-oldest' && record.subject !== undefined) this.#dropSubject(subjectKeyOf(record.subject))
    }
    return this.#write(drop, () => this.#store.create(record, options))
  }

  update(id: string, version: number, changes: RecordChanges, options?: UpdateOptions): Promise<UpdateOutcome> {
    return this.#write(
      () => this.#drop(id),
      () => this.#store.update(id, version, changes, options),
    )
  }

  revoke(id: string, options: RevokeOptions): Promise<boolean> {
    return this.#write(
      () => this.#drop(id),
      () => this.#store.revoke(id, options),
    )
  }

  revokeSubject(subject: string, options: RevokeSubjectOptions): Promise<number | undefined> {
    const subjectKey = subjectKeyOf(subject)
    return this.#write(
      () => this.#dropSubject(subjectKey),
      () => this.#store.revokeSubject(subject, options),
    )
  }

  list(subject: string, options?: CallOptions): Promise<readonly StoredRecord[]> {
    return this.#store.list(subject, options)
  }

  purge(options: PurgeOptions): Promise<number> {
    return this.#store.purge(options)
  }

  async close(): Promise<void> {
    await this.#subscription.close()
    this.#dropAll()
    await this.#store.close()
  }

  /** Whose sessions end is known only from the answer, and it may be lost: then every copy goes. Rare enough. */
  async #revokeLinked(key: string, options: RevokeLinkedOptions): Promise<readonly EndedRecord[]> {
    try {
      const ended = await this.#store.revokeLinked!(key, options)
      for (const { id } of ended) this.#drop(id)
      return ended
    } catch (error) {
      this.#dropAll()
      throw error
    }
  }

  /**
   * Drops before, so that nobody here goes on with what is being changed, and after, for what was read meanwhile. A write that
   * failed may have happened all the same.
   */
  async #write<T>(drop: () => void, write: () => Promise<T>): Promise<T> {
    drop()
    try {
      return await write()
    } finally {
      drop()
    }
  }

  #learn(id: string, found: ReadOutcome | undefined, sentAt: number, flight: Flight): void {
    const isLive = found?.kind === 'record' && found.record.epoch >= found.subjectEpoch
    if (!isLive) this.#drop(id)
    else if (this.#flights.isUndisturbed(flight)) this.#copies.keep(found, sentAt)
  }

  #drop(id: string): void {
    this.#copies.drop(id)
    this.#flights.disturb(id)
  }

  #dropSubject(subjectKey: string): void {
    this.#copies.dropSubject(subjectKey)
    // Whose sessions are being read is not known before the answers are there.
    this.#flights.disturbAll()
  }

  #dropAll(): void {
    this.#copies.dropAll()
    this.#flights.disturbAll()
  }
}

const cautionOf = (maxStaleness: number) =>
  `A session ended by another process can be read here for up to ${maxStaleness} ms more if the message about it is lost (nearCache, maxStaleness).`
