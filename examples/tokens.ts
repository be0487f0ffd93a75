/**
 * A shop whose pages get no token: it calls the service for orders on behalf of who is signed in, with a token it mints for each call. Start it with
 * `npm run example examples/tokens.ts`, post `/login/ada` with `-H 'Origin: http://localhost:3000'`, and get `/api/orders/7`.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { createSessions } from 'sojourn'
import { type SessionApplication, sessionMiddleware } from 'sojourn/express'
import { memoryStore } from 'sojourn/stores/memory'
import { createTokens } from 'sojourn/tokens'

const sessions = createSessions({
  store: memoryStore(),
  keys: process.env.SESSION_KEYS ?? randomBytes(32).toString('base64url'), // npx sojourn keys
})
const app: SessionApplication<typeof sessions> = express()
const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1')
await once(server, 'listening')
const issuer = `http://localhost:${(server.address() as AddressInfo).port}` // https://shop.example
const tokens = createTokens(sessions, { issuer, audience: 'https://orders.example', dangerouslyAllowHttp: true })

// The service: it knows the issuer and its own name, and has no store. `sojourn/tokens/verify` also hears of sessions that end.
const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`))
const service = createServer(async (req, res) => {
  const token = req.headers.authorization?.replace(/^Bearer /, '') ?? ''
  const found = await jwtVerify(token, keys, { issuer, audience: 'https://orders.example', typ: 'at+jwt' }).catch(() => undefined)
  res.writeHead(found ? 200 : 401, { 'Content-Type': 'application/json' })
  res.end(JSON.stringify(found ? { of: found.payload.sub, order: req.url, cookie: req.headers.cookie ?? null } : {}))
}).listen(0, '127.0.0.1')
await once(service, 'listening')
const orders = process.env.ORDERS_URL ?? `http://127.0.0.1:${(service.address() as AddressInfo).port}`

app.use(tokens.node) // in front of the session: services call it, without a cookie
app.use(sessionMiddleware(sessions, { dangerouslyAllowHttp: true }))
app.get('/api/orders/:id', async (req, res) => {
  const { id } = req.params
  if (!/^\d{1,9}$/.test(id)) return void res.status(404).json({}) // `..` would lead to another path
  const { accessToken } = await tokens.mint(req.session, { scope: ['orders:read'] }) // 401 for who is not signed in
  // A host of ours, a path of ours, one header of ours: nothing that the browser sent goes on, its cookie least of all.
  const answer = await fetch(`${orders}/orders/${id}`, { headers: { authorization: `Bearer ${accessToken}` }, redirect: 'error' })
  res.status(answer.ok ? 200 : 502).json(answer.ok ? await answer.json() : {})
})
app.post('/login/:name', async (req, res) => {
  await req.session.signIn({ subject: req.params.name, method: 'pwd' }) // check the password here
  res.json({})
})
app.post('/logout', async (req, res) => {
  await req.session.signOut()
  res.json({})
})
app.get('/', (req, res) => void res.json({ subject: req.session.subject ?? null }))
console.log(issuer)
