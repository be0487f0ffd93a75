/** Fastify, alone and with its two session plugins. */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { connectNodeRedis } from '../clients.ts'
import {
  answerFor,
  type PeerData,
  type Prepared,
  peerData,
  SIGN_IN_ROUTE,
  type Surroundings,
  signInAll,
} from '../http/variant.ts'
import { newKey, subjectOf } from '../sample.ts'
import { loadPeer } from './install.ts'

interface Reply {
  readonly raw: ServerResponse
  code(status: number): this
  header(name: string, value: string): this
  send(body: string): this
}

type Request<Decorations> = Decorations & { readonly raw: IncomingMessage; readonly params: { readonly index: string } }

interface Fastify<Decorations> {
  readonly routing: RequestListener
  register(plugin: unknown, options?: object): unknown
  decorateRequest(name: string, value: null): unknown
  addHook(name: 'onRequest', hook: (request: Request<Decorations>, reply: Reply) => Promise<void>): unknown
  get(path: string, handler: (request: Request<Decorations>, reply: Reply) => void): unknown
  post(path: string, options: object, handler: (request: Request<Decorations>, reply: Reply) => void): unknown
  ready(): Promise<unknown>
}

/** What `request.session` of both plugins has in common. */
interface PluginSession {
  get<Name extends keyof PeerData>(name: Name): PeerData[Name]
  set<Name extends keyof PeerData>(name: Name, value: PeerData[Name]): void
}

export async function newFastify<Decorations>(): Promise<Fastify<Decorations>> {
  const { fastify } = await loadPeer<{ fastify: () => Fastify<Decorations> }>('fastify')
  return fastify()
}

export function send(reply: Reply, subject: string | undefined, items?: number): void {
  const { status, body } = answerFor(subject, items)
  reply.code(status).header('content-type', 'application/json').send(body)
}

export async function bareFastify(): Promise<Prepared> {
  const app = await newFastify()
  app.get('/', (_request, reply) => send(reply, subjectOf(0)))
  await app.ready()
  return { listener: app.routing, cookies: [] }
}

/** `rolling`, the default, sends the cookie and writes the session on each answer. */
export function fastifySessionRedis(rolling: boolean) {
  return async ({ servers }: Surroundings): Promise<Prepared> => {
    const { RedisStore } = await loadPeer<{ RedisStore: new (options: object) => object }>('connect-redis')
    const store = new RedisStore({ client: await connectNodeRedis(servers) })
    return withPlugin(async (app) => {
      app.register(await defaultOf('@fastify/cookie'))
      const options = { secret: newKey(), store, rolling, saveUninitialized: false, cookie: { secure: false } }
      app.register(await defaultOf('@fastify/session'), options)
    })
  }
}

export async function fastifySecureSession(): Promise<Prepared> {
  return withPlugin(async (app) => {
    const options = { key: randomBytes(32), cookie: { path: '/', httpOnly: true } }
    app.register(await defaultOf('@fastify/secure-session'), options)
  })
}

async function withPlugin(register: (app: Fastify<{ session: PluginSession }>) => Promise<void>): Promise<Prepared> {
  const app = await newFastify<{ session: PluginSession }>()
  await register(app)
  app.get(SIGN_IN_ROUTE, ({ params, session }, reply) => {
    const { user, basket, locale, theme } = peerData(Number(params.index))
    session.set('user', user)
    session.set('basket', basket)
    session.set('locale', locale)
    session.set('theme', theme)
    reply.send('')
  })
  app.get('/', ({ session }, reply) => send(reply, session.get('user'), session.get('basket')?.length))
  await app.ready()
  return { listener: app.routing, cookies: await signInAll(app.routing) }
}

const defaultOf = async (name: string) => (await loadPeer<{ default: unknown }>(name)).default
