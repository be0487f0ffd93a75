/**
 * The operators' console. Start it with `npm run example examples/console.ts`, then open the address it prints: it signs you in as an operator, who in your application proves two factors.
 * `/readers/ada` signs somebody else in, for you to find and to end.
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
    if (action === 'readers' && name) {
      await sessions.signIn({ subject: name, method: 'pwd' }, { device: 'Firefox on Linux' })
      res.writeHead(303, { Location: '/console/sessions' }).end()
    } else if (action === '') {
      // Check both proofs here: `sojourn/stepup` does.
      await session.signIn({ subject: 'root-librarian', method: ['pwd', 'otp'] })
      res.writeHead(303, { Location: '/console' }).end()
    } else res.writeHead(404).end()
  },
  // For this machine only: behind TLS, leave it out and the cookie becomes __Host-sjn.
  { dangerouslyAllowHttp: true },
)

const server = createServer(listener).listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  const address = server.address()
  console.log(`http://localhost:${typeof address === 'object' ? address?.port : ''}`)
})
