import { Client, type Pool } from 'pg'
import { postgresStore } from 'sojourn/stores/postgres'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { subjectKeyOf } from '../../../src/core/placement.ts'
import type { ChangeListener } from '../../../src/core/store.ts'
import { type PgBouncer, type PostgresServer, startPgBouncer, startPostgres } from '../../servers/postgres.ts'
import { HOSTILE_SUBJECT, rejectionOf, someId, someRecord, until } from './support.ts'

const now = Date.now()
let server: PostgresServer
let bouncer: PgBouncer
let pool: Pool
let channel: string

beforeAll(async () => {
  server = await startPostgres()
  pool = server.pool()
  await postgresStore(pool).migrate()
  bouncer = await startPgBouncer(server)
  const store = postgresStore(pool)
  const leave = await store.channel.subscribe('topic', () => {})
  channel = await listeningChannel()
  await leave()
})
afterAll(async () => {
  await bouncer.stop()
  await server.stop()
})

/** Everything that was heard, in order. */
function watcher() {
  const heard: string[] = []
  const listener: ChangeListener = {
    changed: (id) => heard.push(id),
    subjectRevoked: (subjectKey) => heard.push(subjectKey),
    interrupted: () => heard.push('interrupted'),
    resumed: () => heard.push('resumed'),
  }
  return { heard, listener }
}
const LISTENERS = `SELECT pid, query FROM pg_stat_activity WHERE query LIKE 'LISTEN %'`
const listeningChannel = async () => String((await pool.query(LISTENERS)).rows[0].query).replace('LISTEN ', '')
const countListeners = async () => (await pool.query(LISTENERS)).rows.length
const killListeners = () => pool.query(`SELECT pg_terminate_backend(pid) FROM (${LISTENERS}) AS listening`)

describe('changes', () => {
  it('what ends a session is told by its id, the end of a subject by a name that says nothing', async () => {
    const [writer, listening] = [postgresStore(pool), postgresStore(server.pool())]
    const { heard, listener } = watcher()
    const leave = await listening.changes!.subscribe(listener)
    const [old, next, last] = [0, 1, 2].map(() => someRecord(now, { subject: HOSTILE_SUBJECT }))

    await writer.create(old!, { now })
    await writer.update(old!.id, 1, old!)
    await writer.create(next!, { now, replaces: { id: old!.id, version: 2, reason: 'signed-in' } })
    await writer.create(last!, { now, limit: { max: 1, onExceeded: 'evict-oldest' } })
    await writer.revokeSubject(HOSTILE_SUBJECT, { now, reason: 'logout' })
    await until(() => heard.length === 4)
    await leave()
    await listening.close()

    expect(heard).toEqual([old!.id, old!.id, next!.id, subjectKeyOf(HOSTILE_SUBJECT)])
  })

  it.each([
    ['endings', ['revoke', 'subject']],
    ['none', []],
  ] as const)('announce: %s tells that much and no more', async (announce, expected) => {
    const writer = postgresStore(pool, { announce })
    const { heard, listener } = watcher()
    const listening = postgresStore(server.pool())
    const leave = await listening.changes!.subscribe(listener)
    const record = someRecord(now)

    await writer.create(record, { now })
    await writer.update(record.id, 1, record)
    await writer.revoke(record.id, { now, reason: 'logout' })
    await writer.revokeSubject('reader', { now, reason: 'logout' })
    // What is sent later arrives later.
    const fence = someRecord(now)
    await listening.create(fence, { now })
    await listening.revoke(fence.id, { now, reason: 'logout' })
    await until(() => heard.includes(fence.id))
    await leave()
    await listening.close()

    const names: Record<string, string> = { [record.id]: 'revoke', [subjectKeyOf('reader')]: 'subject' }
    expect(heard.filter((name) => name !== fence.id).map((name) => names[name])).toEqual(expected)
  })

  it('a revocation is heard in another connection within 50 ms, 99 times of 100', async () => {
    const listening = postgresStore(server.pool())
    const writer = postgresStore(pool)
    const delays: number[] = []
    let sentAt = 0
    const { listener } = watcher()
    const leave = await listening.changes!.subscribe({ ...listener, changed: () => delays.push(performance.now() - sentAt) })

    for (let i = 0; i < 300; i++) {
      const record = someRecord(now)
      await writer.create(record, { now })
      sentAt = performance.now()
      await writer.revoke(record.id, { now, reason: 'logout' })
      await until(() => delays.length > i)
    }
    await leave()
    await listening.close()

    delays.sort((a, b) => a - b)
    console.log(`NOTIFY: median ${delays[150]!.toFixed(1)} ms, p99 ${delays[296]!.toFixed(1)} ms`)
    expect(delays[296]).toBeLessThan(50)
  })

  it('messages that are none of ours harm nobody: any role of the database may send them', async () => {
    const store = postgresStore(server.pool())
    const { heard, listener } = watcher()
    const messages: string[] = []
    const leave = [
      await store.changes!.subscribe(listener),
      await store.channel.subscribe('topic', (text) => messages.push(text)),
    ]
    const forged = [
      '',
      'i',
      'ixyz',
      `i${'0'.repeat(32)}`,
      's',
      'sx',
      'm',
      'm.',
      'mAAAA',
      'f',
      'fx',
      '{"__proto__":1}',
      'x'.repeat(7000),
    ]

    for (const payload of forged) await pool.query('SELECT pg_notify($1, $2)', [channel, payload])
    await store.channel.publish('topic', 'ours')
    await until(() => messages.length > 0)
    for (const leaveOne of leave) await leaveOne()
    await store.close()

    expect([heard, messages]).toEqual([[], ['ours']])
  })
})

describe('the connection that listens', () => {
  it('is opened by the first subscriber, shared by all, and closed when the last has left', async () => {
    const store = postgresStore(server.pool())
    const before = await countListeners()

    const leave = await Promise.all([1, 2, 3].map((topic) => store.channel.subscribe(`topic${topic}`, () => {})))
    const during = await countListeners()
    for (const leaveOne of leave) await leaveOne()

    expect([before, during]).toEqual([0, 1])
    await until(async () => (await countListeners()) === 0)
  })

  it('closing the store gives it back, so that the pool can end', async () => {
    const own = server.pool()
    const store = postgresStore(own)
    await store.changes!.subscribe(watcher().listener)

    await store.close()
    await own.end()

    expect(await rejectionOf(store.channel.subscribe('topic', () => {}))).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
  })

  it('when it is lost, watchers are told at once, and told again once nothing is missed any more', async () => {
    const store = postgresStore(server.pool())
    const writer = postgresStore(pool)
    const { heard, listener } = watcher()
    const leave = await store.changes!.subscribe(listener)
    const messages: string[] = []
    await store.channel.subscribe('topic', (message) => messages.push(message))

    await killListeners()
    await until(() => heard.includes('resumed'))
    const record = someRecord(now)
    await writer.create(record, { now })
    await writer.revoke(record.id, { now, reason: 'logout' })
    await writer.channel.publish('topic', 'hello')
    await until(() => heard.length === 3 && messages.length === 1)
    await leave()
    await store.close()

    expect(heard).toEqual(['interrupted', 'resumed', record.id])
    expect(messages).toEqual(['hello'])
  })

  it('while the server is away it is tried again and again, and then works', async () => {
    const store = postgresStore(server.pool())
    const { heard, listener } = watcher()
    await store.changes!.subscribe(listener)

    await server.restart()
    await until(() => heard.includes('resumed'))
    await store.close()

    expect(heard).toEqual(['interrupted', 'resumed'])
  })

  it('one that has gone silent is found out by asking it', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] })
    try {
      let connection: Client | undefined
      const listen = async () => {
        connection = new Client(server.address)
        await connection.connect()
        return connection
      }
      const store = postgresStore(pool, { listen })
      const { heard, listener } = watcher()
      await store.changes!.subscribe(listener)
      // As behind a firewall that forgot the connection: nothing comes back, and nothing breaks.
      connection!.query = (() => new Promise(() => {})) as never

      await vi.advanceTimersByTimeAsync(10_000)
      const early = [...heard]
      await vi.advanceTimersByTimeAsync(5000)
      await store.close()

      expect([early, heard]).toEqual([[], ['interrupted']])
    } finally {
      vi.useRealTimers()
    }
  })

  it('where none can be had, subscribing is a typed rejection, and everything else works', async () => {
    const listen = () => Promise.reject(new Error('no connection, as the test asked'))
    const store = postgresStore(pool, { listen })

    expect(await rejectionOf(store.changes!.subscribe(watcher().listener))).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect(await store.read(someId())).toBeUndefined()
  })
})

describe('PgBouncer in transaction mode', () => {
  it('listening through it is refused in words, since no message would ever come', { timeout: 30_000 }, async () => {
    const store = postgresStore(bouncer.pool(), { prepared: false })

    const error = await rejectionOf(store.channel.subscribe('topic', () => {}))
    await store.close()

    expect(error).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', message: expect.stringContaining('PgBouncer') })
  })

  it('prepared statements through one that does not keep them are errors, never wrong answers', async () => {
    const store = postgresStore(bouncer.pool({ max: 20 }))
    const direct = postgresStore(pool)
    const records = Array.from({ length: 60 }, () => someRecord(now))
    for (const record of records) await direct.create(record, { now })

    const answers = await Promise.all(records.map(({ id }) => rejectionOf(store.read(id))))

    for (const [index, answer] of answers.entries()) {
      expect(answer).toSatisfy(
        (given: { code?: string; value?: { record?: { id: string } } }) =>
          given.code === 'ERR_STORE_UNAVAILABLE' || given.value?.record?.id === records[index]!.id,
      )
    }
  })

  it('a migration through it works', async () => {
    const store = postgresStore(bouncer.pool(), { prepared: false, tablePrefix: 'bounced_' })

    await Promise.all([store.migrate(), store.migrate(), store.migrate()])

    expect(await store.read(someId())).toBeUndefined()
  })
})
