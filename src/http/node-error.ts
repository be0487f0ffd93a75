/** Failures as answers of Node's `res`. */
import { errorResponse, isContentHeader } from './error-response.ts'
import type { IncomingMessage, ServerResponse } from './node.ts'

/**
 * Answers a failure without telling anything of it. If headers have left the connection ends instead: nobody can answer twice.
 */
export function sendErrorOnNode(error: unknown, request: IncomingMessage, response: ServerResponse): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  dropContentHeaders(response)
  const { status, headers, body } = errorResponse(error, request.headers.accept)
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
