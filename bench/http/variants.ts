/** What is measured over HTTP. Each variant is a request handler in front of the same answer, and the cookies of the sessions it holds. */
import { createHash, createHmac, hash, randomBytes } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import express, { type Express } from 'express'
import expressSession, { MemoryStore, type SessionData } from 'express-session'
import type { Sessions, Store } from 'sojourn'
import { loadEntry } from '../package.ts'
import { answerOf, newKey, type SampleData, SESSIONS, sampleData, subjectOf } from '../sample.ts'

/** A server to load. */
export interface Prepared {
  readonly listener: RequestListener
  /** `Cookie` headers of live sessions; the n-th belongs to `subjectOf(n)`. None for a bare server. */
  readonly cookies: readonly string[]
}

export interface Surroundings {
  /** Folder of the compiled package. */
  readonly packageFolder: string
  /** Folder for database files. */
  readonly dataFolder: string
}

export interface Variant {
  readonly name: string
  /** What its session cost is counted above. */
  readonly bare: 'node:http' | 'express'
  /** A floor is written by hand for this bench and has no more than the look-up. */
  readonly kind: 'bare' | 'floor' | 'sojourn' | 'peer'
  readonly prepare: (surroundings: Surroundings) => Promise<Prepared>
}

export const VARIANTS: readonly Variant[] = [
  { name: 'node:http', bare: 'node:http', kind: 'bare', prepare: async () => ({ listener: bareListener, cookies: [] }) },
  { name: 'node:http + floor: opaque token, Map', bare: 'node:http', kind: 'floor', prepare: floorMap },
  { name: 'node:http + sojourn memory', bare: 'node:http', kind: 'sojourn', prepare: sojournOnNode('memory', false) },
  {
    name: 'node:http + sojourn memory, 10,000 sessions',
    bare: 'node:http',
    kind: 'sojourn',
    prepare: sojournOnNode('memory', false, 10_000),
  },
  { name: 'node:http + sojourn memory, data read', bare: 'node:http', kind: 'sojourn', prepare: sojournOnNode('memory', true) },
  { name: 'node:http + floor: opaque token, SQLite', bare: 'node:http', kind: 'floor', prepare: floorSqlite },
  { name: 'node:http + sojourn sqlite', bare: 'node:http', kind: 'sojourn', prepare: sojournOnNode('sqlite', false) },
  {
    name: 'node:http + sojourn sqlite, 10,000 sessions',
    bare: 'node:http',
    kind: 'sojourn',
    prepare: sojournOnNode('sqlite', false, 10_000),
  },
  { name: 'node:http + sojourn sqlite, data read', bare: 'node:http', kind: 'sojourn', prepare: sojournOnNode('sqlite', true) },
  { name: 'express', bare: 'express', kind: 'bare', prepare: bareExpress },
  { name: 'express + express-session MemoryStore', bare: 'express', kind: 'peer', prepare: expressSessionMemory },
  { name: 'express + sojourn memory', bare: 'express', kind: 'sojourn', prepare: sojournOnExpress('memory', false) },
  { name: 'express + sojourn memory, data read', bare: 'express', kind: 'sojourn', prepare: sojournOnExpress('memory', true) },
  { name: 'express + sojourn sqlite, data read', bare: 'express', kind: 'sojourn', prepare: sojournOnExpress('sqlite', true) },
]

const ITEMS = sampleData().basket.length
const indices = Array.from({ length: SESSIONS }, (_, index) => index)

function answer(res: ServerResponse, subject: string | undefined, items = ITEMS): void {
  const body = subject === undefined ? '{"error":"unauthenticated"}' : answerOf(subject, items)
  res.writeHead(subject === undefined ? 401 : 200, { 'Content-Type': 'application/json', 'Content-Length': body.length })
  res.end(body)
}

function bareListener(_req: IncomingMessage, res: ServerResponse): void {
  answer(res, subjectOf(0))
}

/** The least that a server-side session can be: find the cookie, hash the token, look it up. No expiry, no rotation, no MAC. */
async function floorMap(): Promise<Prepared> {
  const { cookies, hashes } = floorTokens()
  const sessions = new Map(hashes.map((key, index) => [key, { user: subjectOf(index), ...sampleData() }]))
  return {
    cookies,
    listener(req, res) {
      const session = sessions.get(floorHash(req))
      answer(res, session?.user, session?.basket.length)
    },
  }
}

async function floorSqlite({ dataFolder }: Surroundings): Promise<Prepared> {
  const { cookies, hashes } = floorTokens()
  const database = new DatabaseSync(join(dataFolder, 'floor.db'))
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE sessions (id TEXT PRIMARY KEY, data TEXT)')
  const insert = database.prepare('INSERT INTO sessions VALUES (?, ?)')
  for (const [index, key] of hashes.entries()) insert.run(key, JSON.stringify({ user: subjectOf(index), ...sampleData() }))
  const get = database.prepare('SELECT data FROM sessions WHERE id = ?')
  return {
    cookies,
    listener(req, res) {
      const row = get.get(floorHash(req))
      const session = row && (JSON.parse(String(row.data)) as SampleData & { user: string })
      answer(res, session?.user, session?.basket?.length)
    },
  }
}

const FLOOR_COOKIE = 'sid='

function floorTokens() {
  const tokens = indices.map(() => randomBytes(32).toString('base64url'))
  return {
    cookies: tokens.map((token) => FLOOR_COOKIE + token),
    hashes: tokens.map((token) => createHash('sha256').update(token).digest('base64url')),
  }
}

function floorHash(req: IncomingMessage): string {
  const header = req.headers.cookie ?? ''
  const start = header.indexOf(FLOOR_COOKIE) + FLOOR_COOKIE.length
  return hash('sha256', header.slice(start, start + 43), 'base64url')
}

async function bareExpress(): Promise<Prepared> {
  const app = newExpress()
  app.get('/', bareListener)
  return { listener: app as RequestListener, cookies: [] }
}

function newExpress(): Express {
  const app = express()
  // Both would be the same on every variant, and hide what the session costs.
  app.disable('x-powered-by').disable('etag')
  return app
}

type PeerData = SessionData & SampleData & { user?: string }

/** With the options its manual recommends: no re-save, no row for visitors who store nothing. */
async function expressSessionMemory(): Promise<Prepared> {
  const secret = newKey()
  const store = new MemoryStore()
  const cookies = indices.map((index) => {
    const id = randomBytes(24).toString('base64url')
    const cookie = { originalMaxAge: null, httpOnly: true, path: '/' }
    store.set(id, { cookie, user: subjectOf(index), ...sampleData() } as unknown as SessionData)
    const signature = createHmac('sha256', secret).update(id).digest('base64').replace(/=+$/, '')
    return `connect.sid=${encodeURIComponent(`s:${id}.${signature}`)}`
  })
  const app = newExpress()
  app.use(expressSession({ secret, store, resave: false, saveUninitialized: false }))
  app.get('/', (req, res) => {
    const session = req.session as unknown as PeerData
    answer(res, session.user, session.basket?.length)
  })
  return { listener: app as RequestListener, cookies }
}

type StoreName = 'memory' | 'sqlite'

/** `count`: the requests go through so many sessions in turn; 10,000 are more than core's memo of records holds. */
function sojournOnNode(storeName: StoreName, isDataRead: boolean, count = SESSIONS) {
  return async (surroundings: Surroundings): Promise<Prepared> => {
    const { withSession } = await loadEntry(surroundings.packageFolder, 'node')
    const { sessions, cookies } = await sojournSessions(storeName, surroundings, count)
    const listener = withSession(
      sessions,
      (_req, res, session) => answer(res, session.subject, isDataRead ? session.data.basket?.length : ITEMS),
      COOKIE,
    )
    return { listener, cookies }
  }
}

function sojournOnExpress(storeName: StoreName, isDataRead: boolean) {
  return async (surroundings: Surroundings): Promise<Prepared> => {
    const { sessionMiddleware } = await loadEntry(surroundings.packageFolder, 'express')
    const { sessions, cookies } = await sojournSessions(storeName, surroundings, SESSIONS)
    const app = newExpress()
    app.use(sessionMiddleware(sessions, COOKIE))
    app.get('/', (req, res) => {
      const { session } = req as unknown as { session: Awaited<ReturnType<Sessions<SampleData>['read']>> }
      answer(res, session.subject, isDataRead ? session.data.basket?.length : ITEMS)
    })
    return { listener: app as RequestListener, cookies }
  }
}

/** Loopback without TLS: the prefix `__Host-` needs Secure. Nothing else differs from the defaults. */
const COOKIE = { dangerouslyAllowHttp: true } as const
const COOKIE_NAME = 'sjn'

async function sojournSessions(storeName: StoreName, surroundings: Surroundings, count: number) {
  const { createSessions } = await loadEntry(surroundings.packageFolder, 'core')
  const store = await openStore(storeName, surroundings)
  const sessions: Sessions<SampleData> = createSessions<StandardSchema<SampleData>>({ store, keys: newKey() })
  const cookies: string[] = []
  for (let index = 0; index < count; index++) {
    const session = sessions.anonymous()
    Object.assign(session.data, sampleData())
    await session.signIn({ subject: subjectOf(index), method: 'pwd', keep: ['basket', 'locale', 'theme'] })
    const { token } = await session.commit()
    cookies.push(`${COOKIE_NAME}=${token}`)
  }
  return { sessions, cookies }
}

type StandardSchema<Data> = import('@standard-schema/spec').StandardSchemaV1<unknown, Data>

async function openStore(storeName: StoreName, { packageFolder, dataFolder }: Surroundings): Promise<Store> {
  if (storeName === 'memory') return (await loadEntry(packageFolder, 'memory')).memoryStore()
  return (await loadEntry(packageFolder, 'sqlite')).sqliteStore(join(dataFolder, `sojourn-${process.pid}.db`))
}
