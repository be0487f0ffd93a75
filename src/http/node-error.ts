/** Failures as answers of Node's `res`. */
import { isSojournError } from '../core/errors.ts'
import { errorResponse, isContentHeader, isOperational } from './error-response.ts'
import type { IncomingMessage, ServerResponse } from './node.ts'

/**
 * Answers in place of the handler when its session could not be read or written. Nothing was sent yet, and what the handler had set
 * about its own answer is gone. If it throws or rejects, the default answer is sent.
 */
export type NodeErrorHandler = (error: unknown, request: IncomingMessage, response: ServerResponse) => unknown

/** How one adapter answers failures. */
export class NodeFailures {
  readonly #onError: NodeErrorHandler | undefined
  readonly #warn: (error: Error) => void
  readonly #warned = new Set<string>()
  /** Where a page's visitor proves more, for the errors that ask for it; set by the adapter. */
  locate: (error: unknown, request: IncomingMessage) => string | undefined = () => undefined

  /** @param warn - Tells the developer; called once for each code, since a stranger can cause some errors at will. */
  constructor(onError: NodeErrorHandler | undefined, warn: (error: Error) => void) {
    this.#onError = onError
    this.#warn = warn
  }

  /** Lets the application answer, or answers by default: loud to the developer where it is a mistake, silent to the client. */
  async answer(error: unknown, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#onError === undefined) this.#warnOnce(error)
    else {
      try {
        if (!response.headersSent) {
          await this.#onError(error, request, response)
          return
        }
      } catch (failure) {
        this.#warnOnce(failure)
      }
    }
    sendErrorOnNode(error, request, response, this.locate(error, request))
  }

  #warnOnce(error: unknown): void {
    if (isOperational(error) || !(error instanceof Error)) return
    const key = isSojournError(error) ? error.code : error.name
    if (this.#warned.has(key)) return
    this.#warned.add(key)
    this.#warn(error)
  }
}

/**
 * Answers a failure without telling anything of it. If headers have left the connection ends instead: nobody can answer twice.
 */
export function sendErrorOnNode(error: unknown, request: IncomingMessage, response: ServerResponse, location?: string): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  dropContentHeaders(response)
  const { status, headers, body } = errorResponse(error, request.headers.accept, location)
  response.statusCode = status
  // HTTP/2 has no reason phrase, and warns whoever touches it.
  if (request.httpVersionMajor < 2) response.statusMessage = ''
  for (const name in headers) response.setHeader(name, headers[name]!)
  response.setHeader('Content-Length', body.length)
  response.end(body)
}

/** Removes what a handler said about an answer that is not sent after all. */
export function dropContentHeaders(response: ServerResponse): void {
  for (const name of response.getHeaderNames()) {
    if (isContentHeader(name)) response.removeHeader(name)
  }
}
