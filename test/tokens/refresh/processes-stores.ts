/** The store that several processes share, named by the environment. */
import { Redis } from 'ioredis'
import { redisStore } from 'sojourn/stores/redis'
import { sqliteStore } from 'sojourn/stores/sqlite'

export async function openStore({ SESSIONS_FILE, REDIS_PORT }: NodeJS.ProcessEnv = process.env) {
  if (SESSIONS_FILE !== undefined) {
    const store = sqliteStore(SESSIONS_FILE)
    return { store, close: async () => store.close() }
  }
  const client = new Redis(Number(REDIS_PORT))
  const store = redisStore(client)
  const close = async () => {
    await store.close()
    client.disconnect()
  }
  return { store, close }
}
