/** The outbox over PostgreSQL as another process opens it, for the races of the contract. */
import { Pool } from 'pg'
import { postgresOutbox } from 'sojourn/oidc/stores/postgres'

export const openStore = async () => {
  const pool = new Pool({ connectionString: process.env.CONTRACT_OUTBOX_URL, max: 4 })
  return { store: postgresOutbox(pool), close: () => pool.end() }
}
