import { postgresStore } from 'sojourn/stores/postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../servers/postgres.ts'
import { isUnavailable, moreSignOuts, type Report, statesOf, underLoad } from './load.ts'
import { rejectionOf, someId, someRecord, until } from './support.ts'

const now = Date.now()
let server: PostgresServer

beforeAll(async () => {
  server = await startPostgres()
  await postgresStore(server.pool()).migrate()
})
afterAll(() => server.stop())

/** The server processes that serve somebody; there may be none for a moment, while a circuit is open. */
async function backends(): Promise<number[]> {
  const client = await server.client()
  let rows: { pid: number }[] = []
  await until(async () => {
    const text = `SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`
    rows = (await client.query(text)).rows
    return rows.length > 0
  })
  await client.end()
  return rows.map(({ pid }) => pid)
}

async function expectNothingLost({ alive, ended, reads, faults, longest }: Report, what: string): Promise<void> {
  const store = postgresStore(server.pool())
  await until(async () => ((await rejectionOf(store.read(someId()))) as { code?: string }).code === undefined)
  console.log(
    `${what}: ${alive.length + ended.length} sessions, ${reads} reads, ${faults.length} faults, longest ${Math.round(longest)} ms`,
  )
  expect(Math.min(alive.length, ended.length)).toBeGreaterThan(60)
  expect(await statesOf(store, alive)).toEqual(['active'])
  expect(await statesOf(store, ended)).toEqual(['revoked'])
  expect(faults.filter((fault) => !isUnavailable(fault))).toEqual([])
  expect(longest).toBeLessThan(2000)
}

describe('under load', () => {
  it('a restart loses no acknowledged session, brings none back, and everyone else gets a 503 at once', async () => {
    const store = postgresStore(server.pool())

    const report = await underLoad(store, async (soFar) => {
      for (let round = 0; round < 2; round++) {
        await moreSignOuts(soFar, 40)
        await server.restart()
      }
      await moreSignOuts(soFar, 40)
    })

    expect(report.faults.length).toBeGreaterThan(0)
    await expectNothingLost(report, 'restarted twice')
  })

  it('a crash of a server process (kill -9) loses nothing that was acknowledged either', async () => {
    const store = postgresStore(server.pool())

    const report = await underLoad(store, async (soFar) => {
      for (let round = 0; round < 2; round++) {
        await moreSignOuts(soFar, 40)
        const [pid] = await backends()
        process.kill(pid!, 'SIGKILL')
      }
      await moreSignOuts(soFar, 40)
    })

    expect(report.faults.length).toBeGreaterThan(0)
    await expectNothingLost(report, 'crashed twice')
  })

  it('a frozen server keeps nobody longer than the store timeout, and all goes on afterwards', async () => {
    const store = postgresStore(server.pool())

    const report = await underLoad(store, async (soFar) => {
      await moreSignOuts(soFar, 40)
      const frozen = await backends()
      for (const pid of frozen) process.kill(pid, 'SIGSTOP')
      server.pause()
      await new Promise((resolve) => setTimeout(resolve, 1000))
      server.resume()
      for (const pid of frozen) process.kill(pid, 'SIGCONT')
      await moreSignOuts(soFar, 40)
    })

    await expectNothingLost(report, 'frozen for a second')
  })
})

describe('faults', () => {
  it('idle connections that break end no process and cost at most one request each', async () => {
    const pool = server.pool({ max: 5 })
    const store = postgresStore(pool)
    await Promise.all(Array.from({ length: 20 }, () => store.read(someId())))

    for (const pid of await backends()) process.kill(pid, 'SIGTERM')
    await until(() => pool.totalCount === 0)

    expect(await store.read(someId())).toBeUndefined()
  })

  it('a server that refuses more connections is unavailable, not empty', async () => {
    const small = await startPostgres({ max_connections: '5', superuser_reserved_connections: '0', max_wal_senders: '0' })
    const store = postgresStore(small.pool({ max: 1 }))
    await store.migrate()
    const holders = await Promise.all([1, 2, 3, 4].map(() => small.client()))
    const crowded = postgresStore(small.pool({ max: 1 }))

    const rejection = await rejectionOf(crowded.read(someId()))
    for (const holder of holders) await holder.end()
    await small.stop()

    expect(rejection).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', status: 503, cause: { code: '53300' } })
  })

  it('a statement that outlives statement_timeout is unavailable, and the pool of one serves the next', async () => {
    const store = postgresStore(server.pool({ max: 1, statement_timeout: 100 }))
    const record = someRecord(now)
    await store.create(record, { now })
    const holder = await server.client()
    await holder.query('BEGIN')
    await holder.query('LOCK TABLE sojourn_sessions')

    const rejection = await rejectionOf(store.read(record.id))
    await holder.end()

    expect(rejection).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', cause: { code: '57014' } })
    expect((await store.read(record.id))?.kind).toBe('record')
  })

  it('a full disk is ERR_STORE_FULL, and nothing was written', async () => {
    const pool = server.pool()
    const store = postgresStore(pool, { tablePrefix: 'full_' })
    await store.migrate()
    // The server's own error, from a table that refuses every row in the words of a full disk.
    await pool.query(`CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
      CREATE TRIGGER full_disk BEFORE INSERT ON full_sessions EXECUTE FUNCTION full_disk()`)
    const record = someRecord(now)

    expect(await rejectionOf(store.create(record, { now }))).toMatchObject({ code: 'ERR_STORE_FULL', status: 503 })
    expect(await store.read(record.id)).toBeUndefined()
  })
})
