/** Sojourn as a user would set it up, with its defaults: on each framework, with each store. */
import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import type { Policy, Session, Sessions, Store } from 'sojourn'
import { connectIoredis, connectMemcached, connectNodeRedis, connectPostgres } from '../clients.ts'
import { loadEntry } from '../package.ts'
import { newFastify, send } from '../peers/fastify.ts'
import { newKey, type SampleData, SESSIONS, sampleData, subjectOf } from '../sample.ts'
import { newExpress } from './bare.ts'
import { answer, ITEMS, type Prepared, type Renewal, type Surroundings } from './variant.ts'

export type StoreName =
  | 'memory'
  | 'sqlite'
  | 'redis, ioredis'
  | 'redis, node-redis'
  | 'postgres'
  | 'memcached'
  | 'cookie'
  | 'cookie, ledger in redis'
  | 'near cache, redis'

export interface SojournOptions {
  readonly isDataRead: boolean
  /** The requests go through so many sessions in turn. */
  readonly count?: number
}

/** Loopback without TLS: the prefix `__Host-` needs Secure. Nothing else differs from the defaults. */
export const COOKIE = { dangerouslyAllowHttp: true } as const
const COOKIE_NAME = 'sjn'

export function sojournOnNode(storeName: StoreName, { isDataRead, count = SESSIONS }: SojournOptions) {
  return async (surroundings: Surroundings): Promise<Prepared> => {
    const { withSession } = await loadEntry(surroundings.packageFolder, 'node')
    const { sessions, ...cookies } = await prepareSessions(storeName, surroundings, count)
    const listener = withSession(
      sessions,
      (_req, res, session) => answer(res, session.subject, isDataRead ? session.data.basket?.length : ITEMS),
      COOKIE,
    )
    return { listener, ...cookies }
  }
}

export function sojournOnExpress(storeName: StoreName, { isDataRead, count = SESSIONS }: SojournOptions) {
  return async (surroundings: Surroundings): Promise<Prepared> => {
    const { sessionMiddleware } = await loadEntry(surroundings.packageFolder, 'express')
    const { sessions, ...cookies } = await prepareSessions(storeName, surroundings, count)
    const app = await newExpress()
    app.use(sessionMiddleware(sessions, COOKIE))
    app.get('/', (req, res) => {
      const { session } = req as unknown as { session: Session<SampleData> }
      answer(res, session.subject, isDataRead ? session.data.basket?.length : ITEMS)
    })
    return { listener: app as RequestListener, ...cookies }
  }
}

/** There is no adapter for Fastify yet: this is the entry for node:http in a hook, as its users do it today. */
export function sojournOnFastify(storeName: StoreName, { isDataRead, count = SESSIONS }: SojournOptions) {
  return async (surroundings: Surroundings): Promise<Prepared> => {
    const { nodeSession } = await loadEntry(surroundings.packageFolder, 'node')
    const { sessions, ...cookies } = await prepareSessions(storeName, surroundings, count)
    const open = nodeSession(sessions, COOKIE)
    const app = await newFastify<{ session: Session<SampleData> }>()
    app.decorateRequest('session', null)
    app.addHook('onRequest', async (request, reply) => {
      request.session = await open(request.raw, reply.raw)
    })
    app.get('/', (request, reply) => {
      const { subject, data } = request.session
      send(reply, subject, isDataRead ? data.basket?.length : ITEMS)
    })
    await app.ready()
    return { listener: app.routing, ...cookies }
  }
}

/** Everybody signed in. `policy` is the default where it is left out. */
export async function prepareSessions(
  storeName: StoreName,
  surroundings: Surroundings,
  count: number,
  policy: Partial<Policy> = {},
) {
  const { createSessions } = await loadEntry(surroundings.packageFolder, 'core')
  const store = await openStore(storeName, surroundings)
  const sessions: Sessions<SampleData> = createSessions<StandardSchema<SampleData>>({ store, keys: newKey(), policy })
  const signInAll = async () => {
    const cookies: string[] = []
    for (let index = 0; index < count; index++) {
      const session = sessions.anonymous()
      Object.assign(session.data, sampleData())
      await session.signIn({ subject: subjectOf(index), method: 'pwd', keep: ['basket', 'locale', 'theme'] })
      const { token } = await session.commit()
      cookies.push(`${COOKIE_NAME}=${token}`)
    }
    return cookies
  }
  const renewal: Renewal = { afterMs: renewAfter(store), cookies: signInAll }
  return { sessions, cookies: await signInAll(), renewal }
}

/**
 * A browser gets a new cookie when a session's token is renewed (after 15 minutes), and a sealed cookie whenever its last use is
 * recorded (after a minute and a half). The load never takes one, and would measure such a write on each request.
 */
function renewAfter({ capabilities }: Store): number {
  return capabilities.carries === undefined ? 10 * 60_000 : 60_000
}

type StandardSchema<Data> = import('@standard-schema/spec').StandardSchemaV1<unknown, Data>

async function openStore(storeName: StoreName, { packageFolder, dataFolder, servers }: Surroundings): Promise<Store> {
  const load = <Name extends Parameters<typeof loadEntry>[1]>(name: Name) => loadEntry(packageFolder, name)
  const redis = async () => (await load('redis')).redisStore(await connectIoredis(servers))
  switch (storeName) {
    case 'memory':
      return (await load('memory')).memoryStore()
    case 'sqlite':
      return (await load('sqlite')).sqliteStore(join(dataFolder, `sojourn-${process.pid}.db`))
    case 'redis, ioredis':
      return redis()
    case 'redis, node-redis':
      return (await load('redis')).redisStore(await connectNodeRedis(servers))
    case 'postgres': {
      const store = (await load('postgres')).postgresStore(await connectPostgres(servers))
      await store.migrate()
      return store
    }
    case 'memcached':
      return (await load('memcached')).memcachedStore(await connectMemcached(servers))
    case 'cookie':
      return (await load('cookie')).cookieStore()
    case 'cookie, ledger in redis':
      return (await load('cookie')).cookieStore({ ledger: await redis() })
    case 'near cache, redis':
      return (await load('nearCache')).nearCache(await redis(), { maxStaleness: 5000 })
  }
}
