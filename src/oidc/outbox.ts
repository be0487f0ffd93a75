/**
 * The contract of an outbox: which applications take part in which session, and what is still to be told to whom. It is a table of the
 * application's own and survives a restart. Nothing in it is secret: logout tokens are signed when they are sent.
 */

/** One application that is to be told when one session ends. */
export interface OutboxEntry {
  /** Session id and client id name it: one application is told once of one session. */
  readonly sessionId: string
  readonly clientId: string
  /** The session's subject, for the `sub` of the logout token. */
  readonly subject: string
  /**
   * `watching`: the session lives, as far as anybody knows. `due`: it ended and the application is to be told. `delivered`: it answered that it
   * knows. `dead`: given up, after too many tries or a final refusal.
   */
  readonly state: 'watching' | 'due' | 'delivered' | 'dead'
  /** When it is next looked at: a watched session, whether it still lives; a due delivery, when it is tried. Epoch milliseconds. */
  readonly nextAt: number
  /** When the session ended, as far as known. */
  readonly endedAt: number | undefined
  /** Why, a machine word. */
  readonly reason: string | undefined
  readonly attempts: number
  /** What the last try came to: a machine word such as `status-503`, `timeout`; never what the other side said. */
  readonly lastError: string | undefined
  /** When a delivered or dead entry may be removed. */
  readonly keepUntil: number
}

/** How many entries are in each state. */
export type OutboxCounts = Readonly<Record<OutboxEntry['state'], number>>

/** Where entries live. Every method is atomic, and safe from several processes at once. */
export interface Outbox {
  /** Short name for reports. */
  readonly name: string
  /** Adds an entry in state `watching`. `false` when this session and client have one already. */
  watch(entry: Pick<OutboxEntry, 'sessionId' | 'clientId' | 'subject' | 'nextAt' | 'keepUntil'>): Promise<boolean>
  /** Makes every watched entry of a session due. Gives how many it changed: exactly one of two callers changes each. */
  end(sessionId: string, options: { readonly endedAt: number; readonly reason: string; readonly nextAt: number }): Promise<number>
  /** The same for all of a subject's sessions but one. */
  endSubject(
    subject: string,
    options: { readonly except?: string | undefined; readonly endedAt: number; readonly reason: string; readonly nextAt: number },
  ): Promise<number>
  /**
   * Takes entries of a state whose `nextAt` has come, oldest first, and sets their `nextAt` to `until`, so that no other process takes them before. A process
   * that dies leaves them to be taken again.
   */
  lease(
    state: 'watching' | 'due',
    options: { readonly now: number; readonly until: number; readonly limit: number },
  ): Promise<readonly OutboxEntry[]>
  /** Changes an entry that is still leased until `leasedUntil`. `false` when somebody else has it meanwhile. */
  settle(
    entry: Pick<OutboxEntry, 'sessionId' | 'clientId'>,
    leasedUntil: number,
    changes: Partial<Pick<OutboxEntry, 'state' | 'nextAt' | 'attempts' | 'lastError' | 'keepUntil'>>,
  ): Promise<boolean>
  /** Entries of a state, newest first, for the console; at most `limit`. */
  list(state: OutboxEntry['state'], options: { readonly limit: number }): Promise<readonly OutboxEntry[]>
  counts(): Promise<OutboxCounts>
  /** Makes a dead entry due again. */
  revive(entry: Pick<OutboxEntry, 'sessionId' | 'clientId'>, nextAt: number): Promise<boolean>
  /** Removes delivered and dead entries whose `keepUntil` is past; at most `limit`. Gives how many. */
  purge(options: { readonly before: number; readonly limit: number }): Promise<number>
  /** Releases what it opened itself. Safe to call twice. */
  close(): Promise<void>
}
