import type { FactorStore } from '../factor-store.ts'
import { checkOption } from './internal/faults.ts'
import type { PostgresPool } from './postgres/client.ts'
import { namesOf, type PostgresFactorSchemaOptions, schemaSql } from './postgres/schema.ts'
import { PostgresFactors } from './postgres/store.ts'

export type { PostgresConnection, PostgresPool, PostgresQuery } from './postgres/client.ts'
export type { PostgresFactorSchemaOptions } from './postgres/schema.ts'

/** What `postgresFactorStore` gives. */
export interface PostgresFactorStore extends FactorStore {
  /**
   * Makes the two tables, unless they are there. Call it at start-up, or run the script of `postgresFactorSchema()` yourself. Any number
   * of processes may call it at once; where there is nothing to do it needs no rights.
   *
   * @throws {StoreError} `ERR_STORE_NEWER` - a newer Sojourn made the tables; they were left as they are.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - the server is away, or the role may not create tables there.
   */
  migrate(): Promise<void>
}

/**
 * Keeps factors in two tables of the application's PostgreSQL.
 *
 * Use it where the application's own data is in PostgreSQL. Reads go to the server of the pool; a replica hands out removed factors for as
 * long as it lags behind, so give it the pool of the primary.
 *
 * @param pool - A `Pool` of the `pg` package, or anything of its shape; a pooler in transaction mode is fine. Give it
 *   `connectionTimeoutMillis` and `statement_timeout` (2,000 each): the store has no deadlines of its own. It is never ended by the store.
 * @param options - Where the tables are; all have defaults.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - `pool` is none, or a name is not made of letters, digits and underscores.
 * @example
 * const factors = postgresFactorStore(pool)
 * await factors.migrate()
 */
export function postgresFactorStore(pool: PostgresPool, options: PostgresFactorSchemaOptions = {}): PostgresFactorStore {
  const methods = ['query', 'connect', 'on', 'listenerCount'] as const
  const isPool = typeof pool === 'object' && pool !== null && methods.every((name) => typeof pool[name] === 'function')
  const expected = 'a Pool of the `pg` package (a Client cannot serve parallel requests)'
  checkOption('postgresFactorStore', 'pool', isPool, expected)
  // `pg` reports the loss of an idle connection here, and without a listener that ends the process. The pool replaces the connection.
  if (pool.listenerCount('error') === 0) pool.on('error', () => {})
  return new PostgresFactors(pool, namesOf(options))
}

/**
 * The SQL that makes the tables, for those who run their own migrations; `npx sojourn postgres --factors` prints it. Run it in one
 * transaction; again does no harm.
 *
 * @param options - `schema` and `tablePrefix`, as for `postgresFactorStore`.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - a name is not made of letters, digits and underscores.
 * @example
 * writeFileSync('factors.sql', postgresFactorSchema()) // psql --single-transaction -v ON_ERROR_STOP=1 -f factors.sql
 */
export function postgresFactorSchema(options: PostgresFactorSchemaOptions = {}): string {
  return schemaSql(namesOf(options))
}
