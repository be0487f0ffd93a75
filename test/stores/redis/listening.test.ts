import { describe, expect, it } from 'vitest'
import { subjectKeyOf } from '../../../src/core/placement.ts'
import type { ChangeListener } from '../../../src/core/store.ts'
import { HOSTILE, presently, someRecord, someSubject, until, useRedis } from './support.ts'

const redis = useRedis()

/** What a listener was told, in order. */
function listening() {
  const told: string[] = []
  const listener: ChangeListener = {
    changed: (id) => told.push(`changed ${id}`),
    subjectRevoked: (subjectKey) => told.push(`ended ${subjectKey}`),
    interrupted: () => told.push('interrupted'),
    resumed: () => told.push('resumed'),
  }
  return { told, listener, hears: (what: string) => until(() => told.includes(what), `"${what}" was heard`) }
}

describe('changes', () => {
  it('are told of every update and every end, by the script that makes them', async () => {
    const [store, other] = [redis.open(), redis.open()]
    const now = presently()
    const subject = someSubject()
    const { told, listener, hears } = listening()
    const leave = await other.changes!.subscribe(listener)
    const [first, second, third] = [1, 2, 3].map((number) => someRecord(now, { subject, startedAt: now + number }))

    await store.create(first!, { now })
    await store.update(first!.id, 1, first!)
    await store.create(second!, { now, replaces: { id: first!.id, version: 2, reason: 'signed-in' } })
    await store.create(third!, { now, limit: { max: 1, onExceeded: 'evict-oldest' } })
    await store.revoke(third!.id, { now, reason: 'logout' })
    await store.revokeSubject(subject, { now, reason: 'logout' })
    await hears(`ended ${subjectKeyOf(subject)}`)
    await leave()

    expect(told).toEqual([
      `changed ${first!.id}`,
      `changed ${first!.id}`,
      `changed ${second!.id}`,
      `changed ${third!.id}`,
      `ended ${subjectKeyOf(subject)}`,
    ])
  })

  it('say when they may be missed, and when no longer: a connection that is cut', async () => {
    const client = redis.client()
    const store = redis.open({}, client)
    const { told, listener, hears } = listening()
    const leave = await redis.open().changes!.subscribe(listener)

    await client.call('client', 'kill', 'type', 'pubsub')
    await hears('resumed')
    const record = someRecord(presently())
    await store.revoke(record.id, { now: presently(), reason: 'nothing to end' })
    await store.create(record, { now: presently() })
    await store.revoke(record.id, { now: presently(), reason: 'logout' })
    await hears(`changed ${record.id}`)
    await leave()

    expect(told).toEqual(['interrupted', 'resumed', `changed ${record.id}`])
  })

  it('say so of a server that hangs, too: within two seconds', async () => {
    const { told, listener, hears } = listening()
    const leave = await redis.open().changes!.subscribe(listener)

    redis.server().server.pause()
    const pausedAt = performance.now()
    try {
      await hears('interrupted')
      expect(performance.now() - pausedAt).toBeLessThan(3000)
    } finally {
      redis.server().server.resume()
    }
    await hears('resumed')
    await leave()
    expect(told).toEqual(['interrupted', 'resumed'])
  })

  it('and of a server that restarts', async () => {
    const { told, listener, hears } = listening()
    const store = redis.open()
    const leave = await store.changes!.subscribe(listener)

    await redis.server().server.kill()
    await hears('interrupted')
    await redis.server().server.restart()
    await hears('resumed')
    await leave()

    expect(told).toEqual(['interrupted', 'resumed'])
  })
})

describe('the channel', () => {
  it('works again after its connection was cut', async () => {
    const client = redis.client()
    const store = redis.open({}, client)
    const heard: string[] = []
    const leave = await store.channel.subscribe(HOSTILE, (message) => heard.push(message))

    await client.call('client', 'kill', 'type', 'pubsub')
    await until(async () => {
      await store.channel.publish(HOSTILE, HOSTILE)
      return heard.length > 0
    }, 'a message arrives')
    await leave()

    expect(new Set(heard)).toEqual(new Set([HOSTILE]))
  })
})

describe('connections', () => {
  it('of its own are opened when something is listened to, and closed with the last listener, or with the store', async () => {
    const admin = redis.client()
    const ofPubSub = async () =>
      String(await admin.call('client', 'list', 'type', 'pubsub'))
        .split('\n')
        .filter(Boolean).length
    const store = redis.open()
    await store.read(someRecord(presently()).id)
    await until(async () => (await ofPubSub()) === 0, 'the connections of earlier tests are closed')

    const leave = await store.changes!.subscribe(listening().listener)
    const leaveTopic = await store.channel.subscribe('topic', () => {})
    const open = await ofPubSub()
    await leave()
    await leaveTopic()
    await until(async () => (await ofPubSub()) === 0, 'they are closed')
    await store.changes!.subscribe(listening().listener)
    await store.close()
    await until(async () => (await ofPubSub()) === 0, 'they are closed with the store')

    expect(open).toBe(2)
    await expect(store.changes!.subscribe(listening().listener)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
  })

  it('a listener cannot be had while the server hangs, and whoever asks is told so in time', async () => {
    const store = redis.open()
    redis.server().server.pause()
    try {
      await expect(store.changes!.subscribe(listening().listener)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    } finally {
      redis.server().server.resume()
    }
    await (await store.changes!.subscribe(listening().listener))()
  })

  it('a listener is had after all when the server hung for a few seconds', async () => {
    const store = redis.open()
    redis.server().server.pause()
    const subscribing = store.changes!.subscribe(listening().listener)
    subscribing.catch(() => {})
    try {
      // Longer than the first connection is waited for.
      await new Promise((resolve) => setTimeout(resolve, 3500))
    } finally {
      redis.server().server.resume()
    }
    await (await subscribing)()
  })

  it('a listener cannot be had while the server is away, and that is a typed fault', async () => {
    const store = redis.open()
    await redis.server().server.kill()
    try {
      await expect(store.changes!.subscribe(listening().listener)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
      await expect(store.channel.subscribe('topic', () => {})).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    } finally {
      await redis.server().server.restart()
    }
    await (await store.changes!.subscribe(listening().listener))()
  })
})
