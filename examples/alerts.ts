/**
 * Alerts operators, and tells people of new sign-ins. Start it with `npm run example examples/alerts.ts`, post to `/login/ada` with `-H 'Origin: http://localhost:3000'`, and
 * open the link that it prints: it shows what happened, and its button ends that session. ALERT_URL and ALERT_SECRET say where alerts go.
 */
import { randomBytes } from 'node:crypto'
import express from 'express'
import { createSessions } from 'sojourn'
import { type SessionApplication, sessionMiddleware } from 'sojourn/express'
import { type AlertChannel, alerts, email, newSignInNotice, webhook } from 'sojourn/monitor/alerts'
import { memoryStore } from 'sojourn/stores/memory'

const sessions = createSessions({
  store: memoryStore(),
  keys: process.env.SESSION_KEYS ?? randomBytes(32).toString('base64url'), // npx sojourn keys
})
const { ALERT_URL: url, ALERT_SECRET: secret = '' } = process.env
const channels: Record<string, AlertChannel> = {
  mail: email((alert) => console.error(`[${alert.level}] ${alert.rule}: ${alert.sentence}`)), // your mailer
  // For this machine only: behind TLS, leave out dangerouslyAllowHttp, here and below.
  ...(url && { ops: webhook({ url, secret, dangerouslyAllowHttp: true }) }),
}
alerts(sessions, { channels })
const notice = newSignInNotice(sessions, {
  tell: ({ subject, token }) => console.log(`Mail to ${subject}: new sign-in. Not you? /not-me?token=${token}`), // your mailer
})

const app: SessionApplication<typeof sessions> = express()
app.use(sessionMiddleware(sessions, { dangerouslyAllowHttp: true }), express.urlencoded({ extended: false }))

app.get('/', (req, res) => {
  res.json({ subject: req.session.subject ?? null })
})
app.post('/login/:name', async (req, res) => {
  // Check the proof here: a password, a passkey. Refuse a password that is locked by /not-me.
  await req.session.signIn({ subject: req.params.name, method: 'pwd' })
  res.redirect(303, '/')
})
// Changes nothing: mail scanners open every link.
app.get('/not-me', async (req, res) => {
  const { state } = await notice.describe(req.query.token)
  res.set('Referrer-Policy', 'no-referrer') // The token is in this page's address.
  if (state !== 'open') return void res.status(410).send('This link has been used, or its time is over.')
  const token = String(req.query.token) // Good, so of letters, digits, - and _ alone.
  res.send(`<form method="post"><input type="hidden" name="token" value="${token}"><button>This was not me</button></form>`)
})
app.post('/not-me', async (req, res) => {
  const outcome = await notice.confirm(req.body?.token)
  // Lock the password of outcome.subject here, and ask for a new one.
  res.status(outcome.ok ? 200 : 410).json(outcome)
})
app.post('/logout', async (req, res) => {
  await req.session.signOut()
  res.redirect(303, '/')
})

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  const address = server.address()
  console.log(`http://localhost:${typeof address === 'object' ? address?.port : ''}`)
})
