/**
 * A shop and a service of its own, which verifies the shop's tokens and hears of sessions that end. `npm run example examples/verify.ts`, post `/login/ada` with
 * `-H 'Origin: http://localhost:3000'`, get `/orders`; `/steal` shows what a copied token is worth after `/logout`.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createSessions, seconds } from 'sojourn'
import { type SessionApplication, sessionMiddleware } from 'sojourn/express'
import { memoryStore } from 'sojourn/stores/memory'
import { createTokens } from 'sojourn/tokens'
import { createTokenVerifier } from 'sojourn/tokens/verify'

const sessions = createSessions({ store: memoryStore(), keys: randomBytes(32).toString('base64url') }) // npx sojourn keys
const app: SessionApplication<typeof sessions> = express()
const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1')
await once(server, 'listening')
const issuer = `http://localhost:${(server.address() as AddressInfo).port}` // https://shop.example
const clientSecret = randomBytes(32).toString('base64url')
const tokens = createTokens(sessions, {
  issuer,
  audience: 'https://orders.example',
  clients: [{ id: 'orders', authentication: { clientSecret }, may: ['introspect', 'feed'] }],
  dangerouslyAllowHttp: true,
})

// The service, usually another program on another machine. It has no store, and no secret but its own.
const verifier = createTokenVerifier({
  issuer,
  audience: 'https://orders.example',
  client: { id: 'orders', clientSecret },
  revokedWithin: seconds(5),
  requiredScopes: ['orders:read'],
  dangerouslyAllowHttp: true,
})
const service = createServer(async (req, res) => {
  const access = await verifier.node(req)
  if (access.state === 'refused') return void res.writeHead(access.status, access.headers).end()
  res.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ of: access.subject, by: access.revocation }))
}).listen(0, '127.0.0.1')
await once(service, 'listening')
const orders = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
const call = (token: string) => fetch(orders, { headers: { authorization: `Bearer ${token}` } })

let stolen = ''
app.use(tokens.node)
app.use(sessionMiddleware(sessions, { dangerouslyAllowHttp: true }))
app.get('/', (req, res) => void res.json({ subject: req.session.subject ?? null }))
app.get('/orders', async (req, res) => {
  stolen = (await tokens.mint(req.session, { scope: ['orders:read'] })).accessToken
  res.json(await (await call(stolen)).json())
})
app.get('/steal', async (_req, res) => void res.json({ status: (await call(stolen)).status }))
app.post('/login/:name', async (req, res) => res.json(await req.session.signIn({ subject: req.params.name, method: 'pwd' })))
app.post('/logout', async (req, res) => res.json(await req.session.signOut()))
console.log(issuer)
