import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { FactorChanges, FactorKind, FactorStore, StoredFactor } from '../../factor-store.ts'
import { closedFault } from '../internal/faults.ts'
import { isLocked, resultCode, toFactorFault } from './faults.ts'
import { rollBack } from './open.ts'
import { fromCell, toCell } from './text.ts'

const COLUMNS = 'id, subject, kind, handle, name, created_at AS createdAt, last_used_at AS lastUsedAt, version, sealed'

const SQL = {
  list: `SELECT ${COLUMNS} FROM sojourn_factors WHERE subject = ? ORDER BY created_at, id`,
  byHandle: `SELECT ${COLUMNS} FROM sojourn_factors WHERE kind = ? AND handle = ?`,
  find: 'SELECT 1 FROM sojourn_factors WHERE id = ?',
  count: 'SELECT count(*) AS count FROM sojourn_factors WHERE subject = ? AND kind = ?',
  insert: `INSERT INTO sojourn_factors (id, subject, kind, handle, name, created_at, last_used_at, sealed, version)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)`,
  update: `UPDATE sojourn_factors SET version = version + 1,
    name = coalesce(?, name), last_used_at = coalesce(?, last_used_at), sealed = coalesce(?, sealed)
    WHERE id = ? AND subject = ? AND version = ?`,
  findOf: 'SELECT 1 FROM sojourn_factors WHERE id = ? AND subject = ?',
  remove: 'DELETE FROM sojourn_factors WHERE id = ? AND subject = ?',
  removeAll: 'DELETE FROM sojourn_factors WHERE subject = ? AND coalesce(kind = ?, true)',
} as const

type Statements = Readonly<Record<keyof typeof SQL, StatementSync>>

const SQLITE_ERROR = 1
const LONGEST_PAUSE = 16

/** The contract of factor stores over one SQLite handle. `onClose` releases the handle if it is ours. */
export class SqliteFactors implements FactorStore {
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
      throw toFactorFault(error)
    }
  }

  list(subject: string): Promise<readonly StoredFactor[]> {
    return this.#retry(() => (this.#sql.list.all(toCell(subject)) as unknown as Row[]).map(toFactor))
  }

  byHandle(kind: FactorKind, handle: string): Promise<StoredFactor | undefined> {
    return this.#retry(() => {
      const row = this.#sql.byHandle.get(kind, toCell(handle)) as Row | undefined
      return row && toFactor(row)
    })
  }

  add(factor: Omit<StoredFactor, 'version'>, { most }: { readonly most: number }): Promise<'added' | 'taken' | 'full'> {
    const { id, kind, createdAt, lastUsedAt, sealed } = factor
    const sql = this.#sql
    const subject = toCell(factor.subject)
    const handle = factor.handle === undefined ? null : toCell(factor.handle)
    return this.#write(() => {
      if (sql.find.get(id) || sql.byHandle.get(kind, handle)) return 'taken'
      if (Number(sql.count.get(subject, kind)?.count) >= most) return 'full'
      sql.insert.run(id, subject, kind, handle, toCell(factor.name), instant(createdAt), instant(lastUsedAt), sealed)
      return 'added'
    })
  }

  update(subject: string, id: string, version: number, changes: FactorChanges): Promise<'updated' | 'conflict' | 'gone'> {
    const { name, lastUsedAt, sealed } = changes
    const whose = toCell(subject)
    return this.#write(() => {
      const text = name === undefined ? null : toCell(name)
      if (this.#sql.update.run(text, instant(lastUsedAt), sealed ?? null, id, whose, version).changes === 1) return 'updated'
      return this.#sql.findOf.get(id, whose) ? 'conflict' : 'gone'
    })
  }

  remove(subject: string, id: string): Promise<boolean> {
    return this.#write(() => this.#sql.remove.run(id, toCell(subject)).changes === 1)
  }

  removeAll(subject: string, kind?: FactorKind): Promise<number> {
    return this.#write(() => Number(this.#sql.removeAll.run(toCell(subject), kind ?? null).changes))
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
          throw toFactorFault(error)
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

interface Row extends Omit<StoredFactor, 'subject' | 'handle' | 'name' | 'lastUsedAt'> {
  readonly subject: string | Uint8Array
  readonly handle: string | Uint8Array | null
  readonly name: string | Uint8Array
  readonly lastUsedAt: number | null
}

const toFactor = ({ id, subject, kind, handle, name, createdAt, lastUsedAt, version, sealed }: Row): StoredFactor => ({
  id,
  subject: fromCell(subject),
  kind,
  handle: handle === null ? undefined : fromCell(handle),
  name: fromCell(name),
  createdAt,
  lastUsedAt: lastUsedAt ?? undefined,
  version,
  sealed,
})

/** An instant for an INTEGER column of a STRICT table. */
const instant = <T extends number | undefined>(at: T) => (at === undefined ? null : Math.floor(at))

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
