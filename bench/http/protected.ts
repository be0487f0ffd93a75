/** A session in memory with some of the protections, or with somebody else's, on each framework. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Session } from 'sojourn'
import { loadEntry } from '../package.ts'
import { newFastify, send } from '../peers/fastify.ts'
import { type SampleData, SESSIONS } from '../sample.ts'
import { newExpress } from './bare.ts'
import { COOKIE, prepareSessions } from './sojourn.ts'
import { answer, ITEMS, type Prepared, type Surroundings, TOKEN_ROUTE, tokensFor } from './variant.ts'

export type Middleware = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void

/** A peer's defence against forged requests, on Express. */
export interface PeerCsrf {
  readonly middleware: readonly Middleware[]
  readonly token: (req: IncomingMessage, res: ServerResponse) => string
}

export interface Protection {
  readonly traits?: true
  /** With a token: always asked for, as NIST wants it, besides the headers. */
  readonly csrf?: true | 'token'
  readonly headers?: true
  /** A peer's middleware in front of the session. */
  readonly first?: () => Promise<Middleware>
  /** And one behind it. */
  readonly last?: () => Promise<PeerCsrf>
}

/** Tokens are not renewed while a run lasts: a browser's other cookie and its header belong to the session it has. */
const POLICY = { rotateAfter: 6 * 3_600_000 }

export function protectedOnNode(protection: Protection) {
  return async (surroundings: Surroundings): Promise<Prepared> => {
    const { withSession } = await loadEntry(surroundings.packageFolder, 'node')
    const { sessions, cookies, spare } = await signedIn(surroundings)
    const inside = withSession(
      sessions,
      (req, res, session) => {
        if (req.url === TOKEN_ROUTE) res.end(session.csrfToken())
        else answer(res, session.subject, ITEMS)
      },
      await optionsFor(protection, surroundings),
    )
    const front = await frontOf(protection, surroundings)
    const listener: RequestListener =
      front === undefined ? (req, res) => void inside(req, res) : (req, res) => front(req, res, () => void inside(req, res))
    return withTokens(listener, cookies, spare, protection)
  }
}

export function protectedOnExpress(protection: Protection) {
  return async (surroundings: Surroundings): Promise<Prepared> => {
    const { sessionMiddleware } = await loadEntry(surroundings.packageFolder, 'express')
    const { sessions, cookies, spare } = await signedIn(surroundings)
    const app = await newExpress()
    const front = await frontOf(protection, surroundings)
    if (front !== undefined) app.use(front)
    app.use(sessionMiddleware(sessions, await optionsFor(protection, surroundings)))
    const peer = await protection.last?.()
    for (const middleware of peer?.middleware ?? []) app.use(middleware)
    const sessionOf = (req: unknown) => (req as { session: Session<SampleData> }).session
    app.get(TOKEN_ROUTE, (req, res) => void res.end(peer?.token(req, res) ?? sessionOf(req).csrfToken()))
    app.all('/', (req, res) => answer(res, sessionOf(req).subject, ITEMS))
    // Its own would write each refusal to the console.
    app.use((error: { status?: number }, _req: IncomingMessage, res: ServerResponse, _next: unknown) => {
      res.writeHead(error.status ?? 500).end()
    })
    return withTokens(app as RequestListener, cookies, spare, protection)
  }
}

/** As in the other groups, in a hook. A peer's plugin comes with what it needs, and with its own hook for the route. */
export function protectedOnFastify(protection: Pick<Protection, 'csrf'>, peer?: (app: FastifyApp) => Promise<FastifyPeer>) {
  return async (surroundings: Surroundings): Promise<Prepared> => {
    const { nodeSession } = await loadEntry(surroundings.packageFolder, 'node')
    const { sessions, cookies, spare } = await signedIn(surroundings)
    const open = nodeSession(sessions, await optionsFor(protection, surroundings))
    const app: FastifyApp = await newFastify<{ session: Session<SampleData> }>()
    const { token, preHandler } = (await peer?.(app)) ?? {}
    app.decorateRequest('session', null)
    app.addHook('onRequest', async (request, reply) => {
      request.session = await open(request.raw, reply.raw)
    })
    if (token !== undefined) app.get(TOKEN_ROUTE, (_request, reply) => reply.send(token(reply)))
    app.post('/', { ...(preHandler !== undefined && { preHandler }) }, ({ session }, reply) =>
      send(reply, session.subject, ITEMS),
    )
    await app.ready()
    return withTokens(app.routing, cookies, spare, { ...(token && { csrf: 'token' }) })
  }
}

export type FastifyApp = Awaited<ReturnType<typeof newFastify<{ session: Session<SampleData> }>>>

export interface FastifyPeer {
  readonly token: (reply: unknown) => string
  readonly preHandler: unknown
}

async function signedIn(surroundings: Surroundings) {
  const { sessions, cookies } = await prepareSessions('memory', surroundings, SESSIONS + 1, POLICY)
  return { sessions, cookies: cookies.slice(0, SESSIONS), spare: cookies[SESSIONS]! }
}

async function withTokens(
  listener: RequestListener,
  cookies: readonly string[],
  spare: string,
  { csrf, last }: Protection,
): Promise<Prepared> {
  const isTold = csrf === 'token' || last !== undefined
  return { listener, spare, ...(isTold ? await tokensFor(listener, cookies) : { cookies }) }
}

async function frontOf({ headers, first }: Protection, { packageFolder }: Surroundings): Promise<Middleware | undefined> {
  if (headers) return (await loadEntry(packageFolder, 'headers')).securityHeaders()
  return first?.()
}

async function optionsFor({ traits, csrf }: Protection, { packageFolder }: Surroundings) {
  const guards = traits ? [(await loadEntry(packageFolder, 'traits')).traitChecks()] : []
  return {
    ...COOKIE,
    guards,
    ...(csrf === undefined && { dangerouslyDisableCsrf: true }),
    ...(csrf === 'token' && { csrf: { token: 'always' as const } }),
  }
}
