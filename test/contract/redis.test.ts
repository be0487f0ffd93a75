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
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type RedisCluster, type RedisServer, startRedis, startRedisCluster } from '../servers/redis.ts'

interface Opened {
  readonly client: RedisClient
  readonly end: () => unknown
}

/** Opens a client of one server on a port, or of a Cluster with nodes on these ports. */
type Open = (ports: readonly number[]) => Promise<Opened>

const throughIoredis: Open = async ([port]) => {
  const client = new Redis(port!)
  client.on('error', () => {})
  return { client, end: () => client.disconnect() }
}

const throughNodeRedis: Open = async ([port]) => {
  const client = createClient({ socket: { port: port! } })
  client.on('error', () => {})
  await client.connect()
  return { client, end: () => client.destroy() }
}

const clusterThroughIoredis: Open = async (ports) => {
  const client = new Cluster(ports.map((port) => ({ host: '127.0.0.1', port })))
  return { client, end: () => client.disconnect() }
}

const clusterThroughNodeRedis: Open = async (ports) => {
  const client = createCluster({ rootNodes: ports.map((port) => ({ socket: { port } })) })
  client.on('error', () => {})
  await client.connect()
  return { client, end: () => client.destroy() }
}

const all: StoreContractOptions = { capabilities: { purgesItself: true }, processes: 'tested', network: 'tested' }

describe('one server', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.stop())

  keepContracts('redis through ioredis', throughIoredis, () => [server.port], all)
  keepContracts('redis through node-redis', throughNodeRedis, () => [server.port], {
    ...all,
    processes: 'not tested because the scripts are what is raced, and the same whatever client sends them',
  })
})

describe('a Cluster', () => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await startRedisCluster()
  })
  afterAll(() => cluster.stop())

  const ports = () => cluster.nodes.map(({ port }) => port)
  const network = 'not tested because clients reach a Cluster’s nodes at the addresses these tell, past any proxy'
  keepContracts('redis cluster through ioredis', clusterThroughIoredis, ports, { ...all, network })
  keepContracts('redis cluster through node-redis', clusterThroughNodeRedis, ports, {
    ...all,
    network,
    processes: 'not tested because the scripts are what is raced, and the same whatever client sends them',
  })
})

function keepContracts(name: string, open: Open, ports: () => readonly number[], options: StoreContractOptions) {
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
