import { Cluster } from 'ioredis'
import { createCluster } from 'redis'
import { createSessions } from 'sojourn'
import { type RedisClient, redisStore } from 'sojourn/stores/redis'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { KEY } from '../../core/support.ts'
import { type RedisCluster, startRedisCluster } from '../../servers/redis.ts'
import { broken, Load } from './load.ts'
import { until } from './support.ts'

let cluster: RedisCluster
const ends: (() => unknown)[] = []

beforeEach(async () => {
  cluster = await startRedisCluster('--cluster-node-timeout', '1500')
})
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
  await cluster.stop()
})

/** As docs/stores/redis.md advises. */
const clients: Record<string, () => Promise<RedisClient>> = {
  ioredis: async () => {
    const client = new Cluster(
      cluster.nodes.map(({ host, port }) => ({ host, port })),
      { enableOfflineQueue: false, retryDelayOnTryAgain: 10, redisOptions: { maxRetriesPerRequest: 0 } },
    )
    client.on('error', () => {})
    ends.push(() => client.disconnect())
    await new Promise((resolve) => client.once('ready', resolve))
    return client
  },
  'node-redis': async () => {
    const client = createCluster({
      rootNodes: cluster.nodes.map(({ port }) => ({ socket: { port } })),
      defaults: { disableOfflineQueue: true },
    })
    client.on('error', () => {})
    ends.push(() => client.destroy())
    await client.connect()
    return client
  },
}

/** Ends a primary at once. Resolves when its replica has taken its place, and has a replica in turn: writes need one. */
async function failOver() {
  const [primary, , , replica] = cluster.nodes
  await primary!.server.kill()
  await until(async () => (await replica!.send('INFO', 'replication')).includes('role:master'), 'the replica is promoted')
  await cluster.addReplica(replica!)
}

for (const [name, connect] of Object.entries(clients)) {
  it(`a primary of a Cluster killed under load, through ${name}: nothing that a replica had to confirm is lost, nothing ended lives, nobody waits over two seconds`, async () => {
    const store = redisStore(await connect(), { replicas: 1 })
    ends.unshift(() => store.close())
    const sessions = createSessions({ store, keys: KEY })
    const load = new Load(sessions)
    const { acknowledged } = load
    await until(() => acknowledged.started.length > 200 && acknowledged.ended.length > 200, 'there is load')

    await failOver()
    // Every part of the Cluster answers again: so many calls in a row without a fault cannot all have missed one third.
    await until(async () => {
      const [faults, ended] = [load.faults.length, acknowledged.ended.length]
      await until(() => acknowledged.ended.length > ended + 50 || load.faults.length > faults, 'somebody gets an answer')
      return load.faults.length === faults
    }, 'the site works again')
    await load.stop()

    expect(load.faults.length).toBeGreaterThan(0)
    for (const fault of load.faults) expect(fault).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', status: 503 })
    // Two seconds is core's deadline; the rest is for a machine that is busy with other tests.
    expect(load.longestCall).toBeLessThan(2500)
    expect(await broken(sessions, acknowledged)).toEqual({ lost: 0, alive: 0 })
  }, 120_000)
}
