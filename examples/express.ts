/**
 * Sessions in Express 4 or 5. Start it with `npm run example examples/express.ts`, then
 * `curl -c jar -b jar -X POST -H 'Origin: http://localhost:3000' localhost:3000/login/ada && curl -b jar localhost:3000/`
 */
import { randomBytes } from 'node:crypto'
import express, { type NextFunction, type Request, type Response } from 'express'
import { createSessions, hours, isSojournError, minutes } from 'sojourn'
import { type SessionApplication, type SessionRequest, sessionMiddleware } from 'sojourn/express'
import { memoryStore } from 'sojourn/stores/memory'
import { z } from 'zod'

const sessions = createSessions({
  store: memoryStore(),
  keys: process.env.SESSION_KEYS ?? randomBytes(32).toString('base64url'), // npx sojourn keys
  data: z.object({ basket: z.array(z.string()).default([]) }),
  policy: { idleTimeout: minutes(30), absoluteTimeout: hours(12) },
})

const app: SessionApplication<typeof sessions> = express()
// For this machine only: behind TLS, leave the option out and the cookie becomes __Host-sjn.
app.use(sessionMiddleware(sessions, { dangerouslyAllowHttp: true }))

app.get('/', (req, res) => {
  res.json({ subject: req.session.subject ?? null, basket: req.session.data.basket })
})
app.post('/login/:name', async (req, res) => {
  // Check the proof here: a password, a passkey, a provider's answer.
  await req.session.signIn({ subject: req.params.name, method: 'pwd', keep: ['basket'] })
  res.redirect(303, '/')
})
app.post('/logout', async (req, res) => {
  await req.session.signOut()
  res.redirect(303, '/')
})
app.put('/basket/:item', requireSubject, (req, res) => {
  req.session.data.basket.push(req.params.item)
  res.json({ basket: req.session.data.basket })
})
app.use((error: unknown, _req: Request, res: Response, next: NextFunction) => {
  // Retry-After is set already. Whoever is signed in stays so: only the store is away.
  if (isSojournError(error, 'ERR_STORE_UNAVAILABLE')) res.status(503).json({ error: 'Try again in a moment.' })
  else next(error)
})

function requireSubject(req: SessionRequest<typeof sessions>, res: Response, next: NextFunction): void {
  if (req.session.subject === undefined) res.status(401).json({ error: 'Sign in first.' })
  else next()
}

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  const address = server.address()
  console.log(`http://localhost:${typeof address === 'object' ? address?.port : ''}`)
})
