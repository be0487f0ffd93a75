import type { IncomingMessage, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import express5 from 'express'
import type { OnOutage, Session, Sessions } from 'sojourn'
import { assuranceErrors, sessionMiddleware } from 'sojourn/express'
import {
  answerAssurance,
  type CsrfOptions,
  type NodeSessionOptions,
  nodeSession,
  withSession as withNodeSession,
} from 'sojourn/node'
import { withSession as withWebSession } from 'sojourn/web'
import type { Listener } from '../http/support/servers.ts'

// Express 4 under another name; its types are those of Express 5 as far as the matrix goes.
const express4 = createRequire(import.meta.url)('express4') as typeof express5

export interface Data {
  items: Record<string, number>
  note: string
}

/** What an application of the matrix answers, whatever the framework. */
export interface Reply {
  status?: number
  headers?: Record<string, string | string[]>
  body?: string | AsyncIterable<string>
}

export interface Asked {
  method: string
  path: string
}

export type App = (asked: Asked, session: Session<Data>) => Reply | Promise<Reply>
/** The options all adapters take. */
export interface Options
  extends Pick<
    NodeSessionOptions,
    'cookie' | 'clearSiteData' | 'dangerouslyAllowHttp' | 'dangerouslyDisableCsrf' | 'guards' | 'stepUpPage' | 'signInPage'
  > {
  csrf?: Pick<CsrfOptions<never>, 'allowedOrigins' | 'token'> & { safe?: string[]; protect?: string[] }
  onOutage?: OnOutage | ((request: { readonly url?: string | undefined }) => OnOutage)
  /** For `web` alone. */
  clientAddress?: (request: Request) => string | undefined
}
type Adapter = (sessions: Sessions<Data>, app: App, options?: Options) => Listener

/** One line an adapter. */
export const adapters: Record<string, Adapter> = {
  'node, withSession': (sessions, app, options) =>
    withNodeSession(sessions, async (req, res, session) => send(res, await app(asked(req), session)), options),
  'node, nodeSession': (sessions, app, options) => onNode(nodeSession(sessions, options), app),
  web: (sessions, app, options) =>
    onWebPlatform(
      withWebSession(sessions, async (request, session) => response(await app(askedOnWeb(request), session)), options),
    ),
  'express 5': (sessions, app, options) => onExpress(express5, sessionMiddleware(sessions, options), app),
  'express 4': (sessions, app, options) => onExpress(express4, sessionMiddleware(sessions, options), app),
}

function onNode(open: ReturnType<typeof nodeSession<Data>>, app: App): Listener {
  return async (req, res) => {
    try {
      const session = await open(req, res)
      await send(res, await app(asked(req), session))
    } catch (error) {
      if (answerAssurance(error, req, res)) return
      res.writeHead((error as { status?: number }).status ?? 500, { 'retry-after': '1' }).end()
    }
  }
}

function onExpress(framework: typeof express5, middleware: ReturnType<typeof sessionMiddleware>, app: App): Listener {
  const server = framework()
  server.disable('x-powered-by')
  server.set('env', 'production')
  server.use(framework.urlencoded({ extended: true }))
  server.use(middleware)
  server.use((req, res, next) => {
    const { session } = req as unknown as { session: Session<Data> }
    Promise.resolve(app({ method: req.method, path: req.path }, session)).then((reply) => send(res, reply), next)
  })
  server.use(assuranceErrors())
  // Without it, Express prints every error of a test.
  server.use(((error, _req, res, _next) => {
    const { status = 500, headers = {} } = error as { status?: number; headers?: Record<string, string> }
    res.set(headers).status(status).end()
  }) as express5.ErrorRequestHandler)
  return server
}

/** What platforms such as Deno do around a fetch handler. */
function onWebPlatform(handle: (request: Request) => Promise<Response>): Listener {
  return async (req, res) => {
    const scheme = (req.socket as { encrypted?: boolean }).encrypted ? 'https' : 'http'
    const headers = new Headers()
    for (const [name, value] of Object.entries(req.headers)) headers.set(name, String(value))
    const url = `${scheme}://${req.headers.host}${req.url}`
    const hasBody = req.method !== 'GET' && req.method !== 'HEAD'
    const body = hasBody && { body: Readable.toWeb(req) as ReadableStream, duplex: 'half' }
    const answer = await handle(new Request(url, { method: req.method!, headers, ...body } as RequestInit)).catch(
      () => new Response(null, { status: 500 }),
    )
    res.statusCode = answer.status
    for (const [name, value] of answer.headers) res.appendHeader(name, value)
    if (answer.body === null) res.end()
    else await pipeline(Readable.fromWeb(answer.body as import('node:stream/web').ReadableStream), res).catch(() => {})
  }
}

function asked(req: IncomingMessage): Asked {
  return { method: req.method!, path: req.url!.split('?')[0]! }
}

function askedOnWeb(request: Request): Asked {
  return { method: request.method, path: new URL(request.url).pathname }
}

async function send(res: ServerResponse, { status = 200, headers = {}, body = '' }: Reply): Promise<void> {
  res.statusCode = status
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
  if (typeof body === 'string') res.end(body)
  else await pipeline(Readable.from(body), res).catch(() => {})
}

function response({ status = 200, headers = {}, body = '' }: Reply): Response {
  const pairs = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((one): [string, string] => [name, one]))
  const hasBody = status !== 204 && status !== 304
  const content =
    typeof body === 'string' ? body : (Readable.toWeb(Readable.from(body)) as unknown as ReadableStream).pipeThrough(encoder())
  return new Response(hasBody ? content : null, { status, headers: pairs })
}

function encoder(): TransformStream<string, Uint8Array> {
  return new TextEncoderStream() as unknown as TransformStream<string, Uint8Array>
}
