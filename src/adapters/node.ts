/** Sessions for `node:http`, `node:https` and the compatibility API of `node:http2`. */
import process from 'node:process'
import { isSojournError } from '../core/errors.ts'
import type { Session } from '../core/session.ts'
import type { Sessions } from '../core/sessions.ts'
import { stepUpLocation } from '../http/assurance-pages.ts'
import { guardOf } from '../http/commit-guard.ts'
import { type HttpOptions, SessionHttp } from '../http/http-options.ts'
import { HttpsRedirect, type HttpsRedirectOptions } from '../http/https-redirect.ts'
import { type IncomingMessage, NodeFacts, openOnNode, openUpgrade, type ServerResponse } from '../http/node.ts'
import { type NodeErrorHandler, NodeFailures, sendErrorOnNode } from '../http/node-error.ts'

export type { SiteData } from '../http/clear-site-data.ts'
export type { CookieOptions } from '../http/cookie-config.ts'
export type { CookieScope } from '../http/cookie-serialise.ts'
export type { CsrfOptions } from '../http/csrf/options.ts'
export type { HttpOptions } from '../http/http-options.ts'
export type { HttpsRedirectOptions } from '../http/https-redirect.ts'
export { refuseUpgrade } from '../http/node.ts'
export type { NodeErrorHandler } from '../http/node-error.ts'

/** Options of `nodeSession` and of this entry's `withSession`. */
export interface NodeSessionOptions extends HttpOptions<IncomingMessage> {
  /**
   * Answers when a session could not be read or written. Default: the error's status, `Retry-After` where it helps, and a short body.
   *
   * Nothing was sent yet. Show nothing of the error: its message is for you, and tells an attacker what is behind the site.
   */
  readonly onError?: NodeErrorHandler
}

/**
 * Gives a function that opens the session of a request. Call it first in your listener; from then on the response is committed, with
 * its cookie, before its first byte leaves. `withSession` does this for a whole listener and answers failures too.
 *
 * @param sessions - The service, from `createSessions`.
 * @param options - Cookie, proxies and plain HTTP; safe without any.
 * @returns A function of `(req, res)`. It gives the session itself for a request without a cookie, else a promise of it: `await` takes
 * both. The promise rejects with `ERR_STORE_UNAVAILABLE` when the store is away: answer 503, never "signed out".
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up: an option that browsers would ignore or that is not safe.
 * @see RFC 6265bis, 4.1; OWASP Session Management Cheat Sheet, "Cookies"
 * @example
 * const open = nodeSession(sessions)
 * createServer(options, async (req, res) => {
 *   const session = await open(req, res)
 *   res.end(`Hello ${session.subject ?? 'stranger'}`)
 * })
 */
export function nodeSession<Data>(
  sessions: Sessions<Data>,
  options: NodeSessionOptions = {},
): (request: IncomingMessage, response: ServerResponse) => Session<Data> | Promise<Session<Data>> {
  return opener(sessions, options, new NodeFailures(options.onError, warn))
}

/**
 * Wraps a listener so that it gets the session as its third argument.
 *
 * A store that is away is answered with 503, a session that ended meanwhile with 401, and so on; misuse, such as signing in over plain
 * HTTP, with 500 and a warning of the process, once a code. An error that is not Sojourn's is answered with 500 and then thrown on, as
 * Node would have it. `onError` takes all of them instead.
 *
 * @param sessions - The service, from `createSessions`.
 * @param handler - Answers the request; may be asynchronous.
 * @param options - Cookie, proxies and plain HTTP; safe without any.
 * @returns A listener for `createServer`.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up: an option that browsers would ignore or that is not safe.
 * @example
 * createServer(options, withSession(sessions, async (req, res, session) => {
 *   await session.signIn({ subject: 'ada', method: 'pwd' })
 *   res.writeHead(303, { location: '/' }).end()
 * })).listen(8443)
 */
export function withSession<Data>(
  sessions: Sessions<Data>,
  handler: (request: IncomingMessage, response: ServerResponse, session: Session<Data>) => unknown,
  options: NodeSessionOptions = {},
): (request: IncomingMessage, response: ServerResponse) => void | Promise<void> {
  const failures = new NodeFailures(options.onError, warn)
  const open = opener(sessions, options, failures)

  async function fail(error: unknown, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (options.onError === undefined && !isSojournError(error)) {
      sendErrorOnNode(error, request, response)
      throw error
    }
    await failures.answer(error, request, response)
  }

  return (request, response) => {
    try {
      const opened = open(request, response)
      const answered =
        opened instanceof Promise
          ? opened.then((session) => handler(request, response, session))
          : handler(request, response, opened)
      return answered instanceof Promise
        ? answered.then(undefined, (error: unknown) => fail(error, request, response))
        : undefined
    } catch (error) {
      return fail(error, request, response)
    }
  }
}

/**
 * Answers the `ERR_ASSURANCE_INSUFFICIENT` of a listener that opened its session with `nodeSession`: a page's visitor is sent to the `stepUpPage`, a
 * program gets 401 with RFC 9470's challenge. `withSession` does this by itself.
 *
 * @param error - What your listener caught; anything.
 * @returns Whether it was such an error and is answered.
 * @see RFC 9470, 3
 * @example
 * try {
 *   session.requireAssurance({ acr: 'aal2', maxAge: minutes(5) })
 * } catch (error) {
 *   if (!answerAssurance(error, req, res)) throw error
 * }
 */
export function answerAssurance(error: unknown, request: IncomingMessage, response: ServerResponse): boolean {
  if (!isSojournError(error, 'ERR_ASSURANCE_INSUFFICIENT')) return false
  const http = guardOf(response)?.exchanges[0]?.http as SessionHttp<unknown, IncomingMessage> | undefined
  const location = http && stepUpLocation(error, new NodeFacts(request), http.assurancePages)
  sendErrorOnNode(error, request, response, location)
  return true
}

/**
 * Gives a function that opens the session of an `upgrade` request, before it becomes a WebSocket. All rules hold as for a form: a page of another
 * site is refused by its `Origin`, because its socket would act for whoever is signed in (cross-site WebSocket hijacking); a client that
 * sends none is no browser. The session is as good as at that moment: look again, or close the socket, when it ends.
 *
 * @param sessions - The service, from `createSessions`.
 * @param options - The same as the site's other adapter has.
 * @returns A function of the request. Its promise gives the session, which can be read and updated; `signIn`, `signOut` and whatever else needs a
 * cookie throw `ERR_SESSION_COMMITTED`. It rejects with `ERR_CSRF_REFUSED`, or `ERR_STORE_UNAVAILABLE`: hand that to `refuseUpgrade`.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up.
 * @see ASVS 5.0, 4.4.2; OWASP WebSocket Security Cheat Sheet
 * @example
 * const open = upgradeSession(sessions)
 * server.on('upgrade', async (request, socket, head) => {
 *   try {
 *     const session = await open(request)
 *     sockets.handleUpgrade(request, socket, head, (ws) => ws.send(`Hello ${session.subject ?? 'stranger'}`))
 *   } catch (error) {
 *     refuseUpgrade(error, request, socket)
 *   }
 * })
 */
export function upgradeSession<Data>(
  sessions: Sessions<Data>,
  options: Omit<NodeSessionOptions, 'onError'> = {},
): (request: IncomingMessage) => Promise<Session<Data>> {
  const http = new SessionHttp<Data, IncomingMessage>(sessions, options, developerWarning())
  return (request) => openUpgrade(http, request)
}

function opener<Data>(sessions: Sessions<Data>, options: NodeSessionOptions, failures: NodeFailures) {
  const http = new SessionHttp<Data, IncomingMessage>(sessions, options, developerWarning())
  failures.locate = (error, request) => stepUpLocation(error, new NodeFacts(request), http.assurancePages)
  return (request: IncomingMessage, response: ServerResponse) => openOnNode(http, request, response, failures)
}

/**
 * Gives a listener that answers requests which came over plain HTTP: visits with a redirect (308) to the same path and query over https, all
 * else with 403. It sets no cookie, and the host is one of yours, never the request's. It is middleware of Express as well: put it first.
 *
 * A request with a body, or with `Authorization`, is not redirected: it was readable on the way, and its sender has to learn that.
 *
 * @param options - Your origins, and the proxies that say how a request reached them; `trustedProxies` as for the session.
 * @returns A listener of `(req, res, next)`. It calls `next` for a request that came over TLS; without one it answers 404.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up: no https origin, a proxy that is no address.
 * @see ASVS 5.0, 4.1.2, 12.2.1; OWASP Session Management Cheat Sheet, "Transport Layer Security"
 * @example
 * import { createServer } from 'node:http'
 * createServer(httpsRedirect({ origins: ['https://shop.example'] })).listen(80)
 */
export function httpsRedirect(
  options: HttpsRedirectOptions,
): (request: IncomingMessage, response: ServerResponse, next?: () => void) => void {
  const redirect = new HttpsRedirect(options, developerWarning())
  return (request, response, next) => {
    const answer = redirect.answer(new NodeFacts(request))
    if (answer !== undefined) {
      response.writeHead(answer.status, { ...answer.headers, 'Content-Length': answer.body.length })
      response.end(answer.body)
    } else if (next !== undefined) next()
    else response.writeHead(404).end()
  }
}

function developerWarning(): ((sentence: string) => void) | undefined {
  return process.env.NODE_ENV === 'production' ? undefined : (sentence) => process.emitWarning(sentence)
}

/** Loud, but no crash: whoever sends a request over plain HTTP could cause one at will. */
function warn(error: Error): void {
  process.emitWarning(error)
}
