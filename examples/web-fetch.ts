/**
 * Sessions around a fetch handler, as Deno, Bun and many frameworks take it: there, hand `handle` to `Deno.serve` or `Bun.serve`.
 * Node has no server of that kind, so this file brings one of ten lines. Start it with `npm run example examples/web-fetch.ts`.
 */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { Readable } from 'node:stream'
import { createSessions, hours, minutes } from 'sojourn'
import { memoryStore } from 'sojourn/stores/memory'
import { withSession } from 'sojourn/web'

const sessions = createSessions({
  store: memoryStore(),
  keys: process.env.SESSION_KEYS ?? randomBytes(32).toString('base64url'), // npx sojourn keys
  policy: { idleTimeout: minutes(30), absoluteTimeout: hours(12) },
})

const handle = withSession(
  sessions,
  async (request, session) => {
    const { pathname } = new URL(request.url)
    const [action, name] = pathname.slice(1).split('/')
    if (request.method === 'POST' && action === 'login' && name) {
      // Check the proof here: a password, a passkey, a provider's answer.
      await session.signIn({ subject: name, method: 'pwd' })
    } else if (request.method === 'POST' && action === 'logout') {
      await session.signOut()
    } else if (request.method === 'GET' && action === '') {
      return Response.json({ subject: session.subject ?? null })
    } else {
      return new Response(null, { status: 404 })
    }
    return new Response(null, { status: 303, headers: { Location: '/' } })
  },
  // For this machine only: behind TLS, leave it out and the cookie becomes __Host-sjn.
  { dangerouslyAllowHttp: true },
)

const server = createServer(async (req, res) => {
  const headers = Object.entries(req.headers).map(([name, value]): [string, string] => [name, String(value)])
  const response = await handle(new Request(`http://${req.headers.host}${req.url}`, { method: req.method ?? 'GET', headers }))
  res.statusCode = response.status
  res.setHeaders(response.headers)
  if (response.body === null) res.end()
  else Readable.fromWeb(response.body).pipe(res)
}).listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  const address = server.address()
  console.log(`http://localhost:${typeof address === 'object' ? address?.port : ''}`)
})
