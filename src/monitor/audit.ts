/**
 * The audit log: what happened, who did it and why, kept so that nobody can change, remove or reorder it unseen, not even whoever can write to the database. Entries are chained by
 * hashes; where the chain stands is signed with every batch, and from time to time for good.
 */
import { serviceOf } from '../core/service.ts'
import type { Sessions } from '../core/sessions.ts'
import type { StoredCheckpoint } from './audit/audit-store.ts'
import { type AuditEntry, toEntry } from './audit/entry.ts'
import { type ExportOptions, exportLog } from './audit/exporting.ts'
import { type AuditOptions, RETAIN_EVERY, resolveAuditOptions } from './audit/options.ts'
import { type AuditRecord, draftOf } from './audit/own-entry.ts'
import { likenessOf, recorder } from './audit/recording.ts'
import { type Retained, retainLog } from './audit/retaining.ts'
import { type AuditPage, type AuditQuery, searchLog } from './audit/searching.ts'
import { type AuditPublicKey, createSigner } from './audit/signing.ts'
import { type AuditCheckpoint, toCheckpoint } from './audit/statements.ts'
import { auditCalls, OPERATION } from './audit/store-calls.ts'
import { type Verification, type VerifyOptions, verifyLog } from './audit/verifying.ts'
import { Writer } from './audit/writer.ts'
import { consume } from './consumer.ts'

export type {
  AuditFilter,
  AuditPlace,
  AuditState,
  AuditStore,
  AuditWrite,
  Signed,
  StoredCheckpoint,
  StoredEntry,
} from './audit/audit-store.ts'
export type { AuditEntry } from './audit/entry.ts'
export type { ExportOptions } from './audit/exporting.ts'
export type { Finding, FindingKind } from './audit/findings.ts'
export type { AuditOptions } from './audit/options.ts'
export type { AuditRecord } from './audit/own-entry.ts'
export type { Retained } from './audit/retaining.ts'
export type { AuditPage, AuditQuery } from './audit/searching.ts'
export type { AuditPublicKey } from './audit/signing.ts'
export type { AuditCheckpoint } from './audit/statements.ts'
export type { Verification, VerifyOptions } from './audit/verifying.ts'

/** What `auditLog` gives. */
export interface AuditLog {
  /**
   * Writes an entry of the application's or the console's own, and resolves when it is in the log: do what it is about after that, or not at all.
   *
   * @throws {ConfigError} `ERR_ARGUMENT_INVALID` - a field is missing, too long, or would pass for an event.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - it may or may not be in the log.
   * @example
   * await audit.record({ action: 'invoice.deleted', actor: session.subject, target: 'invoice 4711', reason: 'asked by e-mail' })
   */
  record(entry: AuditRecord): Promise<AuditEntry>
  /**
   * Finds entries, the latest first, page by page.
   *
   * @throws {ConfigError} `ERR_ARGUMENT_INVALID` - a cursor that no page gave, or another field of the wrong kind.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE`
   * @example
   * const page = await audit.search({ subject: 'ada', types: ['session.started', 'session.revoked'], limit: 20 })
   * const next = page.older && (await audit.search({ subject: 'ada', older: page.older, limit: 20 }))
   */
  search(query?: AuditQuery): Promise<AuditPage>
  /**
   * Reads the log and says where it is not what was written: an edit, a deletion, an insertion, another order, a forged checkpoint; with `anchor` also an end that was cut off before it.
   * A million entries take some seconds; others write meanwhile.
   *
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - nothing is known. A damaged log is an answer, never an error.
   * @example
   * const { isIntact, findings } = await audit.verify({ anchor: latestOfTheMailbox })
   */
  verify(options?: VerifyOptions): Promise<Verification>
  /**
   * The log as lines of JSON, each with its line end, in the order it was written; `after` goes on where an earlier one ended.
   *
   * @example
   * await pipeline(audit.export({ format: 'ecs', after: lastSeq }), createWriteStream('audit.ndjson'))
   */
  export(options?: ExportOptions): AsyncGenerator<string, void, undefined>
  /**
   * Removes entries that are older than `olderThan` milliseconds, up to the last checkpoint before that, in small steps; `verify` holds afterwards, and an entry says that it was
   * done. Again goes on where one was interrupted.
   *
   * @param options.actor - Who asked for it, for that entry.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - some may be gone already; the log holds.
   */
  retain(options: { readonly olderThan: number; readonly actor?: string; readonly signal?: AbortSignal }): Promise<Retained>
  /** Makes a checkpoint now, where anything is new since the last, and gives the latest there is; `undefined` in an empty log. */
  checkpoint(): Promise<AuditCheckpoint | undefined>
  /** Public keys of the ring and of `trustedKeys`, the newest first: for outsiders, and for `trustedKeys` after a key has left the ring. */
  readonly publicKeys: readonly AuditPublicKey[]
  /** Events that wait to be written, that were lost since the start, and tries that failed in a row. */
  readonly status: { readonly waiting: number; readonly dropped: number; readonly failures: number }
  /** Resolves when everything that was emitted so far is in the log. For tests and shutdown; it does not resolve while the store is away. */
  drained(): Promise<void>
  /** Stops listening, writes what waits, for at most `timeout` milliseconds (default 5,000), and makes a last checkpoint. The store stays open: it is yours. */
  close(options?: { readonly timeout?: number }): Promise<void>
}

/** Events written in one go: in SQLite that is the time during which nothing else happens in this process. */
const BATCH = 200

/**
 * Starts the audit log of an application. Each process that makes sessions makes one over the same store; they write one log.
 *
 * Its keys are derived from `keys` of `createSessions`. Whoever has those can forge the log, so keep checkpoints elsewhere too (`onCheckpoint`).
 *
 * @param sessions - What `createSessions` gave.
 * @param options - See `AuditOptions`; `store` is required.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up, with what was given and what was expected.
 * @see ASVS 5.0, V16; OWASP Logging Vocabulary
 * @example
 * const audit = auditLog(sessions, { store: sqliteAuditStore('audit.db'), onCheckpoint: (checkpoint) => mail(checkpoint) })
 */
export function auditLog<Data>(sessions: Sessions<Data>, options: AuditOptions): AuditLog {
  const { config, events } = serviceOf(sessions)
  const settings = resolveAuditOptions(options)
  const { clock, random } = config
  const signer = createSigner(config.keyring, settings.trustedKeys)
  const store = auditCalls(settings.store, {
    timeout: settings.timeout,
    circuitBreaker: config.circuitBreaker,
    random: () => random(1)[0]! / 255,
    events,
  })
  const rules = {
    signer,
    checkpointEvery: settings.checkpointEvery,
    checkpointInterval: settings.checkpointInterval,
    newLogName: () => Buffer.from(random(16)).toString('base64url'),
  }
  const writer = new Writer(store, rules, random, {
    checkpointed: (checkpoint) => void tell(checkpoint),
    tampered: (what, seq) => events.emit({ type: 'audit.tampered', what, seq }),
  })
  const consumer = consume(sessions, {
    name: 'audit',
    // What it does itself when the store is away would only grow while that is so.
    wants: (event) => !(event.type === 'store.failed' && event.operation.startsWith(OPERATION)) && settings.records(event),
    likeness: likenessOf,
    deliver: recorder(writer, clock),
    linger: settings.linger,
    batchSize: BATCH,
    mostWaiting: settings.mostWaiting,
  })

  async function tell(checkpoint: StoredCheckpoint): Promise<void> {
    try {
      await settings.onCheckpoint(toCheckpoint(checkpoint))
    } catch {
      events.emit({ type: 'monitor.failed', consumer: 'audit-anchor', code: 'checkpoint-not-kept' })
    }
  }

  const writeCheckpoint = () => writer.write(writer.newName(), { drafts: [], now: clock(), isCheckpointDue: true })

  const retain: AuditLog['retain'] = async ({ olderThan, actor, signal }) => {
    const now = clock()
    return retainLog({ store, signer, writer }, { before: now - Math.max(0, olderThan), now, actor, signal })
  }

  // A quiet log has its last entries vouched for too. Failures report themselves as the store's.
  const timers = [
    setInterval(
      () => void writer.write(writer.newName(), { drafts: [], now: clock() }).catch(() => {}),
      settings.checkpointInterval,
    ),
  ]
  const { keepFor } = settings
  if (keepFor !== undefined) {
    timers.push(setInterval(() => void retain({ olderThan: keepFor, actor: 'retention' }).catch(() => {}), RETAIN_EVERY))
  }
  for (const timer of timers) timer.unref()

  return {
    async record(entry) {
      const draft = draftOf(entry, clock())
      const written = await writer.write(writer.newName(), { drafts: [draft], now: clock() })
      return toEntry(written!.entries[0]!)
    },
    search: async (query = {}) => searchLog(store, query),
    verify: (verifyOptions) => verifyLog(store, signer, verifyOptions),
    export: (exportOptions = {}) => exportLog(store, exportOptions),
    retain,
    async checkpoint() {
      await writeCheckpoint()
      const last = await store.lastCheckpoint()
      return last && toCheckpoint(last)
    },
    publicKeys: signer.publicKeys,
    get status() {
      const { waiting, dropped, failures } = consumer
      return { waiting, dropped, failures }
    },
    drained: () => consumer.drained(),
    async close(closeOptions) {
      for (const timer of timers) clearInterval(timer)
      await consumer.close(closeOptions)
      // The store may be away; what it has is signed for by its head.
      await writeCheckpoint().catch(() => {})
    },
  }
}
