/**
 * Sessions with node:http alone. Start it with `npm run example examples/node-http.ts`, then
 * `curl -c jar -b jar -X POST -H 'Origin: http://localhost:3000' localhost:3000/login/ada && curl -b jar localhost:3000/`
 */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { createSessions, hours, minutes } from 'sojourn'
import { withSession } from 'sojourn/node'
import { memoryStore } from 'sojourn/stores/memory'

const sessions = createSessions({
  store: memoryStore(),
  keys: process.env.SESSION_KEYS ?? randomBytes(32).toString('base64url'), // npx sojourn keys
  policy: { idleTimeout: minutes(30), absoluteTimeout: hours(12) },
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
    // The cookie is on this redirect, and the session is stored before the browser sees it.
    res.writeHead(303, { Location: '/' }).end()
  },
  // For this machine only: behind TLS, leave it out and the cookie becomes __Host-sjn.
  { dangerouslyAllowHttp: true },
)

const server = createServer(listener).listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  const address = server.address()
  console.log(`http://localhost:${typeof address === 'object' ? address?.port : ''}`)
})
