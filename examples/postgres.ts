/**
 * Sessions in PostgreSQL, for any number of processes. `docker compose up -d postgres` starts one; then
 * `npm run example examples/postgres.ts`, and
 * `curl -c jar -b jar -X POST -H 'Origin: http://localhost:3000' localhost:3000/login/ada && curl -b jar localhost:3000/`
 */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { Pool } from 'pg'
import { createSessions } from 'sojourn'
import { withSession } from 'sojourn/node'
import { postgresStore } from 'sojourn/stores/postgres'

// Nobody waits longer than two seconds for a connection or an answer; the deadlines free the connections, too.
const pool = new Pool({
  connectionString: process.env.DATABASE_URL ?? 'postgres://sojourn:sojourn@localhost:5432/sojourn',
  connectionTimeoutMillis: 2000,
  statement_timeout: 2000,
})
const store = postgresStore(pool)
await store.migrate() // or run the script of `postgresSchema()` with your own migrations

const sessions = createSessions({
  store,
  keys: process.env.SESSION_KEYS ?? randomBytes(32).toString('base64url'), // the same in every process: npx sojourn keys
})

const listener = withSession(
  sessions,
  async (req, res, session) => {
    const [action, name] = (req.url ?? '/').slice(1).split('/')
    if (req.method === 'POST' && action === 'login' && name) {
      // Check the proof here: a password, a passkey, a provider's answer.
      await session.signIn({ subject: name, method: 'pwd' })
    } else if (req.method === 'POST' && action === 'logout') {
      await session.signOut()
    } else if (req.method === 'GET' && action === '') {
      res.setHeader('Content-Type', 'application/json')
      res.end(JSON.stringify({ subject: session.subject ?? null }))
      return
    } else {
      res.writeHead(404).end()
      return
    }
    res.writeHead(303, { Location: '/' }).end()
  },
  // For this machine only: behind TLS, leave it out and the cookie becomes __Host-sjn.
  { dangerouslyAllowHttp: true },
)

const server = createServer(listener).listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  const address = server.address()
  console.log(`http://localhost:${typeof address === 'object' ? address?.port : ''}`)
})
