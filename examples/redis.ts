/**
 * Sessions in Redis, with a near cache: `docker compose up -d redis`, `npm run example examples/redis.ts`, and
 * `curl -c jar -b jar -X POST -H 'Origin: http://localhost:3000' localhost:3000/login/ada && curl -b jar localhost:3000/`
 */
import { randomBytes } from 'node:crypto'
import express, { type NextFunction, type Request, type Response } from 'express'
import { Redis } from 'ioredis'
import { createSessions, isSojournError, seconds } from 'sojourn'
import { type SessionApplication, sessionMiddleware } from 'sojourn/express'
import { nearCache } from 'sojourn/stores/near-cache'
import { redisStore } from 'sojourn/stores/redis'

// An outage is an answer at once, not a queue: nothing waits for a connection, and nothing is sent twice.
const client = new Redis(process.env.REDIS_URL ?? 'redis://localhost:6379', {
  lazyConnect: true,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  retryStrategy: (attempts) => Math.min(50 * attempts, 500),
})
// Without a listener every failed attempt is printed. What matters comes from Sojourn, once an outage:
client.on('error', () => {})
await client.connect()

const sessions = createSessions({
  store: nearCache(redisStore(client), { maxStaleness: seconds(5) }),
  keys: process.env.SESSION_KEYS ?? randomBytes(32).toString('base64url'), // the same in every process: npx sojourn keys
})
sessions.events.on('store.circuit-opened', () => console.error('Redis does not answer.'))
sessions.events.on('store.circuit-closed', () => console.error('Redis answers again.'))

const app: SessionApplication<typeof sessions> = express()
// For this machine only: behind TLS, leave `dangerouslyAllowHttp` out and the cookie becomes __Host-sjn.
app.use(
  sessionMiddleware(sessions, {
    dangerouslyAllowHttp: true,
    // The front page is the same for everybody, so it stays up while Redis is away. All else is a 503.
    onOutage: ({ method, url }) => (method === 'GET' && url === '/' ? 'anonymous' : 'reject'),
  }),
)
app.get('/', (req, res) => {
  res.json({ subject: req.session.subject ?? null, isKnown: req.session.state !== 'unavailable' })
})
app.post('/login/:name', async (req, res) => {
  await req.session.signIn({ subject: req.params.name, method: 'pwd' }) // check the proof first
  res.redirect(303, '/')
})
app.post('/logout', async (req, res) => {
  await req.session.signOut()
  res.redirect(303, '/')
})
app.use((error: unknown, _req: Request, res: Response, next: NextFunction) => {
  if (isSojournError(error, 'ERR_STORE_UNAVAILABLE')) res.status(503).json({ error: 'Try again; you are not signed out.' })
  else next(error)
})

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  const address = server.address()
  console.log(`http://localhost:${typeof address === 'object' ? address?.port : ''}`)
})
