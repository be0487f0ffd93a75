import { Redis } from 'ioredis'
import type { StoreContractOptions } from 'sojourn/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RedisCluster, type RedisServer, startRedis, startRedisCluster } from '../servers/redis.ts'
import {
  clusterThroughIoredis,
  clusterThroughNodeRedis,
  keepContracts,
  throughIoredis,
  throughNodeRedis,
} from './redis-contracts.ts'

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

/**
 * Redis 6.2 itself is in no Debian release. This server is of the present one and has lost every command that came after 6.2, so that
 * whoever sends one is told that it is unknown, as there.
 */
describe('one server that knows no command younger than Redis 6.2', () => {
  let server: RedisServer
  beforeAll(async () => {
    const probe = await startRedis()
    const younger = await commandsSince(probe, '6.3')
    await probe.stop()
    server = await startRedis(...younger.flatMap((command) => ['--rename-command', command, '']))
  })
  afterAll(() => server.stop())

  it('refuses what came with 7.0, and nothing else that is in it', async () => {
    for (const command of ['SPUBLISH', 'FUNCTION', 'EXPIRETIME'])
      expect(await server.send(command)).toMatch(/^-ERR unknown command/)
    expect(await server.send('GETDEL', 'nothing')).toBe('$-1\r\n')
  })

  const processes = 'not tested because the scripts are what is raced, and the same whatever server runs them'
  keepContracts('redis with the commands of 6.2, through ioredis', throughIoredis, () => [server.port], { ...all, processes })
  keepContracts('redis with the commands of 6.2, through node-redis', throughNodeRedis, () => [server.port], {
    ...all,
    processes,
  })
})

/** The names of commands that came with this version or later, as the server itself tells. */
async function commandsSince(server: RedisServer, version: string): Promise<string[]> {
  const client = new Redis(server.port)
  const docs = (await client.call('COMMAND', 'DOCS')) as (string | string[])[]
  client.disconnect()
  const isSince = (since: string) => since.localeCompare(version, 'en', { numeric: true }) >= 0
  return docs.flatMap((entry, i) => {
    const [name, facts] = [docs[i - 1], entry]
    if (!Array.isArray(facts) || typeof name !== 'string') return []
    return isSince(facts[facts.indexOf('since') + 1]!) ? [name] : []
  })
}
