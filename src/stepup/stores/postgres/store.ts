import type { FactorChanges, FactorKind, FactorStore, StoredFactor } from '../../factor-store.ts'
import { closedFault, newerFault } from '../internal/faults.ts'
import { type PostgresConnection, type PostgresPool, rowsOf } from './client.ts'
import { isMissingTable, isWorthRepeating, missingFault, toFactorFault } from './faults.ts'
import { type Names, SCHEMA_VERSION, schemaSql } from './schema.ts'

const MOST_ATTEMPTS = 5
/** As core makes them: anything else, such as what a request holds, is no factor's name. */
const ID = /^[A-Za-z0-9_-]{22}$/

/** The contract of factor stores over a pool. */
export class PostgresFactors implements FactorStore {
  readonly name = 'postgres'
  readonly #pool: PostgresPool
  readonly #names: Names
  readonly #select: string
  #isChecked = false
  #isClosed = false

  constructor(pool: PostgresPool, names: Names) {
    this.#pool = pool
    this.#names = names
    this.#select = `SELECT id, encode(subject, 'hex'), kind, encode(handle, 'hex'), encode(name, 'hex'), created_at, last_used_at,
      version, encode(sealed, 'hex') FROM ${names.factors}`
  }

  /** As `PostgresFactorStore.migrate` in `../postgres.ts` says. */
  async migrate(): Promise<void> {
    try {
      // One message of several statements is one transaction, so it works through PgBouncer as well.
      if ((await this.#presentVersion()) === 0) await rowsOf(this.#pool, schemaSql(this.#names))
    } catch (cause) {
      throw toFactorFault(cause)
    }
  }

  async list(subject: string): Promise<readonly StoredFactor[]> {
    const rows = await this.#run(`${this.#select} WHERE subject = $1 ORDER BY created_at, id`, [bytes(subject)])
    return rows.map(toFactor)
  }

  async byHandle(kind: FactorKind, handle: string): Promise<StoredFactor | undefined> {
    const [row] = await this.#run(`${this.#select} WHERE kind = $1 AND handle = $2`, [kind, bytes(handle)])
    return row && toFactor(row)
  }

  add(factor: Omit<StoredFactor, 'version'>, { most }: { readonly most: number }): Promise<'added' | 'taken' | 'full'> {
    const { id, kind, createdAt, lastUsedAt, sealed } = factor
    const subject = bytes(factor.subject)
    const handle = factor.handle === undefined ? null : bytes(factor.handle)
    const values = [id, subject, kind, handle, bytes(factor.name), instant(createdAt), instant(lastUsedAt), sealed]
    const { factors, lock } = this.#names
    const isFull = `(SELECT count(*) FROM ${factors} WHERE subject = $2 AND kind = $3) >= $`
    const lockOfSubject = lock(`subject ${subject.toString('hex')}`)
    return this.#transact(async (connection) => {
      await rowsOf(connection, 'SELECT pg_advisory_xact_lock($1)', [lockOfSubject])
      const added = await rowsOf(
        connection,
        `INSERT INTO ${factors} (id, subject, kind, handle, name, created_at, last_used_at, sealed, version)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, 1 WHERE NOT ${isFull}9 ON CONFLICT DO NOTHING RETURNING 1`,
        [...values, most],
      )
      if (added.length === 1) return 'added'
      const isTaken = `EXISTS (SELECT FROM ${factors} WHERE id = $1 OR (kind = $3 AND handle = $4))`
      const [row] = await rowsOf(
        connection,
        // Whose id or handle it was may have left meanwhile: it was taken all the same.
        `SELECT CASE WHEN ${isFull}5 AND NOT ${isTaken} THEN 'full' ELSE 'taken' END`,
        [id, subject, kind, handle, most],
      )
      return row![0] as 'taken' | 'full'
    })
  }

  async update(
    subject: string,
    id: string,
    version: number,
    { name, lastUsedAt, sealed }: FactorChanges,
  ): Promise<'updated' | 'conflict' | 'gone'> {
    if (!ID.test(id)) return 'gone'
    const { factors } = this.#names
    const [row] = await this.#run(
      // Of two writers of one version the second waits for the first's row, finds another version on it and changes nothing.
      `WITH changed AS (
         UPDATE ${factors} SET version = version + 1, name = coalesce($4, name), last_used_at = coalesce($5, last_used_at),
           sealed = coalesce($6, sealed)
         WHERE id = $1 AND subject = $2 AND version = $3 RETURNING 1
       )
       SELECT CASE WHEN EXISTS (SELECT FROM changed) THEN 'updated'
         WHEN EXISTS (SELECT FROM ${factors} WHERE id = $1 AND subject = $2) THEN 'conflict' ELSE 'gone' END`,
      [id, bytes(subject), version, name === undefined ? null : bytes(name), instant(lastUsedAt), sealed ?? null],
    )
    return row![0] as 'updated' | 'conflict' | 'gone'
  }

  async remove(subject: string, id: string): Promise<boolean> {
    if (!ID.test(id)) return false
    const text = `DELETE FROM ${this.#names.factors} WHERE id = $1 AND subject = $2 RETURNING 1`
    return (await this.#run(text, [id, bytes(subject)])).length === 1
  }

  async removeAll(subject: string, kind?: FactorKind): Promise<number> {
    const text = `DELETE FROM ${this.#names.factors} WHERE subject = $1 AND kind = coalesce($2, kind) RETURNING 1`
    return (await this.#run(text, [bytes(subject), kind ?? null])).length
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  #run(text: string, values: unknown[]) {
    return this.#retry(() => rowsOf(this.#pool, text, values))
  }

  /** READ COMMITTED: after it has waited for the lock, a statement must see what was committed meanwhile. */
  #transact<T>(work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    return this.#retry(async () => {
      const connection = await this.#pool.connect()
      // A lent connection that is lost says so here too, and without a listener that ends the process.
      const ignore = () => {}
      connection.on('error', ignore)
      let isBroken = true
      try {
        await rowsOf(connection, 'BEGIN ISOLATION LEVEL READ COMMITTED')
        const result = await work(connection)
        await rowsOf(connection, 'COMMIT')
        isBroken = false
        return result
      } finally {
        connection.off('error', ignore)
        // Closing it is what surely ends a transaction that failed half-way.
        connection.release(isBroken)
      }
    })
  }

  async #retry<T>(attempt: () => Promise<T>): Promise<T> {
    for (let attempts = 1; ; attempts++) {
      if (this.#isClosed) throw closedFault()
      try {
        await this.#check()
        return await attempt()
      } catch (cause) {
        if (!isWorthRepeating(cause) || attempts === MOST_ATTEMPTS) throw toFactorFault(cause)
      }
    }
  }

  /** Asked once, before the first statement. */
  async #check(): Promise<void> {
    if (this.#isChecked) return
    if ((await this.#presentVersion()) === 0) throw missingFault()
    this.#isChecked = true
  }

  async #presentVersion(): Promise<number> {
    try {
      const [row] = await rowsOf(this.#pool, `SELECT coalesce(max(version), 0) FROM ${this.#names.version}`)
      const version = Number(row?.[0])
      if (version > SCHEMA_VERSION) throw newerFault()
      return version
    } catch (cause) {
      if (isMissingTable(cause)) return 0
      throw cause
    }
  }
}

const bytes = (text: string) => Buffer.from(text, 'utf8')

const fromHex = (hex: unknown) => Buffer.from(hex as string, 'hex')

/** A fraction of a millisecond is dropped. */
const instant = (at: number | undefined) => (at === undefined ? null : Math.floor(at))

/** Cells in the order of the statement's columns. */
function toFactor(row: readonly unknown[]): StoredFactor {
  const [id, subject, kind, handle, name, createdAt, lastUsedAt, version, sealed] = row
  return {
    id: id as string,
    subject: fromHex(subject).toString(),
    kind: kind as FactorKind,
    handle: handle === null ? undefined : fromHex(handle).toString(),
    name: fromHex(name).toString(),
    createdAt: createdAt as number,
    lastUsedAt: (lastUsedAt as number | null) ?? undefined,
    version: version as number,
    sealed: fromHex(sealed),
  }
}
