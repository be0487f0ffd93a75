/**
 * The contract of an outbox: which applications take part in which session, and what is still to be told to whom. It is a table of the
 * application's own and survives a restart. Nothing in it is secret: logout tokens are signed when they are sent.
 */

/** One application that is to be told when one session ends. */
export interface OutboxEntry {
  /** Session id and client id name it: one application is told once of one session. */
  readonly sessionId: string
  readonly clientId: string
  /** What the application knows the session by: the `sid` of its tokens. */
  readonly sid: string
  /** The session's subject, for the `sub` of the logout token. Any well-formed string of at most 1,024 UTF-8 bytes, hostile ones included. */
  readonly subject: string
  /**
   * `watching`: the session lives, as far as anybody knows. `due`: it ended and the application is to be told. `delivered`: it answered that it
   * knows. `dead`: given up, after too many tries or a final refusal.
   */
  readonly state: OutboxState
  /** When it is next looked at: a watched session, whether it still lives; a due delivery, when it is tried. Epoch milliseconds. */
  readonly nextAt: number
  /** Since when it is due, or is again: tries are given up some time after. */
  readonly dueAt: number | undefined
  /** When the session ended, as far as known. */
  readonly endedAt: number | undefined
  /** Why, a machine word. */
  readonly reason: string | undefined
  /** Tries since it became due. */
  readonly attempts: number
  /** What the last try came to: a machine word such as `status-503`, `timeout`; never what the other side said. */
  readonly lastError: string | undefined
  /** When a delivered or dead entry may be removed; `undefined` for others. */
  readonly keepUntil: number | undefined
}

export type OutboxState = 'watching' | 'due' | 'delivered' | 'dead'

/** How many entries of one client are in one state. */
export interface OutboxCount {
  readonly clientId: string
  readonly state: OutboxState
  readonly count: number
}

/** What became of an entry that was leased. */
export interface Settlement
  extends Pick<OutboxEntry, 'sessionId' | 'clientId' | 'nextAt' | 'attempts' | 'lastError' | 'keepUntil'> {
  readonly state: 'due' | 'delivered' | 'dead'
  /** The `nextAt` it was leased with: it holds only as long as nobody else has leased it since. */
  readonly leasedUntil: number
}

/** How entries are leased. */
export interface LeaseOptions {
  /** Only entries of this client. Default: any. */
  readonly clientId?: string | undefined
  readonly now: number
  /** What `nextAt` becomes, after `now`. */
  readonly until: number
  /** At most so many, 1 to 1,000. */
  readonly limit: number
}

/** Where entries live. Every method is atomic, and safe from several processes at once. */
export interface Outbox {
  /** Short name for reports. */
  readonly name: string
  /**
   * Adds an entry in state `watching`, unless this session and client have one, whatever its state.
   *
   * @returns The `sid` that is kept: an earlier call's, where there was one.
   */
  watch(entry: Pick<OutboxEntry, 'sessionId' | 'clientId' | 'sid' | 'subject' | 'nextAt'>): Promise<string>
  /** Makes every watched entry of a session due, at `nextAt`. Gives whose it changed: exactly one of two callers changes each. */
  end(
    sessionId: string,
    options: { readonly endedAt: number; readonly reason: string; readonly nextAt: number },
  ): Promise<readonly string[]>
  /** Brings the next look at a subject's watched entries forward to `nextAt`; never back. Gives how many it changed. */
  hasten(subject: string, nextAt: number): Promise<number>
  /**
   * Takes entries of a state whose `nextAt` has come, oldest first, and sets their `nextAt` to `until`, so that no other process takes them before.
   * A process that dies leaves them to be taken again. They are handed out as they are then: `nextAt` is `until`.
   */
  lease(state: 'watching' | 'due', options: LeaseOptions): Promise<readonly OutboxEntry[]>
  /** Writes down what became of due entries, each only while it is due and still leased until `leasedUntil`. Gives how many it changed. */
  settle(settlements: readonly Settlement[]): Promise<number>
  /** Entries of a state, those with the latest `nextAt` first, for the console; at most `limit`, 1 to 1,000. */
  list(
    state: OutboxState,
    options: { readonly clientId?: string | undefined; readonly limit: number },
  ): Promise<readonly OutboxEntry[]>
  /** How many there are of each client and state; those there are none of may be left out. */
  counts(): Promise<readonly OutboxCount[]>
  /**
   * Makes dead entries due again at `nextAt`, without attempts: all, a session's, a client's, or the one of both. Gives how many;
   * less than `limit` means done.
   */
  revive(
    which: { readonly sessionId?: string | undefined; readonly clientId?: string | undefined },
    options: { readonly nextAt: number; readonly limit: number },
  ): Promise<number>
  /** Removes delivered and dead entries whose `keepUntil` is before `before`; at most `limit`. Gives how many; less than `limit` means done. */
  purge(options: { readonly before: number; readonly limit: number }): Promise<number>
  /** Removes entries of a client, in whatever state; at most `limit`. Gives how many; less than `limit` means done. */
  forget(clientId: string, options: { readonly limit: number }): Promise<number>
  /** Releases what it opened itself. Safe to call twice. */
  close(): Promise<void>
}
