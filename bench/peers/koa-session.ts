/** Koa, alone and with koa-session: in a signed cookie that anybody can read, and in Redis through the three methods it asks for. */
import type { RequestListener } from 'node:http'
import { connectIoredis } from '../clients.ts'
import { answerFor, type PeerData, type Prepared, peerData, type Surroundings, signInAll, signingIn } from '../http/variant.ts'
import { newKey, subjectOf } from '../sample.ts'
import { loadPeer } from './install.ts'

interface Context {
  readonly path: string
  readonly session: PeerData
  status: number
  type: string
  body: string
}

interface Koa {
  keys: string[]
  use(middleware: (context: Context) => void): unknown
  callback(): RequestListener
}

type CreateSession = (options: object, app: Koa) => (context: Context) => void

async function newKoa(): Promise<Koa> {
  const { default: Application } = await loadPeer<{ default: new () => Koa }>('koa')
  return new Application()
}

function send(context: Context, subject: string | undefined, items?: number): void {
  const { status, body } = answerFor(subject, items)
  context.status = status
  context.type = 'application/json'
  context.body = body
}

export async function bareKoa(): Promise<Prepared> {
  const app = await newKoa()
  app.use((context) => send(context, subjectOf(0)))
  return { listener: app.callback(), cookies: [] }
}

export async function koaSessionCookie(): Promise<Prepared> {
  return withOptions({})
}

export async function koaSessionRedis({ servers }: Surroundings): Promise<Prepared> {
  const client = await connectIoredis(servers)
  const store = {
    get: async (key: string) => JSON.parse((await client.get(key)) ?? 'null') ?? undefined,
    set: async (key: string, session: object, maxAge: number) => {
      await client.set(key, JSON.stringify(session), 'PX', maxAge)
    },
    destroy: async (key: string) => {
      await client.del(key)
    },
  }
  return withOptions({ store, prefix: 'koa:' })
}

async function withOptions(options: object): Promise<Prepared> {
  const { createSession } = await loadPeer<{ createSession: CreateSession }>('koa-session')
  const app = await newKoa()
  app.keys = [newKey()]
  app.use(createSession(options, app))
  app.use((context) => {
    const index = signingIn(context.path)
    if (index === undefined) return send(context, context.session.user, context.session.basket?.length)
    Object.assign(context.session, peerData(index))
    context.body = ''
  })
  const listener = app.callback()
  return { listener, cookies: await signInAll(listener) }
}
