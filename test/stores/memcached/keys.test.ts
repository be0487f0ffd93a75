import type { Store } from 'sojourn'
import { memcachedStore } from 'sojourn/stores/memcached'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { clientOf, startMemcached } from '../../servers/memcached.ts'
import type { Server } from '../../servers/server.ts'
import { created, DAY, groupKey, isAlive, say, sessionKey, someRecord, someSubject } from './support.ts'

const now = Date.now()
let server: Server
let store: Store

beforeAll(async () => {
  server = await startMemcached()
  store = memcachedStore(clientOf([server]))
})
afterAll(async () => {
  await store.close()
  await server.stop()
})

const hostile = ['', '\0', ' a b ', 'x\r\nflush_all\r\n', '__proto__', '👩‍👩‍👧', '../sjn:g0000', `sjn:s${'k'.repeat(180)}`]

describe('ids that nobody made', () => {
  test.each(hostile)('%j is no session, and harms none', async (id) => {
    const record = await created(store, now, { subject: someSubject() })

    expect(await store.read(id)).toBeUndefined()
    expect(await store.update(id, 1, record)).toBe('gone')
    expect(await store.revoke(id, { now, reason: 'logout' })).toBe(false)
    expect(await isAlive(store, record)).toBe(true)
  })

  test('longer than memcached takes is no session, and breaks nobody’s connection', async () => {
    const record = await created(store, now)
    const id = 'k'.repeat(300)

    const found = await Promise.all([store.read(record.id), store.read(id), store.revoke(id, { now, reason: 'logout' })])

    expect(found).toMatchObject([{ record: { id: record.id } }, undefined, false])
  })
})

test('what is kept names no subject in its keys', async () => {
  const subject = 'ada.lovelace@example.org'
  await created(store, now, { subject })
  await store.revokeSubject(subject, { now, reason: 'logout' })
  await store.ledger.claim(`throttle:${subject}`, { now, deadline: now + DAY })

  const keys = await keysOf(server)

  expect(keys.length).toBeGreaterThan(2)
  expect(keys.filter((key) => !/^sjn:[sgcvn][\w-]+$/.test(key))).toEqual([])
})

test('two applications with prefixes of their own do not meet', async () => {
  const [one, other] = ['a:', 'b:'].map((prefix) => memcachedStore(clientOf([server]), { prefix }))
  onTestFinished(async () => {
    await Promise.all([one!.close(), other!.close()])
  })
  const subject = someSubject()
  const record = someRecord(now, { subject })
  await one!.create(record, { now })

  const outcome = await other!.create(record, { now })
  await other!.revokeSubject(subject, { now, reason: 'logout' })

  expect(outcome.kind).toBe('created')
  expect([await isAlive(one!, record), await isAlive(other!, record)]).toEqual([true, false])
})

describe('what another program wrote', () => {
  test.each([
    ['', 0],
    ['x', 1],
    ['a value of the application', 26],
    ['\x01 too short', 11],
    ['\x02 too short', 11],
  ])('%j in the place of a session is a typed error', async (value, length) => {
    const record = someRecord(now)
    await say(server, `set ${sessionKey(record.id)} 0 0 ${length}\r\n${value}`)

    await expect(store.read(record.id)).rejects.toMatchObject({ code: 'ERR_STORE_UNREADABLE' })
    await expect(store.update(record.id, 1, record)).rejects.toMatchObject({ code: 'ERR_STORE_UNREADABLE' })
  })

  test('in the place of epochs is a typed error: whether anybody lives cannot be said', async () => {
    const record = await created(store, now, { subject: someSubject() })
    await say(server, `set ${groupKey(record.subject!)} 0 0 5\r\nhello`)

    await expect(store.read(record.id)).rejects.toMatchObject({ code: 'ERR_STORE_UNREADABLE' })
  })
})

describe('compare-and-set', () => {
  test('many handles that race for one session: one wins each version, and no write is lost', async () => {
    const handles = Array.from({ length: 8 }, () => memcachedStore(clientOf([server])))
    onTestFinished(async () => {
      await Promise.all(handles.map((handle) => handle.close()))
    })
    const record = await created(store, now, { subject: someSubject() })

    for (let version = 1; version <= 10; version++) {
      const outcomes = await Promise.all(
        handles.map((handle, index) => handle.update(record.id, version, { ...record, body: Uint8Array.of(index) })),
      )
      expect(outcomes.filter((outcome) => outcome === 'updated')).toHaveLength(1)
      expect(await store.read(record.id)).toMatchObject({
        record: { version: version + 1, body: Uint8Array.of(outcomes.indexOf('updated')) },
      })
    }
  })

  test('writers and one who ends the session: it ends, once, and stays ended', async () => {
    const handles = Array.from({ length: 4 }, () => memcachedStore(clientOf([server])))
    onTestFinished(async () => {
      await Promise.all(handles.map((handle) => handle.close()))
    })
    for (let round = 0; round < 20; round++) {
      const record = await created(store, now, { subject: someSubject() })

      const writing = handles.map((handle, index) => handle.update(record.id, 1, { ...record, body: Uint8Array.of(index) }))
      const ends = await Promise.all(handles.map((handle) => handle.revoke(record.id, { now, reason: 'logout' })))
      await Promise.all(writing)

      expect(ends.filter(Boolean)).toHaveLength(1)
      expect((await store.read(record.id))?.kind).toBe('tombstone')
    }
  })
})

describe('counting', () => {
  test('by many at once loses none, also where one window ends and the next begins', async () => {
    const handles = Array.from({ length: 4 }, () => memcachedStore(clientOf([server])))
    onTestFinished(async () => {
      await Promise.all(handles.map((handle) => handle.close()))
    })
    const count = (at: number) =>
      Promise.all(
        Array.from({ length: 100 }, (_, index) => handles[index % 4]!.ledger.count('a throttle', { now: at, window: 60_000 })),
      )

    const first = await count(now)
    const next = await count(now + 60_000)

    const sorted = [first, next].map((counts) => counts.toSorted((a, b) => a - b))
    expect(sorted[0]).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
    expect(sorted[1]).toEqual(sorted[0])
  })

  test('goes on by the caller’s window where a clock was far ahead', async () => {
    const count = (at: number) => store.ledger.count('a clock', { now: at, window: 60_000 })
    const ahead = [await count(now + DAY), await count(now + DAY)]

    const back = [await count(now), await count(now + 59_000), await count(now + 60_001)]

    expect([ahead, back]).toEqual([
      [1, 2],
      [3, 4, 1],
    ])
  })
})

/** The keys of every item, as an operator lists them. */
async function keysOf(target: Server): Promise<string[]> {
  const { connect } = await import('node:net')
  return new Promise((resolve, reject) => {
    const socket = connect(target.port, '127.0.0.1', () => socket.write('lru_crawler metadump all\r\n'))
    let answer = ''
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      answer += chunk
      if (!answer.endsWith('END\r\n')) return
      socket.destroy()
      resolve([...answer.matchAll(/^key=(\S+)/gm)].map(([, key]) => decodeURIComponent(key!)))
    })
  })
}
