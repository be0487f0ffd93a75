import type { Outbox } from '../outbox.ts'
import { checkOption } from './internal/faults.ts'
import type { PostgresPool } from './postgres/client.ts'
import { namesOf, type PostgresOutboxSchemaOptions, schemaSql } from './postgres/schema.ts'
import { PostgresRows } from './postgres/store.ts'

export type { PostgresPool, PostgresQuery } from './postgres/client.ts'
export type { PostgresOutboxSchemaOptions } from './postgres/schema.ts'

/** What `postgresOutbox` gives. */
export interface PostgresOutbox extends Outbox {
  /**
   * Makes the two tables, unless they are there. Call it at start-up, or run the script of `postgresOutboxSchema()` yourself. Any number
   * of processes may call it at once; where there is nothing to do it needs no rights.
   *
   * @throws {StoreError} `ERR_STORE_NEWER` - a newer Sojourn made the tables; they were left as they are.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - the server is away, or the role may not create tables there.
   */
  migrate(): Promise<void>
}

/**
 * Keeps an outbox in two tables of the application's PostgreSQL.
 *
 * Use it where several machines run the application: each entry is leased to one of them at a time.
 *
 * @param pool - A `Pool` of the `pg` package, or anything of its shape; a pooler in transaction mode is fine, a replica is not. Give it
 *   `connectionTimeoutMillis` and `statement_timeout` (2,000 each). It is never ended by the outbox.
 * @param options - Where the tables are; all have defaults.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - `pool` is none, or a name is not made of letters, digits and underscores.
 * @example
 * const outbox = postgresOutbox(pool)
 * await outbox.migrate()
 */
export function postgresOutbox(pool: PostgresPool, options: PostgresOutboxSchemaOptions = {}): PostgresOutbox {
  const methods = ['query', 'on', 'listenerCount'] as const
  const isPool = typeof pool === 'object' && pool !== null && methods.every((name) => typeof pool[name] === 'function')
  checkOption('postgresOutbox', 'pool', isPool, 'a Pool of the `pg` package')
  // `pg` reports the loss of an idle connection here, and without a listener that ends the process. The pool replaces the connection.
  if (pool.listenerCount('error') === 0) pool.on('error', () => {})
  return new PostgresRows(pool, namesOf(options))
}

/**
 * The SQL that makes the tables, for those who run their own migrations; `npx sojourn postgres --outbox` prints it. Run it in one
 * transaction; again does no harm.
 *
 * @param options - `schema` and `tablePrefix`, as for `postgresOutbox`.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - a name is not made of letters, digits and underscores.
 * @example
 * writeFileSync('outbox.sql', postgresOutboxSchema()) // psql --single-transaction -v ON_ERROR_STOP=1 -f outbox.sql
 */
export function postgresOutboxSchema(options: PostgresOutboxSchemaOptions = {}): string {
  return schemaSql(namesOf(options))
}
