/**
 * Notices a client that changed. Start it with `npm run example examples/traits.ts`, then sign in with one user agent and come back with another:
 * `curl -A Firefox/132 -c jar -X POST -H 'Origin: http://localhost:3000' localhost:3000/login/ada`, `curl -A Firefox/133 -b jar localhost:3000/`, and
 * `curl -b jar localhost:3000/`.
 */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { createSessions } from 'sojourn'
import { withSession } from 'sojourn/node'
import { memoryStore } from 'sojourn/stores/memory'
import { presets, traitChecks, traitsOf } from 'sojourn/traits'

const sessions = createSessions({
  store: memoryStore(),
  keys: process.env.SESSION_KEYS ?? randomBytes(32).toString('base64url'), // npx sojourn keys
})

// Replace SHADOW=1 by nothing once the reports show only what should be acted upon.
const checks = traitChecks({ policy: { ...presets.standard, network: 'note' }, shadow: process.env.SHADOW === '1' })
console.error(`${checks.report()}`)

sessions.events.on('traits.drifted', ({ grade, reason, sessionId }) => console.error(`${grade} ${sessionId}: ${reason}`))

const listener = withSession(
  sessions,
  async (req, res, session) => {
    const [action, name] = (req.url ?? '/').slice(1).split('/')
    if (req.method === 'POST' && action === 'login' && name) {
      // Check the proof here: a password, a passkey, a provider's answer.
      await session.signIn({ subject: name, method: 'pwd' })
    } else if (req.method === 'POST' && action === 'verify') {
      // And here: whoever holds a cookie of before proves again who they are.
      await session.elevate({ method: 'pwd' })
    } else if (req.method === 'POST' && action === 'logout') {
      await session.signOut()
    } else if (req.method === 'GET' && action === '') {
      const { seen, drift } = traitsOf(session)
      const { subject = null, state } = session
      const mayAct = session.meets()
      res.setHeader('Content-Type', 'application/json')
      res.end(JSON.stringify({ subject, state, mayAct, browser: seen?.browser, os: seen?.os, drift: drift?.reason }))
      return
    } else {
      res.writeHead(404).end()
      return
    }
    res.writeHead(303, { Location: '/' }).end()
  },
  // For this machine only: behind TLS, leave out dangerouslyAllowHttp and the cookie becomes __Host-sjn.
  { guards: [checks], dangerouslyAllowHttp: true },
)

const server = createServer(listener).listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  const address = server.address()
  console.log(`http://localhost:${typeof address === 'object' ? address?.port : ''}`)
})
