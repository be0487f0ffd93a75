import { Cluster } from 'ioredis'
import { createCluster } from 'redis'
import { createSessions, type Sessions } from 'sojourn'
import { type RedisClient, type RedisStoreOptions, redisStore } from 'sojourn/stores/redis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { placementOfSubject } from '../../../src/core/placement.ts'
import { KEY, tokenOf } from '../../core/support.ts'
import { type RedisCluster, startRedisCluster } from '../../servers/redis.ts'
import { HOSTILE, kindOf, presently, someId, someRecord, someSubject, until } from './support.ts'

let cluster: RedisCluster
beforeAll(async () => {
  cluster = await startRedisCluster()
})
afterAll(() => cluster.stop())

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

function open(client: RedisClient, options?: RedisStoreOptions) {
  const store = redisStore(client, options)
  ends.unshift(() => store.close())
  return store
}

/** As docs/stores/redis.md advises. */
const clients = {
  ioredis: async () => {
    const nodes = cluster.nodes.map(({ host, port }) => ({ host, port }))
    const client = new Cluster(nodes, {
      enableOfflineQueue: false,
      retryDelayOnTryAgain: 10,
      redisOptions: { maxRetriesPerRequest: 0 },
    })
    ends.push(() => client.disconnect())
    await new Promise((resolve) => client.once('ready', resolve))
    return client
  },
  'node-redis': async () => {
    const client = createCluster({ rootNodes: cluster.nodes.map(({ port }) => ({ socket: { port } })) })
    client.on('error', () => {})
    ends.push(() => client.destroy())
    await client.connect()
    return client
  },
}

/** The slot of a subject's sessions, as a node says. */
const slotOf = async (subject: string) =>
  Number((await cluster.nodes[0]!.send('CLUSTER', 'KEYSLOT', `sjn:{${placementOfSubject(subject)}}:`)).slice(1))

/** How often nodes answered with an error of this name so far. */
async function countOf(error: string) {
  const stats = await Promise.all(cluster.nodes.map(({ send }) => send('INFO', 'errorstats')))
  return stats.reduce((sum, text) => sum + Number(new RegExp(`errorstat_${error}:count=(\\d+)`).exec(text)?.[1] ?? 0), 0)
}

/** Somebody who does everything, on and on; what is expected holds at every moment, for nobody else has this subject. */
async function busy(sessions: Sessions, subject: string, isOver: () => boolean) {
  let calls = 0
  for (let turn = 0; !isOver(); turn++) {
    const anonymous = await sessions.start({ data: { basket: HOSTILE } })
    const session = await sessions.read(await tokenOf(anonymous))
    await session.signIn({ subject, method: 'pwd', keep: ['basket'] })
    const token = await tokenOf(session)
    const other = await sessions.signIn({ subject, method: 'pwd' })
    const providerLink = { issuer: 'https://login.example', subject, sid: `${turn}`, issuedAt: presently() }
    const linked = await Promise.all([1, 2].map(() => sessions.signIn({ subject, method: 'fed', providerLink })))
    const unlinked = await sessions.revokeLinked(providerLink)
    const ends = await Promise.all(linked.map(async (one) => (await sessions.read(await tokenOf(one))).stateReason))
    expect([unlinked, ends]).toEqual([2, ['provider-logout', 'provider-logout']])
    const again = await sessions.read(token)
    expect([again.state, again.subject, again.data.basket]).toEqual(['active', subject, HOSTILE])
    again.data.turn = turn
    await again.commit()
    expect(await sessions.list(subject)).toHaveLength(2)
    expect(await sessions.revoke(other.id!)).toBe(true)
    if (turn % 3 > 0) expect(await sessions.revoke(session.id!)).toBe(true)
    else expect(await sessions.revokeSubject(subject)).toBe(1)
    expect((await sessions.read(token)).state).toBe('revoked')
    calls += 12
  }
  return calls
}

describe('slots that move under load', () => {
  for (const [name, connect] of Object.entries(clients)) {
    for (const replicas of [0, 1]) {
      it(`no error reaches anybody, through ${name}${replicas ? ', waiting for a replica' : ''}`, async () => {
        const client = await connect()
        const store = open(client, { replicas })
        // What waits for a slot waits for as long as that takes, on a busy machine longer than the two seconds of a site.
        const sessions = createSessions({ store, keys: KEY, storeTimeout: 10_000 })
        const subjects = Array.from({ length: 4 }, someSubject)
        // Others whose sessions are in the same slots, so that moving these takes its time.
        const now = presently()
        for (const subject of subjects) {
          for (let i = 0; i < 15; i++) await store.create(someRecord(now, { id: someId(subject) }), { now })
        }
        let isOver = false
        const before = await Promise.all(['ASK', 'TRYAGAIN', 'MOVED'].map(countOf))
        const working = Promise.all(subjects.map((subject) => busy(sessions, subject, () => isOver)))
        const slots = await Promise.all(subjects.map(slotOf))
        for (const to of [0, 1, 2]) {
          await Promise.all([working, ...slots.map((slot) => cluster.moveSlot(slot, to, 2))].slice(1))
        }
        isOver = true
        const calls = (await working).reduce((sum, count) => sum + count, 0)
        const after = await Promise.all(['ASK', 'TRYAGAIN', 'MOVED'].map(countOf))

        expect(calls).toBeGreaterThan(100)
        // They did move under the load: calls were redirected, and had to be tried again.
        for (const [index, count] of after.entries()) expect(count).toBeGreaterThan(before[index]!)
      })
    }
  }
})

describe('a slot that takes long to move', () => {
  for (const [name, connect] of Object.entries(clients)) {
    it(`holds up neither sign-in nor reading, writing and ending one session, through ${name}`, async () => {
      const store = open(await connect())
      const now = presently()
      const subject = someSubject()
      const slot = await slotOf(subject)
      const early = someRecord(now, { subject })
      await store.create(early, { now })
      for (let i = 0; i < 12; i++) await store.create(someRecord(now, { id: someId(subject) }), { now })
      await cluster.moveSlot(slot, 0)
      let hasMoved = false
      const moving = cluster.moveSlot(slot, 1, 400).then(() => {
        hasMoved = true
      })
      await new Promise((resolve) => setTimeout(resolve, 500))
      let longest = 0
      const timed = async <T>(operation: Promise<T>) => {
        const startedAt = performance.now()
        const outcome = await operation
        longest = Math.max(longest, performance.now() - startedAt)
        return outcome
      }

      const late = someRecord(now, { subject })
      expect(await timed(store.create(late, { now }))).toEqual({ kind: 'created', epoch: 0, evicted: [] })
      expect(await timed(store.create(late, { now }))).toEqual({ kind: 'exists' })
      for (const record of [early, late]) {
        expect(await timed(kindOf(store, record.id))).toBe('record')
        expect(await timed(store.update(record.id, 1, { ...record, body: Uint8Array.of(7) }))).toBe('updated')
        expect(await timed(store.update(record.id, 1, record))).toBe('conflict')
      }
      expect(await timed(store.revoke(early.id, { now, reason: 'logout' }))).toBe(true)
      expect(await timed(kindOf(store, early.id))).toBe('tombstone')
      expect([hasMoved, longest < 2000]).toEqual([false, true])

      await moving
      expect((await store.list(subject)).map(({ id }) => id)).toEqual([late.id])
      expect(await store.revokeSubject(subject, { now, reason: 'logout' })).toBe(1)
      expect(await kindOf(store, late.id)).toBe('tombstone')
    })
  }
})

describe('a Cluster', () => {
  it('spreads subjects over its nodes, and keeps all sessions of one subject in one slot', async () => {
    const store = open(await clients.ioredis())
    const now = presently()
    const sizes = async () =>
      (await Promise.all(cluster.nodes.slice(0, 3).map(({ send }) => send('DBSIZE')))).map((text) => Number(text.slice(1)))
    const before = await sizes()
    const subject = someSubject()
    for (let i = 0; i < 60; i++) await store.create(someRecord(now), { now })
    const anonymous = await sizes()
    for (let i = 0; i < 60; i++) await store.create(someRecord(now, { subject }), { now })
    const grown = (await sizes()).map((size, index) => size - anonymous[index]!)

    for (const [index, size] of anonymous.entries()) expect(size).toBeGreaterThan(before[index]!)
    expect(grown.sort((a, b) => a - b)).toEqual([0, 0, 61])
    expect(await store.revokeSubject(subject, { now, reason: 'logout' })).toBe(60)
  })

  it('waits for replicas on the node that has the write', async () => {
    const store = open(await clients.ioredis(), { replicas: 1, replicaTimeout: 300 })
    const now = presently()
    await store.create(someRecord(now), { now })
    for (const replica of cluster.nodes.slice(3)) replica.server.pause()
    try {
      const record = someRecord(now)
      await expect(store.create(record, { now })).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
      expect(await kindOf(store, record.id)).toBe('record')
    } finally {
      for (const replica of cluster.nodes.slice(3)) replica.server.resume()
    }
  })

  it('carries no message over its bus: channels are sharded', async () => {
    const [store, other] = [open(await clients.ioredis()), open(await clients['node-redis']())]
    const heard: string[] = []
    const leave = await other.channel.subscribe(HOSTILE, (message) => heard.push(message))
    const changed: string[] = []
    const nothing = () => {}
    await other.changes!.subscribe({
      changed: (id) => changed.push(id),
      subjectRevoked: nothing,
      interrupted: nothing,
      resumed: nothing,
    })
    const record = someRecord(presently())
    await store.create(record, { now: presently() })
    await store.revoke(record.id, { now: presently(), reason: 'logout' })
    await store.channel.publish(HOSTILE, HOSTILE)
    await until(() => heard.length > 0 && changed.length > 0, 'both are heard')
    await leave()

    expect([heard, changed]).toEqual([[HOSTILE], [record.id]])
    const buses = await Promise.all(cluster.nodes.map(({ send }) => send('CLUSTER', 'INFO')))
    for (const bus of buses) expect(bus).not.toMatch(/cluster_stats_messages_publish_sent/)
  })
})

describe('a Cluster whose changes nobody is to be told of', () => {
  it('publishes nothing, and offers nothing to listen to', async () => {
    const store = open(await clients.ioredis(), { tellsChanges: false })
    const calls = async () =>
      (await Promise.all(cluster.nodes.map(({ send }) => send('INFO', 'commandstats')))).join().match(/spublish:calls=\d+/g)
    const before = await calls()
    const record = someRecord(presently())
    await store.create(record, { now: presently() })
    await store.revoke(record.id, { now: presently(), reason: 'logout' })

    expect([await calls(), store.changes]).toEqual([before, undefined])
  })
})

describe('a Cluster without sharded channels, as before Redis 7', () => {
  let older: RedisCluster
  beforeAll(async () => {
    older = await startRedisCluster('--rename-command', 'SPUBLISH', '', '--rename-command', 'SSUBSCRIBE', '')
  })
  afterAll(() => older.stop())

  it('carries messages all the same', async () => {
    const client = new Cluster(older.nodes.map(({ host, port }) => ({ host, port })))
    ends.push(() => client.disconnect())
    await new Promise((resolve) => client.once('ready', resolve))
    const [store, other] = [open(client), open(client)]
    const heard: string[] = []
    const leave = await other.channel.subscribe('topic', (message) => heard.push(message))
    const changed: string[] = []
    const nothing = () => {}
    await other.changes!.subscribe({
      changed: (id) => changed.push(id),
      subjectRevoked: nothing,
      interrupted: nothing,
      resumed: nothing,
    })

    await store.channel.publish('topic', 'hello')
    const id = someId()
    await store.revoke(id, { now: presently(), reason: 'nothing to end' })
    await until(() => heard.length > 0 && changed.length > 0, 'both are heard')
    await leave()

    expect([heard, changed]).toEqual([['hello'], [id]])
  })
})
