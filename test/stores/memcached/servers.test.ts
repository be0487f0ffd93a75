import type { Store } from 'sojourn'
import { memcachedStore } from 'sojourn/stores/memcached'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { clientOf, startMemcached } from '../../servers/memcached.ts'
import type { Server } from '../../servers/server.ts'
import { created, DAY, groupKey, isAlive, say, sessionKey, someRecord, someSubject } from './support.ts'

const now = Date.now()
const away = { code: 'ERR_STORE_UNAVAILABLE', status: 503 }

describe('two servers', () => {
  let servers: Server[]
  let store: Store
  let other: Store

  beforeEach(async () => {
    servers = await Promise.all([startMemcached(), startMemcached()])
    store = memcachedStore(clientOf(servers))
    other = memcachedStore(clientOf(servers))
    onTestFinished(async () => {
      await Promise.all([store.close(), other.close()])
      await Promise.all(servers.map((server) => server.stop()))
    })
  })

  /** Sessions by the server that has them. */
  async function spread(): Promise<{ subject: string; id: string; absoluteDeadline: number }[][]> {
    const records = await Promise.all(Array.from({ length: 60 }, () => created(store, now, { subject: someSubject() })))
    const places = await Promise.all(
      records.map(async ({ id }) => (await say(servers[0]!, `mg ${sessionKey(id)} t`)).startsWith('HD')),
    )
    return [true, false].map((isFirst) => records.filter((_, index) => places[index] === isFirst) as never)
  }

  test('share the sessions, and each session is with its group’s epochs', async () => {
    const [first, second] = await spread()

    expect([first!.length > 5, second!.length > 5]).toEqual([true, true])
    for (const { subject } of first!) expect(await say(servers[0]!, `mg ${groupKey(subject)} t`)).toBe('HD t-1')
    for (const { subject } of second!) expect(await say(servers[1]!, `mg ${groupKey(subject)} t`)).toBe('HD t-1')
  })

  test('every process finds every session, and ends it for all', async () => {
    const [first, second] = await spread()
    const all = [...first!, ...second!]

    const found = await Promise.all(all.map((record) => isAlive(other, record)))
    await Promise.all(all.map(({ subject }) => other.revokeSubject(subject, { now, reason: 'logout' })))

    expect(found).not.toContain(false)
    expect(await Promise.all(all.map((record) => isAlive(store, record)))).not.toContain(true)
  })

  test('of which one is away: its sessions are unavailable, never absent, and the others go on', async () => {
    const [first, second] = await spread()
    await servers[0]!.kill()

    const lost = await Promise.allSettled(first!.map(({ id }) => store.read(id)))

    for (const outcome of lost) expect(outcome).toMatchObject({ status: 'rejected', reason: away })
    expect(await Promise.all(second!.map((record) => isAlive(store, record)))).not.toContain(false)
  })

  test('of which one restarts: its sessions are absent, and the others go on', async () => {
    const [first, second] = await spread()
    await servers[0]!.restart()

    // A connection that nobody used since may learn only now that it is lost.
    await Promise.allSettled([store.read(first![0]!.id)])

    expect(await Promise.all(first!.map(({ id }) => store.read(id)))).toEqual(first!.map(() => undefined))
    expect(await Promise.all(second!.map((record) => isAlive(store, record)))).not.toContain(false)
  })

  test('a session replaces one on the other server', async () => {
    const [first] = await spread()
    const old = first![0]!
    const next = async (): Promise<string> => {
      for (;;) {
        const record = someRecord(now, { subject: someSubject() })
        const replaces = { id: old.id, version: 1, reason: 'signed-in' }
        if (clientOf(servers).getServer(groupKey(record.subject!)) !== clientOf(servers).getServer(groupKey(old.subject)))
          return (await store.create(record, { now, replaces })).kind
      }
    }

    expect(await next()).toBe('created')
    expect((await store.read(old.id))?.kind).toBe('tombstone')
  })

  test('a hash of the application’s own is followed', async () => {
    const client = clientOf(servers)
    client.getServer = () => '1'
    const pinned = memcachedStore(client)
    onTestFinished(() => pinned.close())

    const records = await Promise.all(Array.from({ length: 20 }, () => created(pinned, now, { subject: someSubject() })))

    for (const { id } of records) expect(await say(servers[1]!, `mg ${sessionKey(id)} t`)).toMatch(/^HD/)
  })

  test('a hash that gives no server is a typed error, never "there is no session"', async () => {
    const client = clientOf(servers)
    client.getServer = () => 'NaN'
    const lost = memcachedStore(client)

    await expect(lost.read(someRecord(now).id)).rejects.toMatchObject(away)
    await expect(lost.ledger.claim('a', { now, deadline: now + DAY })).rejects.toMatchObject(away)
  })
})
