/**
 * Sessions that a browser's device binds, in Express. Browsers bind over TLS alone, with a certificate they trust:
 * `TLS_KEY=key.pem TLS_CERT=cert.pem npm run example examples/dbsc.ts`. Without these it serves plain HTTP, and every session is unbound.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import express, { type NextFunction, type Request, type Response } from 'express'
import { createSessions, hours, isSojournError, minutes } from 'sojourn'
import { deviceBinding } from 'sojourn/dbsc'
import { type SessionApplication, sessionMiddleware } from 'sojourn/express'
import { memoryStore } from 'sojourn/stores/memory'

const { TLS_KEY, TLS_CERT, PORT = '3000' } = process.env
const tls = TLS_KEY && TLS_CERT ? { key: readFileSync(TLS_KEY), cert: readFileSync(TLS_CERT) } : undefined

const sessions = createSessions({
  store: memoryStore(),
  keys: process.env.SESSION_KEYS ?? randomBytes(32).toString('base64url'), // npx sojourn keys
  policy: { idleTimeout: minutes(30), absoluteTimeout: hours(12) },
})
sessions.events.on('binding.refused', ({ reason, sessionId }) => console.warn(`refused: ${reason}, session ${sessionId}`))

const binding = deviceBinding(sessions)
const app: SessionApplication<typeof sessions> = express()
// In front of the session: browsers call these endpoints by themselves.
app.use(binding.node)
app.use(sessionMiddleware(sessions, { guards: [binding], dangerouslyAllowHttp: tls === undefined }))

app.get('/', (req, res) => {
  res.json({ subject: req.session.subject ?? null, state: req.session.state, binding: req.session.binding })
})
app.post('/login/:name', async (req, res) => {
  // Check the proof here. The answer offers the browser to bind, and the browser does so behind the page.
  await req.session.signIn({ subject: req.params.name, method: 'pwd' })
  res.redirect(303, '/')
})
app.post('/pay', (req, res) => {
  // A stolen cookie never gets here: this needs a proof of the last ten minutes that the device is the one of the sign-in.
  req.session.requireBinding()
  res.json({ paid: true })
})
app.post('/logout', async (req, res) => {
  await req.session.signOut()
  res.redirect(303, '/')
})
app.use((error: unknown, _req: Request, res: Response, next: NextFunction) => {
  if (isSojournError(error, 'ERR_BINDING_REQUIRED')) res.status(403).json({ error: 'Pay from the device you signed in on.' })
  else next(error)
})

const server = tls ? createTlsServer(tls, app) : createServer(app)
server.listen(Number(PORT), '127.0.0.1', () => {
  const address = server.address()
  console.log(`${tls ? 'https' : 'http'}://localhost:${typeof address === 'object' ? address?.port : ''}`)
})
