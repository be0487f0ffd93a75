/**
 * Sessions in a store of one's own, `map-store.ts` beside this file. Start it with `npm run example examples/custom-store.ts`, then
 * `curl -c jar -b jar -X POST -H 'Origin: http://localhost:3000' localhost:3000/login/ada && curl -b jar localhost:3000/`
 *
 * To test a store of yours, hand it to the contract: `describeStoreContract('mine', async () => { ... }, { describe, it })`.
 */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { createSessions } from 'sojourn'
import { withSession } from 'sojourn/node'
import { mapStore } from './map-store.ts'

const sessions = createSessions({
  store: mapStore(),
  keys: process.env.SESSION_KEYS ?? randomBytes(32).toString('base64url'), // npx sojourn keys
})

const listener = withSession(
  sessions,
  async (req, res, session) => {
    const [action, name] = (req.url ?? '/').slice(1).split('/')
    if (req.method === 'POST' && action === 'login' && name) await session.signIn({ subject: name, method: 'pwd' })
    if (req.method === 'POST' && action === 'logout') await session.signOut()
    res.setHeader('Content-Type', 'application/json')
    res.end(JSON.stringify({ subject: session.subject ?? null, devices: (await session.list()).length }))
  },
  // For this machine only: behind TLS, leave it out and the cookie becomes __Host-sjn.
  { dangerouslyAllowHttp: true },
)

const server = createServer(listener).listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  const address = server.address()
  console.log(`http://localhost:${typeof address === 'object' ? address?.port : ''}`)
})
