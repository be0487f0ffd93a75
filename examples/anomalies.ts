/**
 * Asks for more where a sign-in looks unlike its person. Start it with `npm run example examples/anomalies.ts` and post to `/login/ada` with `-H 'Origin: http://localhost:3000'`: what was found
 * is printed. GEO_ASN and GEO_CITY are paths of MaxMind databases. With a real policy, leave out `shadow` after some weeks.
 */
import { randomBytes } from 'node:crypto'
import express from 'express'
import { createSessions } from 'sojourn'
import { type SessionApplication, sessionMiddleware } from 'sojourn/express'
import { anomalyDetection } from 'sojourn/monitor/anomalies'
import { memoryStore } from 'sojourn/stores/memory'

const sessions = createSessions({
  store: memoryStore(),
  keys: process.env.SESSION_KEYS ?? randomBytes(32).toString('base64url'), // npx sojourn keys
})
const { GEO_ASN: asn, GEO_CITY: city, SHADOW } = process.env
const anomalies = anomalyDetection(sessions, { geo: { ...(asn && { asn }), ...(city && { city }) }, shadow: SHADOW !== 'no' })
sessions.events.on('anomaly.detected', ({ signal, score, action, reason }) =>
  console.log(`${signal} ${score} ${action}: ${reason}`),
)

const app: SessionApplication<typeof sessions> = express()
// For this machine only: behind TLS, leave out dangerouslyAllowHttp.
app.use(sessionMiddleware(sessions, { guards: [anomalies], dangerouslyAllowHttp: true }))

app.get('/', (req, res) => {
  res.json({ subject: req.session.subject ?? null, isProved: req.session.meets() })
})
app.post('/login/:name', async (req, res) => {
  // Check the password here. Then:
  const subject = req.params.name
  const { action, isShadow } = await anomalies.assess({ subject, session: req.session })
  if (action === 'revoke' && !isShadow) return void res.status(403).send('Please call us.')
  await req.session.signIn({ subject, method: 'pwd', ...(action === 'step-up' && !isShadow && { due: 'aal2' }) })
  res.redirect(303, '/')
})
app.post('/logout', async (req, res) => {
  await req.session.signOut()
  res.redirect(303, '/')
})

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  const address = server.address()
  console.log(`http://localhost:${typeof address === 'object' ? address?.port : ''}`)
})
