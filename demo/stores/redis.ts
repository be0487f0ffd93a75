/** Redis on its own, behind Sentinels, or as a Cluster. */
import type { Cluster, Redis } from 'ioredis'
import { redisStore } from 'sojourn/stores/redis'
import type { ServerChoice } from './choice.ts'
import type { OpenStore } from './open.ts'
import { importClient } from './trouble.ts'

/** Longest time to get through at start, in milliseconds. */
const START_WITHIN = 4000

/** Milliseconds before the next attempt to connect again: short, for people wait. */
const pause = (attempts: number) => Math.min(50 * attempts, 500)

/** So that an outage is an answer at once and not a queue. */
const AT_ONCE = { lazyConnect: true, enableOfflineQueue: false, retryStrategy: pause }

export async function openRedis(choice: ServerChoice): Promise<OpenStore> {
  const { Cluster, Redis } = await importClient('ioredis', () => import('ioredis'))
  const { kind, servers, path } = choice
  const connection = connectionOptions(choice)
  let isOpen = false
  // Sentinels that cannot be reached are asked again for ever, but not before the first of them has answered.
  const pauseOnceOpen = (attempts: number) => (isOpen ? pause(attempts) : null)
  const client =
    kind === 'redis-cluster'
      ? new Cluster([...servers], { ...AT_ONCE, clusterRetryStrategy: pause, redisOptions: connection })
      : kind === 'redis-sentinel'
        ? new Redis({ ...AT_ONCE, ...connection, sentinels: [...servers], name: path, sentinelRetryStrategy: pauseOnceOpen })
        : new Redis({ ...AT_ONCE, ...connection, ...servers[0], db: Number(path) })

  // Only this event tells why an attempt failed; and without a listener every failure would be printed.
  let lastError: unknown
  client.on('error', (error: unknown) => {
    lastError = error
  })
  try {
    await withinStart(client.connect())
    if (kind === 'redis') await checkAlone(client, path)
    isOpen = true
  } catch (error) {
    client.disconnect()
    throw lastError ?? error
  }
  return { store: redisStore(client), disconnect: () => client.quit().catch(() => client.disconnect()) }
}

function connectionOptions({ isEncrypted, username, secretPassword }: ServerChoice) {
  return {
    // What was sent and not answered when a connection broke may have happened: nothing is sent twice.
    maxRetriesPerRequest: 0,
    connectTimeout: 2000,
    ...(isEncrypted && { tls: {} }),
    ...(username !== undefined && { username }),
    ...(secretPassword !== undefined && { password: secretPassword }),
  }
}

/** A node of a Cluster answers for some keys and not for others; and a database that is not there is reported late and quietly. */
async function checkAlone(client: Redis | Cluster, database: string): Promise<void> {
  // As the node itself would say of most keys, only later: `trouble.ts` knows what to advise.
  if (/cluster_enabled:1/.test(await client.info('cluster'))) throw new Error('MOVED')
  if (database !== '') await client.select(Number(database))
}

/** The client goes on trying for ever; at start that has an end. */
async function withinStart(connecting: Promise<unknown>): Promise<void> {
  connecting.catch(() => {})
  const late = AbortSignal.timeout(START_WITHIN)
  await Promise.race([
    connecting,
    new Promise((_resolve, reject) => late.addEventListener('abort', () => reject(late.reason), { once: true })),
  ])
}
