/** Sessions for everything that takes a Web `Request` and gives a `Response`: Deno, Bun, and frameworks built on them. */
import type { Session } from '../core/session.ts'
import type { Sessions } from '../core/sessions.ts'
import { isOperational } from '../http/error-response.ts'
import { type HttpOptions, SessionHttp } from '../http/http-options.ts'
import { errorOnWeb, WebExchange } from '../http/web.ts'

export type { SiteData } from '../http/clear-site-data.ts'
export type { CookieOptions } from '../http/cookie-config.ts'
export type { CookieScope } from '../http/cookie-serialise.ts'
export type { HttpOptions } from '../http/http-options.ts'

/** Options of this entry's `withSession`. */
export interface WebSessionOptions extends Omit<HttpOptions<Request>, 'trustedProxies'> {
  /**
   * Whether a request came over TLS. Default: whether its URL says `https:`.
   *
   * Needed where a proxy ends TLS and the platform builds URLs that say `http:`. Answer from what your own proxy sets and a client cannot:
   * if a client can claim TLS, its token crosses the network readable.
   */
  readonly isSecure?: (request: Request) => boolean
  /**
   * Answers when the session could not be read or written, or the handler threw. Default: the error's status, `Retry-After` where it
   * helps, and a short body; errors that are not Sojourn's are thrown on.
   *
   * Show nothing of the error: its message is for you, and tells an attacker what is behind the site.
   */
  readonly onError?: (error: unknown, request: Request) => Response | Promise<Response>
}

/**
 * Wraps a fetch handler so that it gets the session as its second argument, and its response is committed before it is sent.
 *
 * If the handler throws, nothing it did to `session.data` is kept; a `Response` that is thrown counts as returned. What it had already
 * done at once (`signIn`, `signOut`, `update`) stays done.
 *
 * @param sessions - The service, from `createSessions`.
 * @param handler - Answers the request. Further arguments of the platform (`env`, `info`) follow the session.
 * @param options - Cookie, TLS and plain HTTP; safe without any.
 * @returns A fetch handler. A store that is away is answered with 503, never as "signed out".
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up: an option that browsers would ignore or that is not safe.
 * @see RFC 6265bis, 4.1; OWASP Session Management Cheat Sheet, "Cookies"
 * @example
 * Deno.serve(withSession(sessions, async (request, session) => {
 *   if (request.method === 'POST') await session.signOut()
 *   return new Response(`Hello ${session.subject ?? 'stranger'}`)
 * }))
 */
export function withSession<Data, Rest extends unknown[] = []>(
  sessions: Sessions<Data>,
  handler: (request: Request, session: Session<Data>, ...rest: Rest) => Response | Promise<Response>,
  options: WebSessionOptions = {},
): (request: Request, ...rest: Rest) => Promise<Response> {
  const http = new SessionHttp<Data, Request>(sessions, options)
  const { isSecure, onError } = options
  return async (request, ...rest) => {
    try {
      const exchange = new WebExchange(http, request, isSecure)
      const session = await exchange.read()
      return await exchange.finish(await answer(() => handler(request, session, ...rest)))
    } catch (error) {
      if (onError !== undefined) return onError(error, request)
      if (isOperational(error)) return errorOnWeb(error, request)
      throw error
    }
  }
}

/** Some frameworks throw responses; a redirect after sign-in needs its cookie all the same. */
async function answer(handle: () => Response | Promise<Response>): Promise<Response> {
  try {
    return await handle()
  } catch (thrown) {
    if (thrown instanceof Response) return thrown
    throw thrown
  }
}
