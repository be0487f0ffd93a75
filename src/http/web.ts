/** The bridge to Web `Request` and `Response`. */
import type { Session } from '../core/session.ts'
import { type AssurancePages, stepUpLocation } from './assurance-pages.ts'
import type { HeaderTarget } from './cache-headers.ts'
import { errorResponse } from './error-response.ts'
import { Exchange } from './exchange.ts'
import type { SessionHttp } from './http-options.ts'
import type { NativeFacts } from './request-facts.ts'

/** One request and its response. Call `read` before the handler and `finish` with what it answered. */
export class WebExchange<Data> {
  readonly #exchange: Exchange<Data, Request>

  constructor(http: SessionHttp<Data, Request>, request: Request, platform: WebPlatform) {
    this.#exchange = new Exchange(http, new WebFacts(request, platform))
  }

  /** @throws {StoreError} `ERR_STORE_UNAVAILABLE` - as a rejection; answer 503. */
  read(): Session<Data> | Promise<Session<Data>> {
    return this.#exchange.read()
  }

  /**
   * Commits the session and gives the response to send: the handler's own, or one with its body and our headers. Never the handler's
   * with changed headers: it may be a constant that goes to everybody, and one visitor's cookie would go with it.
   *
   * @throws What `session.commit()` throws; the handler's response must not be sent then.
   */
  async finish(response: Response): Promise<Response> {
    await this.#exchange.commit()
    // 101 and `Response.error()` have no headers of their own to change and cannot be made anew.
    if (!this.#exchange.hasHeaderChanges || response.status < 200) return response
    const headers = new Headers(response.headers)
    this.#exchange.apply(new WebHeaders(headers))
    const { status, statusText } = response
    return new Response(response.body, { status, statusText, headers })
  }
}

/** The default answer to a failure; tells nothing of it. */
export function errorOnWeb(error: unknown, request: Request, pages: AssurancePages): Response {
  const location = stepUpLocation(error, new WebFacts(request), pages)
  const { status, headers, body } = errorResponse(error, request.headers.get('accept') ?? undefined, location)
  return new Response(body, { status, headers })
}

/** What the application tells of a request, since a Web request does not say who sent it. */
export interface WebPlatform {
  readonly isSecure?: ((request: Request) => boolean) | undefined
  readonly clientAddress?: ((request: Request) => string | undefined) | undefined
}

/** Answers questions about a Web request from the request itself. */
export class WebFacts implements NativeFacts<Request> {
  readonly request: Request
  readonly #platform: WebPlatform
  #url: URL | undefined

  constructor(request: Request, platform: WebPlatform = {}) {
    this.request = request
    this.#platform = platform
  }

  get isEncrypted(): boolean {
    const { isSecure } = this.#platform
    // A promise, or a header's text, is not `true`.
    return isSecure === undefined ? this.request.url.startsWith('https:') : isSecure(this.request) === true
  }

  /** A Web request does not say who sent it, so no proxy can be told from a client; `isSecure` and `clientAddress` are for that. */
  get peer(): undefined {
    return undefined
  }

  get statedAddress(): string | undefined {
    return this.#platform.clientAddress?.(this.request)
  }

  get method(): string {
    return this.request.method
  }

  get host(): string {
    return this.#parsed.hostname
  }

  get authority(): string {
    return this.#parsed.host
  }

  get path(): string {
    return this.#parsed.pathname
  }

  /** Path and query. */
  get target(): string {
    return this.#parsed.pathname + this.#parsed.search
  }

  header(name: string): string | undefined {
    return this.request.headers.get(name) ?? undefined
  }

  get #parsed(): URL {
    this.#url ??= new URL(this.request.url)
    return this.#url
  }
}

class WebHeaders implements HeaderTarget {
  readonly #headers: Headers

  constructor(headers: Headers) {
    this.#headers = headers
  }

  get(name: string): string | undefined {
    return this.#headers.get(name) ?? undefined
  }

  set(name: string, value: string): void {
    this.#headers.set(name, value)
  }

  setCookies(): readonly string[] {
    return this.#headers.getSetCookie()
  }

  replaceSetCookies(lines: readonly string[]): void {
    this.#headers.delete('Set-Cookie')
    for (const line of lines) this.#headers.append('Set-Cookie', line)
  }
}
