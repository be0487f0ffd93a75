/** The sqlite store as another process opens it, for the races of the contract. */
import { sqliteStore } from 'sojourn/stores/sqlite'

export const openStore = async () => sqliteStore(process.env.CONTRACT_SQLITE_FILE!)
