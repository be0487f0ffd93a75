/** The factor store over PostgreSQL as another process opens it, for the races of the contract. */
import { Pool } from 'pg'
import { postgresFactorStore } from 'sojourn/stepup/stores/postgres'

export const openStore = async () => {
  const pool = new Pool({ connectionString: process.env.CONTRACT_FACTORS_URL, max: 4 })
  return { store: postgresFactorStore(pool), close: () => pool.end() }
}
