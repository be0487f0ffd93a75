import { pooledRandom, type Random } from '../../core/crypto.ts'
import { isSojournError } from '../../core/errors.ts'
import { placementOfId, placementOfSubject } from '../../core/placement.ts'
import type {
  CallOptions,
  CreateOptions,
  CreateOutcome,
  NewRecord,
  PurgeOptions,
  ReadOptions,
  ReadOutcome,
  RecordChanges,
  RevokeOptions,
  RevokeSubjectOptions,
  Store,
  StoreCapabilities,
  StoredRecord,
  UpdateOptions,
  UpdateOutcome,
} from '../../core/store.ts'
import { throwIfAborted } from '../internal/abort.ts'
import { answerOf } from '../internal/waiting.ts'
import { decodeSession, encodeRecord, encodeTombstone, GENERATION_BYTES, type Kept } from './format.ts'
import { ANONYMOUS, Group, type Standing, standingIn } from './group.ts'
import { MemcachedLedger } from './ledger.ts'
import { NEVER, type Server } from './server.ts'
import { type Servers, untilFirst } from './servers.ts'
import { noChannel, unsupported } from './unsupported.ts'

/** Where a session and the epochs of its group are. */
interface Place {
  readonly server: Server
  readonly key: string
  readonly groupKey: string
}

/** A session as it was found, and what it takes to replace exactly that. */
interface Found {
  readonly kept: Kept
  /** `undefined` for tombstones, and for records that nobody can say live. */
  readonly standing: Standing | undefined
  readonly cas: Buffer
}

/** The store contract on memcached: every write is an `add` or a compare-and-set, sessions of a subject end by epochs (`group.ts`). */
export class MemcachedStore implements Store {
  readonly name = 'memcached'
  readonly capabilities: StoreCapabilities = {
    listsSubjects: false,
    revokesSubjects: true,
    limitsSubjects: false,
    durableRevocation: false,
    isLocal: false,
    purgesItself: true,
    evicts: true,
    cautions: [
      'memcached forgets sessions when it runs out of memory: whose session is evicted is signed out, and nobody is told.',
      'A memcached server that restarts signs out everybody whose session it held.',
      'memcached forgets entries of the ledger in the same way: a throttle may begin anew, and a single use be claimed twice.',
    ],
  }
  readonly ledger: MemcachedLedger
  readonly channel = noChannel
  readonly #servers: Servers
  readonly #prefix: string
  readonly #random: Random = pooledRandom()

  constructor(servers: Servers, prefix: string) {
    this.#servers = servers
    this.#prefix = prefix
    this.ledger = new MemcachedLedger(servers, prefix)
  }

  create(record: NewRecord, options: CreateOptions): Promise<CreateOutcome> {
    return answerOf('memcached', () => this.#create(record, options), options.signal)
  }

  read(id: string, options?: ReadOptions): Promise<ReadOutcome | undefined> {
    return answerOf('memcached', () => this.#read(id), options?.signal)
  }

  update(id: string, version: number, changes: RecordChanges, options?: UpdateOptions): Promise<UpdateOutcome> {
    return answerOf('memcached', () => untilFirst(() => this.#update(id, version, changes)), options?.signal)
  }

  revoke(id: string, options: RevokeOptions): Promise<boolean> {
    return answerOf('memcached', () => untilFirst(() => this.#revoke(id, options)), options.signal)
  }

  revokeSubject(subject: string, options: RevokeSubjectOptions): Promise<undefined> {
    return answerOf('memcached', () => this.#revokeSubject(subject, options), options.signal)
  }

  async list(_subject: string, options?: CallOptions): Promise<readonly StoredRecord[]> {
    throwIfAborted(options?.signal)
    throw unsupported('list the sessions of a subject')
  }

  /** Items carry their own deadline, and memcached removes them. */
  async purge(options: PurgeOptions): Promise<number> {
    throwIfAborted(options.signal)
    return 0
  }

  async close(): Promise<void> {
    this.#servers.close()
  }

  async #create(record: NewRecord, { now, replaces }: CreateOptions): Promise<CreateOutcome> {
    const place = this.#placeOf(record.id)
    if (replaces !== undefined) {
      // memcached cannot span two items: the old session ends first. What fails after that leaves nobody signed in.
      if (await place.server.get(place.key)) return { kind: 'exists' }
      const { id, version, reason } = replaces
      const hasEnded = await untilFirst(() => this.#revoke(id, { now, reason }, version))
      if (!hasEnded) return { kind: 'conflict' }
    }
    return record.subject === undefined ? this.#createAnonymous(record, place) : this.#createStamped(record, place)
  }

  async #createAnonymous(record: NewRecord, { server, key }: Place): Promise<CreateOutcome> {
    const cas = await server.add(key, encodeRecord({ ...record, version: 1 }, ANONYMOUS), record.deadline)
    return cas ? { kind: 'created', epoch: 0, evicted: [] } : { kind: 'exists' }
  }

  /** Stamps the record with what its group is now, and anew if the subject was ended meanwhile: `group.ts` says why. */
  async #createStamped(record: NewRecord, { server, key, groupKey }: Place): Promise<CreateOutcome> {
    let group = await this.#groupAt(server, groupKey)
    let cas: Buffer | undefined
    return untilFirst(async () => {
      const bytes = encodeRecord({ ...record, version: 1 }, group)
      const [written, groupItem] = await Promise.all([
        cas === undefined ? server.add(key, bytes, record.deadline) : server.replace(key, bytes, record.deadline, cas),
        server.get(groupKey),
      ])
      if (cas === undefined && written === undefined) return { kind: 'exists' }
      const after = groupItem && new Group(groupItem.value)
      const standing = after?.standingOf({
        kind: 'record',
        record: { ...record, version: 1 },
        generation: group.generation,
        stamp: group.stamp,
      })
      // Not written the second time: it was changed, ended or evicted already, and is no longer this call's.
      const isSettled = written === undefined || (standing !== undefined && standing.epoch === standing.subjectEpoch)
      if (isSettled) return { kind: 'created', epoch: standing?.epoch ?? 0, evicted: [] }
      cas = written
      group = after ?? (await this.#groupAt(server, groupKey))
      return undefined
    })
  }

  async #read(id: string): Promise<ReadOutcome | undefined> {
    const found = await this.#find(id, this.#placeOf(id))
    if (found?.kept.kind === 'tombstone') return found.kept
    if (found?.standing === undefined) return undefined
    const { epoch, subjectEpoch } = found.standing
    return { kind: 'record', record: { ...found.kept.record, epoch }, subjectEpoch }
  }

  async #update(id: string, version: number, changes: RecordChanges): Promise<UpdateOutcome | undefined> {
    const place = this.#placeOf(id)
    const found = await this.#find(id, place)
    if (found === undefined || found.kept.kind === 'tombstone' || !isAlive(found)) return 'gone'
    const { kept } = found
    if (kept.record.version !== version) return 'conflict'
    const { deadline, absoluteDeadline, body } = changes
    // Under the stamp it had: should its subject have ended since the look, it stays dead.
    const bytes = encodeRecord({ ...kept.record, version: version + 1, deadline, absoluteDeadline, body }, kept)
    return (await place.server.replace(place.key, bytes, deadline, found.cas)) && 'updated'
  }

  /** Whether this call ended the session, and at this version if one is given; `undefined` if another writer was first. */
  async #revoke(id: string, { now, reason }: RevokeOptions, version?: number): Promise<boolean | undefined> {
    const place = this.#placeOf(id)
    const found = await this.#find(id, place)
    if (found === undefined || found.kept.kind === 'tombstone' || !isAlive(found)) return false
    const { record } = found.kept
    if (version !== undefined && record.version !== version) return false
    const { subject, deadline, absoluteDeadline } = record
    const bytes = encodeTombstone({ subject, reason, revokedAt: now, absoluteDeadline })
    const until = Math.max(deadline, absoluteDeadline)
    // Ending a session must not fail for want of room. Nothing creates it again either: whoever writes late finds no record.
    const hasEnded = await place.server.replace(place.key, bytes, until, found.cas).catch((cause) => {
      if (!isSojournError(cause, 'ERR_STORE_FULL')) throw cause
      return place.server.remove(place.key, found.cas)
    })
    return hasEnded ? true : undefined
  }

  async #revokeSubject(subject: string, options: RevokeSubjectOptions): Promise<undefined> {
    const key = this.#groupKey(placementOfSubject(subject))
    const server = this.#servers.of(key)
    await untilFirst(async () => {
      const item = await server.get(key)
      const group = (item ? new Group(item.value) : this.#newGroup()).after(subject, options)
      return item ? server.replace(key, group.bytes, NEVER, item.cas) : server.add(key, group.bytes, NEVER)
    })
  }

  /** A session and how it stands, in one round trip. The record is asked for first: `group.ts` says why. */
  async #find(id: string, { server, key, groupKey }: Place): Promise<Found | undefined> {
    const [item, groupItem] = await Promise.all([server.get(key), server.get(groupKey)])
    if (item === undefined) return undefined
    const kept = decodeSession(id, item.value)
    const group = groupItem && new Group(groupItem.value)
    return { kept, standing: kept.kind === 'record' ? standingIn(group, kept) : undefined, cas: item.cas }
  }

  /** The group of a place; begins one if there is none. */
  #groupAt(server: Server, key: string): Promise<Group> {
    return untilFirst(async () => {
      const item = await server.get(key)
      if (item) return new Group(item.value)
      const group = this.#newGroup()
      return (await server.add(key, group.bytes, NEVER)) && group
    })
  }

  #newGroup(): Group {
    return Group.begin(this.#random(GENERATION_BYTES))
  }

  /** A session is on the server of its group: one connection gives both, and a lost server takes both. */
  #placeOf(id: string): Place {
    const groupKey = this.#groupKey(placementOfId(id))
    return { server: this.#servers.of(groupKey), key: `${this.#prefix}s${id}`, groupKey }
  }

  #groupKey(placement: string): string {
    return `${this.#prefix}g${placement}`
  }
}

const isAlive = ({ standing }: Found): boolean => standing !== undefined && standing.epoch >= standing.subjectEpoch
