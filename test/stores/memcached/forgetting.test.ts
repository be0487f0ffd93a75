import type { NewRecord, Store } from 'sojourn'
import { memcachedStore } from 'sojourn/stores/memcached'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { clientOf, startMemcached } from '../../servers/memcached.ts'
import type { Server } from '../../servers/server.ts'
import { created, DAY, groupKey, isAlive, ledgerKey, say, secondsLeft, sessionKey, someRecord, someSubject } from './support.ts'

const now = Date.now()
const logout = { now, reason: 'logout', keepUntil: now + DAY }
let server: Server
let store: Store

/** A server of its own, since these tests take its memory away. */
async function start(...args: string[]): Promise<void> {
  server = await startMemcached(...args)
  store = memcachedStore(clientOf([server]))
  onTestFinished(async () => {
    await store.close()
    await server.stop()
  })
}

describe('memcached forgets', () => {
  beforeEach(() => start())

  test('the epochs of a group: its sessions are absent, and what was ended does not live again', async () => {
    const subject = someSubject()
    const [ended, spared] = [await created(store, now, { subject }), await created(store, now, { subject })]
    await store.revokeSubject(subject, { ...logout, except: spared.id })

    await say(server, `delete ${groupKey(subject)}`)

    const found = [await store.read(ended.id), await store.read(spared.id)]
    expect(found).toEqual([undefined, undefined])
    expect(await store.update(spared.id, 1, spared)).toBe('gone')
    expect(await store.revoke(spared.id, logout)).toBe(false)
    const next = someRecord(now, { subject })
    const replaces = { id: spared.id, version: 1, reason: 'signed-in' }
    expect(await store.create(next, { now, replaces })).toEqual({ kind: 'conflict' })
  })

  test('the epochs of a group: new sessions of it live, the earlier ones do not for that', async () => {
    const subject = someSubject()
    const ended = await created(store, now, { subject })
    await store.revokeSubject(subject, logout)
    await say(server, `delete ${groupKey(subject)}`)

    const next = await created(store, now, { subject })

    expect([await isAlive(store, ended), await isAlive(store, next)]).toEqual([false, true])
    await store.revokeSubject(subject, logout)
    expect([await isAlive(store, ended), await isAlive(store, next)]).toEqual([false, false])
  })

  test('the epochs of a group: anonymous sessions go on, since no end concerns them', async () => {
    const record = await created(store, now)

    for (let place = 0; place < 0x10000; place += 0x1000) await say(server, `delete sjn:g${place.toString(16).padStart(4, '0')}`)

    expect(await isAlive(store, record)).toBe(true)
  })

  test('a session: it is absent, and a late write does not bring it back', async () => {
    const record = await created(store, now, { subject: someSubject() })

    await say(server, `delete ${sessionKey(record.id)}`)

    expect(await store.read(record.id)).toBeUndefined()
    expect(await store.update(record.id, 1, record)).toBe('gone')
    expect(await store.revoke(record.id, logout)).toBe(false)
    expect(await store.read(record.id)).toBeUndefined()
  })

  test('a tombstone: the session is absent, and a late write does not bring it back', async () => {
    const record = await created(store, now, { subject: someSubject() })
    await store.revoke(record.id, logout)

    await say(server, `delete ${sessionKey(record.id)}`)

    expect(await store.update(record.id, 1, record)).toBe('gone')
    expect(await store.read(record.id)).toBeUndefined()
  })

  test('everything at once: everyone is absent, and can sign in again', async () => {
    const subject = someSubject()
    const records = await Promise.all(Array.from({ length: 50 }, () => created(store, now, { subject })))
    await store.revokeSubject(subject, logout)

    await say(server, 'flush_all')

    expect(await Promise.all(records.map(({ id }) => store.read(id)))).toEqual(records.map(() => undefined))
    expect(await isAlive(store, await created(store, now, { subject }))).toBe(true)
  })
})

describe('memcached runs out of memory', () => {
  test('and evicts: sessions become absent, and none that was ended lives again', { timeout: 30_000 }, async () => {
    await start('--memory-limit=4', '--max-item-size=1m')
    const subject = someSubject()
    const ended = await Promise.all(Array.from({ length: 100 }, () => created(store, now, { subject })))
    await store.revokeSubject(subject, logout)
    const body = new Uint8Array(20_000)

    for (let at = 0; at < 2_000; at += 100)
      await Promise.all(Array.from({ length: 100 }, () => created(store, now, { subject: someSubject(), body })))

    const alive = await Promise.all(ended.map((record) => isAlive(store, record)))
    expect(alive).not.toContain(true)
    expect(Number((await stat('evictions')) ?? 0)).toBeGreaterThan(0)
  })

  test('and may evict nothing: a new session is refused by a typed error, the others stay', { timeout: 30_000 }, async () => {
    await start('--memory-limit=4', '--max-item-size=1m', '--disable-evictions')
    const body = new Uint8Array(20_000)
    const kept: NewRecord[] = []

    const fill = async () => {
      for (;;) kept.push(await created(store, now, { subject: someSubject(), body }))
    }

    await expect(fill()).rejects.toMatchObject({ code: 'ERR_STORE_FULL', status: 503 })
    expect(kept.length).toBeGreaterThan(10)
    expect(await Promise.all(kept.map((record) => isAlive(store, record)))).not.toContain(false)
  })

  test('while a session grows: the write is refused, and the session keeps what it had', { timeout: 30_000 }, async () => {
    await start('--memory-limit=4', '--max-item-size=1m', '--disable-evictions')
    const record = await created(store, now, { subject: someSubject() })
    const body = new Uint8Array(20_000)
    const fill = async () => {
      for (;;) await created(store, now, { subject: someSubject(), body })
    }
    await expect(fill()).rejects.toMatchObject({ code: 'ERR_STORE_FULL' })

    await expect(store.update(record.id, 1, { ...record, body })).rejects.toMatchObject({ code: 'ERR_STORE_FULL' })

    expect(await store.read(record.id)).toMatchObject({ record: { version: 1, body: record.body } })
  })

  test('and a session can still be ended, with or without a tombstone', { timeout: 30_000 }, async () => {
    await start('--memory-limit=4', '--max-item-size=1m', '--disable-evictions')
    const kept: NewRecord[] = []
    const fill = async () => {
      for (;;) kept.push(await created(store, now, { body: new Uint8Array(5_000) }))
    }
    await expect(fill()).rejects.toMatchObject({ code: 'ERR_STORE_FULL' })

    const tooLong = 'a tombstone of the size for which there is no room'.padEnd(5_000)
    const answers = [
      await store.revoke(kept[0]!.id, { ...logout, reason: tooLong }),
      await store.revoke(kept[1]!.id, { ...logout, reason: 'logout' }),
    ]

    expect(answers).toEqual([true, true])
    expect(await store.read(kept[0]!.id)).toBeUndefined()
    expect(await store.update(kept[0]!.id, 1, kept[0]!)).toBe('gone')
    expect((await store.read(kept[1]!.id))?.kind).toBe('tombstone')
  })

  async function stat(name: string): Promise<string | undefined> {
    const stats = await new Promise<Record<string, string> | null>((resolve, reject) => {
      const client = clientOf([server])
      client.stats((error, _server, found) => {
        client.close()
        if (error) reject(error)
        else resolve(found)
      })
    })
    return stats?.[name]
  }
})

describe('a session larger than memcached takes', () => {
  test('is refused with what to change, and the earlier one stays', async () => {
    await start('--max-item-size=1m')
    const record = await created(store, now, { subject: someSubject() })
    const body = new Uint8Array(1024 * 1024)

    const refused = { code: 'ERR_DATA_TOO_LARGE', status: 413, message: expect.stringContaining('-I 4m') }
    await expect(store.update(record.id, 1, { ...record, body })).rejects.toMatchObject(refused)
    await expect(store.create(someRecord(now, { body }), { now })).rejects.toMatchObject(refused)

    expect(await store.read(record.id)).toMatchObject({ record: { version: 1, body: record.body } })
  })
})

describe('memcached removes', () => {
  beforeEach(() => start())

  /** Clocks of machines may differ by five minutes. */
  const slack = { min: 300, max: 310 }

  test.each([
    ['of minutes', 60_000],
    ['of 30 days, where memcached begins to take seconds for an instant', 30 * DAY],
    ['of a year', 365 * DAY],
  ])('a session %s some minutes after its deadline, never before', async (_case, lifetime) => {
    const record = await created(store, now, { deadline: now + lifetime, absoluteDeadline: now + 366 * DAY })

    const left = (await secondsLeft(server, sessionKey(record.id)))! - (record.deadline - Date.now()) / 1000

    expect(left).toBeGreaterThan(slack.min - 5)
    expect(left).toBeLessThan(slack.max)
  })

  test('an updated session after its new deadline', async () => {
    const record = await created(store, now)
    await store.update(record.id, 1, { ...record, deadline: now + 5 * DAY })

    expect(await secondsLeft(server, sessionKey(record.id))).toBeGreaterThan((5 * DAY) / 1000 - 60)
  })

  test('a tombstone after the absolute deadline', async () => {
    const record = await created(store, now, { absoluteDeadline: now + 40 * DAY })
    await store.revoke(record.id, logout)

    expect(await secondsLeft(server, sessionKey(record.id))).toBeGreaterThan((40 * DAY) / 1000)
  })

  test('entries of the ledger after their deadlines', async () => {
    const options = { now, deadline: now + 40 * DAY, window: 40 * DAY }
    await store.ledger.claim('one', options)
    await store.ledger.put('two', Uint8Array.of(1), options)
    await store.ledger.count('three', options)

    const left = await Promise.all(
      ['one', 'two', 'three'].map((key, index) => secondsLeft(server, ledgerKey('cvn'[index]!, key))),
    )
    for (const each of left) expect(each).toBeGreaterThan((40 * DAY) / 1000)
  })
})
