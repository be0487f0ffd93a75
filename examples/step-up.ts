/**
 * Asks for a second factor. Start it with `npm run example examples/step-up.ts` and post with `-H 'Origin: http://localhost:3000'`: `/login/ada`, `/app`
 * (gives the secret for an authenticator app), `/app/123456` (confirms its code); `/safe` then opens, and asks for `/code/123456` five minutes later.
 */
import { randomBytes } from 'node:crypto'
import express from 'express'
import { createSessions, minutes } from 'sojourn'
import { assuranceErrors, requireAssurance, type SessionApplication, sessionMiddleware } from 'sojourn/express'
import { createStepUp } from 'sojourn/stepup'
import { memoryFactorStore } from 'sojourn/stepup/stores/memory'
import { memoryStore } from 'sojourn/stores/memory'

const sessions = createSessions({
  store: memoryStore(),
  keys: process.env.SESSION_KEYS ?? randomBytes(32).toString('base64url'), // npx sojourn keys
})
const stepUp = createStepUp(sessions, {
  factors: memoryFactorStore(), // sqliteFactorStore('factors.db') keeps them
  issuer: 'Example',
  pages: { stepUp: '/step-up', whilePending: ['/code/*', '/logout'] },
})

const app: SessionApplication<typeof sessions> = express()
// For this machine only: behind TLS, leave out dangerouslyAllowHttp and the cookie becomes __Host-sjn.
app.use(sessionMiddleware(sessions, { guards: [stepUp], dangerouslyAllowHttp: true }))

app.post('/login/:name', async (req, res) => {
  // Check the password here. Who has an app is pending until /code.
  res.json(await stepUp.signIn(req.session, { subject: req.params.name, method: 'pwd' }))
})
app.post('/app', async (req, res) => {
  const { secret, uri } = await stepUp.totp.begin(req.session, { account: req.session.subject ?? '' })
  res.json({ secret, uri })
})
app.post('/app/:code', async (req, res) => {
  res.json(await stepUp.totp.confirm(req.session, req.params.code, { name: 'My phone' }))
})
app.post('/code/:code', async (req, res) => {
  const outcome = await stepUp.totp.verify(req.session, req.params.code)
  res.status(outcome.ok ? 200 : 401).json(outcome)
})
app.get('/safe', requireAssurance({ acr: 'aal2', maxAge: minutes(5) }), (_req, res) => {
  res.json({ gold: 12 })
})
app.post('/logout', async (req, res) => {
  await req.session.signOut()
  res.json({})
})
app.get('/', (req, res) => {
  res.json({ subject: req.session.subject ?? null, acr: req.session.acr, due: req.session.pending })
})
app.use(assuranceErrors())

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  const address = server.address()
  console.log(`http://localhost:${typeof address === 'object' ? address?.port : ''}`)
})
