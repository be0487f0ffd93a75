import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { LeaseOptions, Outbox, OutboxCount, OutboxEntry, OutboxState, Settlement } from '../../outbox.ts'
import { closedFault } from '../internal/faults.ts'
import { isLocked, resultCode, toOutboxFault } from './faults.ts'
import { rollBack } from './open.ts'
import { fromCell, toCell } from './text.ts'

const COLUMNS = `session_id AS sessionId, client_id AS clientId, sid, subject, state, next_at AS nextAt, due_at AS dueAt,
  ended_at AS endedAt, reason, attempts, last_error AS lastError, keep_until AS keepUntil`
const OLDEST = 'ORDER BY next_at, session_id, client_id LIMIT ?'
const LATEST = 'ORDER BY next_at DESC, session_id DESC, client_id DESC LIMIT ?'

/** Those with `Of` are of one client. */
const SQL = {
  find: 'SELECT sid FROM sojourn_outbox WHERE session_id = ? AND client_id = ?',
  watch: `INSERT INTO sojourn_outbox (session_id, client_id, sid, subject, next_at, state) VALUES (?, ?, ?, ?, ?, 'watching')`,
  watched: `SELECT client_id AS clientId FROM sojourn_outbox WHERE session_id = ? AND state = 'watching'`,
  end: `UPDATE sojourn_outbox SET state = 'due', ended_at = ?, reason = ?, next_at = ?, due_at = ?
    WHERE session_id = ? AND state = 'watching'`,
  hasten: `UPDATE sojourn_outbox SET next_at = ? WHERE subject = ? AND state = 'watching' AND next_at > ?`,
  due: `SELECT rowid, ${COLUMNS} FROM sojourn_outbox WHERE state = ? AND next_at <= ? ${OLDEST}`,
  dueOf: `SELECT rowid, ${COLUMNS} FROM sojourn_outbox WHERE client_id = ? AND state = ? AND next_at <= ? ${OLDEST}`,
  lease: 'UPDATE sojourn_outbox SET next_at = ? WHERE rowid = ?',
  settle: `UPDATE sojourn_outbox SET state = ?, next_at = ?, attempts = ?, last_error = ?, keep_until = ?
    WHERE session_id = ? AND client_id = ? AND state = 'due' AND next_at = ?`,
  list: `SELECT ${COLUMNS} FROM sojourn_outbox WHERE state = ? ${LATEST}`,
  listOf: `SELECT ${COLUMNS} FROM sojourn_outbox WHERE client_id = ? AND state = ? ${LATEST}`,
  counts: 'SELECT client_id AS clientId, state, count(*) AS count FROM sojourn_outbox GROUP BY client_id, state',
  revive: `UPDATE sojourn_outbox SET state = 'due', next_at = ?, due_at = ?, attempts = 0, last_error = NULL, keep_until = NULL
    WHERE rowid IN (SELECT rowid FROM sojourn_outbox WHERE state = 'dead'
      AND session_id = coalesce(?, session_id) AND client_id = coalesce(?, client_id) LIMIT ?)`,
  purge: 'DELETE FROM sojourn_outbox WHERE rowid IN (SELECT rowid FROM sojourn_outbox WHERE keep_until < ? LIMIT ?)',
  forget: 'DELETE FROM sojourn_outbox WHERE rowid IN (SELECT rowid FROM sojourn_outbox WHERE client_id = ? LIMIT ?)',
} as const

type Statements = Readonly<Record<keyof typeof SQL, StatementSync>>

const SQLITE_ERROR = 1
const LONGEST_PAUSE = 16

/** The contract of outboxes over one SQLite handle. `onClose` releases the handle if it is ours. */
export class SqliteOutbox implements Outbox {
  readonly name = 'sqlite'
  readonly #database: DatabaseSync
  readonly #busyTimeout: number
  readonly #sql: Statements
  #onClose: (() => void) | undefined

  constructor(database: DatabaseSync, busyTimeout: number, onClose: () => void) {
    this.#database = database
    this.#busyTimeout = busyTimeout
    this.#onClose = onClose
    try {
      this.#sql = prepareStatements(database)
    } catch (error) {
      onClose()
      throw toOutboxFault(error)
    }
  }

  watch({ sessionId, clientId, sid, subject, nextAt }: Parameters<Outbox['watch']>[0]): Promise<string> {
    return this.#write(() => {
      const present = this.#sql.find.get(sessionId, clientId)
      if (present !== undefined) return present.sid as string
      this.#sql.watch.run(sessionId, clientId, sid, toCell(subject), instant(nextAt))
      return sid
    })
  }

  end(sessionId: string, { endedAt, reason, nextAt }: Parameters<Outbox['end']>[1]): Promise<readonly string[]> {
    return this.#write(() => {
      const watched = this.#sql.watched.all(sessionId).map(({ clientId }) => clientId as string)
      if (watched.length > 0) this.#sql.end.run(instant(endedAt), reason, instant(nextAt), instant(nextAt), sessionId)
      return watched
    })
  }

  hasten(subject: string, nextAt: number): Promise<number> {
    return this.#write(() => Number(this.#sql.hasten.run(instant(nextAt), toCell(subject), instant(nextAt)).changes))
  }

  lease(state: 'watching' | 'due', { clientId, now, until, limit }: LeaseOptions): Promise<readonly OutboxEntry[]> {
    const { due, dueOf, lease } = this.#sql
    const leasedUntil = instant(until)
    return this.#write(() => {
      const found = clientId === undefined ? due.all(state, instant(now), limit) : dueOf.all(clientId, state, instant(now), limit)
      for (const { rowid } of found) lease.run(leasedUntil, rowid!)
      return (found as unknown as Row[]).map((row) => toEntry({ ...row, nextAt: leasedUntil }))
    })
  }

  settle(settlements: readonly Settlement[]): Promise<number> {
    return this.#write(() => {
      let changed = 0
      for (const { sessionId, clientId, leasedUntil, state, nextAt, attempts, lastError, keepUntil } of settlements) {
        const values = [state, instant(nextAt), attempts, lastError ?? null, instant(keepUntil)] as const
        changed += Number(this.#sql.settle.run(...values, sessionId, clientId, instant(leasedUntil)).changes)
      }
      return changed
    })
  }

  list(state: OutboxState, { clientId, limit }: Parameters<Outbox['list']>[1]): Promise<readonly OutboxEntry[]> {
    const { list, listOf } = this.#sql
    return this.#retry(() => {
      const rows = clientId === undefined ? list.all(state, limit) : listOf.all(clientId, state, limit)
      return (rows as unknown as Row[]).map(toEntry)
    })
  }

  counts(): Promise<readonly OutboxCount[]> {
    return this.#retry(() => this.#sql.counts.all().map((row) => ({ ...row })) as unknown as OutboxCount[])
  }

  revive(
    { sessionId, clientId }: Parameters<Outbox['revive']>[0],
    { nextAt, limit }: Parameters<Outbox['revive']>[1],
  ): Promise<number> {
    const at = instant(nextAt)
    return this.#write(() => Number(this.#sql.revive.run(at, at, sessionId ?? null, clientId ?? null, limit).changes))
  }

  purge({ before, limit }: Parameters<Outbox['purge']>[0]): Promise<number> {
    return this.#write(() => Number(this.#sql.purge.run(instant(before), limit).changes))
  }

  forget(clientId: string, { limit }: { readonly limit: number }): Promise<number> {
    return this.#write(() => Number(this.#sql.forget.run(clientId, limit).changes))
  }

  async close(): Promise<void> {
    const onClose = this.#onClose
    this.#onClose = undefined
    onClose?.()
  }

  /** IMMEDIATE takes the write lock first, so that what the work reads is still true when it writes. */
  #write<T>(work: () => T): Promise<T> {
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
        if (waited >= this.#busyTimeout || !(isLocked(error) || this.#isTransactionOfTheApplication(error))) {
          throw toOutboxFault(error)
        }
      }
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }

  /** `BEGIN` is then refused; and every transaction of ours is over before anybody else can ask. */
  #isTransactionOfTheApplication(error: unknown): boolean {
    return resultCode(error) === SQLITE_ERROR && (error as Error).message.includes('within a transaction')
  }
}

type Nullable<T> = { readonly [Key in keyof T]: undefined extends T[Key] ? Exclude<T[Key], undefined> | null : T[Key] }

interface Row extends Nullable<Omit<OutboxEntry, 'subject'>> {
  readonly subject: string | Uint8Array
}

const toEntry = (row: Row): OutboxEntry => ({
  sessionId: row.sessionId,
  clientId: row.clientId,
  sid: row.sid,
  subject: fromCell(row.subject),
  state: row.state,
  nextAt: row.nextAt,
  dueAt: row.dueAt ?? undefined,
  endedAt: row.endedAt ?? undefined,
  reason: row.reason ?? undefined,
  attempts: row.attempts,
  lastError: row.lastError ?? undefined,
  keepUntil: row.keepUntil ?? undefined,
})

/** An instant for an INTEGER column of a STRICT table. */
function instant(at: number): number
function instant(at: number | undefined): number | null
function instant(at: number | undefined): number | null {
  return at === undefined ? null : Math.floor(at)
}

/** The application's handle may be set to other kinds of answers, where this Node has the settings. */
function prepareStatements(database: DatabaseSync): Statements {
  const prepared = Object.entries(SQL).map(([name, text]): [string, StatementSync] => {
    const statement = database.prepare(text)
    statement.setReadBigInts(false)
    if ('setReturnArrays' in statement) statement.setReturnArrays(false)
    return [name, statement]
  })
  return Object.fromEntries(prepared) as Statements
}
