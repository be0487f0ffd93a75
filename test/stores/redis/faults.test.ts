import { Cluster, Redis } from 'ioredis'
import { createClient } from 'redis'
import { redisStore } from 'sojourn/stores/redis'
import { describe, expect, it } from 'vitest'
import { kindOf, presently, someId, someRecord, someSubject, until, useRedis } from './support.ts'

describe('a full server', () => {
  const redis = useRedis('--maxmemory', '6mb', '--maxmemory-policy', 'noeviction')

  it('refuses new sessions with ERR_STORE_FULL, reads, and ends sessions all the same', async () => {
    const store = redis.open()
    const now = presently()
    const subject = someSubject()
    const [one, spared, other] = [1, 2, 3].map(() => someRecord(now, { subject }))
    for (const record of [one!, spared!, other!]) await store.create(record, { now })
    const fill = async (size: number) => {
      for (;;) await store.create(someRecord(now, { body: new Uint8Array(size) }), { now })
    }

    for (const size of [100_000, 1000, 1]) await expect(fill(size)).rejects.toMatchObject({ code: 'ERR_STORE_FULL', status: 503 })

    await expect(store.update(one!.id, 1, one!)).rejects.toMatchObject({
      code: 'ERR_STORE_FULL',
    })
    expect(await kindOf(store, one!.id)).toBe('record')
    expect(await store.revoke(one!.id, { now, reason: 'logout' })).toBe(true)
    expect(await store.revokeSubject(subject, { now, reason: 'logout', except: spared!.id })).toBe(1)
    expect([await kindOf(store, one!.id), await kindOf(store, other!.id)]).toEqual(['tombstone', 'tombstone'])
    expect((await store.list(subject)).map(({ id, epoch }) => [id, epoch])).toEqual([[spared!.id, 1]])
  })
})

describe('a server that restarts', () => {
  const redis = useRedis('--appendonly', 'yes', '--appendfsync', 'always')

  it('keeps what it acknowledged, when it flushes every write; in the gap every call is a typed fault', async () => {
    const store = redis.open({ isDurable: true }, redis.client({ maxRetriesPerRequest: 0, retryStrategy: () => 20 }))
    const acknowledged: string[] = []
    const revoked: string[] = []
    const faults: unknown[] = []
    let isOver = false
    let count = 0
    const work = async () => {
      while (!isOver) {
        const now = presently()
        const record = someRecord(now, { subject: someSubject() })
        try {
          await store.create(record, { now })
          if (++count % 3 > 0) {
            acknowledged.push(record.id)
            continue
          }
          // Until it is acknowledged it may be alive or not.
          await store.revoke(record.id, { now, reason: 'logout' })
          revoked.push(record.id)
        } catch (error) {
          faults.push(error)
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
      }
    }
    const working = Promise.all(Array.from({ length: 8 }, work))
    await until(() => revoked.length > 50, 'there is load')
    await redis.server().server.kill()
    await redis.server().server.restart()
    const before = acknowledged.length
    await until(() => acknowledged.length > before + 50, 'the store works again')
    isOver = true
    await working

    expect(store.capabilities.durableRevocation).toBe(true)
    expect(faults.length).toBeGreaterThan(0)
    for (const fault of faults) expect(fault).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', status: 503 })
    for (const id of acknowledged) expect(await kindOf(store, id)).toBe('record')
    for (const id of revoked) expect(await kindOf(store, id)).toBe('tombstone')
  })
})

describe('faults', () => {
  const redis = useRedis()

  it('never show what was sent: no subject, no data, no key', async () => {
    const client = redis.client()
    const store = redis.open({}, client)
    const subject = `secret-${someSubject()}`
    const id = someId(subject)
    await client.call('acl', 'setuser', 'default', '-evalsha')
    try {
      const reason = await store
        .create(someRecord(presently(), { subject, id }), { now: presently() })
        .catch((error: unknown) => error)

      expect(reason).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
      expect(JSON.stringify(reason)).not.toMatch(/secret|evalsha/)
      expect((reason as Error).message).not.toContain(id)
    } finally {
      await client.call('acl', 'setuser', 'default', '+evalsha')
    }
  })

  it('a key that holds something else is unreadable, not absent', async () => {
    const client = redis.client()
    const store = redis.open({}, client)
    const record = someRecord(presently())
    await store.create(record, { now: presently() })
    const [key] = (await client.keys('*')).filter((name) => name.endsWith(record.id))
    for (const value of ['', '\x01short', '\x03', '{"id":1}']) {
      await client.set(key!, value)
      await expect(store.read(record.id)).rejects.toMatchObject({ code: 'ERR_STORE_UNREADABLE' })
    }
  })

  it('whoever stops waiting is told at once, while the server hangs', async () => {
    const store = redis.open()
    await store.read(someId())
    redis.server().server.pause()
    try {
      const controller = new AbortController()
      const reading = [1, 2, 3].map(() => store.read(someId(), { signal: controller.signal }))
      controller.abort()
      for (const one of reading) await expect(one).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    } finally {
      redis.server().server.resume()
    }
    expect(await store.read(someId())).toBeUndefined()
  })

  it('asking for replicas that are not there is a fault, and says that it may have happened', async () => {
    const store = redis.open({ replicas: 1, replicaTimeout: 50 })
    const record = someRecord(presently())

    const reason = await store.create(record, { now: presently() }).catch((error: unknown) => error)

    expect(reason).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', message: expect.stringContaining('may have happened') })
    expect(await kindOf(store, record.id)).toBe('record')
  })
})

describe('misuse is refused at start-up, in a sentence', () => {
  const wrong: Readonly<Record<string, [unknown, object, RegExp]>> = {
    'an address instead of a client': ['redis://localhost', {}, /a ready client, not an address.*it is a string/],
    nothing: [undefined, {}, /it is undefined/],
    null: [null, {}, /it is null/],
    'another object': [{}, {}, /it is another object/],
    'node-redis before version 5': [{ sendCommand: () => {}, duplicate: () => {}, multi: () => {} }, {}, /before version 5/],
    'a key prefix': [new Redis({ lazyConnect: true, keyPrefix: 'x:' }), {}, /keyPrefix/],
    'reads from replicas': [new Cluster([{ port: 1 }], { lazyConnect: true, scaleReads: 'slave' }), {}, /reads from replicas/],
    'a prefix with braces': [new Redis({ lazyConnect: true }), { prefix: '{x}' }, /prefix must be/],
    'an empty prefix': [new Redis({ lazyConnect: true }), { prefix: '' }, /prefix must be/],
    'half a replica': [
      new Redis({ lazyConnect: true }),
      { replicas: 0.5 },
      /replicas must be a whole number from 0 to 8; it is 0.5/,
    ],
    'no time for replicas': [new Redis({ lazyConnect: true }), { replicaTimeout: 0 }, /replicaTimeout must be/],
  }
  for (const [what, [client, options, sentence]] of Object.entries(wrong)) {
    it(what, () => {
      const open = () => redisStore(client as Redis, options)
      expect(open).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }))
      expect(open).toThrow(sentence)
      expect(open).toThrow(/docs\/stores\/redis\.md/)
    })
  }

  it('but nothing is sent or opened by making a store', () => {
    const client = new Redis({ lazyConnect: true })
    redisStore(client)
    redisStore(createClient())

    expect(client.status).toBe('wait')
  })
})
