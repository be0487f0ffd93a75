/** memcached, one or several. */
import { memcachedStore } from 'sojourn/stores/memcached'
import type { ServerChoice } from './choice.ts'
import type { OpenStore } from './open.ts'
import { importClient } from './trouble.ts'

export async function openMemcached({ servers, username, secretPassword }: ServerChoice): Promise<OpenStore> {
  const { default: memjs } = await importClient('memjs', () => import('memjs'))
  // Seconds. One attempt: whoever waits is better told at once.
  const options = { timeout: 1, conntimeout: 1, retries: 1, keepAlive: true, logger: { log() {} } }
  const client = new memjs.Client(
    servers.map(({ host, port }) => new memjs.Server(host, port, username, secretPassword, options)),
    options,
  )
  return {
    store: memcachedStore(client),
    async disconnect() {
      client.close()
    },
  }
}
