import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { type RedisClient, redisStore } from 'sojourn/stores/redis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type RedisServer, startRedis } from '../../servers/redis.ts'
import { HOUR, kindOf, presently, someId, someRecord, someSubject, until } from './support.ts'

let primary: RedisServer
let replica: RedisServer
const ends: (() => unknown)[] = []

beforeAll(async () => {
  primary = await startRedis()
  replica = await startRedis('--replicaof', '127.0.0.1', String(primary.port))
  // It has said so itself: until then the primary sends it nothing.
  const isFollowed = async () => /state=online,offset=[1-9]/.test(await primary.send('INFO', 'replication'))
  await until(isFollowed, 'the replica follows')
})
afterAll(() => Promise.all([primary.stop(), replica.stop()]))
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

const clients: Readonly<Record<string, (server: RedisServer) => Promise<RedisClient>>> = {
  ioredis: async ({ port }) => {
    const client = new Redis({ port, enableOfflineQueue: false, maxRetriesPerRequest: 0 })
    client.on('error', () => {})
    ends.push(() => client.disconnect())
    await new Promise((resolve) => client.once('ready', resolve))
    return client
  },
  'node-redis': async ({ port }) => {
    const client = createClient({ socket: { port }, disableOfflineQueue: true })
    client.on('error', () => {})
    ends.push(() => client.destroy())
    await client.connect()
    return client
  },
}

for (const [name, connect] of Object.entries(clients)) {
  describe(`replicas: 1, through ${name}`, () => {
    const open = async (server: RedisServer, replicas: number) => {
      const store = redisStore(await connect(server), { replicas, replicaTimeout: 400 })
      ends.unshift(() => store.close())
      return store
    }

    it('what is acknowledged is on the replica at that moment: sessions, updates, ends, claims and values', async () => {
      const [store, copy] = [await open(primary, 1), await open(replica, 0)]
      const now = presently()
      const one = async () => {
        const subject = someSubject()
        const record = someRecord(now, { subject })
        await store.create(record, { now })
        const created = await kindOf(copy, record.id)
        await store.update(record.id, 1, { ...record, body: Uint8Array.of(7) })
        const updated = await copy.read(record.id)
        if (Math.random() < 0.5) await store.revoke(record.id, { now, reason: 'logout' })
        else await store.revokeSubject(subject, { now, reason: 'logout' })
        const ended = await kindOf(copy, record.id)
        const key = someId()
        await store.ledger.put(key, Uint8Array.of(1), { now, deadline: now + HOUR })
        const value = await copy.ledger.get(key, { now })
        return [created, updated?.kind === 'record' && updated.record.version, ended, value?.length]
      }

      // Among them are some that the server is sent in vain, since it has forgotten the scripts.
      await primary.send('SCRIPT', 'FLUSH')
      const seen = await Promise.all(Array.from({ length: 100 }, one))

      expect(new Set(seen.map(String))).toEqual(new Set(['record,2,tombstone,1']))
    })

    it('a replica that hangs makes writes typed faults in time, holds up no read, and is missed no longer when it is back', async () => {
      const store = await open(primary, 1)
      const now = presently()
      const record = someRecord(now)
      await store.create(record, { now })
      replica.server.pause()
      try {
        const startedAt = performance.now()
        const writes = [1, 2, 3].map(() => store.create(someRecord(now), { now }).catch((error: unknown) => error))
        expect(await kindOf(store, record.id)).toBe('record')
        expect(performance.now() - startedAt).toBeLessThan(300)
        for (const outcome of await Promise.all(writes)) expect(outcome).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
        expect(performance.now() - startedAt).toBeLessThan(1500)
      } finally {
        replica.server.resume()
      }
      await until(
        () =>
          store.create(someRecord(now), { now }).then(
            () => true,
            () => false,
          ),
        'writes work again',
      )
    })

    it('a connection that breaks between a write and the replica’s word is a fault, not a promise', async () => {
      const store = await open(primary, 1)
      const now = presently()
      await store.create(someRecord(now), { now })
      replica.server.pause()
      try {
        const writing = store.create(someRecord(now), { now }).catch((error: unknown) => error)
        await until(
          async () => (await primary.send('INFO', 'clients')).includes('blocked_clients:1'),
          'the server waits for the replica',
        )
        await primary.send('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
        expect(await writing).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
      } finally {
        replica.server.resume()
      }
      await until(
        () =>
          store.create(someRecord(now), { now }).then(
            () => true,
            () => false,
          ),
        'writes work again',
      )
    })
  })
}
