import type { AuditFilter, AuditState, AuditStore, AuditWrite, StoredCheckpoint, StoredEntry } from '../audit/audit-store.ts'
import { closedFault, newerFault } from '../audit/faults.ts'
import { findQuery } from '../audit/find.ts'
import { type PostgresConnection, type PostgresPool, rowsOf } from './client.ts'
import { isMissingTable, isWorthRepeating, missingFault, toAuditFault } from './faults.ts'
import { type Names, SCHEMA_VERSION, schemaSql } from './schema.ts'

const MOST_ATTEMPTS = 5
const COLUMNS = 'seq, at, type, session_id, subject_key, actor_key, body, hash'
const NUMBERED = 'number, seq, at, body, signature'

type Queries = Pick<PostgresPool, 'query'>

/** The contract of audit stores over a pool. */
export class PostgresAudit implements AuditStore {
  readonly name = 'postgres'
  readonly isLocal = false
  readonly #pool: PostgresPool
  readonly #names: Names
  #isChecked = false
  #isClosed = false

  constructor(pool: PostgresPool, names: Names) {
    this.#pool = pool
    this.#names = names
  }

  /** As `PostgresAuditStore.migrate` in `../audit-postgres.ts` says. */
  async migrate(): Promise<void> {
    try {
      // One message of several statements is one transaction, so it works through PgBouncer as well.
      if ((await this.#presentVersion()) === 0) await rowsOf(this.#pool, schemaSql(this.#names))
    } catch (cause) {
      throw toAuditFault(cause)
    }
  }

  /** READ COMMITTED: after it has waited for the lock, a statement must see what was committed meanwhile. The lock is advisory, so that nobody needs a row to begin with. */
  append(decide: (state: AuditState) => AuditWrite | undefined): Promise<void> {
    return this.#transact(async (connection) => {
      await rowsOf(connection, 'SELECT pg_advisory_xact_lock($1)', [this.#names.lock('append')])
      const write = decide(await this.#stateOf(connection))
      if (write !== undefined) await this.#write(connection, write)
    })
  }

  state(): Promise<AuditState> {
    return this.#retry(() => this.#stateOf(this.#pool))
  }

  async entries({ after, through, limit }: Parameters<AuditStore['entries']>[0]): Promise<readonly StoredEntry[]> {
    const text = `SELECT ${COLUMNS} FROM ${this.#names.entries} WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3`
    return (await this.#run(text, [after, through, limit])).map(toStored)
  }

  async search(filter: AuditFilter, page: Parameters<AuditStore['search']>[1]): Promise<readonly StoredEntry[]> {
    const select = `SELECT ${COLUMNS} FROM ${this.#names.entries}`
    const { text, values } = findQuery(select, filter, page, (number) => `$${number}`)
    return (await this.#run(text, [...values])).map(toStored)
  }

  async checkpoints({ after, limit }: Parameters<AuditStore['checkpoints']>[0]): Promise<readonly StoredCheckpoint[]> {
    const text = `SELECT ${NUMBERED} FROM ${this.#names.checkpoints} WHERE number > $1 ORDER BY number LIMIT $2`
    return (await this.#run(text, [after, limit])).map(toCheckpoint)
  }

  async lastCheckpoint(at = Number.MAX_SAFE_INTEGER): Promise<StoredCheckpoint | undefined> {
    const text = `SELECT ${NUMBERED} FROM ${this.#names.checkpoints} WHERE at <= $1 ORDER BY at DESC, number DESC LIMIT 1`
    const [row] = await this.#run(text, [Math.floor(at)])
    return row && toCheckpoint(row)
  }

  remove({ through, checkpoint, limit }: Parameters<AuditStore['remove']>[0]): Promise<number> {
    const { entries, checkpoints } = this.#names
    return this.#transact(async (connection) => {
      const older = `SELECT number FROM ${checkpoints} WHERE number < $1 ORDER BY number LIMIT $2`
      await rowsOf(connection, `DELETE FROM ${checkpoints} WHERE number IN (${older})`, [checkpoint, limit])
      const old = `SELECT seq FROM ${entries} WHERE seq <= $1 ORDER BY seq LIMIT $2`
      return (await rowsOf(connection, `DELETE FROM ${entries} WHERE seq IN (${old}) RETURNING 1`, [through, limit])).length
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  async #stateOf(client: Queries): Promise<AuditState> {
    const { entries, checkpoints, state } = this.#names
    const [row] = await rowsOf(
      client,
      `SELECT s.head, s.head_signature, s.cut, s.cut_signature, s.batches,
        (SELECT max(seq) FROM ${entries}), (SELECT max(number) FROM ${checkpoints})
        FROM (SELECT 1) AS one LEFT JOIN ${state} AS s ON s.id = 1`,
    )
    const [head, headSignature, cut, cutSignature, batches, lastSeq, lastCheckpoint] = row as readonly (string | number | null)[]
    return {
      head: signed(head, headSignature),
      cut: signed(cut, cutSignature),
      batches: String(batches ?? ''),
      lastSeq: Number(lastSeq ?? 0),
      lastCheckpoint: Number(lastCheckpoint ?? 0),
    }
  }

  async #write(connection: PostgresConnection, { entries, checkpoint, head, cut, batches }: AuditWrite): Promise<void> {
    const names = this.#names
    if (entries.length > 0) {
      const columns = [
        entries.map(({ seq }) => seq),
        entries.map(({ at }) => at),
        entries.map(({ type }) => type),
        entries.map(({ sessionId }) => sessionId ?? null),
        entries.map(({ subjectKey }) => subjectKey ?? null),
        entries.map(({ actorKey }) => actorKey ?? null),
        entries.map(({ body }) => body),
        entries.map(({ hash }) => hash),
      ]
      const arrays = '$1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[]'
      await rowsOf(connection, `INSERT INTO ${names.entries} (${COLUMNS}) SELECT * FROM unnest(${arrays})`, columns)
    }
    if (checkpoint !== undefined) {
      const { number, seq, at, body, signature } = checkpoint
      const values = [number, seq, Math.floor(at), body, signature]
      await rowsOf(connection, `INSERT INTO ${names.checkpoints} (${NUMBERED}) VALUES ($1, $2, $3, $4, $5)`, values)
    }
    const values = [head?.body, head?.signature, cut?.body, cut?.signature, batches].map((text) => text ?? null)
    await rowsOf(
      connection,
      `INSERT INTO ${names.state} AS s (id, head, head_signature, cut, cut_signature, batches)
       VALUES (1, $1, $2, $3, $4, coalesce($5, ''))
       ON CONFLICT (id) DO UPDATE SET head = coalesce($1, s.head), head_signature = coalesce($2, s.head_signature),
         cut = coalesce($3, s.cut), cut_signature = coalesce($4, s.cut_signature), batches = coalesce($5, s.batches)`,
      values,
    )
  }

  #run(text: string, values: unknown[]) {
    return this.#retry(() => rowsOf(this.#pool, text, values))
  }

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
        if (!isWorthRepeating(cause) || attempts === MOST_ATTEMPTS) throw toAuditFault(cause)
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

type Cell = string | number | null | undefined

const signed = (body: Cell, signature: Cell) =>
  body == null ? undefined : { body: String(body), signature: String(signature ?? '') }

/** Cells in the order of `COLUMNS`. */
function toStored(row: readonly unknown[]): StoredEntry {
  const [seq, at, type, sessionId, subjectKey, actorKey, body, hash] = row
  return {
    seq: seq as number,
    at: at as number,
    type: type as string,
    sessionId: (sessionId as string | null) ?? undefined,
    subjectKey: (subjectKey as string | null) ?? undefined,
    actorKey: (actorKey as string | null) ?? undefined,
    body: body as string,
    hash: hash as string,
  }
}

/** Cells in the order of `NUMBERED`. */
function toCheckpoint(row: readonly unknown[]): StoredCheckpoint {
  const [number, seq, at, body, signature] = row
  return { number: number as number, seq: seq as number, at: at as number, body: body as string, signature: signature as string }
}
