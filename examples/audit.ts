/**
 * Keeps an audit log and lets an administrator search and verify it. Start it with `npm run example examples/audit.ts`. Post with `-H 'Origin: http://localhost:3000'`: `/login/ada`,
 * `/end/<id of a session>?reason=stolen-laptop`. Look at `/audit?subject=ada`, `/audit/verify`, `/audit/export`.
 */
import { randomBytes } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import express from 'express'
import { createSessions } from 'sojourn'
import { type SessionApplication, sessionMiddleware } from 'sojourn/express'
import { type AuditCheckpoint, auditLog } from 'sojourn/monitor/audit'
import { sqliteAuditStore } from 'sojourn/monitor/audit-sqlite'
import { memoryStore } from 'sojourn/stores/memory'

const sessions = createSessions({
  store: memoryStore(),
  keys: process.env.SESSION_KEYS ?? randomBytes(32).toString('base64url'), // npx sojourn keys
})
let latest: AuditCheckpoint | undefined
const audit = auditLog(sessions, {
  store: sqliteAuditStore(process.env.AUDIT ?? ':memory:'), // sqliteAuditStore('audit.db') survives a restart
  checkpointEvery: 10,
  onCheckpoint(checkpoint) {
    latest = checkpoint
    // Where whoever can write to the log cannot: another system's log, a mailbox, an object store with a lock.
    if (process.env.ANCHORS) appendFileSync(process.env.ANCHORS, `${JSON.stringify(checkpoint)}\n`)
  },
})

const app: SessionApplication<typeof sessions> = express()
app.use(sessionMiddleware(sessions, { dangerouslyAllowHttp: true })) // only on localhost

app.get('/', (req, res) => void res.json({ subject: req.session.subject ?? null }))
app.post('/login/:name', async (req, res) => {
  await req.session.signIn({ subject: req.params.name, method: 'pwd' })
  res.json({ id: req.session.id })
})
app.post('/logout', async (req, res) => void res.json(await req.session.signOut()))
// The rest is for administrators only: check that here, with requireAssurance({ acr: 'aal2' }) for a second factor.
app.post('/end/:id', async (req, res) => {
  const [sessionId, actor, reason] = [req.params.id, req.session.subject ?? 'nobody', String(req.query.reason ?? 'revoked')]
  await audit.record({ action: 'admin.session-end-asked', actor, sessionId, reason }) // First the entry, then the deed.
  res.json({ ended: await sessions.revoke(sessionId, { reason, actor }) })
})
app.get('/audit', async (req, res) => {
  const [subject, older] = [req.query.subject, req.query.older].map((text) => (text === undefined ? undefined : String(text)))
  res.json(await audit.search({ subject, older, limit: 20 }))
})
app.get('/audit/verify', async (_req, res) => {
  res.json(await audit.verify(latest && { anchor: latest }))
})
app.get('/audit/export', (_req, res) => {
  Readable.from(audit.export({ format: 'ecs' })).pipe(res.type('application/x-ndjson'))
})

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  const address = server.address()
  console.log(`http://localhost:${typeof address === 'object' ? address?.port : ''}`)
})
