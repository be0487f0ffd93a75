/**
 * Logs every event and shows what Prometheus reads. Start it with `npm run example examples/metrics.ts`, post to `/login/ada` and `/logout` with `-H 'Origin: http://localhost:3000'`,
 * and look at `http://127.0.0.1:METRICS_PORT/metrics` (9464 unless said otherwise). docs/monitoring/grafana-dashboard.json draws it.
 */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import express from 'express'
import pino from 'pino'
import { createSessions } from 'sojourn'
import { type SessionApplication, sessionMiddleware } from 'sojourn/express'
import { logEvents } from 'sojourn/monitor/logger'
import { measuredStore, metrics } from 'sojourn/monitor/metrics'
import { memoryStore } from 'sojourn/stores/memory'

const store = measuredStore(memoryStore()) // measuredStore(tracedStore(..., tracer)) has spans as well
const sessions = createSessions({
  store,
  keys: process.env.SESSION_KEYS ?? randomBytes(32).toString('base64url'), // npx sojourn keys
})
logEvents(sessions, pino(pino.destination(2)))
// With OpenTelemetry: metrics(sessions, { store, meter: api.metrics.getMeter('sojourn') })
const { prometheus } = metrics(sessions, { store })

// On an address of its own, which visitors do not reach: it tells how many sign in, and how many are attacked.
const inside = createServer((_req, res) => {
  const { contentType, body } = prometheus()
  res.writeHead(200, { 'content-type': contentType }).end(body)
})
inside.listen(Number(process.env.METRICS_PORT ?? 9464), '127.0.0.1')

const app: SessionApplication<typeof sessions> = express()
// For this machine only: behind TLS, leave out dangerouslyAllowHttp and the cookie becomes __Host-sjn.
app.use(sessionMiddleware(sessions, { dangerouslyAllowHttp: true }))
app.get('/', (req, res) => {
  res.json({ subject: req.session.subject ?? null })
})
app.post('/login/:name', async (req, res) => {
  await req.session.signIn({ subject: req.params.name, method: 'pwd' }) // after the proof: a password, a passkey
  res.redirect(303, '/')
})
app.post('/logout', async (req, res) => {
  await req.session.signOut()
  res.redirect(303, '/')
})

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  const address = server.address()
  const metricsAt = inside.address()
  console.log(`http://localhost:${typeof address === 'object' ? address?.port : ''}`)
  console.log(`metrics: http://127.0.0.1:${typeof metricsAt === 'object' ? metricsAt?.port : ''}/metrics`)
})
