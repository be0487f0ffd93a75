/**
 * How a part of pages is mounted: below one path, inside the application's session middleware, on `node:http`, Express, or anything that has Web requests. What it throws is for the
 * adapter, which knows where a visitor is sent who has to prove more.
 */
import type { Session } from '../core/session.ts'
import { formOnNode, formOnWeb, queryOf, sendOnNode, streamOf } from '../http/endpoints.ts'
import { type IncomingMessage, NodeFacts, type ServerResponse } from '../http/node.ts'
import type { RequestFacts } from '../http/request-facts.ts'
import { WebFacts } from '../http/web.ts'
import { invalidConsole } from './invalid.ts'

/** A request to a page. */
export interface PageRequest {
  readonly facts: RequestFacts
  /** In capitals; `HEAD` is `GET`. */
  readonly method: string
  /** What follows the mounting path: `/` or empty for the first page. */
  readonly path: string
  readonly query: URLSearchParams
  /** The body as a form; `undefined` where it is none, is over 64 KiB, or is not UTF-8. */
  form(): Promise<URLSearchParams | undefined>
  readonly session: Session<unknown>
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal
}

/** An answer. A body that is no text is sent piece by piece. */
export interface PageAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | AsyncIterable<string>
}

/** Pages that an application mounts. */
export interface Mounted<Data> {
  /**
   * Answers on `node:http`, `node:https`, `node:http2` and Express. Call it with the session of the request, before the response has begun.
   *
   * @returns Whether the request was for these pages. If not, nothing was done.
   * @throws {AssuranceError} `ERR_ASSURANCE_INSUFFICIENT`, and errors of the store - as a rejection, for the adapter to answer.
   */
  readonly node: (request: IncomingMessage, response: ServerResponse, session: Session<Data>) => Promise<boolean>
  /**
   * The same for Web requests.
   *
   * @returns The answer; `undefined` where the request was not for these pages.
   */
  readonly web: (request: Request, session: Session<Data>) => Promise<Response | undefined>
}

/** @throws {ConfigError} `ERR_CONFIG_INVALID` */
export function checkedPath(path: unknown): string {
  if (typeof path === 'string' && /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$/.test(path)) return path
  throw invalidConsole('path is no plain path', "one such as '/console', without a slash at its end")
}

export function mount<Data>(base: string, answer: (request: PageRequest) => Promise<PageAnswer>): Mounted<Data> {
  /** What of the path is ours; compared as it was sent, so that no spelling of it is ours by chance. */
  const within = (path: string): string | undefined =>
    path === base ? '' : path.startsWith(`${base}/`) ? path.slice(base.length) : undefined

  return {
    async node(request, response, session) {
      const facts = new NodeFacts(request)
      const path = within(facts.path)
      if (path === undefined) return false
      const gone = new AbortController()
      response.on('close', () => gone.abort())
      const { method, target } = facts
      const given = await answer({
        facts,
        path,
        method: method === 'HEAD' ? 'GET' : method,
        query: queryOf(target),
        form: () => formOnNode(request),
        session: session as Session<unknown>,
        signal: gone.signal,
      })
      await sendOnNode(given, response, gone.signal, method === 'HEAD')
      return true
    },
    async web(request, session) {
      const facts = new WebFacts(request)
      const path = within(facts.path)
      if (path === undefined) return undefined
      const { method } = request
      const { status, headers, body } = await answer({
        facts,
        path,
        method: method === 'HEAD' ? 'GET' : method,
        query: queryOf(facts.target),
        form: () => formOnWeb(request),
        session: session as Session<unknown>,
        signal: request.signal,
      })
      const isBare = method === 'HEAD' || [204, 304].includes(status)
      return new Response(isBare ? null : typeof body === 'string' ? body : streamOf(body), { status, headers })
    },
  }
}
