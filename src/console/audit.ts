/** The audit log, as far as the console asks of it: what `auditLog` of `sojourn/monitor/audit` gives, or anything alike. */

/** What an operator did. */
export interface ConsoleDeed {
  readonly action: string
  readonly actor: string
  readonly target?: string | undefined
  readonly subject?: string | undefined
  readonly sessionId?: string | undefined
  readonly reason?: string | undefined
}

/** One entry, as it is shown. */
export interface ShownEntry {
  readonly seq: number
  readonly at: number
  readonly type: string
  readonly sessionId: string | undefined
  readonly subject: string | undefined
  readonly actor: string | undefined
  readonly reason: string | undefined
  /** Everything else that the event said. */
  readonly details?: Readonly<Record<string, unknown>>
  readonly times: number
  readonly level: 'info' | 'warn' | 'critical'
  readonly sentence: string
}

/** Which entries to find. */
export interface EntryQuery {
  readonly sessionId?: string | undefined
  readonly subject?: string | undefined
  readonly actor?: string | undefined
  readonly types?: readonly string[] | undefined
  readonly limit?: number | undefined
  readonly older?: string | undefined
  readonly newer?: string | undefined
}

/** What `verify` found wrong. */
export interface ShownFinding {
  readonly kind: string
  readonly what: string
}

export interface ConsoleAudit {
  /** Resolves when it is in the log; the console acts after that, or not at all. */
  record(deed: ConsoleDeed): Promise<unknown>
  search?(query: EntryQuery): Promise<{
    readonly entries: readonly ShownEntry[]
    readonly older: string | undefined
    readonly newer: string | undefined
  }>
  verify?(): Promise<{ readonly isIntact: boolean; readonly findings: readonly ShownFinding[] }>
}
