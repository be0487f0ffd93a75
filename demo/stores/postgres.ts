/** PostgreSQL, also behind PgBouncer. */
import { postgresStore } from 'sojourn/stores/postgres'
import type { ServerChoice } from './choice.ts'
import type { OpenStore } from './open.ts'
import { importClient } from './trouble.ts'

export async function openPostgres({ secretUrl }: ServerChoice): Promise<OpenStore> {
  const { default: pg } = await importClient('pg', () => import('pg'))
  const pool = new pg.Pool({
    connectionString: secretUrl,
    application_name: 'sojourn-books',
    max: 10,
    // Milliseconds. Nobody waits longer for a connection or for an answer; a connection whose server hangs is given up.
    connectionTimeoutMillis: 2000,
    query_timeout: 2000,
  })
  // A connection that breaks while nobody uses it: the pool makes another. Unheard, the event would end the process.
  pool.on('error', () => {})
  try {
    const store = postgresStore(pool)
    await store.migrate()
    return { store, disconnect: () => pool.end() }
  } catch (error) {
    await pool.end()
    throw error
  }
}
