/**
 * Signs people in with an OpenID Provider. Start it with `ISSUER=https://login.example CLIENT_ID=... CLIENT_SECRET=... npm run example examples/sso.ts`, and
 * register what it prints with the provider. It starts without one; then signing in says that the provider is away.
 */
import { randomBytes } from 'node:crypto'
import express, { type NextFunction, type Request, type Response } from 'express'
import { createSessions, hours, isSojournError } from 'sojourn'
import { type SessionApplication, sessionMiddleware } from 'sojourn/express'
import { relyingParty } from 'sojourn/oidc'
import { memoryStore } from 'sojourn/stores/memory'

const port = Number(process.env.PORT ?? 3000)
const origin = `http://localhost:${port}`
const sessions = createSessions({
  store: memoryStore(),
  keys: process.env.SESSION_KEYS ?? randomBytes(32).toString('base64url'), // npx sojourn keys
})
const sso = relyingParty(sessions, {
  issuer: process.env.ISSUER ?? 'http://localhost:4000',
  clientId: process.env.CLIENT_ID ?? 'example',
  clientSecret: process.env.CLIENT_SECRET ?? 'what the provider gave',
  redirectUri: `${origin}/signed-in`,
  postLogoutRedirectUri: `${origin}/signed-out`,
  maxAuthAge: hours(8),
  dangerouslyAllowHttp: true, // for this machine only: behind TLS, leave it out
})

const app: SessionApplication<typeof sessions> = express()
app.use(sso.node) // the provider's word that somebody signed out; before the sessions
app.use(sessionMiddleware(sessions, { guards: [sso], dangerouslyAllowHttp: true }))

app.post('/sign-in', async (req, res) => res.redirect(303, await sso.start(req.session, { returnTo: req.query.returnTo })))
app.get('/signed-in', async (req, res) => {
  const outcome = await sso.finish(req.session)
  if (outcome.ok) res.redirect(303, outcome.returnTo)
  else res.status(400).json({ failed: outcome.reason })
})
app.post('/sign-out', async (req, res) => res.redirect(303, await sso.signOut(req.session)))
app.get('/signed-out', async (req, res) => {
  const outcome = await sso.finishSignOut(req.session)
  res.redirect(303, outcome.ok ? outcome.returnTo : '/')
})
app.get('/', (req, res) => {
  res.json({ subject: req.session.subject ?? null, acr: req.session.acr })
})
app.use((error: unknown, _req: Request, res: Response, _next: NextFunction) => {
  res.status(isSojournError(error) ? error.status : 500).json({ failed: isSojournError(error) ? error.code : 'unknown' })
})

const server = app.listen(port, '127.0.0.1', () => {
  const address = server.address()
  console.log(`http://localhost:${typeof address === 'object' ? address?.port : ''}`)
  console.log(JSON.stringify(sso.registration))
})
