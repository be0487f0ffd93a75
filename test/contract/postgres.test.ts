import { Client, Pool } from 'pg'
import { postgresStore } from 'sojourn/stores/postgres'
import {
  describeChangesContract,
  describeChannelContract,
  describeLedgerContract,
  describeStoreContract,
  type StoreFactory,
} from 'sojourn/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import {
  type PgBouncer,
  type PostgresServer,
  replayOf,
  startPgBouncer,
  startPostgres,
  startReplica,
} from '../servers/postgres.ts'

let server: PostgresServer
let replica: PostgresServer
let bouncer: PgBouncer
let pools: readonly [Pool, Pool]
let bouncedPools: readonly [Pool, Pool]
let replicaPool: Pool

beforeAll(async () => {
  server = await startPostgres()
  pools = [server.pool(), server.pool()]
  await postgresStore(pools[0]).migrate()
  ;[replica, bouncer] = await Promise.all([startReplica(server), startPgBouncer(server)])
  replicaPool = replica.pool()
  bouncedPools = [bouncer.pool(), bouncer.pool()]
})
afterAll(async () => {
  await bouncer.stop()
  await replica.stop()
  await server.stop()
})

const factory: StoreFactory = async () => {
  const handles = pools.map((pool) => postgresStore(pool))
  const ends: (() => Promise<void>)[] = handles.map((handle) => () => handle.close())
  const openOn = (pool: Pool, end = async () => {}) => {
    const handle = postgresStore(pool)
    ends.push(() => handle.close(), end)
    return handle
  }
  const openThrough = async (port: number) => {
    const pool = new Pool({ ...server.address, port, connectionTimeoutMillis: 1000 })
    return openOn(pool, () => pool.end())
  }
  const close = async () => {
    for (const end of ends) await end()
  }
  return {
    store: handles[0]!,
    openSecond: async () => handles[1]!,
    worker: {
      module: new URL('postgres-worker.ts', import.meta.url),
      env: { CONTRACT_POSTGRES_URL: server.url },
      execArgv: ['--conditions=sojourn-source', '--no-warnings'],
    },
    network: { server: server.address, openThrough },
    openStale: async () => ({ store: openOn(replicaPool), ...replayOf(server, replica) }),
    close,
  }
}

const capabilities = { queries: true }
describeStoreContract(
  'postgres',
  factory,
  { describe, it },
  { capabilities, processes: 'tested', network: 'tested', replicas: 'tested' },
)
describeLedgerContract('postgres', factory, { describe, it })
describeChannelContract('postgres', factory, { describe, it })
describeChangesContract('postgres', factory, { describe, it })

const throughBouncer: StoreFactory = async () => {
  const listen = async () => {
    const client = new Client(server.address)
    await client.connect()
    return client
  }
  const handles = bouncedPools.map((pool) => postgresStore(pool, { prepared: false, listen }))
  const close = async () => {
    for (const handle of handles) await handle.close()
  }
  return { store: handles[0]!, openSecond: async () => handles[1]!, close }
}

const tested = 'not tested because the rules about it run without PgBouncer, and it adds nothing to them'
describeStoreContract(
  'postgres through PgBouncer',
  throughBouncer,
  { describe, it },
  { capabilities, processes: tested, network: tested },
)
describeLedgerContract('postgres through PgBouncer', throughBouncer, { describe, it })
describeChannelContract('postgres through PgBouncer', throughBouncer, { describe, it })
describeChangesContract('postgres through PgBouncer', throughBouncer, { describe, it })
