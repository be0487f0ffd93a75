/** Frameworks without sessions: what a session costs is counted above these. Fastify and Koa are in `bench/peers`. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Express } from 'express'
import { subjectOf } from '../sample.ts'
import { answer, type Prepared } from './variant.ts'

export async function bareNode(): Promise<Prepared> {
  return { listener: bareListener, cookies: [] }
}

export async function bareExpress(): Promise<Prepared> {
  const app = await newExpress()
  app.get('/', bareListener)
  return { listener: app as RequestListener, cookies: [] }
}

/** Loaded here: it would be in the memory of every other variant. */
export async function newExpress(): Promise<Express> {
  const { default: express } = await import('express')
  const app = express()
  // Both would be the same on every variant, and hide what the session costs.
  app.disable('x-powered-by').disable('etag')
  return app
}

function bareListener(_req: IncomingMessage, res: ServerResponse): void {
  answer(res, subjectOf(0))
}
