/** The postgres store as another process opens it, for the races of the contract. */
import { Pool } from 'pg'
import { postgresStore } from 'sojourn/stores/postgres'

export const openStore = async () => {
  const pool = new Pool({ connectionString: process.env.CONTRACT_POSTGRES_URL, max: 4 })
  const store = postgresStore(pool)
  const close = async () => {
    await store.close()
    await pool.end()
  }
  return { store, close }
}
