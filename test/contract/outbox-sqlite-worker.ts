/** The outbox over SQLite as another process opens it, for the races of the contract. */
import { sqliteOutbox } from 'sojourn/oidc/stores/sqlite'

export const openStore = async () => sqliteOutbox(process.env.CONTRACT_OUTBOX_FILE!)
