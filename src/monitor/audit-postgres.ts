import type { AuditStore } from './audit/audit-store.ts'
import { checkOption } from './audit/faults.ts'
import type { PostgresPool } from './audit-postgres/client.ts'
import { namesOf, type PostgresAuditSchemaOptions, schemaSql } from './audit-postgres/schema.ts'
import { PostgresAudit } from './audit-postgres/store.ts'

export type { PostgresConnection, PostgresPool, PostgresQuery } from './audit-postgres/client.ts'
export type { PostgresAuditSchemaOptions } from './audit-postgres/schema.ts'

/** What `postgresAuditStore` gives. */
export interface PostgresAuditStore extends AuditStore {
  /**
   * Makes the tables, unless they are there. Call it at start-up, or run the script of `postgresAuditSchema()` yourself. Any number of processes may call it at once; where
   * there is nothing to do it needs no rights.
   *
   * @throws {StoreError} `ERR_STORE_NEWER` - a newer Sojourn made the tables; they were left as they are.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - the server is away, or the role may not create tables there.
   */
  migrate(): Promise<void>
}

/**
 * Keeps the audit log in tables of PostgreSQL. Best in a database that the application's own role can add to but not change: `docs/guide/audit.md` has the grants.
 *
 * @param pool - A `Pool` of the `pg` package, or anything of its shape; a pooler in transaction mode is fine. Give it `connectionTimeoutMillis` and `statement_timeout` (2,000
 *   each). It is never ended by the store.
 * @param options - Where the tables are; all have defaults.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - `pool` is none, or a name is not made of letters, digits and underscores.
 * @example
 * const store = postgresAuditStore(pool)
 * await store.migrate()
 */
export function postgresAuditStore(pool: PostgresPool, options: PostgresAuditSchemaOptions = {}): PostgresAuditStore {
  const methods = ['query', 'connect', 'on', 'listenerCount'] as const
  const isPool = typeof pool === 'object' && pool !== null && methods.every((name) => typeof pool[name] === 'function')
  const expected = 'a Pool of the `pg` package (a Client cannot serve parallel requests)'
  checkOption('postgresAuditStore', 'pool', isPool, expected)
  // `pg` reports the loss of an idle connection here, and without a listener that ends the process. The pool replaces the connection.
  if (pool.listenerCount('error') === 0) pool.on('error', () => {})
  return new PostgresAudit(pool, namesOf(options))
}

/**
 * The SQL that makes the tables, for those who run their own migrations. Run it in one transaction; again does no harm.
 *
 * @param options - `schema` and `tablePrefix`, as for `postgresAuditStore`.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - a name is not made of letters, digits and underscores.
 * @example
 * writeFileSync('audit.sql', postgresAuditSchema()) // psql --single-transaction -v ON_ERROR_STOP=1 -f audit.sql
 */
export function postgresAuditSchema(options: PostgresAuditSchemaOptions = {}): string {
  return schemaSql(namesOf(options))
}
