/**
 * What an audit log keeps its entries in. A store knows nothing of hashes and signatures: it keeps rows in order, lets one writer at a time decide what comes next, and finds.
 * Whoever can write to it can damage the log; `verify` finds that, whatever the store says.
 */

/** Canonical text and its signature. */
export interface Signed {
  readonly body: string
  readonly signature: string
}

/** An entry as it is kept. All columns but `hash` can be told from `body`, and are there to be searched. */
export interface StoredEntry {
  /** From 1, without gaps. */
  readonly seq: number
  /** Epoch milliseconds. */
  readonly at: number
  readonly type: string
  /** Public session id. */
  readonly sessionId: string | undefined
  /** What a subject or an actor is found by: 22 characters, see `entry.ts`. */
  readonly subjectKey: string | undefined
  readonly actorKey: string | undefined
  /** The entry itself: printable ASCII, at most 64 KiB. */
  readonly body: string
  /** 43 characters. */
  readonly hash: string
}

/** A signed statement about all entries up to `seq`. */
export interface StoredCheckpoint extends Signed {
  /** From 1, without gaps. */
  readonly number: number
  readonly seq: number
  readonly at: number
}

/** What the next writer must know. */
export interface AuditState {
  /** Where the log stands. `undefined` in a new one. */
  readonly head: Signed | undefined
  /** Up to where entries were removed. */
  readonly cut: Signed | undefined
  /** Names of the last batches, for a writer that does not know whether its own was written. At most 4 KiB of ASCII; empty in a new one. */
  readonly batches: string
  /** The largest `seq` there is; 0 without entries. */
  readonly lastSeq: number
  /** The largest number of a checkpoint there is; 0 without any. */
  readonly lastCheckpoint: number
}

/** What a writer decided. What is `undefined` stays as it is. */
export interface AuditWrite {
  readonly entries: readonly StoredEntry[]
  readonly checkpoint: StoredCheckpoint | undefined
  readonly head: Signed | undefined
  readonly cut: Signed | undefined
  readonly batches: string | undefined
}

/** What to find; all of it must hold. */
export interface AuditFilter {
  readonly sessionId?: string | undefined
  readonly subjectKey?: string | undefined
  readonly actorKey?: string | undefined
  /** Any of these; at most 100. */
  readonly types?: readonly string[] | undefined
  /** `at` from here on. */
  readonly from?: number | undefined
  /** `at` before this. */
  readonly until?: number | undefined
}

/** A place in the order of `at`, then `seq`. */
export interface AuditPlace {
  readonly at: number
  readonly seq: number
}

/** The contract of audit stores. Whatever fails rejects, as `StoreError` where the store can tell what it was. */
export interface AuditStore {
  readonly name: string
  /** Whether it is in this process, so that no call hangs on a network. */
  readonly isLocal: boolean
  /**
   * Asks `decide` what to write, with the present state, and writes all of it or nothing. No other writer, of any process, comes between. `decide` does not wait, and is
   * asked again when the engine takes the transaction back. `undefined` writes nothing.
   */
  append(decide: (state: AuditState) => AuditWrite | undefined): Promise<void>
  state(): Promise<AuditState>
  /** Entries with `after < seq <= through`, ascending, at most `limit`. */
  entries(range: { readonly after: number; readonly through: number; readonly limit: number }): Promise<readonly StoredEntry[]>
  /** Entries that match, by `at` and `seq`: older than `older` and descending, or newer than `newer` and ascending; descending from the latest without either. */
  search(
    filter: AuditFilter,
    page: { readonly older?: AuditPlace | undefined; readonly newer?: AuditPlace | undefined; readonly limit: number },
  ): Promise<readonly StoredEntry[]>
  /** Checkpoints with `number > after`, ascending, at most `limit`. */
  checkpoints(range: { readonly after: number; readonly limit: number }): Promise<readonly StoredCheckpoint[]>
  /** The latest checkpoint with `at` at or before this instant; the latest of all without. */
  lastCheckpoint(at?: number): Promise<StoredCheckpoint | undefined>
  /** Removes at most `limit` entries with `seq <= through`, and checkpoints with a number below `checkpoint`; gives the number of entries. */
  remove(range: { readonly through: number; readonly checkpoint: number; readonly limit: number }): Promise<number>
  close(): Promise<void>
}
