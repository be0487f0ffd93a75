import { postgresAuditSchema, postgresAuditStore } from 'sojourn/monitor/audit-postgres'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { codeOf } from '../../core/support.ts'
import { type PostgresServer, startPgBouncer, startPostgres } from '../../servers/postgres.ts'
import { filled, openLog, until } from './support.ts'

let server: PostgresServer

beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

it('tables are made once, by however many at once', async () => {
  const pool = server.pool()
  await Promise.all(Array.from({ length: 5 }, () => postgresAuditStore(pool).migrate()))

  await postgresAuditStore(pool).migrate()
  await pool.query(postgresAuditSchema())
})

it('without its tables it says what to do; tables of a newer version are left alone', async () => {
  const pool = server.pool()
  const store = postgresAuditStore(pool, { tablePrefix: 'none_' })
  expect(await codeOf(store.state())).toBe('ERR_STORE_UNREADABLE')
  const newer = postgresAuditStore(pool, { tablePrefix: 'newer_' })
  await newer.migrate()
  await pool.query('INSERT INTO newer_audit_schema VALUES (2)')

  expect(await codeOf(postgresAuditStore(pool, { tablePrefix: 'newer_' }).migrate())).toBe('ERR_STORE_NEWER')
  expect(await codeOf(postgresAuditStore(pool, { tablePrefix: 'newer_' }).state())).toBe('ERR_STORE_NEWER')
})

it('a pool that is none, and a name that is none, are refused', async () => {
  expect(await codeOf(() => postgresAuditStore({} as never))).toBe('ERR_CONFIG_INVALID')
  expect(await codeOf(() => postgresAuditStore(server.pool(), { tablePrefix: 'a"; DROP' }))).toBe('ERR_CONFIG_INVALID')
})

it('works with the rights of docs/guide/audit.md, and with these nobody can change an entry', async () => {
  const owner = server.pool()
  await postgresAuditStore(owner).migrate()
  await owner.query(`CREATE ROLE application LOGIN;
    GRANT SELECT, INSERT, DELETE ON sojourn_audit, sojourn_audit_checkpoints TO application;
    GRANT SELECT, INSERT, UPDATE ON sojourn_audit_state TO application;
    GRANT SELECT ON sojourn_audit_schema TO application`)
  const pool = server.pool({ user: 'application' })
  const store = postgresAuditStore(pool)
  await store.migrate()
  const { audit } = await filled(store, 30)

  expect((await audit.retain({ olderThan: 10_000 })).removed).toBeGreaterThan(0)
  expect((await audit.verify()).findings).toEqual([])
  await expect(pool.query(`UPDATE sojourn_audit SET type = 'x'`)).rejects.toMatchObject({ code: '42501' })
  await audit.close()
})

it('works through a pooler in transaction mode', async () => {
  const bouncer = await startPgBouncer(server)
  onTestFinished(() => bouncer.stop())
  const store = postgresAuditStore(bouncer.pool(), { tablePrefix: 'bounced_' })
  await store.migrate()
  const { audit } = await filled(store, 30)

  expect(await audit.verify()).toMatchObject({ isIntact: true, entries: 30 })
  await audit.close()
})

it('while the server is away, events wait; afterwards each is there once, in order', async () => {
  const store = postgresAuditStore(server.pool(), { tablePrefix: 'away_' })
  await store.migrate()
  const { audit, emit } = openLog(store)
  const tell = (from: number, to: number) => {
    for (let i = from; i < to; i++) emit({ type: 'session.expired', reason: 'idle', subject: `p${i}` })
  }
  tell(0, 10)
  await audit.drained()
  const restarting = server.restart()
  tell(10, 20)
  await restarting
  tell(20, 30)
  await until(() => audit.status.waiting === 0)

  const { entries } = await audit.search({ types: ['session.expired'], limit: 500 })

  expect(entries.toSorted((a, b) => a.seq - b.seq).map(({ subject }) => subject)).toEqual(
    Array.from({ length: 30 }, (_, i) => `p${i}`),
  )
  expect((await audit.verify()).isIntact).toBe(true)
  await audit.close()
})
