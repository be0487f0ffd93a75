/** express-session, with the options its manual recommends: no re-save, no row for visitors who store nothing. */
import type { RequestListener } from 'node:http'
import type { Store } from 'express-session'
import { connectNodeRedis, connectPostgres } from '../clients.ts'
import { newExpress } from '../http/bare.ts'
import { answer, type PeerData, type Prepared, peerData, SIGN_IN_ROUTE, type Surroundings, signInAll } from '../http/variant.ts'
import { newKey } from '../sample.ts'
import { loadPeer } from './install.ts'

type ExpressSession = typeof import('express-session')

const loadExpressSession = async (): Promise<ExpressSession> => (await import('express-session')).default

interface TouchOption {
  /** The store then does not learn that a session is used: each ends a fixed time after its last change. */
  readonly disableTouch: boolean
}

export async function expressSessionMemory(): Promise<Prepared> {
  return withStore(new (await loadExpressSession()).MemoryStore())
}

export function expressSessionRedis({ disableTouch }: TouchOption) {
  return async ({ servers }: Surroundings): Promise<Prepared> => {
    const { RedisStore } = await loadPeer<{ RedisStore: new (options: object) => Store }>('connect-redis')
    return withStore(new RedisStore({ client: await connectNodeRedis(servers), disableTouch }))
  }
}

export function expressSessionPostgres({ disableTouch }: TouchOption) {
  return async ({ servers }: Surroundings): Promise<Prepared> => {
    type Connect = (session: ExpressSession) => new (options: object) => Store
    const { default: connect } = await loadPeer<{ default: Connect }>('connect-pg-simple')
    const PgStore = connect(await loadExpressSession())
    return withStore(new PgStore({ pool: await connectPostgres(servers), createTableIfMissing: true, disableTouch }))
  }
}

async function withStore(store: Store): Promise<Prepared> {
  const app = await newExpress()
  const expressSession = await loadExpressSession()
  app.use(expressSession({ secret: newKey(), store, resave: false, saveUninitialized: false }))
  app.get(SIGN_IN_ROUTE, (req, res) => {
    Object.assign(req.session, peerData(Number(req.params.index)))
    res.end()
  })
  app.get('/', (req, res) => {
    const session = req.session as unknown as PeerData
    answer(res, session.user, session.basket?.length)
  })
  const listener = app as RequestListener
  return { listener, cookies: await signInAll(listener) }
}
