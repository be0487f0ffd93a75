import { ConfigError } from '../core/errors.ts'
import type { Store } from '../core/store.ts'
import type { PostgresConnection, PostgresPool } from './postgres/client.ts'
import { Engine } from './postgres/engine.ts'
import { Listening } from './postgres/listening.ts'
import { namesOf, type PostgresSchemaOptions } from './postgres/names.ts'
import { schemaSql } from './postgres/schema.ts'
import type { Announcements } from './postgres/statements.ts'
import { PostgresStore as PostgresStoreOverPool } from './postgres/store.ts'

export type { PostgresConnection, PostgresPool, PostgresQueries, PostgresQuery } from './postgres/client.ts'
export type { PostgresSchemaOptions } from './postgres/names.ts'

/** Options of `postgresStore`. */
export interface PostgresStoreOptions extends PostgresSchemaOptions {
  /**
   * Whether statements are prepared by name, once a connection. Default true; it saves about a quarter of the server's work. `false`
   * behind a pooler that hands out another server connection each time and does not keep prepared statements itself: PgBouncer in
   * transaction mode before 1.21. Wrong either way it costs errors (503) or time, never safety.
   */
  readonly prepared?: boolean
  /**
   * What is announced by `NOTIFY`, in the statement that does it. Default `all`: every change of a record. `endings`: what ends
   * sessions; a near cache elsewhere may then read data of another process's write up to `maxStaleness` late. `none`: nothing, for
   * deployments without a near cache; with one, a session that was ended elsewhere stays readable in it until its lease ends.
   * Commits that announce something wait for each other: see docs/stores/postgres.md.
   */
  readonly announce?: Announcements
  /**
   * Opens the connection for `LISTEN`, which is held while anyone subscribes to `channel` or `changes`. Default: a connection of the
   * pool. Behind PgBouncer in transaction mode give one that goes to the server directly:
   * `async () => { const client = new Client(direct); await client.connect(); return client }`. Without it subscribing rejects, and
   * near caches keep no copies.
   */
  readonly listen?: () => Promise<PostgresConnection>
}

/** What `postgresStore` gives. */
export interface PostgresStore extends Store {
  /**
   * Makes the tables and functions, or leads those of an older version to this one. Call it at start-up, or run the script of
   * `postgresSchema()` yourself. Any number of processes may call it at once; where there is nothing to do it needs no rights.
   *
   * @throws {StoreError} `ERR_STORE_NEWER` - a newer Sojourn made the tables; they were left as they are.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - the server is away, or the role may not create tables there.
   */
  migrate(): Promise<void>
}

/**
 * Keeps sessions in PostgreSQL: one round trip an operation, every promise of the contract, any number of processes.
 *
 * Use it where PostgreSQL is there already, or sessions must survive everything that its data survives. The tables must exist: call
 * `migrate()` once. Reads go to the server of the pool; a replica hands out ended sessions for as long as it lags behind.
 *
 * @param pool - A `Pool` of the `pg` package, or anything of its shape. Give it `connectionTimeoutMillis` and `statement_timeout` (2,000
 *   each): the store stops waiting by itself, but only they free a connection. It is never ended by the store.
 * @param options - As `PostgresStoreOptions` says; all have defaults.
 * @returns A store. `close()` gives back the connection that listens.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - `pool` is none, or an option is out of range.
 * @example
 * const pool = new Pool({ connectionString, max: 10, connectionTimeoutMillis: 2000, statement_timeout: 2000 })
 * const store = postgresStore(pool)
 * await store.migrate()
 * const sessions = createSessions({ store, keys })
 */
export function postgresStore(pool: PostgresPool, options: PostgresStoreOptions = {}): PostgresStore {
  const { prepared = true, announce = 'all', listen = () => pool.connect() } = options
  checkPool(pool)
  checkOption('prepared', typeof prepared === 'boolean', 'true or false')
  checkOption('announce', ['all', 'endings', 'none'].includes(announce), `'all', 'endings' or 'none'`)
  checkOption('listen', typeof listen === 'function', 'a function that resolves to a connected client')
  const engine = new Engine(pool, namesOf(options), prepared)
  // `pg` reports the loss of an idle connection here, and without a listener that ends the process. The pool replaces the connection.
  if (pool.listenerCount('error') === 0) pool.on('error', () => {})
  return new PostgresStoreOverPool(engine, new Listening(engine, listen), announce)
}

/**
 * The SQL that makes the tables and functions, for those who run their own migrations. Run it in one transaction; again does no harm.
 *
 * @param options - `schema` and `tablePrefix`, as for `postgresStore`.
 * @returns The script.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - a name is not made of letters, digits and underscores.
 * @example
 * writeFileSync('sessions.sql', postgresSchema()) // psql --single-transaction -v ON_ERROR_STOP=1 -f sessions.sql
 */
export function postgresSchema(options: PostgresSchemaOptions = {}): string {
  return schemaSql(namesOf(options))
}

function checkPool(pool: unknown): void {
  const isPool =
    typeof pool === 'object' &&
    pool !== null &&
    ['query', 'connect', 'on', 'listenerCount'].every((name) => typeof (pool as Record<string, unknown>)[name] === 'function')
  checkOption('pool', isPool, 'a Pool of the `pg` package (a Client cannot serve parallel requests)')
}

function checkOption(option: string, isValid: boolean, expected: string): void {
  if (isValid) return
  throw new ConfigError(`postgresStore: ${option} must be ${expected}. See docs/stores/postgres.md.`, {
    code: 'ERR_CONFIG_INVALID',
  })
}
