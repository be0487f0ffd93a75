/** The bridge to Node's `req` and `res`, HTTP/1 and the HTTP/2 compatibility API: the one file of this folder that knows them. */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Session } from '../core/session.ts'
import { guardOf, guardResponse } from './commit-guard.ts'
import { errorResponse } from './error-response.ts'
import { Exchange } from './exchange.ts'
import type { SessionHttp } from './http-options.ts'
import type { NodeFailures } from './node-error.ts'
import { type NativeFacts, originForm, withoutPort } from './request-facts.ts'

export type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * Opens the session of a request and makes sure that its response is committed before it leaves. Called again for the same request
 * and adapter, it gives the same session.
 *
 * @returns The session itself for a request without a cookie, else a promise of it.
 * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - as a rejection; answer 503.
 */
export function openOnNode<Data>(
  http: SessionHttp<Data, IncomingMessage>,
  request: IncomingMessage,
  response: ServerResponse,
  failures: NodeFailures,
): Session<Data> | Promise<Session<Data>> {
  const guard = guardOf(response)
  const known = guard?.exchanges.find((exchange) => exchange.http === http)
  if (known !== undefined) return (known as Exchange<Data, IncomingMessage>).read()
  const exchange = new Exchange(http, new NodeFacts(request))
  // A second adapter on one response, with a cookie of its own, shares the guard: two guards would wait for each other.
  if (guard !== undefined) guard.exchanges.push(exchange)
  else guardResponse(response, exchange, failures)
  return exchange.read()
}

/**
 * Opens the session of a request that becomes a socket. It can be read and its data be written; nothing that needs a cookie can be done.
 *
 * @throws {CsrfError} `ERR_CSRF_REFUSED`, {StoreError} `ERR_STORE_UNAVAILABLE` - as a rejection; see `refuseUpgrade`.
 */
export async function openUpgrade<Data>(
  http: SessionHttp<Data, IncomingMessage>,
  request: IncomingMessage,
): Promise<Session<Data>> {
  const session = await new Exchange(http, new NodeFacts(request), true).read()
  // Writes down that the person was here, and from now on whatever would set a cookie says that it cannot.
  await session.commit()
  return session
}

/** Answers a request that becomes no socket after all, and closes its connection. */
export function refuseUpgrade(error: unknown, request: IncomingMessage, socket: Duplex): void {
  const { status, headers, body } = errorResponse(error, request.headers.accept)
  const lines = Object.entries({ ...headers, 'Content-Length': String(Buffer.byteLength(body)), Connection: 'close' })
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines.map(([name, value]) => `${name}: ${value}`)]
  // The client may be gone already, and an error that nobody hears would end the process.
  socket.on('error', () => {})
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

/** Answers questions about a Node request from the request itself. */
export class NodeFacts implements NativeFacts<IncomingMessage> {
  readonly request: IncomingMessage
  readonly isEncrypted: boolean

  /** Asks of the connection while there is one: a client that goes takes its traces along, and would then seem to have come over plain HTTP. */
  constructor(request: IncomingMessage) {
    const { socket } = request
    this.request = request
    this.isEncrypted = (socket as { encrypted?: boolean }).encrypted === true
    // Node remembers the address from here on.
    if (!this.isEncrypted) void socket.remoteAddress
  }

  get peer(): string | undefined {
    return this.request.socket.remoteAddress
  }

  get method(): string {
    return this.request.method ?? 'GET'
  }

  /** `method-override` for Express keeps it under this name. */
  get sentMethod(): string | undefined {
    const { originalMethod } = this.request as IncomingMessage & { originalMethod?: unknown }
    return typeof originalMethod === 'string' ? originalMethod : undefined
  }

  get host(): string | undefined {
    const { authority } = this
    return authority && withoutPort(authority)
  }

  /** HTTP/2 calls it `:authority`. */
  get authority(): string | undefined {
    return this.request.headers.host ?? this.header(':authority')
  }

  get path(): string {
    const target = originForm(this.target)
    const query = target.indexOf('?')
    return query === -1 ? target : target.slice(0, query)
  }

  /** Path and query. Express shortens `url` below a mounted router and keeps the whole as `originalUrl`. */
  get target(): string {
    const { originalUrl, url = '/' } = this.request as IncomingMessage & { originalUrl?: unknown }
    return typeof originalUrl === 'string' ? originalUrl : url
  }

  header(name: string): string | undefined {
    const value = this.request.headers[name]
    return typeof value === 'object' ? value.join(', ') : value
  }
}
