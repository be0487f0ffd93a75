import type { Pool } from 'pg'
import { postgresFactorStore } from 'sojourn/stepup/stores/postgres'
import { describeFactorStoreContract, type FactorStoreFactory } from 'sojourn/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type PgBouncer, type PostgresServer, startPgBouncer, startPostgres } from '../servers/postgres.ts'

let server: PostgresServer
let bouncer: PgBouncer
let pools: readonly [Pool, Pool]
let bouncedPools: readonly [Pool, Pool]

beforeAll(async () => {
  server = await startPostgres()
  pools = [server.pool(), server.pool()]
  await postgresFactorStore(pools[0]).migrate()
  bouncer = await startPgBouncer(server)
  bouncedPools = [bouncer.pool(), bouncer.pool()]
})
afterAll(async () => {
  await bouncer.stop()
  await server.stop()
})

const factoryOf =
  (given: () => readonly [Pool, Pool]): FactorStoreFactory =>
  async () => {
    const [store, second] = given().map((pool) => postgresFactorStore(pool))
    const worker = {
      module: new URL('factors-postgres-worker.ts', import.meta.url),
      env: { CONTRACT_FACTORS_URL: server.url },
      execArgv: ['--conditions=sojourn-source', '--no-warnings'],
    }
    return { store: store!, openSecond: async () => second!, worker, close: () => store!.close() }
  }

const direct = factoryOf(() => pools)
describeFactorStoreContract('postgres', direct, { describe, it }, { processes: 'tested' })

const bounced = factoryOf(() => bouncedPools)
const why = 'not tested because the rules about it run without PgBouncer, and it adds nothing to them'
describeFactorStoreContract('postgres through PgBouncer', bounced, { describe, it }, { processes: why })
