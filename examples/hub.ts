/**
 * Signs a connected application out when a session ends. Start it with `npm run example examples/hub.ts`; the application listens where CLUB_LOGOUT_URI says and
 * verifies logout tokens with `/.well-known/jwks.json`. Post with `-H 'Origin: http://localhost:3000'`: `/login/ada`, `/club` (signs in at the application), `/logout`.
 */
import { randomBytes } from 'node:crypto'
import express from 'express'
import { createSessions } from 'sojourn'
import { type SessionApplication, sessionMiddleware } from 'sojourn/express'
import { createHub } from 'sojourn/oidc'
import { sqliteOutbox } from 'sojourn/oidc/stores/sqlite'
import { memoryStore } from 'sojourn/stores/memory'
import { createTokens } from 'sojourn/tokens'

const sessions = createSessions({
  store: memoryStore(),
  keys: process.env.SESSION_KEYS ?? randomBytes(32).toString('base64url'), // npx sojourn keys
})
// For this machine only: behind TLS, leave out dangerouslyAllowHttp, here and below.
const dangerouslyAllowHttp = true
const tokens = createTokens(sessions, { issuer: 'https://shop.example', audience: 'club', dangerouslyAllowHttp })
const hub = createHub(sessions, {
  signer: tokens.signer,
  outbox: sqliteOutbox(process.env.OUTBOX ?? ':memory:'), // sqliteOutbox('outbox.db') survives a restart
  clients: [{ id: 'club', logoutUri: process.env.CLUB_LOGOUT_URI ?? 'http://localhost:3001/logout', name: 'The Club' }],
  dangerouslyAllowHttp,
})
hub.start()

const app: SessionApplication<typeof sessions> = express()
app.use(tokens.node)
app.use(sessionMiddleware(sessions, { dangerouslyAllowHttp }))

app.get('/', (req, res) => {
  res.json({ subject: req.session.subject ?? null })
})
app.post('/login/:name', async (req, res) => {
  // Check the proof here: a password, a passkey.
  await req.session.signIn({ subject: req.params.name, method: 'pwd' })
  res.redirect(303, '/')
})
app.post('/club', async (req, res) => {
  // First it is noted that the application takes part; then it is given a token of the session.
  const sid = await hub.connect(req.session, 'club')
  const { accessToken } = await tokens.mint(req.session)
  res.json({ sid, accessToken })
})
app.post('/logout', async (req, res) => {
  await req.session.signOut()
  res.redirect(303, '/')
})
app.get('/deliveries', async (_req, res) => {
  res.json(await hub.deliveries()) // For administrators only.
})

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  const address = server.address()
  console.log(`http://localhost:${typeof address === 'object' ? address?.port : ''}`)
})
