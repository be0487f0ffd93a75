/**
 * Security headers, a nonce, checked input and a safe `next`. Start it with `npm run example examples/headers.ts` and open
 * http://localhost:3000/page?next=/basket: the script of the page runs, one that somebody injects does not.
 */
import { randomBytes } from 'node:crypto'
import express from 'express'
import { createSessions, hours, minutes } from 'sojourn'
import { type SessionApplication, sessionMiddleware } from 'sojourn/express'
import { cspNonce, parseReports, securityHeaders } from 'sojourn/headers'
import { returnTo, validInput } from 'sojourn/input'
import { memoryStore } from 'sojourn/stores/memory'
import { z } from 'zod'

const sessions = createSessions({
  store: memoryStore(),
  keys: process.env.SESSION_KEYS ?? randomBytes(32).toString('base64url'), // npx sojourn keys
  policy: { idleTimeout: minutes(30), absoluteTimeout: hours(12) },
})
const Login = z.object({ name: z.string().regex(/^[a-z]{1,20}$/, 'One to twenty small letters.') })

const app: SessionApplication<typeof sessions> = express()
// Before the session, so that refusals and failures carry them too. Strict-Transport-Security is said over TLS only.
app.use(securityHeaders({ reportTo: '/reports' }))
app.post('/reports', express.text({ type: () => true, limit: '64kb' }), (req, res) => {
  for (const { directive, blocked, page } of parseReports(req.body)) console.error('blocked', directive, blocked, page)
  res.sendStatus(204)
})
// For this machine only: behind TLS, leave the option out and the cookie becomes __Host-sjn.
app.use(sessionMiddleware(sessions, { dangerouslyAllowHttp: true }))

app.get('/', securityHeaders({ preset: 'api' }), (req, res) => {
  res.json({ subject: req.session.subject ?? null })
})
app.get('/page', (req, res) => {
  const next = encodeURIComponent(returnTo(req.query.next))
  res.send(`<!doctype html><title>Sign in</title>
    <form method="post" action="/login/ada?next=${next}"><button>Sign in as Ada</button></form>
    <script nonce="${cspNonce(res)}">document.title += ' (the script ran)'</script>`)
})
app.post('/login/:name', async (req, res) => {
  const login = await validInput(Login, req.params)
  if (!login.ok) return void res.status(400).json({ issues: login.issues })
  // Check the proof here: a password, a passkey, a provider's answer.
  await req.session.signIn({ subject: login.value.name, method: 'pwd' })
  res.redirect(303, returnTo(req.query.next))
})
app.post('/logout', async (req, res) => {
  await req.session.signOut()
  res.redirect(303, '/')
})

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  const address = server.address()
  console.log(`http://localhost:${typeof address === 'object' ? address?.port : ''}`)
})
