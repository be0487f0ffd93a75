import { describe, expect, it } from 'vitest'
import { LINK } from '../../../src/stores/redis/scripts.ts'
import { commandsDuring, HOUR, KEPT_FOR, kindOf, presently, someId, someRecord, someSubject, useRedis } from './support.ts'

const redis = useRedis()
const someKey = () => (someId() + someId()).slice(0, 43)
const logout = (now: number, at = now) => ({ now, at, reason: 'provider-logout', keepUntil: now + 24 * HOUR })

describe('links', () => {
  it('a logout is one script for the names, one for the records, and a look at nothing else', async () => {
    const client = redis.client()
    const store = redis.open({}, client)
    const now = presently()
    const [key, subject] = [someKey(), someSubject()]
    await store.revokeLinked!(someKey(), logout(now))
    for (let i = 0; i < 5; i++) await store.create(someRecord(now, { subject }), { now, link: { keys: [key], at: now } })
    await store.revokeLinked!(key, logout(now - 1, now - 1))

    const { sent, inScripts } = await commandsDuring(client, () => store.revokeLinked!(key, logout(now)))

    expect(sent.filter((name) => name !== 'eval')).toEqual(['evalsha', 'evalsha', 'zrem'])
    expect(inScripts.filter((name) => name === 'set')).toHaveLength(5)
    expect(await client.zcard(`sjn:link:${key}`)).toBe(2)
  })

  it('a link lives as long as its record, also when that lives longer than was thought, and a logout as long as it must be known', async () => {
    const client = redis.client()
    const store = redis.open({}, client)
    const now = presently()
    const keys = [someKey(), someKey()]
    const record = someRecord(now, { subject: someSubject() })
    const endings = () => Promise.all(keys.map(async (key) => (await client.pttl(`sjn:link:${key}`)) + presently()))
    await store.create(record, { now, link: { keys, at: now } })
    const [before] = await endings()

    await store.update(record.id, 1, { ...record, deadline: now + 40 * HOUR, absoluteDeadline: now + 48 * HOUR })
    const after = await endings()
    await store.revokeLinked!(keys[0]!, { ...logout(now), keepUntil: now + 90 * HOUR })
    const [severed] = await endings()

    const near = (instant: number | undefined, hours: number) => Math.abs(instant! - now - hours * HOUR - KEPT_FOR) < 5000
    expect([near(before, 12), after.every((one) => near(one, 48)), near(severed, 90)]).toEqual([true, true, true])
    const remaining = await client.keys('sjn:*')
    const lives = await Promise.all(remaining.map((key) => client.pttl(key)))
    expect(lives.every((life) => life > 0)).toBe(true)
  })

  it('a logout between the record and its name finds no record, and the sign-in finds the logout', async () => {
    const client = redis.client()
    const [slow, other] = [redis.open({}, client), redis.open()]
    const now = presently()
    const key = someKey()
    const { gate, open, reached } = holding(client, LINK.sha)
    const record = someRecord(now, { subject: someSubject() })

    const signingIn = slow.create(record, { now, link: { keys: [key], at: now } })
    await reached
    expect(await kindOf(other, record.id)).toBe('record')
    expect(await other.revokeLinked!(key, logout(now))).toEqual([])
    open()
    await gate

    expect(await signingIn).toEqual({ kind: 'severed' })
    expect(await kindOf(other, record.id)).toBe('tombstone')
  })

  it('an id under a name is a hint: a record that does not say so itself is not ended', async () => {
    const client = redis.client()
    const store = redis.open({}, client)
    const now = presently()
    const key = someKey()
    const [plain, linked] = [someRecord(now, { subject: someSubject() }), someRecord(now, { subject: someSubject() })]
    await store.create(plain, { now })
    await store.create(linked, { now, link: { keys: [someKey()], at: now } })
    await client.zadd(`sjn:link:${key}`, now + HOUR, plain.id, now + HOUR, linked.id, now + HOUR, someId())

    expect(await store.revokeLinked!(key, logout(now))).toEqual([])
    expect([await kindOf(store, plain.id), await kindOf(store, linked.id)]).toEqual(['record', 'record'])
  })
})

/** Holds the first sending of a script until `open` is called. */
function holding(client: ReturnType<typeof redis.client>, sha: string) {
  let open = () => {}
  let reach = () => {}
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  const reached = new Promise<void>((resolve) => {
    reach = resolve
  })
  const send = client.callBuffer.bind(client) as (...given: unknown[]) => Promise<unknown>
  const held = async (...given: unknown[]) => {
    if (given.flat().includes(sha)) {
      reach()
      await gate
    }
    return send(...given)
  }
  Object.assign(client, { callBuffer: held })
  return { gate, open, reached }
}
