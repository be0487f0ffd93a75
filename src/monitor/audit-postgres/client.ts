/** What the store needs of the `pg` package. Structural, so that no version of it is imported; `Pool` of pg 8 fits. */

/** One statement, as `pg` takes it. */
export interface PostgresQuery {
  readonly text: string
  readonly values?: unknown[]
  readonly rowMode: 'array'
  /** Parsers of this statement's columns, so that an application's `types.setTypeParser` changes nothing here. */
  readonly types: { getTypeParser(oid: number): (text: string) => unknown }
}

interface Queries {
  query(query: PostgresQuery): Promise<{ readonly rows: unknown[] }>
}

/** A connection that the pool has lent. */
export interface PostgresConnection extends Queries {
  on(event: 'error', listener: (error: Error) => void): unknown
  off(event: 'error', listener: (error: Error) => void): unknown
  /** Gives it back; `true` closes it instead. */
  release(isBroken?: boolean): void
}

/** A pool of `pg`: `new Pool(...)`. */
export interface PostgresPool extends Queries {
  connect(): Promise<PostgresConnection>
  on(event: 'error', listener: (error: Error) => void): unknown
  listenerCount(event: 'error'): number
}

// Oids of PostgreSQL's built-in integers, which never change.
const INTEGERS = new Set([20, 21, 23])

/** Instants and counts are far below 2^53; everything else that our statements answer is text. */
const types = { getTypeParser: (oid: number) => (INTEGERS.has(oid) ? Number : (text: string) => text) }

/** Runs a statement on a pool or a connection of it; the cells of each row come in the order of the statement's columns. */
export async function rowsOf(client: Queries, text: string, values?: unknown[]): Promise<readonly (readonly unknown[])[]> {
  const { rows } = await client.query({ text, rowMode: 'array', types, ...(values && { values }) })
  return rows as unknown[][]
}
