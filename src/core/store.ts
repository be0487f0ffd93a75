/**
 * The store contract: seven operations, absolute instants, promises, an `AbortSignal`.
 *
 * Core decides, stores keep. A store knows versions, deadlines and a subject's epoch; it never looks inside `body`,
 * never reads a clock (every instant is handed in) and never learns what a cookie is. Faults reject; absence is a result.
 * `sojourn/testing` has the contract as a test suite: a store that passes it keeps every promise of Sojourn.
 */

/** What a store keeps of one live session. Immutable: stores hand out copies or values nobody writes to. */
export interface StoredRecord {
  /** Public session id, 22 base64url characters. Not secret. */
  readonly id: string
  /** Starts at 1, raised by one in every successful `update`. */
  readonly version: number
  /** Whose session it is; `undefined` while anonymous. Any well-formed string of at most 1,024 UTF-8 bytes, hostile ones included. */
  readonly subject: string | undefined
  /** The subject's epoch when the store created or last spared the record. Stamped by the store, 0 for anonymous records. */
  readonly epoch: number
  /** Instant the session started; orders a subject's sessions and picks the oldest to evict. */
  readonly startedAt: number
  /** Instant after which the session is over if nothing happens: the earlier of its idle and absolute deadline. */
  readonly deadline: number
  /** Instant until which a tombstone must be kept. Never before `deadline`. */
  readonly absoluteDeadline: number
  /** Everything else, opaque to the store: at least 0 bytes and at most 2 MiB. */
  readonly body: Uint8Array
}

/** What remains of a revoked session until its absolute deadline, so that nothing can bring it back. Holds no data. */
export interface Tombstone {
  readonly id: string
  readonly subject: string | undefined
  readonly revokedAt: number
  readonly reason: string
  readonly absoluteDeadline: number
}

/** A record to create. The store stamps `version` 1 and the subject's present `epoch`. */
export type NewRecord = Omit<StoredRecord, 'version' | 'epoch'> & {
  /** What `query` finds the record by beyond its columns; core keeps both in the body, too. Never given to a store without `capabilities.queries`. */
  readonly labels?: RecordLabels | undefined
}

/**
 * Names of where a session is used, kept in the clear so that an engine can search by them; each a well-formed string of at most 100 UTF-8
 * bytes. They never change. A tombstone keeps the device, which is one of many, and loses the network, which may be a person's.
 */
export interface RecordLabels {
  /** Display name of the device, such as `Firefox on Linux`. */
  readonly device?: string | undefined
  /** The client's network, such as `203.0.113.0/24`. */
  readonly network?: string | undefined
}

/** The parts of a record an update replaces. `id`, `subject` and `startedAt` never change. */
export type RecordChanges = Pick<StoredRecord, 'deadline' | 'absoluteDeadline' | 'body'>

/** What `read` found. `subjectEpoch` is the subject's epoch at the time of the read: a record whose own epoch is lower is dead. */
export type ReadOutcome =
  | { readonly kind: 'record'; readonly record: StoredRecord; readonly subjectEpoch: number }
  | { readonly kind: 'tombstone'; readonly tombstone: Tombstone }

/** Options of `create`. */
export interface CreateOptions extends CallOptions {
  /** Now, in epoch milliseconds; used for `replaces` and to tell live sessions from expired ones under `limit`. */
  readonly now: number
  /**
   * Ends this record in the same atomic step, leaving a tombstone; but only while it is still at this version, else nothing
   * happens and the answer is `conflict`. An engine that cannot span both records in one step ends the old one first.
   */
  readonly replaces?: {
    readonly id: string
    readonly version: number
    readonly reason: string
    /** As in `RevokeOptions`. */
    readonly keepUntil?: number | undefined
  }
  /**
   * At most `max` live records (deadline after `now`, not revoked) of the new record's subject, the new one included and the
   * replaced one not counted. `reject` answers `limit` and changes nothing; `evict-oldest` revokes the oldest by `startedAt`
   * with reason `evicted`. Atomic: parallel creates never exceed it.
   */
  readonly limit?: { readonly max: number; readonly onExceeded: 'reject' | 'evict-oldest' }
  /**
   * Names the record can be found by until it ends, for `revokeLinked`. Atomic with it: a record is either ended by a `revokeLinked` of the
   * same moment, or its `create` answers `severed`. Never given to a store without `capabilities.revokesLinked`.
   */
  readonly link?: RecordLink | undefined
}

/** What a record is linked to: the login at an OpenID Provider that it came of. The store knows names and an instant only. */
export interface RecordLink {
  /** One to three different names of 43 base64url characters each. */
  readonly keys: readonly string[]
  /** When it was made, in epoch milliseconds, by the clock of who will also say when it ended. */
  readonly at: number
}

/** A record that `revokeLinked` ended. */
export interface EndedRecord {
  readonly id: string
  readonly subject: string | undefined
}

/**
 * Answer of `create`. `exists`: the id is taken, by a record or a tombstone, and nothing changed. `severed`: one of the link's keys was ended
 * at or after the link's instant; nothing of it lives.
 */
export type CreateOutcome =
  | { readonly kind: 'created'; readonly epoch: number; readonly evicted: readonly string[] }
  | { readonly kind: 'exists' | 'conflict' | 'limit' | 'severed' }

/** `updated`: version is now one higher. `conflict`: it was changed since that version. `gone`: revoked, purged or never there. */
export type UpdateOutcome = 'updated' | 'conflict' | 'gone'

/** Given to every operation. */
export interface CallOptions {
  /** Ends waiting: a store rejects soon after it aborts. The operation may have happened all the same. */
  readonly signal?: AbortSignal | undefined
}

/** Options of `read`. */
export interface ReadOptions extends CallOptions {
  /** The record that came with the request, for a store that keeps none (`capabilities.carries`): it says whether the record still holds. */
  readonly carried?: StoredRecord | undefined
}

/** Options of `update`. */
export interface UpdateOptions extends CallOptions {
  /** As for `read`. */
  readonly carried?: StoredRecord | undefined
}

/** How records travel in cookies. */
export interface CarryingOptions {
  /** Longest sealed record, in characters: what is longer is refused when it is written. */
  readonly maxLength: number
  /** Whether a record too long for one cookie may be compressed: its length then says a little about its content (CRIME). */
  readonly deflates: boolean
}

/** What a store can do beyond, or cannot do of, the contract. Start-up refuses a policy that needs what is missing. */
export interface StoreCapabilities {
  /** `list` gives every session of a subject, and `revokeSubject` counts them. Without it `list` rejects with `ERR_STORE_UNSUPPORTED`. */
  readonly listsSubjects: boolean
  /** `revokeSubject` ends every session of a subject. Without it, it rejects with `ERR_STORE_UNSUPPORTED`. */
  readonly revokesSubjects: boolean
  /** `create` keeps links, and `revokeLinked` ends by them. Without it, logout at an OpenID Provider cannot end sessions here. */
  readonly revokesLinked?: boolean
  /** `create` counts and creates in one atomic step. */
  readonly limitsSubjects: boolean
  /** `query` and `count` search all records by what they are labelled with. Without it, sessions are found by subject and by id alone. */
  readonly queries?: boolean
  /** An acknowledged revocation survives power loss. */
  readonly durableRevocation: boolean
  /** Operations run in this process and cannot wait on a network; core then needs no deadline of its own. */
  readonly isLocal: boolean
  /** The engine removes what is outdated by itself, at its own time; `purge` has nothing to do and gives 0. */
  readonly purgesItself?: boolean
  /** The engine may forget records and entries of the ledger before their deadlines, to make room: nothing may rest on it that must not be forgotten. */
  readonly evicts?: boolean
  /** The store keeps no records: core seals each into its session's cookie, and the store says whether it still holds. */
  readonly carries?: CarryingOptions
  /** What else it cannot promise, a sentence each; the policy report prints them. */
  readonly cautions?: readonly string[]
}

/** Where sessions live. See each operation for its outcome when the record is missing, already there, changed since, or expired. */
export interface Store {
  /** Short name for reports and events, such as `sqlite`. */
  readonly name: string
  readonly capabilities: StoreCapabilities
  /** Small shared state with deadlines, in the same engine. */
  readonly ledger: Ledger
  /** Hints between processes, in the same engine. */
  readonly channel: Channel
  /** Tells what every process does to records, where the engine can push it: `nearCache` needs it to be coherent. */
  readonly changes?: Changes | undefined

  /** Adds a record; fails if the id is present, be it as a tombstone. Atomic with `replaces` and `limit`. */
  create(record: NewRecord, options: CreateOptions): Promise<CreateOutcome>

  /**
   * Reads a record or tombstone with its subject's epoch, in one round trip and without a write.
   * `undefined` when there is none. Expired records are handed out as long as they are there: core judges deadlines.
   * An engine in this process answers without a promise where it need not wait: it is the path of every request.
   */
  read(id: string, options?: ReadOptions): ReadOutcome | undefined | Promise<ReadOutcome | undefined>

  /**
   * A copy of a record that no change is known of and whose lease is fresh, without asking the engine; only a cache has one. Core
   * refuses nobody on a copy's word: it reads again.
   */
  copyOf?(id: string): ReadOutcome | undefined

  /** The same although changes may have been missed meanwhile: for routes that go on reading while the store is away. */
  lastCopyOf?(id: string): ReadOutcome | undefined

  /**
   * Replaces the changed parts if the record is live and still at `version`. Never creates. Expired records may be updated.
   * A record whose epoch is behind its subject's is `gone`.
   */
  update(id: string, version: number, changes: RecordChanges, options?: UpdateOptions): Promise<UpdateOutcome>

  /**
   * Ends a session at once and for good, whatever its version: the record becomes a tombstone without data.
   * Idempotent. Resolves to `true` if this call ended it, `false` if it was revoked already or is not there.
   * Resolves only when the revocation is as durable as the engine can make it.
   */
  revoke(id: string, options: RevokeOptions): Promise<boolean>

  /**
   * Ends every session of a subject except at most one, in one atomic step, and raises the subject's epoch so that a record
   * written at the same moment is either counted here or dead. The spared record is stamped with the new epoch.
   * Resolves to the number of live records it ended; to `undefined` where the engine cannot count them (`listsSubjects` is false).
   */
  revokeSubject(subject: string, options: RevokeSubjectOptions): Promise<number | undefined>

  /**
   * Ends every record that was created with this link key and a link's `at` not after `options.at`, in one atomic step, and remembers key and
   * instant, so that such a record is refused when it comes later. Idempotent; the latest instant of a key counts. Resolves to the records
   * that were live (deadline after `now`) and that this call ended. There where `capabilities.revokesLinked` is true.
   */
  revokeLinked?(key: string, options: RevokeLinkedOptions): Promise<readonly EndedRecord[]>

  /** Every record of a subject that is not revoked and not behind the subject's epoch, oldest first; expired ones included. */
  list(subject: string, options?: CallOptions): Promise<readonly StoredRecord[]>

  /**
   * Records and tombstones that match, in the order of when they started; among those of one instant in an order that stays. Bounded work
   * that blocks nobody: a page may be short, or empty, although more follows, and only one without `next` is the last. Whoever goes on with
   * `next` is given no row twice, and every row that was there all the time and matched all the time. A record behind its subject's epoch is
   * left out. There where `capabilities.queries` is true.
   */
  query?(filter: RecordFilter, options: QueryOptions): Promise<FoundRecords>

  /** How many rows match, as far as they can be counted in bounded work. There where `capabilities.queries` is true. */
  count?(filter: RecordFilter, options: CountOptions): Promise<RecordCount>

  /**
   * Physically removes at most `limit` records whose `deadline`, and tombstones whose `absoluteDeadline`, is before `before`,
   * and outdated ledger entries and epochs. Bounded work that never blocks readers. Resolves to the number of records and
   * tombstones removed; less than `limit` means done.
   */
  purge(options: PurgeOptions): Promise<number>

  /** Releases what the store itself opened (a file, a timer), never a client it was given. Safe to call twice. */
  close(): Promise<void>
}

export interface RevokeOptions extends CallOptions {
  readonly now: number
  /** Short machine word such as `logout`; kept in the tombstone. */
  readonly reason: string
  /**
   * Instant that no session concerned outlives. A store that holds the record knows better from its `absoluteDeadline`; one that does
   * not (sealed cookies, a subject's epoch that must outlive the subject's sessions) keeps the revocation until then. Default: 366 days after `now`.
   */
  readonly keepUntil?: number | undefined
}

export interface RevokeSubjectOptions extends RevokeOptions {
  /** Id of the one session to spare. */
  readonly except?: string | undefined
}

export interface RevokeLinkedOptions extends CallOptions {
  readonly now: number
  /** As in `RevokeOptions`. */
  readonly reason: string
  /** Instant of the end, by the clock that made the link's `at`. */
  readonly at: number
  /**
   * Instant until which key and instant are remembered at least. `undefined`: not at all, and nothing is written where no record has the key; for
   * ends that nobody has proved, or whoever invents them would fill the store.
   */
  readonly keepUntil: number | undefined
}

/** Which records to find: those for which all that is given holds. Nothing given: all. */
export interface RecordFilter {
  readonly id?: string | undefined
  /** Exactly this subject. */
  readonly subject?: string | undefined
  /** Subjects that begin with these characters, none of which means anything but itself. Anonymous records have no subject. */
  readonly subjectPrefix?: string | undefined
  /** Exactly this label. */
  readonly device?: string | undefined
  /** Exactly this label. Tombstones have none. */
  readonly network?: string | undefined
  /** `live`: not revoked, `deadline` after `now`. `expired`: not revoked, `deadline` not after `now`. `revoked`: tombstones. Default `all`. */
  readonly state?: 'live' | 'expired' | 'revoked' | 'all' | undefined
  /** `startedAt` at this instant or later. */
  readonly startedAfter?: number | undefined
  /** `startedAt` before this instant. */
  readonly startedBefore?: number | undefined
}

/** Options of `query`. */
export interface QueryOptions extends CallOptions {
  /** Now, in epoch milliseconds; tells live records from expired ones. */
  readonly now: number
  readonly order: 'newest' | 'oldest'
  /** Most rows of the page, 1 to 500. */
  readonly limit: number
  /** `next` of the page before, of the same filter and order. Any other text rejects with `ERR_ARGUMENT_INVALID`. */
  readonly cursor?: string | undefined
}

/** Options of `count`. */
export interface CountOptions extends CallOptions {
  /** As for `query`. */
  readonly now: number
  /** Counts no further than this, 1 to 1,000,000. */
  readonly most: number
}

/** What `query` found of one session. */
export type FoundRecord =
  | { readonly kind: 'record'; readonly record: StoredRecord }
  | { readonly kind: 'tombstone'; readonly tombstone: Tombstone; readonly startedAt: number; readonly device: string | undefined }

/** A page of what `query` found. */
export interface FoundRecords {
  readonly rows: readonly FoundRecord[]
  /** Where the next page begins; `undefined` when this was the last. Opaque, at most 200 characters, and not secret. */
  readonly next: string | undefined
}

/** Answer of `count`. */
export interface RecordCount {
  readonly count: number
  /** Whether there may be more: `most` was reached, or the work was bounded. Else the count is exact. */
  readonly isAtLeast: boolean
}

export interface PurgeOptions extends CallOptions {
  readonly before: number
  /** Upper bound of removed rows, 1 to 10,000. */
  readonly limit: number
}

/** Options of ledger operations that keep something. */
export interface LedgerOptions extends CallOptions {
  /** Now, in epoch milliseconds. */
  readonly now: number
  /** Instant after which the entry is as good as absent. */
  readonly deadline: number
}

/** Shared state that no feature should invent again: replay caches, single-use values, throttles. Keys are at most 512 UTF-8 bytes. */
export interface Ledger {
  /** `true` for exactly one caller until `deadline`, in all processes; `false` for every other. */
  claim(key: string, options: LedgerOptions): Promise<boolean>
  /** Keeps a value of at most 64 KiB until `deadline`, replacing any earlier one. */
  put(key: string, value: Uint8Array, options: LedgerOptions): Promise<void>
  /** Reads and deletes in one step: exactly one caller gets the value, every other `undefined`. Outdated values are `undefined`. */
  take(key: string, options: CallOptions & { readonly now: number }): Promise<Uint8Array | undefined>
  /** Reads without deleting. Outdated values are `undefined`. */
  get(key: string, options: CallOptions & { readonly now: number }): Promise<Uint8Array | undefined>
  /** Adds one and gives the count within the running window of `window` milliseconds, which starts at the first count. */
  count(key: string, options: CallOptions & { readonly now: number; readonly window: number }): Promise<number>
}

/** What is told of changes. None of these may throw; each is called soon after the change is acknowledged, or before. */
export interface ChangeListener {
  /** A record was updated, revoked or replaced, by this process or another: a copy of it is outdated. */
  changed(id: string): void
  /** All sessions of a subject ended, but perhaps one. @param subjectKey - `subjectKeyOf(subject)`: names nobody. */
  subjectRevoked(subjectKey: string): void
  /** From now on changes may be missed: the connection is lost. */
  interrupted(): void
  /** Nothing is missed any more from now on; what happened since `interrupted` may have been. */
  resumed(): void
}

/** Pushes changes of records to every process that listens. Hints, too: whoever keeps copies bounds their age as well. */
export interface Changes {
  /** Resolves once nothing is missed any more; call what it resolves to, to stop. */
  subscribe(listener: ChangeListener): Promise<() => Promise<void>>
}

/** Hints between processes. A lost message costs freshness, never safety: the store is the truth. */
export interface Channel {
  /** Sends a message of at most 4 KiB to every present subscriber of the topic, this process included. */
  publish(topic: string, message: string, options?: CallOptions): Promise<void>
  /** Calls `listener` for each message of the topic until the returned function is called. A listener that throws harms nobody. */
  subscribe(topic: string, listener: (message: string) => void): Promise<() => Promise<void>>
}
