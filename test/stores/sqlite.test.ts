import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sqliteStore } from 'sojourn/stores/sqlite'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Store } from '../../src/core/store.ts'
import { MIGRATIONS } from '../../src/stores/sqlite/schema.ts'

const HOUR = 3_600_000
const now = 1_893_456_000_000
const APPLICATION_ID = 0x534a4e31
const logout = { now, reason: 'logout' }
const recordOf = (id: string, parts: { subject?: string; deadline?: number; body?: Uint8Array } = {}) => ({
  id,
  subject: undefined,
  startedAt: now,
  deadline: now + HOUR,
  absoluteDeadline: now + 12 * HOUR,
  body: Uint8Array.of(1, 2, 3),
  ...parts,
})

let folder: string
let path: string
let opened: Store[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sojourn-'))
  path = join(folder, 'sessions.db')
  opened = []
})

afterEach(async () => {
  for (const store of opened) await store.close()
  rmSync(folder, { recursive: true })
})

function open(source: Parameters<typeof sqliteStore>[0] = path): Store {
  const store = sqliteStore(source)
  opened.push(store)
  return store
}

/** Runs SQL through a handle of its own, as an administrator's shell would. */
function sql(text: string): Record<string, unknown>[] {
  const database = new DatabaseSync(path)
  try {
    return database.prepare(text).all()
  } finally {
    database.close()
  }
}

describe('opening the file', () => {
  it('keeps sessions, tombstones and epochs over a restart', async () => {
    const first = open()
    await first.create(recordOf('live', { subject: 'ada' }), { now })
    await first.create(recordOf('ended', { subject: 'grace' }), { now })
    await first.revokeSubject('grace', { now, reason: 'logout' })
    await first.close()

    const again = open()

    expect(await again.read('live')).toMatchObject({ kind: 'record', record: { subject: 'ada' } })
    expect(await again.read('ended')).toMatchObject({ kind: 'tombstone', tombstone: { reason: 'logout' } })
    expect(await again.create(recordOf('next', { subject: 'grace' }), { now })).toMatchObject({ epoch: 1 })
  })

  it('creates the file and those beside it readable by their owner only', async () => {
    await open().create(recordOf('a'), { now })

    const modes = ['', '-wal', '-shm'].map((suffix) => (statSync(path + suffix).mode & 0o777).toString(8))

    expect(modes).toEqual(['600', '600', '600'])
  })

  it('takes an empty file for a new one', async () => {
    writeFileSync(path, '')

    expect((await open().create(recordOf('a'), { now })).kind).toBe('created')
  })

  it('refuses a file of a newer version and leaves it as it is', async () => {
    await open().close()
    sql('PRAGMA user_version = 99')
    const before = readFileSync(path)

    expect(() => open()).toThrow(expect.objectContaining({ name: 'StoreError', code: 'ERR_STORE_NEWER', status: 503 }))
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  it('refuses a file that is no database and leaves it as it is', () => {
    const text = 'These are my notes. '.repeat(500)
    writeFileSync(path, text)

    expect(() => open()).toThrow(expect.objectContaining({ code: 'ERR_STORE_UNREADABLE' }))
    expect(readFileSync(path, 'utf8')).toBe(text)
  })

  it.each(['CREATE TABLE orders (id)', 'PRAGMA application_id = 12345'])(
    'refuses a database of another application: %s',
    (setUp) => {
      sql(setUp)
      const before = readFileSync(path)

      expect(() => open()).toThrow(expect.objectContaining({ code: 'ERR_STORE_UNREADABLE' }))
      expect(readFileSync(path).equals(before)).toBe(true)
    },
  )

  it('says what is wrong when the folder does not exist', () => {
    const missing = join(folder, 'missing', 'sessions.db')

    expect(() => open(missing)).toThrow(expect.objectContaining({ code: 'ERR_STORE_UNAVAILABLE' }))
    expect(() => open(missing)).toThrow(/folder exist/)
  })

  it.each(['', 'file:sessions.db?mode=memory', 'a\0b'])('refuses the path %j', (given) => {
    expect(() => open(given)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }))
  })

  it.each([-1, 60_001, Number.NaN])('refuses a busy timeout of %s', (busyTimeout) => {
    expect(() => open({ path, busyTimeout })).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }))
  })

  it('leads a file of the first version to the present one, with all that is in it', async () => {
    sql(`PRAGMA application_id = ${APPLICATION_ID}`)
    const database = new DatabaseSync(path)
    database.exec(`${MIGRATIONS[0]}; PRAGMA user_version = 1`)
    database.exec(`INSERT INTO sessions VALUES ('old', 3, 'ada', 0, ${now}, ${now + HOUR}, ${now + HOUR}, NULL, NULL, x'01')`)
    database.close()

    const store = open()

    expect(await store.read('old')).toMatchObject({ kind: 'record', record: { version: 3, subject: 'ada' } })
    await store.create({ ...recordOf('new'), labels: { device: 'Firefox' } }, { now, link: { keys: ['key'], at: now } })
    expect(await store.count!({}, { now, most: 10 })).toEqual({ count: 2, isAtLeast: false })
    expect(await store.count!({ device: 'Firefox' }, { now, most: 10 })).toEqual({ count: 1, isAtLeast: false })
    expect(await store.revokeLinked!('key', { ...logout, at: now, keepUntil: now + HOUR })).toEqual([
      { id: 'new', subject: undefined },
    ])
    expect(await store.read('old')).toMatchObject({ kind: 'record' })
  })

  it('marks its files, counts their version and uses the write-ahead log', () => {
    open()

    expect(sql('PRAGMA application_id')).toEqual([{ application_id: APPLICATION_ID }])
    expect(sql('PRAGMA user_version')).toEqual([{ user_version: MIGRATIONS.length }])
    expect(sql('PRAGMA journal_mode')).toEqual([{ journal_mode: 'wal' }])
  })

  it('keeps sessions in memory when asked to, and does not call that durable', async () => {
    const store = open(':memory:')

    await store.create(recordOf('a'), { now })

    expect((await store.read('a'))?.kind).toBe('record')
    expect([store.capabilities.durableRevocation, open().capabilities.durableRevocation]).toEqual([false, true])
  })

  it('works on a handle of yours and leaves it open', async () => {
    const database = new DatabaseSync(path)
    const store = sqliteStore(database)
    await store.create(recordOf('a'), { now })

    await store.close()

    expect(database.prepare('SELECT count(*) AS count FROM sessions').get()?.count).toBe(1)
    await expect(store.revoke('a', { now, reason: 'logout' })).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    database.close()
  })

  it('rejects with a code once it is closed', async () => {
    const store = open()
    await store.close()
    await store.close()

    await expect(store.read('a')).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    await expect(store.create(recordOf('a'), { now })).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    await expect(store.list('ada')).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
  })
})

describe('a full disk', () => {
  /** A handle whose file may grow by a few pages only. */
  async function almostFull(): Promise<{ database: DatabaseSync; store: Store }> {
    const database = new DatabaseSync(path)
    const store = open(database)
    await store.create(recordOf('old'), { now })
    const pages = Number(database.prepare('PRAGMA page_count').get()?.page_count)
    database.exec(`PRAGMA max_page_count = ${pages}`)
    return { database, store }
  }
  const large = new Uint8Array(100_000)

  it('refuses a new session with a code, and nothing is half-written', async () => {
    const { database, store } = await almostFull()

    const refused = store.create(recordOf('new', { body: large }), { now })

    await expect(refused).rejects.toMatchObject({ code: 'ERR_STORE_FULL', status: 503 })
    expect(await store.read('new')).toBeUndefined()
    expect(database.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
    database.close()
  })

  it('does not end the session that was to be replaced', async () => {
    const { database, store } = await almostFull()
    const replaces = { id: 'old', version: 1, reason: 'signed-in' }

    await expect(store.create(recordOf('new', { body: large }), { now, replaces })).rejects.toMatchObject({
      code: 'ERR_STORE_FULL',
    })

    expect((await store.read('old'))?.kind).toBe('record')
    database.close()
  })

  it('still lets sessions be read and ended', async () => {
    const { database, store } = await almostFull()
    await store.create(recordOf('new', { body: large }), { now }).catch(() => {})

    expect((await store.read('old'))?.kind).toBe('record')
    expect(await store.revoke('old', { now, reason: 'logout' })).toBe(true)
    database.close()
  })
})

describe('a damaged file', () => {
  it('is reported as damage, never as the absence of a session', async () => {
    const store = open()
    for (let i = 0; i < 200; i++) await store.create(recordOf(`id-${i}`, { body: new Uint8Array(500) }), { now })
    await store.close()
    const bytes = readFileSync(path)
    writeFileSync(path, bytes.fill(0xff, 4096 * 2))
    const damaged = open()

    const results = await Promise.allSettled(Array.from({ length: 200 }, (_, index) => damaged.read(`id-${index}`)))

    const codes = new Set(results.map((result) => (result.status === 'rejected' ? result.reason.code : 'answered')))
    expect([...codes]).toEqual(['ERR_STORE_UNREADABLE'])
  })
})

describe('what it keeps', () => {
  it('tells subjects apart that differ after a NUL only', async () => {
    const store = open()
    await store.create(recordOf('one', { subject: 'a\0b' }), { now })
    await store.create(recordOf('two', { subject: 'a\0c' }), { now })
    await store.create(recordOf('three', { subject: 'a' }), { now })

    const listed = await Promise.all(['a\0b', 'a\0c', 'a'].map((subject) => store.list(subject)))

    expect(listed.map((records) => records.map(({ id, subject }) => [id, subject]))).toEqual([
      [['one', 'a\0b']],
      [['two', 'a\0c']],
      [['three', 'a']],
    ])
  })

  it('drops the body of an ended session', async () => {
    const store = open()
    await store.create(recordOf('a'), { now })

    await store.revoke('a', { now, reason: 'logout' })

    expect(sql('SELECT body FROM sessions')).toEqual([{ body: null }])
  })

  it('keeps the epoch of a subject as long as it has a row, and no longer', async () => {
    const store = open()
    await store.create(recordOf('a', { subject: 'ada' }), { now })
    await store.revokeSubject('ada', { now, reason: 'logout' })
    await store.revokeSubject('nobody', { now, reason: 'logout' })

    await store.purge({ before: now + HOUR, limit: 100 })
    const meanwhile = sql('SELECT subject, epoch FROM epochs')
    await store.purge({ before: now + 13 * HOUR, limit: 100 })

    expect(meanwhile).toEqual([{ subject: 'ada', epoch: 1 }])
    expect(sql('SELECT count(*) AS count FROM epochs')).toEqual([{ count: 0 }])
  })

  it('purges outdated ledger entries', async () => {
    const store = open()
    await store.ledger.claim('outdated', { now, deadline: now + 1 })
    await store.ledger.claim('holding', { now, deadline: now + HOUR })

    await store.purge({ before: now + 1000, limit: 100 })

    expect(sql('SELECT key FROM ledger')).toEqual([{ key: 'holding' }])
  })

  it('keeps a bounded number of messages', async () => {
    const store = open()

    for (let i = 0; i < 2100; i++) await store.channel.publish('topic', String(i))

    expect(sql('SELECT count(*) AS count, max(seq) AS newest FROM messages')).toEqual([{ count: 2000, newest: 2100 }])
  })

  it('polls for messages only while somebody listens', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const store = open()

    const before = vi.getTimerCount()
    const unsubscribe = await store.channel.subscribe('topic', () => {})
    const during = vi.getTimerCount()
    await unsubscribe()
    const after = vi.getTimerCount()
    vi.useRealTimers()

    expect([before, during, after]).toEqual([0, 1, 0])
  })

  it('finds sessions of a subject and outdated rows by index', () => {
    open()
    const plans = [
      "SELECT id FROM sessions WHERE subject = 'a' AND revoked_at IS NULL ORDER BY started_at, id",
      'SELECT rowid FROM sessions WHERE deadline < 1 ORDER BY deadline LIMIT 9',
      'SELECT subject FROM epochs WHERE check_at < 1 ORDER BY check_at LIMIT 9',
      'SELECT kind, key FROM ledger WHERE deadline < 1 ORDER BY deadline LIMIT 9',
    ].map((query) => String(sql(`EXPLAIN QUERY PLAN ${query}`)[0]?.detail))

    expect(plans.map((plan) => /INDEX \w+/.exec(plan)?.[0])).toEqual([
      'INDEX sessions_subject',
      'INDEX sessions_deadline',
      'INDEX epochs_check_at',
      'INDEX ledger_deadline',
    ])
  })
})

describe('durability', () => {
  /** What `synchronous` was set to, in order, while `work` ran; nothing means NORMAL throughout. */
  async function modes(work: (store: Store) => Promise<unknown>): Promise<string[]> {
    const database = new DatabaseSync(path)
    const store = open(database)
    await store.create(recordOf('a', { subject: 'ada' }), { now })
    const exec = vi.spyOn(database, 'exec')
    await work(store)
    const switches = exec.mock.calls.flatMap(([text]) => /synchronous = (\w+)/.exec(text)?.[1] ?? [])
    database.close()
    return switches
  }
  const options = { now, reason: 'logout' }
  const replaces = { id: 'a', version: 1, reason: 'signed-in' }

  it.each<[string, (store: Store) => Promise<unknown>]>([
    ['a revocation', (store) => store.revoke('a', options)],
    ['ending a subject', (store) => store.revokeSubject('ada', options)],
    ['ending a login', (store) => store.revokeLinked!('key', { ...options, at: now, keepUntil: now + HOUR })],
    ['replacing a session', (store) => store.create(recordOf('b'), { now, replaces })],
    [
      'evicting a session',
      (store) => store.create(recordOf('b', { subject: 'ada' }), { now, limit: { max: 1, onExceeded: 'evict-oldest' } }),
    ],
  ])('flushes %s to disk before it answers', async (_name, work) => {
    expect(await modes(work)).toEqual(['FULL', 'NORMAL'])
  })

  it.each<[string, (store: Store) => Promise<unknown>]>([
    ['a new session', (store) => store.create(recordOf('b'), { now })],
    ['an update', (store) => store.update('a', 1, recordOf('a'))],
    ['a claim', (store) => store.ledger.claim('key', { now, deadline: now + 1 })],
  ])('does not wait for the disk on %s', async (_name, work) => {
    expect(await modes(work)).toEqual([])
  })
})

describe('links', () => {
  it('finds sessions by an index, and keeps none of a link once they ended', async () => {
    const store = open()
    const link = { keys: ['one', 'two', 'three'], at: now }
    for (const id of ['a', 'b', 'c']) await store.create(recordOf(id, { subject: 'ada' }), { now, link })
    const plan = sql(
      `EXPLAIN QUERY PLAN SELECT id FROM sessions WHERE (link_1 = 'x' OR link_2 = 'x' OR link_3 = 'x') AND link_at <= 1`,
    )
    await store.revoke('a', logout)
    await store.revokeSubject('ada', { ...logout, except: 'b' })
    await store.revokeLinked!('two', { ...logout, at: now, keepUntil: now + HOUR })

    expect(plan.map(({ detail }) => String(detail)).join()).not.toMatch(/SCAN/)
    const left = sql('SELECT id FROM sessions WHERE coalesce(link_at, link_1, link_2, link_3) IS NOT NULL')
    expect([left, sql('SELECT count(*) AS count FROM sessions WHERE revoked_at IS NOT NULL')]).toEqual([[], [{ count: 3 }]])
  })
})

describe('many rows', () => {
  it('ends ten thousand sessions of a subject in one step', async () => {
    const store = open()
    sql(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
      INSERT INTO sessions (id, version, subject, epoch, started_at, deadline, absolute_deadline, revoked_at, reason, body)
      SELECT 'id-' || i, 1, 'ada', 0, ${now}, ${now + HOUR}, ${now + 12 * HOUR}, NULL, NULL, randomblob(300) FROM n`)

    const ended = await store.revokeSubject('ada', { now, reason: 'logout', except: 'id-77' })

    expect(ended).toBe(9999)
    expect((await store.list('ada')).map(({ id }) => id)).toEqual(['id-77'])
  })

  it('keeps the write-ahead log short under writes that never pause', async () => {
    const store = open()
    await store.create(recordOf('a'), { now })

    for (let version = 1; version < 4000; version++)
      await store.update('a', version, recordOf('a', { body: new Uint8Array(3000) }))

    expect(statSync(`${path}-wal`).size).toBeLessThan(24 * 1024 * 1024)
  })

  it('writes while it purges, and neither is refused', async () => {
    const store = open()
    sql(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
      INSERT INTO sessions (id, version, subject, epoch, started_at, deadline, absolute_deadline, revoked_at, reason, body)
      SELECT 'id-' || i, 1, 'ada', 0, ${now}, ${now}, ${now + 12 * HOUR}, NULL, NULL, randomblob(300) FROM n`)
    await store.create(recordOf('live'), { now })

    const purging = store.purge({ before: now + 1, limit: 10_000 })
    for (let version = 1; version <= 50; version++) await store.update('live', version, recordOf('live'))

    expect(await purging).toBe(3000)
    expect(await store.read('live')).toMatchObject({ record: { version: 51 } })
  })

  it('ends a purge that is under way when it is closed', async () => {
    const store = open()
    sql(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
      INSERT INTO sessions (id, version, subject, epoch, started_at, deadline, absolute_deadline, revoked_at, reason, body)
      SELECT 'id-' || i, 1, 'ada', 0, ${now}, ${now}, ${now + 12 * HOUR}, NULL, NULL, randomblob(300) FROM n`)
    const purging = store.purge({ before: now + 1, limit: 10_000 }).catch((error) => error.code)
    await new Promise((resolve) => setTimeout(resolve, 100))

    await store.close()

    expect(await purging).toBe('ERR_STORE_UNAVAILABLE')
    expect(sql('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
  })

  it('lets waiting requests go first while it purges', async () => {
    const store = open()
    sql(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
      INSERT INTO sessions (id, version, subject, epoch, started_at, deadline, absolute_deadline, revoked_at, reason, body)
      SELECT hex(randomblob(11)), 1, 'user-' || (i % 9000), 0, ${now}, ${now} + i % 5000, ${now + 12 * HOUR},
        NULL, NULL, randomblob(300) FROM n`)
    await store.create(recordOf('live', { deadline: now + HOUR }), { now })
    const waits: number[] = []
    let isPurging = true
    const reading = (async () => {
      while (isPurging) {
        const started = performance.now()
        await new Promise((resolve) => setImmediate(resolve))
        await store.read('live')
        waits.push(performance.now() - started)
      }
    })()

    const removed = await store.purge({ before: now + 5000, limit: 10_000 })
    isPurging = false
    await reading

    const slowest = waits.sort((a, b) => a - b)[Math.floor(waits.length * 0.99)]
    expect(removed).toBe(10_000)
    expect(waits.length).toBeGreaterThan(1000)
    expect(slowest).toBeLessThan(10)
  })
})
