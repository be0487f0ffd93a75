import { ConfigError } from '../../core/errors.ts'
import type { PostgresPool, PostgresQueries } from './client.ts'
import { columnTypes } from './columns.ts'
import { isMissingSchema, schemaMissing, schemaNewer, sqlState, toStoreError } from './faults.ts'
import type { Names } from './names.ts'
import { NEWER_SCHEMA, SCHEMA_VERSION, schemaSql } from './schema.ts'

/**
 * Makes the tables, or leads older ones to this version. Where they are there already it changes nothing and needs no rights to.
 * One message of several statements is one transaction, so it works through PgBouncer as well.
 */
export async function migrate(pool: PostgresPool, names: Names): Promise<void> {
  try {
    const present = await presentVersion(pool, names)
    if (present === SCHEMA_VERSION) return
    if (present !== undefined && present > SCHEMA_VERSION) throw schemaNewer()
    await pool.query({ text: schemaSql(names), rowMode: 'array', types: columnTypes })
  } catch (cause) {
    throw sqlState(cause) === NEWER_SCHEMA ? schemaNewer(cause) : toStoreError(cause)
  }
}

/** Asked once by each store, before its first statement. */
export async function checkSchema(pool: PostgresPool, names: Names): Promise<void> {
  const [version, isolation] = await describe(pool, names)
  if (version === undefined || version < SCHEMA_VERSION) throw schemaMissing()
  if (version > SCHEMA_VERSION) throw schemaNewer()
  if (!isolation.startsWith('read ')) throw wrongIsolation(isolation)
}

async function presentVersion(pool: PostgresPool, names: Names): Promise<number | undefined> {
  const [version] = await describe(pool, names)
  return version
}

async function describe(pool: PostgresQueries, names: Names): Promise<[version: number | undefined, isolation: string]> {
  const text = `SELECT max(version), current_setting('transaction_isolation') FROM ${names.version}`
  try {
    const { rows } = await pool.query({ text, rowMode: 'array', types: columnTypes })
    const [version, isolation] = rows[0] as [number | null, string]
    return [version ?? undefined, isolation]
  } catch (cause) {
    if (isMissingSchema(cause)) return [undefined, 'read committed']
    throw cause
  }
}

// Under REPEATABLE READ a statement sees what was there before it waited for the subject's lock: a limit would be exceeded.
const wrongIsolation = (isolation: string) =>
  new ConfigError(
    `postgresStore: the role or database has default_transaction_isolation = '${isolation}'; it must be 'read committed', or ` +
      'parallel sign-ins would exceed a limit of sessions. Set it for the role of this pool. See docs/stores/postgres.md.',
    { code: 'ERR_CONFIG_INVALID' },
  )
