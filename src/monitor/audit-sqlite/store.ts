import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { AuditFilter, AuditState, AuditStore, AuditWrite, StoredCheckpoint, StoredEntry } from '../audit/audit-store.ts'
import { closedFault } from '../audit/faults.ts'
import { findQuery } from '../audit/find.ts'
import { isLocked, resultCode, toAuditFault } from './faults.ts'
import { rollBack } from './open.ts'

const SELECT = `SELECT seq, at, type, session_id AS sessionId, subject_key AS subjectKey, actor_key AS actorKey, body, hash FROM sojourn_audit`
const CHECKPOINT = 'SELECT number, seq, at, body, signature FROM sojourn_audit_checkpoints'

const SQL = {
  state: `SELECT head, head_signature AS headSignature, cut, cut_signature AS cutSignature, batches FROM sojourn_audit_state WHERE id = 1`,
  lastSeq: 'SELECT max(seq) AS last FROM sojourn_audit',
  lastNumber: 'SELECT max(number) AS last FROM sojourn_audit_checkpoints',
  insert:
    'INSERT INTO sojourn_audit (seq, at, type, session_id, subject_key, actor_key, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  insertCheckpoint: 'INSERT INTO sojourn_audit_checkpoints (number, seq, at, body, signature) VALUES (?, ?, ?, ?, ?)',
  writeState: `INSERT INTO sojourn_audit_state (id, head, head_signature, cut, cut_signature, batches)
    VALUES (1, ?1, ?2, ?3, ?4, coalesce(?5, ''))
    ON CONFLICT (id) DO UPDATE SET head = coalesce(?1, head), head_signature = coalesce(?2, head_signature), cut = coalesce(?3, cut),
      cut_signature = coalesce(?4, cut_signature), batches = coalesce(?5, batches)`,
  entries: `${SELECT} WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?`,
  checkpoints: `${CHECKPOINT} WHERE number > ? ORDER BY number LIMIT ?`,
  lastCheckpoint: `${CHECKPOINT} WHERE at <= ? ORDER BY at DESC, number DESC LIMIT 1`,
  remove: 'DELETE FROM sojourn_audit WHERE seq IN (SELECT seq FROM sojourn_audit WHERE seq <= ? ORDER BY seq LIMIT ?)',
  removeCheckpoints:
    'DELETE FROM sojourn_audit_checkpoints WHERE number IN (SELECT number FROM sojourn_audit_checkpoints WHERE number < ? LIMIT ?)',
} as const

type Statements = Readonly<Record<keyof typeof SQL, StatementSync>>

const SQLITE_ERROR = 1
const LONGEST_PAUSE = 16

/** The contract of audit stores over one SQLite handle. `onClose` releases the handle if it is ours. */
export class SqliteAudit implements AuditStore {
  readonly name = 'sqlite'
  readonly isLocal = true
  readonly #database: DatabaseSync
  readonly #busyTimeout: number
  readonly #sql: Statements
  #onClose: (() => void) | undefined

  constructor(database: DatabaseSync, busyTimeout: number, onClose: () => void) {
    this.#database = database
    this.#busyTimeout = busyTimeout
    this.#onClose = onClose
    try {
      this.#sql = Object.fromEntries(Object.entries(SQL).map(([name, text]) => [name, this.#prepare(text)])) as Statements
    } catch (error) {
      onClose()
      throw toAuditFault(error)
    }
  }

  /** IMMEDIATE takes the write lock first, so that what `decide` is told is still true when it is written. */
  append(decide: (state: AuditState) => AuditWrite | undefined): Promise<void> {
    return this.#transact(() => {
      const write = decide(this.#state())
      if (write === undefined) return
      for (const { seq, at, type, sessionId, subjectKey, actorKey, body, hash } of write.entries)
        this.#sql.insert.run(seq, at, type, sessionId ?? null, subjectKey ?? null, actorKey ?? null, body, hash)
      const { checkpoint, head, cut, batches } = write
      if (checkpoint !== undefined) {
        const { number, seq, at, body, signature } = checkpoint
        this.#sql.insertCheckpoint.run(number, seq, Math.floor(at), body, signature)
      }
      const signed = [head?.body, head?.signature, cut?.body, cut?.signature, batches]
      this.#sql.writeState.run(...signed.map((text) => text ?? null))
    })
  }

  state(): Promise<AuditState> {
    return this.#retry(() => this.#state())
  }

  entries({ after, through, limit }: Parameters<AuditStore['entries']>[0]): Promise<readonly StoredEntry[]> {
    return this.#retry(() => (this.#sql.entries.all(after, through, limit) as unknown as Row[]).map(toStored))
  }

  search(filter: AuditFilter, page: Parameters<AuditStore['search']>[1]): Promise<readonly StoredEntry[]> {
    return this.#retry(() => {
      const { text, values } = findQuery(SELECT, filter, page, (number) => `?${number}`)
      return (this.#prepare(text).all(...values) as unknown as Row[]).map(toStored)
    })
  }

  checkpoints({ after, limit }: Parameters<AuditStore['checkpoints']>[0]): Promise<readonly StoredCheckpoint[]> {
    return this.#retry(() => this.#sql.checkpoints.all(after, limit).map((row) => ({ ...row })) as unknown as StoredCheckpoint[])
  }

  lastCheckpoint(at = Number.MAX_SAFE_INTEGER): Promise<StoredCheckpoint | undefined> {
    return this.#retry(() => {
      const row = this.#sql.lastCheckpoint.get(Math.floor(at))
      return row && ({ ...row } as unknown as StoredCheckpoint)
    })
  }

  remove({ through, checkpoint, limit }: Parameters<AuditStore['remove']>[0]): Promise<number> {
    return this.#transact(() => {
      this.#sql.removeCheckpoints.run(checkpoint, limit)
      return Number(this.#sql.remove.run(through, limit).changes)
    })
  }

  async close(): Promise<void> {
    const onClose = this.#onClose
    this.#onClose = undefined
    onClose?.()
  }

  #state(): AuditState {
    const row = this.#sql.state.get() as unknown as StateRow | undefined
    const { head, headSignature, cut, cutSignature } = row ?? {}
    return {
      head: head == null ? undefined : { body: head, signature: headSignature ?? '' },
      cut: cut == null ? undefined : { body: cut, signature: cutSignature ?? '' },
      batches: row?.batches ?? '',
      lastSeq: Number(this.#sql.lastSeq.get()?.last ?? 0),
      lastCheckpoint: Number(this.#sql.lastNumber.get()?.last ?? 0),
    }
  }

  #transact<T>(work: () => T): Promise<T> {
    return this.#retry(() => {
      this.#database.exec('BEGIN IMMEDIATE')
      try {
        const result = work()
        this.#database.exec('COMMIT')
        return result
      } catch (error) {
        rollBack(this.#database)
        throw error
      }
    })
  }

  /** Again while a lock is held elsewhere, up to the busy timeout. SQLite's own waiting would stop the whole process for as long. */
  async #retry<T>(attempt: () => T): Promise<T> {
    for (let waited = 0, pause = 1; ; waited += pause, pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      if (this.#onClose === undefined) throw closedFault()
      try {
        return attempt()
      } catch (error) {
        if (waited >= this.#busyTimeout || !(isLocked(error) || this.#isTransactionOfTheApplication(error)))
          throw toAuditFault(error)
      }
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }

  /** `BEGIN` is then refused; and every transaction of ours is over before anybody else can ask. */
  #isTransactionOfTheApplication(error: unknown): boolean {
    return resultCode(error) === SQLITE_ERROR && (error as Error).message.includes('within a transaction')
  }

  /** The application's handle may be set to other kinds of answers, where this Node has the settings. */
  #prepare(text: string): StatementSync {
    const statement = this.#database.prepare(text)
    statement.setReadBigInts(false)
    if ('setReturnArrays' in statement) statement.setReturnArrays(false)
    return statement
  }
}

interface StateRow {
  readonly head: string | null
  readonly headSignature: string | null
  readonly cut: string | null
  readonly cutSignature: string | null
  readonly batches: string
}

type Row = { readonly [Name in keyof StoredEntry]: Exclude<StoredEntry[Name], undefined> | null }

function toStored(row: Row): StoredEntry {
  const { seq, at, type, sessionId, subjectKey, actorKey, body, hash } = row as unknown as StoredEntry
  return {
    seq,
    at,
    type,
    sessionId: sessionId ?? undefined,
    subjectKey: subjectKey ?? undefined,
    actorKey: actorKey ?? undefined,
    body,
    hash,
  }
}
