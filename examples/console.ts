/**
 * The operators' console. Start it with `npm run example examples/console.ts`, open the address it prints, and press the button: it signs you in as an operator, who proves two factors in your
 * application. `curl -X POST -H 'Origin: http://localhost:3000' localhost:3000/login/ada` signs somebody else in, for you to find and to end.
 */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { createSessions, minutes } from 'sojourn'
import { createConsole } from 'sojourn/console'
import { auditLog } from 'sojourn/monitor/audit'
import { sqliteAuditStore } from 'sojourn/monitor/audit-sqlite'
import { withSession } from 'sojourn/node'
import { memoryStore } from 'sojourn/stores/memory'

const sessions = createSessions({
  store: memoryStore(), // sqliteStore('sessions.db') keeps them, and can be searched too
  keys: process.env.SESSION_KEYS ?? randomBytes(32).toString('base64url'), // npx sojourn keys
})
const audit = auditLog(sessions, { store: sqliteAuditStore(':memory:') }) // a file keeps it
const operators = createConsole(sessions, {
  allows: ({ subject }) => subject === 'root-librarian', // your application knows who is one
  requirement: { acr: 'aal2', maxAge: minutes(30) },
  product: 'Example',
  audit,
})

const listener = withSession(
  sessions,
  async (req, res, session) => {
    if (await operators.node(req, res, session)) return
    const [action, name] = (req.url ?? '/').slice(1).split('/')
    if (req.method === 'POST' && action === 'login' && name) {
      // Check the proofs here; `sojourn/stepup` does.
      await session.signIn({ subject: name, method: name === 'root-librarian' ? ['pwd', 'otp'] : 'pwd' })
      res.writeHead(303, { Location: name === 'root-librarian' ? '/console' : '/' }).end()
    } else if (req.method === 'POST' && action === 'logout') {
      await session.signOut()
      res.writeHead(303, { Location: '/' }).end()
    } else if (req.method === 'GET' && action === '' && req.headers.accept?.includes('text/html')) {
      res.setHeader('Content-Type', 'text/html')
      res.end(
        '<!doctype html><title>Example</title><form method="post" action="/login/root-librarian"><button>Sign in as operator</button></form>',
      )
    } else if (req.method === 'GET' && action === '') {
      res.setHeader('Content-Type', 'application/json')
      res.end(JSON.stringify({ subject: session.subject ?? null }))
    } else res.writeHead(404).end()
  },
  // For this machine only: behind TLS, leave it out and the cookie becomes __Host-sjn.
  { dangerouslyAllowHttp: true },
)

const server = createServer(listener).listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  const address = server.address()
  console.log(`http://localhost:${typeof address === 'object' ? address?.port : ''}`)
})
