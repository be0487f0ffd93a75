import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Pool } from 'pg'
import {
  type PostgresConnection,
  type PostgresPool,
  postgresFactorSchema,
  postgresFactorStore,
} from 'sojourn/stepup/stores/postgres'
import { postgresStore } from 'sojourn/stores/postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../servers/postgres.ts'

const now = 1_893_456_000_000
const factorOf = (id: string, subject = 'ada') => ({
  id: id.padEnd(22, '0'),
  subject,
  kind: 'passkey' as const,
  handle: id,
  name: 'My phone',
  createdAt: now,
  lastUsedAt: undefined,
  sealed: Uint8Array.of(1, 2, 3),
})

let server: PostgresServer
let pool: Pool

beforeAll(async () => {
  server = await startPostgres()
  pool = server.pool({ max: 4 })
})
afterAll(() => server.stop())

const execute = (text: string) => pool.query(text)

/** Tables of a test's own. */
async function storeIn(schema: string) {
  await execute(`CREATE SCHEMA ${schema}`)
  const store = postgresFactorStore(pool, { schema })
  await store.migrate()
  return store
}

describe('the tables', () => {
  it('are made once by any number of processes, beside those of sessions', async () => {
    const factors = [1, 2, 3, 4].map(() => postgresFactorStore(pool))

    await Promise.all([postgresStore(pool).migrate(), ...factors.map((store) => store.migrate())])
    await factors[0]!.migrate()

    expect(await factors[1]!.add(factorOf('a'), { most: 1 })).toBe('added')
    await factors[1]!.removeAll('ada')
  })

  it('that are not there are told apart from tables without factors, and found once they are there', async () => {
    await execute('CREATE SCHEMA late')
    const store = postgresFactorStore(pool, { schema: 'late', tablePrefix: 'shop_' })

    await expect(store.list('ada')).rejects.toMatchObject({ code: 'ERR_STORE_UNREADABLE' })
    await execute(postgresFactorSchema({ schema: 'late', tablePrefix: 'shop_' }))

    expect(await store.list('ada')).toEqual([])
  })

  it('made by a newer version are left as they are', async () => {
    await storeIn('newer')
    await execute('INSERT INTO newer.sojourn_factors_schema VALUES (2)')
    const store = postgresFactorStore(pool, { schema: 'newer' })

    await expect(store.migrate()).rejects.toMatchObject({ code: 'ERR_STORE_NEWER' })
    await expect(store.list('ada')).rejects.toMatchObject({ code: 'ERR_STORE_NEWER' })
    await expect(execute(postgresFactorSchema({ schema: 'newer' }))).rejects.toMatchObject({ code: 'SJN01' })
  })

  it('are made by the script that docs/stores/factors.md shows', () => {
    const page = readFileSync(new URL('../../../docs/stores/factors.md', import.meta.url), 'utf8')

    expect(page).toContain(`\`\`\`sql\n${postgresFactorSchema()}\`\`\``)
  })

  it('need no right to create anything once they are there', async () => {
    await storeIn('used')
    await execute(`CREATE ROLE web LOGIN; GRANT USAGE ON SCHEMA used TO web;
      GRANT SELECT, INSERT, UPDATE, DELETE ON used.sojourn_factors TO web; GRANT SELECT ON used.sojourn_factors_schema TO web`)
    const store = postgresFactorStore(server.pool({ user: 'web' }), { schema: 'used' })

    await store.migrate()

    expect(await store.add(factorOf('a'), { most: 1 })).toBe('added')
    expect(await store.remove('ada', factorOf('a').id)).toBe(true)
  })

  it('that have lost a column are damaged, and the reason names no value', async () => {
    const store = await storeIn('damaged')
    await execute('ALTER TABLE damaged.sojourn_factors DROP COLUMN sealed')

    await expect(store.list('ada')).rejects.toMatchObject({ code: 'ERR_STORE_UNREADABLE' })
    await expect(store.add(factorOf('a', 'grace hopper'), { most: 1 })).rejects.toMatchObject({
      code: 'ERR_STORE_UNREADABLE',
      message: expect.not.stringContaining('grace'),
    })
  })

  it.each([
    { schema: 'a"; DROP TABLE people; --' },
    { schema: '' },
    { tablePrefix: 'x'.repeat(32) },
    { schema: '1a' },
    { schema: 7 as never },
  ])('are not looked for under %j, which would become SQL', (options) => {
    expect(() => postgresFactorStore(pool, options)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }))
    expect(() => postgresFactorSchema(options)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }))
  })
})

describe('the pool', () => {
  it.each([[undefined], [null], [{}], ['postgres://']])('is refused when it is %s', (notAPool) => {
    expect(() => postgresFactorStore(notAPool as never)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }))
  })

  it('may have parsers and an isolation level of its own', async () => {
    await storeIn('strict')
    const parsed = server.pool({
      options: '-c default_transaction_isolation=repeatable\\ read',
      types: { getTypeParser: () => () => 'odd' } as never,
    })
    const store = postgresFactorStore(parsed, { schema: 'strict' })

    const outcomes = await Promise.all(Array.from({ length: 8 }, (_, index) => store.add(factorOf(`s${index}`), { most: 3 })))

    expect(outcomes.filter((outcome) => outcome === 'added')).toHaveLength(3)
    expect(await store.list('ada')).toMatchObject([{ version: 1, createdAt: now }, {}, {}])
  })

  it('has every connection back, and none in a transaction, after an add that failed', async () => {
    const store = await storeIn('failing')
    await execute('ALTER TABLE failing.sojourn_factors ADD CHECK (created_at > 0)')

    for (let i = 0; i < 8; i++) {
      await expect(store.add({ ...factorOf('a'), createdAt: 0 }, { most: 1 })).rejects.toMatchObject({
        code: 'ERR_STORE_UNAVAILABLE',
      })
    }

    expect(pool.totalCount).toBe(pool.idleCount)
    const { rows } = await execute(`SELECT count(*)::int AS open FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'`)
    expect(rows).toEqual([{ open: 0 }])
  })

  it('may lose a connection in the middle of an add, and the process goes on', async () => {
    const store = await storeIn('cut')
    await execute(`CREATE FUNCTION cut.slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(5); RETURN NEW; END';
      CREATE TRIGGER slowly BEFORE INSERT ON cut.sojourn_factors FOR EACH ROW EXECUTE FUNCTION cut.slowly()`)
    const adding = store.add(factorOf('a'), { most: 1 })
    const refused = expect(adding).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    const end = `SELECT count(pg_terminate_backend(pid))::int AS ended FROM pg_stat_activity WHERE wait_event = 'PgSleep'`

    await expect.poll(async () => (await execute(end)).rows[0].ended).toBe(1)

    await refused
    await execute('DROP TRIGGER slowly ON cut.sojourn_factors')
    expect(await store.add(factorOf('a'), { most: 1 })).toBe('added')
  })

  it('may lose a connection between two statements of an add, and the process goes on', async () => {
    await storeIn('cut_between')
    const connect = async () => {
      const client = await pool.connect()
      const query = client.query.bind(client) as PostgresConnection['query']
      const connection: PostgresConnection = {
        on: (event, listener) => client.on(event, listener),
        off: (event, listener) => client.off(event, listener),
        release: (isBroken) => client.release(isBroken),
        query: async (statement) => {
          if (statement.text.includes('INSERT')) {
            const lost = once(client, 'end')
            await execute(`SELECT pg_terminate_backend(${(client as unknown as { processID: number }).processID})`)
            await lost
          }
          return query(statement)
        },
      }
      return connection
    }
    const cut: PostgresPool = {
      query: (statement) => pool.query(statement as never),
      on: (event, listener) => pool.on(event, listener),
      listenerCount: (event) => pool.listenerCount(event),
      connect,
    }
    const store = postgresFactorStore(cut, { schema: 'cut_between' })

    await expect(store.add(factorOf('a'), { most: 1 })).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })

    expect(await postgresFactorStore(pool, { schema: 'cut_between' }).add(factorOf('a'), { most: 1 })).toBe('added')
  })

  it('whose server is away is an outage, not a person without factors', async () => {
    const away = server.pool({ port: 1 })

    await expect(postgresFactorStore(away).list('ada')).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    await expect(postgresFactorStore(away).migrate()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
  })
})
