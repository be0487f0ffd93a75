/**
 * Security headers, the second line when markup of an attacker got into a page: the entry `sojourn/headers`. They are written once at
 * start-up; docs/guide/headers.md says what each is for, and where they differ from helmet's.
 */
import { answeringOnNode, protectOnNode } from './headers/on-node.ts'
import { answeringOnWeb, protectOnWeb } from './headers/on-web.ts'
import type { SecurityHeadersOptions } from './headers/options.ts'
import { HeaderPolicy, misuse } from './headers/policy.ts'
import type { IncomingMessage, ServerResponse } from './node.ts'

export type { CspDirectives, SourceDirective, WordDirective } from './headers/csp.ts'
export type { HstsOptions } from './headers/hsts.ts'
export type { HeadersPreset, SecurityHeadersOptions } from './headers/options.ts'
export type { Permissions, PermissionsFeature } from './headers/permissions.ts'
export { parseReports, type SecurityReport } from './headers/reports.ts'

/** Express and plain `node:http` call it alike. */
export type HeadersMiddleware = (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void) => void

/**
 * Gives a middleware that puts security headers on every response, whatever sends it. For `node:http` and Express; `withSecurityHeaders` is for
 * fetch handlers. Put it first, before the session, so that refusals and failures carry them too.
 *
 * A header the handler sets itself stays as it sets it; a policy of its own that says nothing of frames gets `frame-ancestors`. Called again for the same response, in a router say, the later call replaces the
 * earlier.
 *
 * @param options - What the answers are and what they may load; a strict page without any.
 * @returns A function of `(req, res, next?)`. `X-Powered-By` is taken off too.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up: an unknown option or directive, a value that would change another header or
 * directive, a source that lets anybody in.
 * @see ASVS 5.0, 3.4; OWASP HTTP Headers Cheat Sheet; CSP Level 3
 * @example
 * const protect = securityHeaders({ directives: { 'img-src': ["'self'", 'https://cdn.example'] } })
 * createServer((req, res) => {
 *   protect(req, res)
 *   res.setHeader('Content-Type', 'text/html')
 *   res.end(`<script nonce="${cspNonce(res)}">start()</script>`)
 * })
 */
export function securityHeaders<Req extends IncomingMessage = IncomingMessage>(
  options: SecurityHeadersOptions<Req> = {},
): HeadersMiddleware {
  const policy = new HeaderPolicy(options as SecurityHeadersOptions<IncomingMessage>)
  return (request, response, next) => {
    protectOnNode(policy, request, response)
    next?.()
  }
}

/**
 * Wraps a fetch handler so that its responses carry security headers. The handler's own `Response` is left as it is, and a header that it has
 * stays; a policy of its own that says nothing of frames gets `frame-ancestors`.
 *
 * Put it around `withSession`, so that refusals and failures carry the headers too.
 *
 * @param handler - Answers the request; `cspNonce(request)` gives its nonce. Further arguments of the platform are passed on.
 * @param options - What the answers are and what they may load; a strict page without any.
 * @returns A fetch handler.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up, as `securityHeaders` does.
 * @see ASVS 5.0, 3.4; OWASP HTTP Headers Cheat Sheet; CSP Level 3
 * @example
 * Deno.serve(withSecurityHeaders(withSession(sessions, (request, session) => {
 *   const body = `<script nonce="${cspNonce(request)}">start()</script>`
 *   return new Response(body, { headers: { 'content-type': 'text/html' } })
 * })))
 */
export function withSecurityHeaders<Rest extends unknown[] = []>(
  handler: (request: Request, ...rest: Rest) => Response | Promise<Response>,
  options: SecurityHeadersOptions<Request> = {},
): (request: Request, ...rest: Rest) => Promise<Response> {
  const policy = new HeaderPolicy(options)
  return (request, ...rest) => protectOnWeb(policy, request, async () => handler(request, ...rest))
}

/**
 * The nonce of this one answer, for the `nonce` attribute of its own scripts and styles. It is made when first asked for and in the header from
 * then on: an answer that has no inline code pays for none.
 *
 * Once asked for, only scripts that carry it run, and what they load (`'strict-dynamic'`); files of `script-src` need the attribute too.
 * Never put it into markup that others wrote, nor into a page that is cached.
 *
 * @param answer - Node's response, or the Web's request, that `securityHeaders` or `withSecurityHeaders` saw before.
 * @returns 144 random bits as 24 characters of base64url; the same for every call of one answer.
 * @throws {ConfigError} `ERR_ARGUMENT_INVALID` - the headers have left already, or nobody saw this answer.
 * @see CSP Level 3, 7.1; ASVS 5.0, 3.4.3
 * @example
 * res.end(`<script nonce="${cspNonce(res)}">start()</script>`)
 */
export function cspNonce(answer: ServerResponse | Request): string {
  const answering = answeringOnNode(answer) ?? answeringOnWeb(answer)
  if (answering === undefined)
    throw misuse(
      'no security headers are on this answer; call the middleware first, and give the same response (sojourn/web: request) here',
    )
  return answering.giveNonce()
}
