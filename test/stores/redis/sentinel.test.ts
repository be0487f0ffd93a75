import { Redis } from 'ioredis'
import { createSentinel } from 'redis'
import { createSessions } from 'sojourn'
import { redisStore } from 'sojourn/stores/redis'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { KEY } from '../../core/support.ts'
import { type Sentinels, startRedis, startSentinels } from '../../servers/redis.ts'
import { broken, Load } from './load.ts'
import { kindOf, presently, someRecord, someSubject, until } from './support.ts'

let servers: Sentinels
const ends: (() => unknown)[] = []

beforeEach(async () => {
  servers = await startSentinels()
})
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
  await servers.stop()
})

/** As docs/stores/redis.md advises. */
function clientOf({ sentinels, name }: Sentinels) {
  const client = new Redis({
    sentinels: [...sentinels],
    name,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 1000,
    retryStrategy: (attempts) => Math.min(50 * attempts, 500),
    sentinelRetryStrategy: (attempts) => Math.min(50 * attempts, 500),
  })
  client.on('error', () => {})
  ends.push(() => client.disconnect())
  return client
}

/** Ends the primary at once. Resolves when its replica has taken its place, and has a replica in turn: writes need one. */
async function failOver() {
  await servers.primary.server.kill()
  await until(async () => (await servers.primaryPort()) === servers.replica.port, 'the replica is promoted')
  const next = await startRedis('--replicaof', '127.0.0.1', String(servers.replica.port))
  ends.push(() => next.stop())
}

it('a primary killed under load: nothing that a replica had to confirm is lost, nothing ended lives, nobody waits over two seconds', async () => {
  const client = clientOf(servers)
  await new Promise((resolve) => client.once('ready', resolve))
  const store = redisStore(client, { replicas: 1 })
  ends.unshift(() => store.close())
  const sessions = createSessions({ store, keys: KEY })
  const load = new Load(sessions)
  const { acknowledged } = load
  await until(() => acknowledged.started.length > 200 && acknowledged.ended.length > 200, 'there is load')

  await failOver()
  const before = acknowledged.ended.length
  await until(() => acknowledged.ended.length > before + 50, 'the site works again')
  await load.stop()

  expect(load.faults.length).toBeGreaterThan(0)
  for (const fault of load.faults) expect(fault).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', status: 503 })
  // Two seconds is core's deadline; the rest is for a machine that is busy with other tests.
  expect(load.longestCall).toBeLessThan(2500)
  expect(await broken(sessions, acknowledged)).toEqual({ lost: 0, alive: 0 })
}, 60_000)

it('a client of node-redis follows a failover as well', async () => {
  const client = createSentinel({
    name: servers.name,
    sentinelRootNodes: [...servers.sentinels],
    scanInterval: 100,
    nodeClientOptions: { disableOfflineQueue: true },
  })
  client.on('error', () => {})
  client.on('client-error', () => {})
  await client.connect()
  ends.push(() => client.destroy())
  const store = redisStore(client, { replicas: 1 })
  ends.unshift(() => store.close())
  const heard: string[] = []
  await store.channel.subscribe('topic', (message) => heard.push(message))
  const now = presently()
  const [kept, ended] = [1, 2].map(() => someRecord(now, { subject: someSubject() }))
  for (const record of [kept!, ended!]) await store.create(record, { now })
  await store.revoke(ended!.id, { now, reason: 'logout' })
  await store.channel.publish('topic', 'before')
  await until(() => heard.includes('before'), 'the channel works')

  await failOver()
  const attempt = () =>
    store.create(someRecord(now), { now }).then(
      () => true,
      (error) => {
        expect(error).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
        return false
      },
    )
  await until(attempt, 'writes work again')

  expect([await kindOf(store, kept!.id), await kindOf(store, ended!.id)]).toEqual(['record', 'tombstone'])
  await until(async () => {
    await store.channel.publish('topic', 'after')
    return heard.includes('after')
  }, 'the channel works again')
}, 60_000)
