/** Another process on the same store, with tokens or, as a job may be, without: ends what it is told to, and says when that was done. */
import { Redis } from 'ioredis'
import pg from 'pg'
import { createSessions } from 'sojourn'
import { postgresStore } from 'sojourn/stores/postgres'
import { redisStore } from 'sojourn/stores/redis'
import { sqliteStore } from 'sojourn/stores/sqlite'
import { createTokens } from 'sojourn/tokens'
import { KEY } from '../../core/support.ts'
import { NOW } from './processes-engines.ts'

interface Word {
  readonly sessionIds?: readonly string[]
  readonly subject?: string
}

const { REDIS_PORT, SESSIONS_FILE, POSTGRES, WITH_TOKENS } = process.env
const redis = REDIS_PORT === undefined ? undefined : new Redis(Number(REDIS_PORT))
const pool = POSTGRES === undefined ? undefined : new pg.Pool(JSON.parse(POSTGRES) as pg.PoolConfig)
const store = redis !== undefined ? redisStore(redis) : pool !== undefined ? postgresStore(pool) : sqliteStore(SESSIONS_FILE!)
const sessions = createSessions({ store, keys: KEY, clock: () => NOW })
const tokens =
  WITH_TOKENS === 'yes'
    ? createTokens(sessions, { issuer: 'https://shop.example', audience: 'https://api.shop.example' })
    : undefined

process.on('message', async ({ sessionIds = [], subject }: Word) => {
  for (const id of sessionIds) await sessions.revoke(id)
  if (subject !== undefined) await sessions.revokeSubject(subject)
  process.send!({ at: Date.now() })
})
process.on('disconnect', async () => {
  await tokens?.close()
  await store.close()
  redis?.disconnect()
  await pool?.end()
})
await sessions.list('nobody')
process.send!('ready')
