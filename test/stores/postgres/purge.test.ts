import type { Pool } from 'pg'
import { postgresStore } from 'sojourn/stores/postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../servers/postgres.ts'
import { HOUR, isAlive, rejectionOf, someId, someRecord } from './support.ts'

const now = Date.now()
const MINUTE = 60_000
let server: PostgresServer
let pool: Pool

beforeAll(async () => {
  server = await startPostgres({ autovacuum: 'off' })
  pool = server.pool()
})
afterAll(() => server.stop())

const openStore = async (tablePrefix: string) => {
  const store = postgresStore(pool, { tablePrefix })
  await store.migrate()
  return store
}
const countOf = async (table: string) => Number((await pool.query(`SELECT count(*) FROM ${table}`)).rows[0].count)
const insertOutdated = (table: string, count: number) =>
  pool.query(
    `INSERT INTO ${table} (id, started_at, deadline, absolute_deadline, purge_at, epoch, version, body)
     SELECT gen_random_uuid(), 0, n, n, n, 0, 1, 'body' FROM generate_series(1, ${count}) AS n`,
  )

describe('purge', () => {
  it('leaves rows that somebody else has locked, waits for nobody, and takes them the next time', async () => {
    const store = await openStore('locked_')
    const [held, free] = [someRecord(now, { deadline: now + MINUTE }), someRecord(now, { deadline: now + MINUTE })]
    await store.create(held, { now })
    await store.create(free, { now })
    const holder = await server.client()
    await holder.query('BEGIN')
    await holder.query('SELECT * FROM locked_sessions WHERE id = $1 FOR UPDATE', [Buffer.from(held.id, 'base64url')])

    const first = await store.purge({ before: now + HOUR, limit: 10 })
    await holder.query('ROLLBACK')
    await holder.end()
    const second = await store.purge({ before: now + HOUR, limit: 10 })

    expect([first, second]).toEqual([1, 1])
  })

  it('several processes purge at once: together they remove all, each row once, and none waits for long', async () => {
    const stores = await Promise.all([1, 2, 3, 4].map(() => openStore('many_')))
    await insertOutdated('many_sessions', 20_000)

    const removed = await Promise.all(stores.map((store) => store.purge({ before: now, limit: 10_000 })))

    expect(removed.reduce((sum, count) => sum + count)).toBe(20_000)
    expect(await countOf('many_sessions')).toBe(0)
  })

  it('readers and writers go on while a purge removes 10,000 rows', async () => {
    const store = await openStore('readers_')
    const record = someRecord(now)
    await store.create(record, { now })
    await insertOutdated('readers_sessions', 10_000)
    let isOver = false
    const purging = store.purge({ before: now, limit: 10_000 }).finally(() => {
      isOver = true
    })
    let reads = 0
    let version = 1

    while (!isOver) {
      expect((await store.read(record.id))?.kind).toBe('record')
      expect(await store.update(record.id, version++, record)).toBe('updated')
      reads++
    }

    expect(await purging).toBe(10_000)
    expect(reads).toBeGreaterThan(5)
  })

  it('stops between two batches when its caller has left; what was removed stays removed', async () => {
    const store = await openStore('leaving_')
    await insertOutdated('leaving_sessions', 10_000)
    const controller = new AbortController()

    const purging = store.purge({ before: now, limit: 10_000, signal: controller.signal })
    while ((await countOf('leaving_sessions')) === 10_000) {}
    controller.abort()

    expect(await rejectionOf(purging)).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect(await countOf('leaving_sessions')).toBeGreaterThan(0)
  })

  it('a session that goes on is looked at once, then not again until its new deadline has passed', async () => {
    const store = await openStore('moved_')
    const record = someRecord(now, { deadline: now + MINUTE })
    await store.create(record, { now })
    await store.update(record.id, 1, { ...record, deadline: now + 5 * HOUR })
    const lookAgainAt = async () => Number((await pool.query('SELECT purge_at FROM moved_sessions')).rows[0].purge_at)

    const before = await lookAgainAt()
    const removed = await store.purge({ before: now + HOUR, limit: 10 })
    const after = await lookAgainAt()

    expect([before, removed, after]).toEqual([now + MINUTE, 0, now + 5 * HOUR])
    expect(await store.purge({ before: now + 5 * HOUR + 1, limit: 10 })).toBe(1)
  })

  it('removes outdated entries of the ledger, and epochs once no session needs them', async () => {
    const store = await openStore('rest_')
    await store.ledger.claim('outdated', { now, deadline: now + MINUTE })
    await store.ledger.claim('kept', { now, deadline: now + 9 * HOUR })
    await store.revokeSubject('gone', { now, reason: 'logout' })
    await store.revokeSubject('present', { now, reason: 'logout' })
    const record = someRecord(now, { subject: 'present', deadline: now + 5 * HOUR })
    await store.create(record, { now })

    await store.purge({ before: now + HOUR, limit: 10 })
    const after = [await countOf('rest_ledger'), await countOf('rest_subjects')]
    const alive = await isAlive(store, record.id)
    await store.purge({ before: now + 6 * HOUR, limit: 10 })
    await store.purge({ before: now + 13 * HOUR, limit: 10 })

    expect([after, alive]).toEqual([[1, 1], true])
    expect([await countOf('rest_ledger'), await countOf('rest_subjects'), await countOf('rest_sessions')]).toEqual([0, 0, 0])
  })

  it('an epoch that was forgotten comes back higher than it was', async () => {
    const store = await openStore('epoch_')
    const record = someRecord(now, { subject: 'reader' })
    await store.revokeSubject('reader', { now, reason: 'logout' })
    const forgotten = await store.create(record, { now })
    await pool.query('DELETE FROM epoch_subjects')

    await store.revokeSubject('reader', { now: now + 1, reason: 'logout' })
    const next = await store.create(someRecord(now, { subject: 'reader' }), { now })

    expect(next.kind === 'created' && forgotten.kind === 'created' && next.epoch > forgotten.epoch).toBe(true)
  })
})

describe('what a touch costs', () => {
  it('touching a session stays in its page: no index is written', async () => {
    const store = await openStore('touch_')
    const records = Array.from({ length: 200 }, () => someRecord(now, { subject: someId(), body: Buffer.alloc(400) }))
    for (const record of records) await store.create(record, { now })
    const client = await server.client()
    const updates = async () => {
      await client.query('SELECT pg_stat_force_next_flush()')
      const { rows } = await client.query(
        `SELECT n_tup_upd::int AS all, n_tup_hot_upd::int AS hot FROM pg_stat_user_tables WHERE relname = 'touch_sessions'`,
      )
      return rows[0] as { all: number; hot: number }
    }
    const single = postgresStore(server.pool({ max: 1, idleTimeoutMillis: 1 }), { tablePrefix: 'touch_' })

    for (const record of records) await single.update(record.id, 1, { ...record, deadline: now + 2 * HOUR })
    // Backends tell of their work when they end.
    let seen = await updates()
    while (seen.all < records.length) seen = await updates()
    await client.end()

    expect(seen.hot / seen.all).toBeGreaterThan(0.9)
  })
})
