import type { StoreContractOptions } from 'sojourn/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RedisCluster, RedisServer } from '../servers/redis.ts'
import { startValkey, startValkeyCluster } from '../servers/valkey.ts'
import { clusterThroughIoredis, keepContracts, throughIoredis, throughNodeRedis } from './redis-contracts.ts'

const all: StoreContractOptions = { capabilities: { purgesItself: true }, processes: 'tested', network: 'tested' }

describe('one server of Valkey', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startValkey()
  })
  afterAll(() => server.stop())

  it('is Valkey', async () => {
    expect(await server.send('INFO', 'server')).toMatch(/^valkey_version:/m)
  })

  keepContracts('valkey through ioredis', throughIoredis, () => [server.port], all)
  keepContracts('valkey through node-redis', throughNodeRedis, () => [server.port], {
    ...all,
    processes: 'not tested because the scripts are what is raced, and the same whatever client sends them',
  })
})

describe('a Cluster of Valkey', () => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await startValkeyCluster()
  })
  afterAll(() => cluster.stop())

  keepContracts('valkey cluster through ioredis', clusterThroughIoredis, () => cluster.nodes.map(({ port }) => port), {
    ...all,
    processes: 'not tested because the scripts are what is raced, and the same in every Cluster',
    network: 'not tested because clients reach a Cluster’s nodes at the addresses these tell, past any proxy',
  })
})
