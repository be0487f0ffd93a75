/** Each engine that processes share, for this process and for the environment of another. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import pg from 'pg'
import type { Store } from '../../../src/core/store.ts'
import { postgresStore } from '../../../src/stores/postgres.ts'
import { redisStore } from '../../../src/stores/redis.ts'
import { sqliteStore } from '../../../src/stores/sqlite.ts'
import { startPostgres } from '../../servers/postgres.ts'
import { startRedis } from '../../servers/redis.ts'

/** 2030-01-01T00:00:00Z, in both processes. */
export const NOW = 1_893_456_000_000

export interface SharedEngine {
  readonly env: Readonly<Record<string, string>>
  open(): Store
  close(): Promise<void>
}

export const engines: Readonly<Record<'sqlite' | 'redis' | 'postgres', () => Promise<SharedEngine>>> = {
  async sqlite() {
    const folder = await mkdtemp(join(tmpdir(), 'sojourn-'))
    const file = join(folder, 'sessions.db')
    const stores: Store[] = []
    return {
      env: { SESSIONS_FILE: file },
      open() {
        stores.push(sqliteStore(file))
        return stores.at(-1)!
      },
      async close() {
        for (const store of stores) await store.close()
        await rm(folder, { recursive: true })
      },
    }
  },
  async redis() {
    const server = await startRedis()
    const clients: { store: Store; client: Redis }[] = []
    return {
      env: { REDIS_PORT: String(server.port) },
      open() {
        const client = new Redis(server.port)
        const store = redisStore(client)
        clients.push({ store, client })
        return store
      },
      async close() {
        for (const { store, client } of clients) {
          await store.close()
          client.disconnect()
        }
        await server.stop()
      },
    }
  },
  async postgres() {
    const server = await startPostgres()
    const at = server.address
    const first = new pg.Pool(at)
    await postgresStore(first).migrate()
    await first.end()
    const opened: { store: Store; pool: pg.Pool }[] = []
    return {
      env: { POSTGRES: JSON.stringify(at) },
      open() {
        const pool = new pg.Pool(at)
        const store = postgresStore(pool)
        opened.push({ store, pool })
        return store
      },
      async close() {
        for (const { store, pool } of opened) {
          await store.close()
          await pool.end()
        }
        await server.stop()
      },
    }
  },
}
