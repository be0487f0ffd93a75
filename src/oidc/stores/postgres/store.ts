import type { LeaseOptions, Outbox, OutboxCount, OutboxEntry, OutboxState, Settlement } from '../../outbox.ts'
import { closedFault, newerFault } from '../internal/faults.ts'
import { type PostgresPool, rowsOf } from './client.ts'
import { isMissingTable, isWorthRepeating, missingFault, toOutboxFault } from './faults.ts'
import { type Names, SCHEMA_VERSION, schemaSql } from './schema.ts'

const MOST_ATTEMPTS = 5

/** The cells of an entry, in this order. */
const columns = (row: string) =>
  `${row}.session_id, ${row}.client_id, ${row}.sid, encode(${row}.subject, 'hex'), ${row}.state, ${row}.next_at, ${row}.due_at,
   ${row}.ended_at, ${row}.reason, ${row}.attempts, ${row}.last_error, ${row}.keep_until`

/** The contract of outboxes over a pool. Every operation is one statement. */
export class PostgresRows implements Outbox {
  readonly name = 'postgres'
  readonly #pool: PostgresPool
  readonly #names: Names
  #isChecked = false
  #isClosed = false

  constructor(pool: PostgresPool, names: Names) {
    this.#pool = pool
    this.#names = names
  }

  /** As `PostgresOutbox.migrate` in `../postgres.ts` says. */
  async migrate(): Promise<void> {
    try {
      // One message of several statements is one transaction, so it works through PgBouncer as well.
      if ((await this.#presentVersion()) === 0) await rowsOf(this.#pool, schemaSql(this.#names))
    } catch (cause) {
      throw toOutboxFault(cause)
    }
  }

  async watch({ sessionId, clientId, sid, subject, nextAt }: Parameters<Outbox['watch']>[0]): Promise<string> {
    const { outbox } = this.#names
    for (;;) {
      const [row] = await this.#run(
        // What another adds in this very moment is not in this statement's view: then there is no row, and the next try finds it.
        `WITH added AS (
           INSERT INTO ${outbox} (session_id, client_id, sid, subject, next_at, state) VALUES ($1, $2, $3, $4, $5, 'watching')
           ON CONFLICT DO NOTHING RETURNING sid
         )
         SELECT sid FROM added UNION ALL SELECT sid FROM ${outbox} WHERE session_id = $1 AND client_id = $2`,
        [sessionId, clientId, sid, bytes(subject), instant(nextAt)],
      )
      if (row !== undefined) return row[0] as string
    }
  }

  async end(sessionId: string, { endedAt, reason, nextAt }: Parameters<Outbox['end']>[1]): Promise<readonly string[]> {
    const rows = await this.#run(
      `UPDATE ${this.#names.outbox} SET state = 'due', ended_at = $2, reason = $3, next_at = $4, due_at = $4
       WHERE session_id = $1 AND state = 'watching' RETURNING client_id`,
      [sessionId, instant(endedAt), reason, instant(nextAt)],
    )
    return rows.map(([clientId]) => clientId as string)
  }

  hasten(subject: string, nextAt: number): Promise<number> {
    return this.#count(
      `UPDATE ${this.#names.outbox} SET next_at = $2 WHERE subject = $1 AND state = 'watching' AND next_at > $2 RETURNING 1`,
      [bytes(subject), instant(nextAt)],
    )
  }

  async lease(state: 'watching' | 'due', { clientId, now, until, limit }: LeaseOptions): Promise<readonly OutboxEntry[]> {
    const { outbox } = this.#names
    const rows = await this.#run(
      // Rows that another process is taking in this moment are skipped, not waited for.
      `WITH taken AS MATERIALIZED (
         SELECT session_id, client_id, next_at FROM ${outbox}
         WHERE ${clientId === undefined ? '' : 'client_id = $5 AND '}state = $1 AND next_at <= $2
         ORDER BY next_at, session_id, client_id LIMIT $4 FOR UPDATE SKIP LOCKED
       ), leased AS (
         UPDATE ${outbox} AS row SET next_at = $3 FROM taken
         WHERE row.session_id = taken.session_id AND row.client_id = taken.client_id
         RETURNING ${columns('row')}, taken.next_at AS was_next_at, row.session_id AS one, row.client_id AS other
       )
       SELECT * FROM leased ORDER BY was_next_at, one, other`,
      [state, instant(now), instant(until), limit, ...(clientId === undefined ? [] : [clientId])],
    )
    return rows.map(toEntry)
  }

  async settle(settlements: readonly Settlement[]): Promise<number> {
    if (settlements.length === 0) return 0
    const column = <T>(cell: (settlement: Settlement) => T) => settlements.map(cell)
    return this.#count(
      `UPDATE ${this.#names.outbox} AS row SET state = given.state, next_at = given.next_at, attempts = given.attempts,
         last_error = given.last_error, keep_until = given.keep_until
       FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::integer[], $7::text[], $8::bigint[])
         AS given (session_id, client_id, leased_until, state, next_at, attempts, last_error, keep_until)
       WHERE row.session_id = given.session_id AND row.client_id = given.client_id
         AND row.state = 'due' AND row.next_at = given.leased_until RETURNING 1`,
      [
        column(({ sessionId }) => sessionId),
        column(({ clientId }) => clientId),
        column(({ leasedUntil }) => instant(leasedUntil)),
        column(({ state }) => state),
        column(({ nextAt }) => instant(nextAt)),
        column(({ attempts }) => attempts),
        column(({ lastError }) => lastError ?? null),
        column(({ keepUntil }) => instant(keepUntil)),
      ],
    )
  }

  async list(state: OutboxState, { clientId, limit }: Parameters<Outbox['list']>[1]): Promise<readonly OutboxEntry[]> {
    const rows = await this.#run(
      `SELECT ${columns('row')} FROM ${this.#names.outbox} AS row WHERE ${clientId === undefined ? '' : 'client_id = $3 AND '}state = $1
       ORDER BY next_at DESC, session_id DESC, client_id DESC LIMIT $2`,
      [state, limit, ...(clientId === undefined ? [] : [clientId])],
    )
    return rows.map(toEntry)
  }

  async counts(): Promise<readonly OutboxCount[]> {
    const rows = await this.#run(`SELECT client_id, state, count(*) FROM ${this.#names.outbox} GROUP BY client_id, state`, [])
    return rows.map(([clientId, state, count]) => ({ clientId, state, count }) as OutboxCount)
  }

  revive(
    { sessionId, clientId }: Parameters<Outbox['revive']>[0],
    { nextAt, limit }: Parameters<Outbox['revive']>[1],
  ): Promise<number> {
    const which = `state = 'dead' AND session_id = coalesce($3, session_id) AND client_id = coalesce($4, client_id)`
    return this.#count(
      `${this.#few(which)}
       UPDATE ${this.#names.outbox} AS row SET state = 'due', next_at = $1, due_at = $1, attempts = 0, last_error = NULL, keep_until = NULL
       FROM few WHERE row.session_id = few.session_id AND row.client_id = few.client_id RETURNING 1`,
      [instant(nextAt), limit, sessionId ?? null, clientId ?? null],
    )
  }

  purge({ before, limit }: Parameters<Outbox['purge']>[0]): Promise<number> {
    return this.#delete('keep_until < $1', [instant(before), limit])
  }

  forget(clientId: string, { limit }: { readonly limit: number }): Promise<number> {
    return this.#delete('client_id = $1', [clientId, limit])
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  #delete(which: string, values: unknown[]): Promise<number> {
    return this.#count(
      `${this.#few(which)} DELETE FROM ${this.#names.outbox} AS row USING few
       WHERE row.session_id = few.session_id AND row.client_id = few.client_id RETURNING 1`,
      values,
    )
  }

  /** `$2` of them, locked as they are found: two who clear up at once do not wait for each other. Materialized, or a plan could look twice. */
  #few(which: string): string {
    return `WITH few AS MATERIALIZED (
      SELECT session_id, client_id FROM ${this.#names.outbox} WHERE ${which} LIMIT $2 FOR UPDATE SKIP LOCKED
    )`
  }

  async #count(text: string, values: unknown[]): Promise<number> {
    return (await this.#run(text, values)).length
  }

  async #run(text: string, values: unknown[]) {
    for (let attempts = 1; ; attempts++) {
      if (this.#isClosed) throw closedFault()
      try {
        await this.#check()
        return await rowsOf(this.#pool, text, values)
      } catch (cause) {
        if (!isWorthRepeating(cause) || attempts === MOST_ATTEMPTS) throw toOutboxFault(cause)
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

/** A fraction of a millisecond is dropped. */
const instant = (at: number | undefined) => (at === undefined ? null : Math.floor(at))

/** Cells in the order of `columns`. */
function toEntry(row: readonly unknown[]): OutboxEntry {
  const [sessionId, clientId, sid, subject, state, nextAt, dueAt, endedAt, reason, attempts, lastError, keepUntil] = row
  return {
    sessionId: sessionId as string,
    clientId: clientId as string,
    sid: sid as string,
    subject: Buffer.from(subject as string, 'hex').toString(),
    state: state as OutboxState,
    nextAt: nextAt as number,
    dueAt: (dueAt as number | null) ?? undefined,
    endedAt: (endedAt as number | null) ?? undefined,
    reason: (reason as string | null) ?? undefined,
    attempts: attempts as number,
    lastError: (lastError as string | null) ?? undefined,
    keepUntil: (keepUntil as number | null) ?? undefined,
  }
}
