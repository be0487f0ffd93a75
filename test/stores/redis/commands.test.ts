import { describe, expect, it } from 'vitest'
import {
  commandsDuring,
  HOSTILE,
  HOUR,
  KEPT_FOR,
  kindOf,
  presently,
  someId,
  someRecord,
  someSubject,
  until,
  useRedis,
} from './support.ts'

const redis = useRedis()

describe('round trips', () => {
  it('a read is one GET, of a live session, an ended one and none', async () => {
    const client = redis.client()
    const store = redis.open({}, client)
    const now = presently()
    const [live, ended] = [someRecord(now, { subject: someSubject() }), someRecord(now)]
    for (const record of [live, ended]) await store.create(record, { now })
    await store.revoke(ended.id, { now, reason: 'logout' })

    for (const id of [live.id, ended.id, someId()]) {
      expect(await commandsDuring(client, async () => store.read(id))).toEqual({ sent: ['get'], inScripts: [] })
    }
  })

  it('every other operation is one command too', async () => {
    const client = redis.client()
    const store = redis.open({}, client)
    const now = presently()
    const subject = someSubject()
    const [record, next, other] = [1, 2, 3].map(() => someRecord(now, { subject }))
    const replaces = { id: record!.id, version: 2, reason: 'signed-in' }
    const limit = { max: 1, onExceeded: 'evict-oldest' } as const
    const key = someId()
    const operations = {
      create: () => store.create(record!, { now }),
      update: () => store.update(record!.id, 1, record!),
      'create that replaces': () => store.create(next!, { now, replaces }),
      'create under a limit': () => store.create(other!, { now, limit }),
      list: () => store.list(subject),
      revoke: () => store.revoke(other!.id, { now, reason: 'logout' }),
      revokeSubject: () => store.revokeSubject(subject, { now, reason: 'logout' }),
      claim: () => store.ledger.claim(key, { now, deadline: now + HOUR }),
      put: () => store.ledger.put(key, Uint8Array.of(1), { now, deadline: now + HOUR }),
      get: () => store.ledger.get(key, { now }),
      take: () => store.ledger.take(key, { now }),
      count: () => store.ledger.count(key, { now, window: HOUR }),
      publish: () => store.channel.publish('topic', 'message'),
    }
    // Once, so that the server knows the scripts.
    await store.create(someRecord(now), { now })
    await store.update(someId(), 1, record!)
    await store.revoke(someId(), { now, reason: 'logout' })
    await store.revokeSubject(someSubject(), { now, reason: 'logout' })
    await store.list(someSubject())
    await store.ledger.claim(someId(), { now, deadline: now + HOUR })
    await store.ledger.count(someId(), { now, window: HOUR })

    for (const [name, operation] of Object.entries(operations)) {
      const { sent } = await commandsDuring(client, operation)
      expect([name, sent.length]).toEqual([name, 1])
      expect(['evalsha', 'set', 'get', 'getdel', 'publish']).toContain(sent[0])
    }
  })

  it('no operation walks the keyspace', async () => {
    const client = redis.client()
    const store = redis.open({}, client)
    const now = presently()
    const subject = someSubject()

    const { sent, inScripts } = await commandsDuring(client, async () => {
      for (let i = 0; i < 12; i++) await store.create(someRecord(now, { subject }), { now })
      await store.list(subject)
      await store.revokeSubject(subject, { now, reason: 'logout' })
      await store.purge({ before: now, limit: 10_000 })
    })

    for (const command of ['keys', 'scan', 'randomkey', 'flushdb']) expect([...sent, ...inScripts]).not.toContain(command)
  })

  it('an absolute deadline that moves costs one more', async () => {
    const client = redis.client()
    const store = redis.open({}, client)
    const now = presently()
    const subject = someSubject()
    const record = someRecord(now, { subject })
    await store.create(record, { now })
    const longer = { ...record, absoluteDeadline: now + 48 * HOUR }

    const { sent } = await commandsDuring(client, () => store.update(record.id, 1, longer))

    expect(sent).toEqual(['evalsha', 'evalsha'])
    expect((await store.list(subject)).map(({ absoluteDeadline }) => absoluteDeadline)).toEqual([longer.absoluteDeadline])
  })
})

describe('scripts', () => {
  it('are sent again in full when the server has forgotten them, and every operation works', async () => {
    const client = redis.client()
    const store = redis.open({}, client)
    const now = presently()
    const subject = someSubject()
    const record = someRecord(now, { subject })
    const forgetting = async <T>(operation: () => Promise<T>) => {
      await client.script('FLUSH')
      return operation()
    }

    expect((await forgetting(() => store.create(record, { now }))).kind).toBe('created')
    expect(await forgetting(() => store.update(record.id, 1, record))).toBe('updated')
    expect(await forgetting(() => store.list(subject))).toHaveLength(1)
    expect(await forgetting(() => store.revoke(record.id, { now, reason: 'logout' }))).toBe(true)
    expect(await forgetting(() => store.revokeSubject(subject, { now, reason: 'logout' }))).toBe(0)
    expect(await forgetting(() => store.ledger.claim(someId(), { now, deadline: now + HOUR }))).toBe(true)
    expect(await forgetting(() => store.ledger.count(someId(), { now, window: HOUR }))).toBe(1)
  })
})

describe('keys', () => {
  it('name no subject and no ledger key, and begin with the prefix', async () => {
    const client = redis.client({ db: 1 })
    const store = redis.open({ prefix: 'shop-1' }, client)
    const now = presently()
    const subject = 'ada@example.com'
    for (let i = 0; i < 3; i++) await store.create(someRecord(now, { subject }), { now })
    const ended = someRecord(now, { subject })
    await store.create(ended, { now })
    await store.revoke(ended.id, { now, reason: 'logout' })
    await store.ledger.claim(subject, { now, deadline: now + HOUR })
    await store.ledger.put(subject, Uint8Array.of(1), { now, deadline: now + HOUR })
    await store.ledger.count(subject, { now, window: HOUR })

    const keys = await client.keys('*')

    expect(keys).toHaveLength(8)
    for (const key of keys) {
      expect(key).toMatch(/^shop-1:(\{[0-9a-f]{4}\}:(u:)?|claim:|value:|count:)[\w-]{22,43}$/)
      expect(await client.pttl(key)).toBeGreaterThan(0)
    }
  })

  it('end by themselves an hour after the deadline; tombstones after the absolute one; a subject’s with its last session', async () => {
    const client = redis.client({ db: 2 })
    const store = redis.open({}, client)
    const now = presently()
    const subject = HOSTILE
    // What has 0.2 seconds left to stay.
    const nearlyGone = now - KEPT_FOR + 200
    const expired = someRecord(now, { subject, deadline: nearlyGone, absoluteDeadline: nearlyGone })
    const ended = someRecord(now, { subject, deadline: nearlyGone, absoluteDeadline: nearlyGone })
    await store.create(expired, { now: nearlyGone - HOUR })
    await store.create(ended, { now: nearlyGone - HOUR })
    await store.revoke(ended.id, { now: nearlyGone - HOUR, reason: 'logout' })
    const before = [await kindOf(store, expired.id), await kindOf(store, ended.id), await client.dbsize()]

    await until(async () => (await client.dbsize()) === 0, 'every key is gone')

    expect(before).toEqual(['record', 'tombstone', 3])
    expect([await kindOf(store, expired.id), await kindOf(store, ended.id)]).toEqual([undefined, undefined])
    expect(await store.list(subject)).toEqual([])
  })

  it('stay while any node can take the session for live, though clocks differ by five minutes', async () => {
    const client = redis.client()
    const store = redis.open({}, client)
    const now = presently()
    const record = someRecord(now, { deadline: now - 10 * 60_000, absoluteDeadline: now - 10 * 60_000 })
    await store.create(record, { now: now - HOUR })

    expect(await kindOf(store, record.id)).toBe('record')
  })

  it('a subject’s key outlives its longest session, whatever its other sessions do', async () => {
    const client = redis.client({ db: 3 })
    const store = redis.open({}, client)
    const now = presently()
    const subject = someSubject()
    const long = someRecord(now, { subject, startedAt: now - HOUR, absoluteDeadline: now + 90 * 24 * HOUR })
    await store.create(long, { now })
    for (let i = 0; i < 20; i++) await store.create(someRecord(now, { subject }), { now })
    await store.revokeSubject(subject, { now, reason: 'logout', except: long.id })
    await store.create(someRecord(now, { subject }), { now })

    const [key] = (await client.keys('*')).filter((name) => name.includes(':u:'))

    expect(Number(await client.call('pexpiretime', key!))).toBe(long.absoluteDeadline + KEPT_FOR)
    expect((await store.list(subject)).map(({ id, epoch }) => [id === long.id, epoch])).toEqual([
      [true, 1],
      [false, 1],
    ])
  })
})

describe('the sessions of a subject', () => {
  it('are forgotten in passing when they ended, so that signing in and out for years fills nothing', async () => {
    const client = redis.client({ db: 4 })
    const store = redis.open({}, client)
    const now = presently()
    const subject = someSubject()
    const stays = someRecord(now, { subject })
    await store.create(stays, { now })
    for (let i = 0; i < 300; i++) {
      const record = someRecord(now, { subject })
      await store.create(record, { now })
      await store.revoke(record.id, { now, reason: 'logout' })
    }

    const [key] = (await client.keys('*')).filter((name) => name.includes(':u:'))
    const remembered = await client.zcard(key!)

    expect(remembered).toBeLessThan(30)
    expect((await store.list(subject)).map(({ id }) => id)).toEqual([stays.id])
    expect(await client.zcard(key!)).toBe(1)
  })
})
