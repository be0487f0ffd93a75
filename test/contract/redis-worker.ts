/** How another process opens the store of `redis.test.ts`. */
import { Cluster, Redis } from 'ioredis'
import { redisStore } from 'sojourn/stores/redis'

export async function openStore() {
  const ports = process.env.CONTRACT_REDIS_PORTS!.split(',').map(Number)
  const client = ports.length === 1 ? new Redis(ports[0]!) : new Cluster(ports.map((port) => ({ host: '127.0.0.1', port })))
  const store = redisStore(client)
  const close = async () => {
    await store.close()
    client.disconnect()
  }
  return { store, close }
}
