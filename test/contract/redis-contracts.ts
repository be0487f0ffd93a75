/** What every make and version of Redis is held to, through each client. */
import { Cluster, Redis } from 'ioredis'
import { createClient, createCluster } from 'redis'
import { type RedisClient, redisStore } from 'sojourn/stores/redis'
import {
  describeChangesContract,
  describeChannelContract,
  describeLedgerContract,
  describeStoreContract,
  type StoreContractOptions,
  type StoreFactory,
} from 'sojourn/testing'
import { describe, it } from 'vitest'

interface Opened {
  readonly client: RedisClient
  readonly end: () => unknown
}

/** Opens a client of one server on a port, or of a Cluster with nodes on these ports. */
export type Open = (ports: readonly number[]) => Promise<Opened>

export const throughIoredis: Open = async ([port]) => {
  const client = new Redis(port!)
  client.on('error', () => {})
  return { client, end: () => client.disconnect() }
}

export const throughNodeRedis: Open = async ([port]) => {
  const client = createClient({ socket: { port: port! } })
  client.on('error', () => {})
  await client.connect()
  return { client, end: () => client.destroy() }
}

export const clusterThroughIoredis: Open = async (ports) => {
  const client = new Cluster(ports.map((port) => ({ host: '127.0.0.1', port })))
  return { client, end: () => client.disconnect() }
}

export const clusterThroughNodeRedis: Open = async (ports) => {
  const client = createCluster({ rootNodes: ports.map((port) => ({ socket: { port } })) })
  client.on('error', () => {})
  await client.connect()
  return { client, end: () => client.destroy() }
}

export function keepContracts(name: string, open: Open, ports: () => readonly number[], options: StoreContractOptions) {
  const factory: StoreFactory = async () => {
    const ends: (() => Promise<unknown>)[] = []
    const openStore = async (at = ports()) => {
      const { client, end } = await open(at)
      const store = redisStore(client)
      ends.push(async () => {
        await store.close()
        await end()
      })
      return store
    }
    return {
      store: await openStore(),
      openSecond: () => openStore(),
      worker: {
        module: new URL('redis-worker.ts', import.meta.url),
        env: { CONTRACT_REDIS_PORTS: ports().join() },
        execArgv: ['--conditions=sojourn-source', '--no-warnings'],
      },
      network: { server: { port: ports()[0]! }, openThrough: (port) => openStore([port]) },
      close: async () => {
        for (const end of ends) await end()
      },
    }
  }
  describeStoreContract(name, factory, { describe, it }, options)
  describeLedgerContract(name, factory, { describe, it })
  describeChannelContract(name, factory, { describe, it })
  describeChangesContract(name, factory, { describe, it })
}
