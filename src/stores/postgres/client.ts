/** What the store needs of the `pg` package. Structural, so that no version of it is imported; `Pool` and `Client` of pg 8 fit. */

/** One statement, as `pg` takes it. */
export interface PostgresQuery {
  /** Name of a prepared statement; without it the statement is parsed each time. */
  readonly name?: string
  readonly text: string
  readonly values?: unknown[]
  readonly rowMode: 'array'
  /** Parsers of this statement's columns, so that an application's `types.setTypeParser` changes nothing here. */
  readonly types: { getTypeParser(oid: number): (text: string) => unknown }
}

/** Something that runs statements. */
export interface PostgresQueries {
  query(query: PostgresQuery): Promise<{ readonly rows: unknown[] }>
}

/** A pool of `pg`: `new Pool(...)`. */
export interface PostgresPool extends PostgresQueries {
  /** Hands out a connection for as long as it is not released. */
  connect(): Promise<PostgresConnection>
  on(event: 'error', listener: (error: Error) => void): unknown
  listenerCount(event: 'error'): number
}

/** A connection of its own, for `LISTEN`: one of a pool, or a connected `Client` of `pg`. */
export interface PostgresConnection extends PostgresQueries {
  on(event: 'notification', listener: (message: { readonly payload?: string | undefined }) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end', listener: () => void): unknown
  /** Gives it back to its pool; `true` closes it instead. */
  release?(isBroken?: boolean): void
  /** Closes a connection that no pool owns. */
  end?(): Promise<void>
}
