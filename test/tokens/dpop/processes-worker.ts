/** Another process of the token endpoint, on the same ledger: judges what it is told, four times at once, at the word, and says how often it was good. */
import { Redis } from 'ioredis'
import { createSessions } from 'sojourn'
import { redisStore } from 'sojourn/stores/redis'
import { sqliteStore } from 'sojourn/stores/sqlite'
import { KEY } from '../../core/support.ts'
import { TOKEN_URL } from './app.ts'
import { proofsOver } from './proofs-over.ts'

interface Word {
  readonly proof: string
  readonly now: number
  /** Wall clock at which all processes begin. */
  readonly startAt: number
}

const { REDIS_PORT, SESSIONS_FILE } = process.env
const redis = REDIS_PORT === undefined ? undefined : new Redis(Number(REDIS_PORT))
const store = redis === undefined ? sqliteStore(SESSIONS_FILE!) : redisStore(redis)
let now = 0
const proofs = proofsOver(createSessions({ store, keys: KEY, clock: () => now }), 'offered')

process.on('message', async ({ proof, now: told, startAt }: Word) => {
  now = told
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, startAt - Date.now())))
  const outcomes = await Promise.all(Array.from({ length: 4 }, () => proofs.check({ proof, method: 'POST', url: TOKEN_URL })))
  process.send!(outcomes.filter(({ ok }) => ok).length)
})
process.on('disconnect', async () => {
  await store.close()
  redis?.disconnect()
})
process.send!('ready')
