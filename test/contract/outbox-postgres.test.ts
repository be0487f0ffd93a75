import type { Pool } from 'pg'
import { postgresOutbox } from 'sojourn/oidc/stores/postgres'
import { describeOutboxContract, type OutboxFactory } from 'sojourn/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type PgBouncer, type PostgresServer, startPgBouncer, startPostgres } from '../servers/postgres.ts'

let server: PostgresServer
let bouncer: PgBouncer
let pools: readonly [Pool, Pool]
let bouncedPools: readonly [Pool, Pool]

beforeAll(async () => {
  server = await startPostgres()
  pools = [server.pool(), server.pool()]
  await postgresOutbox(pools[0]).migrate()
  bouncer = await startPgBouncer(server)
  bouncedPools = [bouncer.pool(), bouncer.pool()]
})
afterAll(async () => {
  await bouncer.stop()
  await server.stop()
})

const factoryOf =
  (given: () => readonly [Pool, Pool]): OutboxFactory =>
  async () => {
    const [outbox, second] = given().map((pool) => postgresOutbox(pool))
    await pools[0].query('TRUNCATE sojourn_outbox')
    const worker = {
      module: new URL('outbox-postgres-worker.ts', import.meta.url),
      env: { CONTRACT_OUTBOX_URL: server.url },
      execArgv: ['--conditions=sojourn-source', '--no-warnings'],
    }
    return { outbox: outbox!, openSecond: async () => second!, worker, close: () => outbox!.close() }
  }

const direct = factoryOf(() => pools)
describeOutboxContract('postgres', direct, { describe, it }, { processes: 'tested' })

const bounced = factoryOf(() => bouncedPools)
const why = 'not tested because the rules about it run without PgBouncer, and it adds nothing to them'
describeOutboxContract('postgres through PgBouncer', bounced, { describe, it }, { processes: why })
