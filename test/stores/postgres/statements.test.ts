import type { Pool } from 'pg'
import { postgresStore } from 'sojourn/stores/postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../servers/postgres.ts'
import { HOSTILE_SUBJECT, HOUR, isAlive, rejectionOf, someId, someRecord, until } from './support.ts'

const now = Date.now()
let server: PostgresServer
let pool: Pool

beforeAll(async () => {
  server = await startPostgres({ deadlock_timeout: '50ms' })
  pool = server.pool()
  await postgresStore(pool).migrate()
})
afterAll(() => server.stop())

describe('round trips', () => {
  it('every operation is one statement', async () => {
    const store = postgresStore(pool)
    await store.read(someId())
    const count = counting(pool)
    const [first, second, third] = [0, 1, 2].map(() => someRecord(now, { subject: 'one-statement' }))
    const replaces = { id: first!.id, version: 1, reason: 'signed-in' }
    const key = { now, deadline: now + HOUR, window: HOUR }
    const linked = someRecord(now, { subject: 'one-statement' })
    const link = { keys: ['k'.repeat(43)], at: now }
    const logout = { now, at: now, reason: 'logout', keepUntil: now + HOUR }

    const counts = [
      await count(() => store.create(first!, { now })),
      await count(() => store.create(second!, { now, replaces, limit: { max: 1, onExceeded: 'evict-oldest' } })),
      await count(() => store.create(third!, { now, limit: { max: 1, onExceeded: 'evict-oldest' } })),
      await count(() => store.read(third!.id)),
      await count(() => store.update(third!.id, 1, third!)),
      await count(() => store.update(third!.id, 1, third!)),
      await count(() => store.revoke(third!.id, { now, reason: 'logout' })),
      await count(() => store.revokeSubject('one-statement', { now, reason: 'logout' })),
      await count(() => store.create(linked, { now, link })),
      await count(() => store.revokeLinked!('k'.repeat(43), logout)),
      await count(() => store.list('one-statement')),
      await count(() => store.ledger.claim('k', key)),
      await count(() => store.ledger.put('k', Buffer.from('v'), key)),
      await count(() => store.ledger.get('k', key)),
      await count(() => store.ledger.take('k', key)),
      await count(() => store.ledger.count('k', key)),
      await count(() => store.channel.publish('topic', 'message')),
    ]

    expect(counts).toEqual(counts.map(() => 1))
  })

  it('stores with other options share a pool, each with statements of its own', async () => {
    const records = (['all', 'endings', 'none'] as const).map((announce) => ({ announce, record: someRecord(now) }))
    const single = server.pool({ max: 1 })

    for (const { announce, record } of records) {
      const store = postgresStore(single, { announce })
      expect((await store.create(record, { now })).kind).toBe('created')
      expect(await store.update(record.id, 1, record)).toBe('updated')
      expect(await store.revoke(record.id, { now, reason: 'logout' })).toBe(true)
    }
  })

  it('an id that no session can have is answered without asking', async () => {
    const store = postgresStore(pool)
    const count = counting(pool)
    const ids = ['', 'x', `' OR 1=1 --`, `${'A'.repeat(21)}B`, 'A'.repeat(23), '\0'.repeat(22)]

    for (const id of ids) {
      expect(await count(() => store.read(id))).toBe(0)
      expect(await store.read(id)).toBeUndefined()
      expect(await store.update(id, 1, someRecord(now))).toBe('gone')
      expect(await store.revoke(id, { now, reason: 'logout' })).toBe(false)
    }
  })
})

describe('ending a subject', () => {
  it('10,000 sessions end in one step while others are created: each is counted or dead or younger', async () => {
    const [store, other] = [postgresStore(pool), postgresStore(server.pool())]
    const subject = HOSTILE_SUBJECT
    await pool.query(
      `INSERT INTO sojourn_sessions (id, started_at, deadline, absolute_deadline, purge_at, epoch, version, subject, body)
       SELECT gen_random_uuid(), $1::bigint, $1 + ${HOUR}, $1 + ${HOUR}, $1 + ${HOUR}, 0, 1, $2, 'body' FROM generate_series(1, 10000)`,
      [now, Buffer.from(subject)],
    )
    const before = await store.list(subject)
    const during: string[] = []
    let isOver = false
    const creating = Array.from({ length: 4 }, async () => {
      while (!isOver) {
        const record = someRecord(now, { subject })
        await other.create(record, { now })
        during.push(record.id)
      }
    })
    await until(() => during.length > 20)

    const startedAt = performance.now()
    const ended = await store.revokeSubject(subject, { now, reason: 'logout' })
    console.log(`10,000 sessions ended in ${Math.round(performance.now() - startedAt)} ms`)
    isOver = true
    await Promise.all(creating)

    const listed = new Set((await store.list(subject)).map(({ id }) => id))
    const alive = await Promise.all(during.map((id) => isAlive(store, id)))
    expect(before).toHaveLength(10_000)
    expect(before.filter(({ id }) => listed.has(id))).toEqual([])
    // Not one is missed: what was created is ended and counted, or it is younger and listed.
    expect(ended).toBe(10_000 + alive.filter((isYounger) => !isYounger).length)
    expect(listed.size).toBe(alive.filter(Boolean).length)
  })

  it('a session of before the end is dead by its epoch, even if its row was written behind the store’s back', async () => {
    const store = postgresStore(pool)
    const subject = 'behind-the-back'
    await store.revokeSubject(subject, { now, reason: 'logout' })
    const record = someRecord(now, { subject })
    await store.create(record, { now })
    await pool.query(`UPDATE sojourn_sessions SET epoch = 0 WHERE subject = $1`, [Buffer.from(subject)])

    expect(await isAlive(store, record.id)).toBe(false)
    expect(await store.update(record.id, 1, record)).toBe('gone')
    expect(await store.list(subject)).toEqual([])
    expect(await store.revokeSubject(subject, { now, reason: 'logout', except: record.id })).toBe(0)
    expect(await isAlive(store, record.id)).toBe(false)
  })
})

describe('locks', () => {
  it('a sign-in that the server takes back because of a deadlock is tried again, and succeeds', async () => {
    const store = postgresStore(pool)
    const [mine, theirs] = [someRecord(now, { subject: 'deadlock' }), someRecord(now)]
    await store.create(mine, { now })
    await store.create(theirs, { now })
    const rival = await server.client()
    await rival.query(`SET deadlock_timeout = '10s'`)
    const lock = (id: string) =>
      rival.query('SELECT FROM sojourn_sessions WHERE id = $1 FOR UPDATE', [Buffer.from(id, 'base64url')])
    const waiting = async () => (await pool.query('SELECT FROM pg_locks WHERE NOT granted')).rowCount === 1
    await rival.query('BEGIN')
    await lock(mine.id)

    // Holds `theirs`, waits for `mine`; the rival then waits for `theirs`.
    const replaces = { id: theirs.id, version: 1, reason: 'signed-in' }
    const limit = { max: 1, onExceeded: 'evict-oldest' } as const
    const next = someRecord(now, { subject: 'deadlock' })
    const signingIn = store.create(next, { now, replaces, limit })
    await until(waiting)
    await lock(theirs.id)
    await rival.query('COMMIT')
    await rival.end()

    expect(await signingIn).toEqual({ kind: 'created', epoch: 0, evicted: [mine.id] })
    const { rows } = await pool.query('SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()')
    expect(rows[0].deadlocks).toBeGreaterThan(0)
  })

  it('the end of a login waits for a sign-in from it that is under way, and ends it', async () => {
    const store = postgresStore(pool)
    await store.read(someId())
    const [key, other] = ['x'.repeat(43), 'y'.repeat(43)]
    const late = someRecord(now, { subject: 'under-way' })
    const rival = await server.client()
    const waiting = async () => (await pool.query('SELECT FROM pg_locks WHERE NOT granted')).rowCount === 1
    await rival.query('BEGIN')
    await rival.query(
      `SELECT sojourn_create_linked($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, NULL, NULL, NULL, false, NULL, NULL, NULL)`,
      [now, [other, key].map((name) => Buffer.from(name)), Buffer.from(late.id, 'base64url'), Buffer.from('under-way')].concat([
        now,
        now + HOUR,
        now + HOUR,
        Buffer.from('body'),
        now,
      ] as never[]),
    )

    const ending = store.revokeLinked!(key, { now, at: now, reason: 'logout', keepUntil: now + HOUR })
    await until(waiting)
    await rival.query('COMMIT')

    expect(await ending).toEqual([{ id: late.id, subject: 'under-way' }])
    expect((await store.read(late.id))?.kind).toBe('tombstone')
    await rival.end()
  })

  // Both lock the same rows, and might do so in different orders.
  it('the end of a login and the end of its subject wait for each other before they touch a row', async () => {
    const store = postgresStore(pool)
    const record = someRecord(now, { subject: 'both-ends' })
    await store.create(record, { now, link: { keys: ['z'.repeat(43)], at: now } })
    const rival = await server.client()
    const waiting = async () =>
      (await pool.query(`SELECT FROM pg_locks WHERE NOT granted AND locktype = 'advisory'`)).rowCount === 1
    await rival.query('BEGIN')
    await rival.query(`SELECT sojourn_revoke_subject('both-ends', $1, 'logout', NULL, NULL, NULL)`, [now])

    const ending = store.revokeLinked!('z'.repeat(43), { now, at: now, reason: 'logout', keepUntil: now + HOUR })
    await until(waiting)
    await rival.query('COMMIT')

    expect(await ending).toEqual([])
    await rival.end()
  })

  it('a login’s sessions are found by an index, and a session without one is in none', async () => {
    const store = postgresStore(pool, { tablePrefix: 'linked_' })
    await store.migrate()
    const link = { keys: ['a'.repeat(43), 'b'.repeat(43)], at: now }
    await store.create(someRecord(now, { subject: 'reader' }), { now, link })
    await pool.query(`INSERT INTO linked_sessions (id, started_at, deadline, absolute_deadline, purge_at, epoch, version)
      SELECT gen_random_uuid(), 1, 1, 1, 1, 0, 1 FROM generate_series(1, 20000)`)
    await pool.query('ANALYZE linked_sessions')
    const size = async () => (await pool.query(`SELECT pg_relation_size('linked_sessions_links') AS size`)).rows[0].size

    const { rows } = await pool.query(
      `EXPLAIN SELECT id FROM linked_sessions WHERE link_keys @> ARRAY['\\x61'::bytea] AND revoked_at IS NULL AND link_at <= 1`,
    )

    expect(JSON.stringify(rows)).toContain('linked_sessions_links')
    expect(Number(await size())).toBeLessThan(64 * 1024)
    await store.revokeLinked!('b'.repeat(43), { now, at: now, reason: 'logout', keepUntil: now + HOUR })
    const left = await pool.query('SELECT FROM linked_sessions WHERE link_keys IS NOT NULL OR link_at IS NOT NULL')
    expect(left.rowCount).toBe(0)
  })

  it('a row that somebody else holds keeps writers waiting, never readers', async () => {
    const store = postgresStore(pool)
    const record = someRecord(now)
    await store.create(record, { now })
    const holder = await server.client()
    await holder.query('BEGIN')
    await holder.query('SELECT * FROM sojourn_sessions FOR UPDATE')

    const writing = store.revoke(record.id, { now, reason: 'logout', signal: AbortSignal.timeout(100) })
    const found = await store.read(record.id)
    const rejection = await rejectionOf(writing)
    await holder.query('ROLLBACK')
    await holder.end()

    expect(found?.kind).toBe('record')
    expect(rejection).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', status: 503 })
  })
})

describe('data as SQL', () => {
  const HOSTILE = [
    `'; DROP TABLE sojourn_sessions; --`,
    `$1`,
    `\\'); SELECT pg_sleep(9); --`,
    `%s%n`,
    `"`,
    '\u2028',
    '💥'.repeat(60),
  ]

  it.each(HOSTILE)('reasons, keys, topics and messages are kept as they are: %j', async (text) => {
    const store = postgresStore(pool)
    const record = someRecord(now, { subject: text, body: Buffer.from(text.repeat(3)) })
    const heard: string[] = []
    const leave = await store.channel.subscribe(text, (message) => heard.push(message))
    await store.create(record, { now })

    await store.revoke(record.id, { now, reason: text })
    await store.ledger.put(text, Buffer.from(text), { now, deadline: now + HOUR })
    await store.channel.publish(text, text)

    expect(await store.read(record.id)).toMatchObject({ tombstone: { reason: text, subject: text } })
    expect(await store.ledger.take(text, { now })).toEqual(Buffer.from(text))
    await until(() => heard.length > 0)
    await leave()
    await store.close()
    expect(heard).toEqual([text])
  })

  it('no error says whose session it was or what was kept', async () => {
    const store = postgresStore(pool, { tablePrefix: 'failing_' })
    await store.migrate()
    // The engine's own message then quotes the whole row.
    await pool.query('ALTER TABLE failing_sessions ADD CHECK (octet_length(body) < 3)')
    const record = someRecord(now, { subject: 'reader@example.org', body: Buffer.from('data-of-reader') })

    const error = (await rejectionOf(store.create(record, { now }))) as Error

    expect(error).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', status: 503 })
    expect(String((error.cause as { detail?: string }).detail)).toContain('Failing row contains')
    expect(JSON.stringify(error) + error.message).not.toMatch(/reader|data-of|7265616465/)
  })
})

/** Counts the statements that a piece of work sends through the pool. */
function counting(of: Pool): (work: () => unknown) => Promise<number> {
  let sent = 0
  of.on('acquire', () => sent++)
  return async (work) => {
    const before = sent
    await work()
    return sent - before
  }
}
