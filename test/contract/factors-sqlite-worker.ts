/** The factor store over SQLite as another process opens it, for the races of the contract. */
import { sqliteFactorStore } from 'sojourn/stepup/stores/sqlite'

export const openStore = async () => sqliteFactorStore(process.env.CONTRACT_FACTORS_FILE!)
