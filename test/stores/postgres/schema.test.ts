import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { postgresSchema, postgresStore } from 'sojourn/stores/postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../servers/postgres.ts'
import { rejectionOf, someId, someRecord } from './support.ts'

const now = Date.now()
let server: PostgresServer
let number = 0
/** Tables of their own for each test. */
let tablePrefix: string

beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())
beforeEach(() => {
  tablePrefix = `t${number++}_`
})

const run = async (text: string) => {
  const client = await server.client()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}
const tables = () =>
  run(`SELECT relname FROM pg_class WHERE relname LIKE '${tablePrefix.replace('_', '\\_')}%' AND relkind = 'r' ORDER BY 1`)

describe('making the tables', () => {
  it('eight connections migrate at once: all succeed, and the store works', async () => {
    const stores = Array.from({ length: 8 }, () => postgresStore(server.pool({ max: 2 }), { tablePrefix }))

    await Promise.all(stores.map((store) => store.migrate()))

    const record = someRecord(now)
    await stores[0]!.create(record, { now })
    expect((await stores[7]!.read(record.id))?.kind).toBe('record')
    expect(await tables()).toHaveLength(4)
  })

  it('migrating again changes nothing and needs no right to make tables', async () => {
    await postgresStore(server.pool(), { tablePrefix }).migrate()
    await run(`CREATE ROLE ${tablePrefix}app LOGIN;
      GRANT SELECT, INSERT, UPDATE, DELETE ON ${tablePrefix}sessions, ${tablePrefix}subjects, ${tablePrefix}ledger TO ${tablePrefix}app;
      GRANT SELECT ON ${tablePrefix}schema TO ${tablePrefix}app`)
    const store = postgresStore(server.pool({ user: `${tablePrefix}app` }), { tablePrefix })
    const record = someRecord(now, { subject: 'reader' })

    await store.migrate()
    await store.create(record, { now, limit: { max: 2, onExceeded: 'evict-oldest' } })
    const ended = await store.revokeSubject('reader', { now, reason: 'logout' })
    await store.purge({ before: now, limit: 10 })

    expect(ended).toBe(1)
  })

  it('tables of the first version are led to this one, and what is in them stays', async () => {
    const store = postgresStore(server.pool(), { tablePrefix })
    await store.migrate()
    const [old, next] = [someRecord(now, { subject: 'reader' }), someRecord(now, { subject: 'reader' })]
    await store.create(old, { now })
    await run(`DELETE FROM ${tablePrefix}schema; INSERT INTO ${tablePrefix}schema VALUES (1);
      ALTER TABLE ${tablePrefix}sessions DROP COLUMN link_at, DROP COLUMN link_keys, DROP COLUMN device, DROP COLUMN network;
      DROP FUNCTION ${tablePrefix}create_linked, ${tablePrefix}revoke_linked`)
    const newcomer = postgresStore(server.pool(), { tablePrefix })
    expect(await rejectionOf(newcomer.read(old.id))).toMatchObject({ code: 'ERR_STORE_UNREADABLE' })

    await newcomer.migrate()

    expect((await newcomer.read(old.id))?.kind).toBe('record')
    await newcomer.create({ ...next, labels: { device: 'Firefox' } }, { now, link: { keys: ['k'.repeat(43)], at: now } })
    const ended = await newcomer.revokeLinked!('k'.repeat(43), { now, at: now, reason: 'logout', keepUntil: now })
    expect(ended).toEqual([{ id: next.id, subject: 'reader' }])
    expect(await newcomer.count!({ subject: 'reader' }, { now, most: 10 })).toEqual({ count: 2, isAtLeast: false })
    expect(await newcomer.count!({ device: 'Firefox' }, { now, most: 10 })).toEqual({ count: 1, isAtLeast: false })
  })

  it('the script may be run by psql, twice, and is what the store asks for', async () => {
    const psql = () => {
      const child = promisify(execFile)('psql', [
        '-v',
        'ON_ERROR_STOP=1',
        '--single-transaction',
        '--quiet',
        '-f',
        '-',
        server.url,
      ])
      child.child.stdin?.end(postgresSchema({ tablePrefix }))
      return child
    }
    await psql()
    await psql()
    const store = postgresStore(server.pool(), { tablePrefix })

    expect(await store.read(someId())).toBeUndefined()
  })

  it('tables of a newer version are refused and left as they are', async () => {
    const store = postgresStore(server.pool(), { tablePrefix })
    await store.migrate()
    await run(`INSERT INTO ${tablePrefix}schema VALUES (1000); DROP TABLE ${tablePrefix}ledger`)
    const newcomer = postgresStore(server.pool(), { tablePrefix })

    expect(await rejectionOf(newcomer.migrate())).toMatchObject({ code: 'ERR_STORE_NEWER' })
    expect(await rejectionOf(newcomer.read(someId()))).toMatchObject({ code: 'ERR_STORE_NEWER', status: 503 })
    expect(await rejectionOf(run(postgresSchema({ tablePrefix })))).toMatchObject({ code: 'SJN01' })
    expect(await tables()).toHaveLength(3)
  })

  it('where there are no tables, an operation says what to do instead of "there is no session"', async () => {
    const store = postgresStore(server.pool(), { tablePrefix })

    const error = await rejectionOf(store.read(someId()))

    expect(error).toMatchObject({ code: 'ERR_STORE_UNREADABLE', status: 503, message: expect.stringContaining('migrate()') })
    await store.migrate()
    expect(await store.read(someId())).toBeUndefined()
  })

  it('two stores with tables of their own do not meet, on one pool', async () => {
    const pool = server.pool()
    const one = postgresStore(pool, { tablePrefix: `${tablePrefix}one_` })
    const other = postgresStore(pool, { tablePrefix: `${tablePrefix}other_` })
    await one.migrate()
    await other.migrate()
    const record = someRecord(now, { subject: 'reader' })

    await one.create(record, { now })

    expect(await other.read(record.id)).toBeUndefined()
    expect(await other.list('reader')).toEqual([])
    expect(await one.list('reader')).toHaveLength(1)
  })

  it('tables may live in a schema of their own, whatever the search path is', async () => {
    await run(`CREATE SCHEMA "${tablePrefix}Web"`)
    const store = postgresStore(server.pool({ options: '-c search_path=pg_temp' }), { schema: `${tablePrefix}Web` })
    const record = someRecord(now, { subject: 'reader' })

    await store.migrate()
    await store.create(record, { now, limit: { max: 1, onExceeded: 'reject' } })

    expect(await store.revokeSubject('reader', { now, reason: 'logout' })).toBe(1)
  })
})

describe('partitions', () => {
  it('a table that was made in partitions beforehand serves as well', async () => {
    const partitions = Array.from(
      { length: 4 },
      (_, rest) => `CREATE TABLE ${tablePrefix}sessions_${rest} PARTITION OF ${tablePrefix}sessions
        FOR VALUES WITH (MODULUS 4, REMAINDER ${rest}) WITH (fillfactor = 85);`,
    )
    const [columns] = /\(\n {2}id uuid[^;]*?\n\)/.exec(postgresSchema())!
    await run(`CREATE TABLE ${tablePrefix}sessions ${columns} PARTITION BY HASH (id); ${partitions.join('')}`)
    const store = postgresStore(server.pool(), { tablePrefix })
    await store.migrate()
    const records = Array.from({ length: 20 }, (_, index) => someRecord(now + index, { subject: 'reader' }))
    const limit = { max: 10, onExceeded: 'evict-oldest' } as const

    for (const record of records) await store.create(record, { now, limit })
    const replaces = { id: records[19]!.id, version: 1, reason: 'signed-in' }
    await store.create(someRecord(now, { subject: 'other' }), { now, replaces })

    expect((await store.list('reader')).map(({ id }) => id)).toEqual(records.slice(10, 19).map(({ id }) => id))
    expect(await store.update(records[18]!.id, 1, records[18]!)).toBe('updated')
    expect(await store.revokeSubject('reader', { now, reason: 'logout' })).toBe(9)
    expect(await store.purge({ before: records[19]!.absoluteDeadline + 1, limit: 100 })).toBe(21)
  })
})

describe('the docs', () => {
  it('show the script as it is', () => {
    const page = readFileSync(new URL('../../../docs/stores/postgres.md', import.meta.url), 'utf8')

    expect(page).toContain(postgresSchema())
  })
})

describe('what a server’s or application’s own settings must not change', () => {
  it('bytes are the same under another bytea_output, and numbers under other type parsers', async () => {
    const { types } = await import('pg')
    const original = types.getTypeParser(20)
    types.setTypeParser(20, (text) => `number ${text}`)
    const store = postgresStore(server.pool({ options: '-c bytea_output=escape' }), { tablePrefix })
    await store.migrate()
    const record = someRecord(now, { subject: 'a\0b' })

    const created = await store.create(record, { now })
    types.setTypeParser(20, original)

    expect(created).toEqual({ kind: 'created', epoch: 0, evicted: [] })
    expect(await store.read(record.id)).toMatchObject({ record: { body: Buffer.from(record.body), subject: 'a\0b' } })
  })

  // Under REPEATABLE READ a statement does not see what was committed while it waited for the subject's lock.
  it('a role that reads repeatably is refused: parallel sign-ins would exceed a limit', async () => {
    await postgresStore(server.pool(), { tablePrefix }).migrate()
    const pool = server.pool({ options: '-c default_transaction_isolation=repeatable\\ read' })

    const error = await rejectionOf(postgresStore(pool, { tablePrefix }).read(someId()))

    expect(error).toMatchObject({ code: 'ERR_CONFIG_INVALID', message: expect.stringContaining('repeatable read') })
  })

  it('acknowledged revocations are flushed to disk although the role does not wait for that', async () => {
    const store = postgresStore(server.pool({ options: '-c synchronous_commit=off', max: 1 }), { tablePrefix })
    await store.migrate()
    const [one, other] = [someRecord(now, { subject: 'reader' }), someRecord(now, { subject: 'reader' })]
    const unflushed = async () => {
      const [row] = await run('SELECT (pg_current_wal_insert_lsn() - pg_current_wal_flush_lsn())::integer AS bytes')
      return row.bytes as number
    }

    await store.create(one, { now })
    const afterCreate = await unflushed()
    await store.revoke(one.id, { now, reason: 'logout' })
    const afterRevoke = await unflushed()
    await store.create(other, { now })
    await store.revokeSubject('reader', { now, reason: 'logout' })
    const afterRevokeSubject = await unflushed()

    expect(afterCreate).toBeGreaterThan(0)
    expect([afterRevoke, afterRevokeSubject]).toEqual([0, 0])
  })
})

describe('misuse at start-up', () => {
  const misuse = (build: () => unknown) => {
    try {
      return build()
    } catch (error) {
      return error
    }
  }
  const INJECTIONS = [
    '',
    '1a',
    'a b',
    'a"b',
    `a'b`,
    'a;b',
    'a--',
    'a\0',
    'a.b',
    'ä',
    '"; DROP TABLE x; --',
    'x'.repeat(64),
    7,
    null,
  ]

  it.each(INJECTIONS)('names that are no plain identifiers never reach SQL: %j', (name) => {
    const pool = server.pool()

    for (const options of [{ schema: name }, { tablePrefix: name }] as never[]) {
      expect(misuse(() => postgresStore(pool, options))).toMatchObject({ code: 'ERR_CONFIG_INVALID' })
      expect(misuse(() => postgresSchema(options))).toMatchObject({ code: 'ERR_CONFIG_INVALID' })
    }
  })

  it.each([undefined, {}, 'postgres://localhost'])('what is no pool is refused: %j', (pool) => {
    expect(misuse(() => postgresStore(pool as never))).toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: expect.stringContaining('docs/stores/postgres.md'),
    })
  })

  it.each([{ prepared: 'no' }, { announce: 'some' }, { listen: 'yes' }])('options out of range are refused: %j', (options) => {
    expect(misuse(() => postgresStore(server.pool(), options as never))).toMatchObject({ code: 'ERR_CONFIG_INVALID' })
  })
})
