/**
 * Endpoints that programs call: token, introspection, key set, logout. They are answered before a session is opened: whoever calls them has
 * no cookie, proves itself by other means, and sends no token against forged requests.
 */
import { errorResponse, isOperational } from './error-response.ts'
import { type IncomingMessage, NodeFacts, type ServerResponse } from './node.ts'
import type { RequestFacts } from './request-facts.ts'
import { Transport, type TransportOptions } from './transport.ts'
import { WebFacts } from './web.ts'

/** A request to an endpoint. */
export interface EndpointRequest {
  readonly facts: RequestFacts
  /** The URL's query. */
  readonly query: URLSearchParams
  /** The client's address, as far as trusted proxies say; `undefined` where the platform hides it. */
  readonly clientAddress: string | undefined
  /** The body as a form; `undefined` where it is none, is over 64 KiB, or is not UTF-8. Read once. */
  form(): Promise<URLSearchParams | undefined>
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal
}

/** An answer in parts. A body that is no text is sent piece by piece, as server-sent events are. */
export interface EndpointAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | AsyncIterable<string>
}

/** One path. */
export interface Endpoint {
  readonly methods: readonly ('GET' | 'POST')[]
  answer(request: EndpointRequest): EndpointAnswer | Promise<EndpointAnswer>
}

/** What applications hand to their server. */
export interface Endpoints {
  /**
   * Answers these paths on `node:http`, `node:https`, `node:http2` and Express. Call it before the session is opened.
   *
   * @returns Whether it answers this request. If not, it has called `next`, where there is one.
   */
  readonly node: (request: IncomingMessage, response: ServerResponse, next?: () => void) => boolean
  /**
   * The same for Web requests.
   *
   * @param isSecure - Whether a request came over TLS, as the option of that name of `sojourn/web`. Default: whether its URL says `https:`.
   * @returns The answer; `undefined` when the path is not one of these.
   */
  readonly web: (request: Request, isSecure?: (request: Request) => boolean) => Promise<Response | undefined>
}

/** Headers of every answer that is not meant to be kept. */
export const UNCACHED: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
}

/** An answer with a JSON body. */
export function jsonAnswer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): EndpointAnswer {
  return { status, headers: { ...UNCACHED, 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(body) }
}

/**
 * Makes the endpoints of some paths. Plain HTTP is refused as it is for sessions: tokens and secrets cross here.
 *
 * @param paths - By path, each starting with `/`.
 * @param warn - Told of mistakes nobody foresaw, as `process.emitWarning` is; the client is told nothing.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - a transport option that is not safe.
 */
export function endpointsOf(
  paths: ReadonlyMap<string, Endpoint>,
  options: TransportOptions,
  warn: (error: Error) => void,
): Endpoints {
  const transport = new Transport(options)

  async function answerTo(endpoint: Endpoint, request: EndpointRequest): Promise<EndpointAnswer> {
    const { facts } = request
    const method = facts.method === 'HEAD' ? 'GET' : facts.method
    try {
      if (typeof transport.judge(facts) !== 'string')
        return jsonAnswer(403, { error: 'invalid_request', error_description: 'This needs TLS.' })
      if (!(endpoint.methods as readonly string[]).includes(method))
        return jsonAnswer(405, { error: 'invalid_request' }, { Allow: endpoint.methods.join(', ') })
      return await endpoint.answer(request)
    } catch (error) {
      if (!isOperational(error)) warn(asError(error))
      return errorResponse(error, 'application/json')
    }
  }

  return {
    node(request, response, next) {
      const facts = new NodeFacts(request)
      const endpoint = paths.get(facts.path)
      if (endpoint === undefined) {
        next?.()
        return false
      }
      const gone = new AbortController()
      response.on('close', () => gone.abort())
      const { target } = facts
      answerTo(endpoint, {
        facts,
        clientAddress: transport.clientAddress(facts),
        query: queryOf(target),
        form: () => formOnNode(request),
        signal: gone.signal,
      })
        .then((answer) => sendOnNode(answer, response, gone.signal, facts.method === 'HEAD'))
        .catch((error: unknown) => {
          // Of a middleware in front, which writes headers too. Nobody waits for this promise, and a rejection of it would end the process.
          warn(asError(error))
          response.destroy()
        })
      return true
    },
    async web(request, isSecure) {
      const facts = new WebFacts(request, { isSecure })
      const endpoint = paths.get(facts.path)
      if (endpoint === undefined) return undefined
      const { status, headers, body } = await answerTo(endpoint, {
        facts,
        clientAddress: undefined,
        query: queryOf(facts.target),
        form: () => formOnWeb(request),
        signal: request.signal,
      })
      const isBare = request.method === 'HEAD' || [204, 304].includes(status)
      return new Response(isBare ? null : typeof body === 'string' ? body : streamOf(body), { status, headers })
    },
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}

export function queryOf(target: string): URLSearchParams {
  const query = target.indexOf('?')
  return new URLSearchParams(query === -1 ? '' : target.slice(query + 1))
}

const MOST_BYTES = 65_536

/** A body parser in front may have read it already, and left what it made of it; who read it and left nothing left no form. */
export async function formOnNode(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  if (!isForm(request.headers['content-type'])) return undefined
  if (!request.readableEnded) return request.destroyed ? undefined : formIn(await bytesOnNode(request))
  const { body } = request as IncomingMessage & { body?: unknown }
  if (typeof body === 'string' || body instanceof Uint8Array) return formIn(Buffer.from(body as Uint8Array))
  if (typeof body !== 'object' || body === null) return undefined
  const entries = Object.entries(body).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).filter((one) => typeof one === 'string').map((one): [string, string] => [name, one]),
  )
  return new URLSearchParams(entries)
}

/**
 * What the client sent, `undefined` for too much of it, or when it left before the end. Not by `for await`: to leave that early closes the connection, and a client
 * that sent too much would never hear so.
 */
function bytesOnNode(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = []
    let length = 0
    const take = (piece: Uint8Array | string) => {
      const bytes = Buffer.from(piece as Uint8Array)
      length += bytes.length
      if (length <= MOST_BYTES) pieces.push(bytes)
      else done(undefined)
    }
    const end = () => done(Buffer.concat(pieces))
    const gone = () => done(undefined)
    function done(bytes: Buffer | undefined): void {
      request.off('data', take).off('end', end).off('close', gone)
      // What still comes is read and dropped, or the answer would wait behind it.
      request.resume()
      resolve(bytes)
    }
    request.on('data', take).on('end', end).on('close', gone)
    // An error that nobody hears would end the process; it closes the request, too. It may come once nobody here listens any more.
    request.on('error', gone)
  })
}

export async function formOnWeb(request: Request): Promise<URLSearchParams | undefined> {
  if (!isForm(request.headers.get('content-type'))) return undefined
  const pieces: Uint8Array[] = []
  let length = 0
  try {
    for await (const piece of request.body ?? []) {
      length += piece.length
      if (length > MOST_BYTES) return undefined
      pieces.push(piece)
    }
  } catch {
    // The client has left, or somebody in front has read it.
    return undefined
  }
  return formIn(Buffer.concat(pieces))
}

function formIn(bytes: Buffer | undefined): URLSearchParams | undefined {
  if (bytes === undefined || bytes.length > MOST_BYTES) return undefined
  try {
    return new URLSearchParams(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}

function isForm(contentType: string | null | undefined): boolean {
  return /^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(contentType ?? '')
}

export async function sendOnNode(
  answer: EndpointAnswer,
  response: ServerResponse,
  signal: AbortSignal,
  isHead: boolean,
): Promise<void> {
  const { status, headers, body } = answer
  if (response.headersSent || response.destroyed) return
  response.statusCode = status
  for (const name in headers) response.setHeader(name, headers[name]!)
  if (typeof body === 'string' || isHead) {
    if (typeof body === 'string') response.setHeader('Content-Length', Buffer.byteLength(body))
    response.end(isHead ? undefined : body)
    return
  }
  response.flushHeaders()
  for await (const piece of body) {
    if (signal.aborted) break
    // A client that reads slowly is waited for, or its answers would pile up here; one that does not read at all is let go.
    if (!response.write(piece) && !(await drained(response, signal))) response.destroy()
  }
  response.end()
}

/** Longest wait for a client to read on, in milliseconds. */
const PATIENCE = 30_000

/** @returns `false` when it has not read for too long. */
function drained(response: ServerResponse, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const done = (isDrained: boolean) => {
      clearTimeout(timer)
      response.off('drain', drain)
      signal.removeEventListener('abort', drain)
      resolve(isDrained)
    }
    const drain = () => done(true)
    const timer = setTimeout(() => done(false), PATIENCE).unref()
    response.on('drain', drain)
    signal.addEventListener('abort', drain)
    if (signal.aborted) drain()
  })
}

export function streamOf(pieces: AsyncIterable<string>): ReadableStream<Uint8Array> {
  const iterator = pieces[Symbol.asyncIterator]()
  const encoder = new TextEncoder()
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await iterator.next()
      if (done === true) controller.close()
      else controller.enqueue(encoder.encode(value))
    },
    async cancel() {
      await iterator.return?.()
    },
  })
}
