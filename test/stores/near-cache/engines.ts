/** The engines that push changes: how to start a server of each, and how to open a store on it. */
import { Redis } from 'ioredis'
import { Pool } from 'pg'
import { postgresStore } from 'sojourn/stores/postgres'
import { redisStore } from 'sojourn/stores/redis'
import type { Store } from '../../../src/core/store.ts'
import { startPostgres } from '../../servers/postgres.ts'
import { startRedis } from '../../servers/redis.ts'

/** A server that runs. */
export interface RunningEngine {
  readonly port: number
  stop(): Promise<void>
}

/** A store and its own client; `close` ends both. */
export interface OpenStore {
  readonly store: Store
  close(): Promise<void>
}

interface Engine {
  start(): Promise<RunningEngine>
  /** @param port - The server's, or that of a proxy in front of it. */
  open(port: number): OpenStore
}

export type EngineName = 'redis' | 'postgres'

export const engines: Readonly<Record<EngineName, Engine>> = {
  redis: {
    start: startRedis,
    open: (port) => {
      const client = new Redis({ port, host: '127.0.0.1' })
      client.on('error', () => {})
      return opened(redisStore(client), () => client.disconnect())
    },
  },
  postgres: {
    start: async () => {
      const server = await startPostgres()
      await postgresStore(server.pool()).migrate()
      return { port: server.address.port, stop: () => server.stop() }
    },
    open: (port) => {
      const pool = new Pool({
        host: '127.0.0.1',
        port,
        user: 'postgres',
        database: 'postgres',
        max: 4,
        connectionTimeoutMillis: 2000,
      })
      return opened(postgresStore(pool), () => pool.end())
    },
  },
}

export const engineNames = Object.keys(engines) as EngineName[]

const opened = (store: Store, endClient: () => unknown): OpenStore => ({
  store,
  close: async () => {
    await store.close()
    await endClient()
  },
})
