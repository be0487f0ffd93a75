/** Sessions for everything that takes a Web `Request` and gives a `Response`: Deno, Bun, and frameworks built on them. */
import type { Session } from '../core/session.ts'
import type { Sessions } from '../core/sessions.ts'
import { fieldOfRequest } from '../http/csrf/form-field.ts'
import { isOperational } from '../http/error-response.ts'
import { type HttpOptions, SessionHttp } from '../http/http-options.ts'
import { HttpsRedirect, type HttpsRedirectOptions } from '../http/https-redirect.ts'
import { errorOnWeb, WebExchange, WebFacts } from '../http/web.ts'

export type { SiteData } from '../http/clear-site-data.ts'
export type { CookieOptions } from '../http/cookie-config.ts'
export type { CookieScope } from '../http/cookie-serialise.ts'
export type { CsrfOptions } from '../http/csrf/options.ts'
export type { HttpOptions } from '../http/http-options.ts'

/** Options of this entry's `withSession`. */
export interface WebSessionOptions<Rest extends unknown[] = []> extends Omit<HttpOptions<Request>, 'trustedProxies'> {
  /**
   * Whether a request came over TLS. Default: whether its URL says `https:`.
   *
   * Needed where a proxy ends TLS and the platform builds URLs that say `http:`. Answer from what your own proxy sets and a client cannot:
   * if a client can claim TLS, its token crosses the network readable.
   */
  readonly isSecure?: (request: Request) => boolean
  /**
   * The client's IP address, for guards that look at it; the platform's further arguments follow the request. Default: nobody knows, since a
   * Web request does not say, and such checks have nothing to go by.
   *
   * Answer what the platform saw (`info.remoteAddr.hostname` on Deno), or what your own proxy sets and a client cannot: a thief who can write it
   * gives the victim's.
   */
  readonly clientAddress?: (request: Request, ...rest: Rest) => string | undefined
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
  options: WebSessionOptions<Rest> = {},
): (request: Request, ...rest: Rest) => Promise<Response> {
  const http = new SessionHttp<Data, Request>(sessions, options, developerWarning(), fieldOfRequest)
  const { isSecure, clientAddress, onError } = options
  return async (request, ...rest) => {
    try {
      const exchange = new WebExchange(http, request, {
        isSecure,
        clientAddress: clientAddress && (() => clientAddress(request, ...rest)),
      })
      const session = await exchange.read()
      return await exchange.finish(await answer(() => handler(request, session, ...rest)))
    } catch (error) {
      if (onError !== undefined) return onError(error, request)
      if (isOperational(error)) return errorOnWeb(error, request, http.assurancePages)
      throw error
    }
  }
}

/** Options of this entry's `httpsRedirect`. */
export interface WebHttpsRedirectOptions extends Omit<HttpsRedirectOptions, 'trustedProxies'> {
  /** Whether a request came over TLS, as for `withSession`. Default: whether its URL says `https:`. A proxy's word that is lost here is a loop. */
  readonly isSecure?: (request: Request) => boolean
}

/**
 * Gives a function that answers requests which came over plain HTTP: visits with a redirect to the same path and query over https, all else
 * with 403. It sets no cookie, and the host is one of yours, never the request's.
 *
 * @param options - Your origins, and how TLS shows.
 * @returns A function of a request. It gives `undefined` for one that came over TLS: go on with it.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up: no https origin.
 * @see ASVS 5.0, 4.1.2, 12.2.1; OWASP Session Management Cheat Sheet, "Transport Layer Security"
 * @example
 * const redirect = httpsRedirect({ origins: ['https://shop.example'] })
 * Deno.serve((request) => redirect(request) ?? serveShop(request))
 */
export function httpsRedirect(options: WebHttpsRedirectOptions): (request: Request) => Response | undefined {
  const redirect = new HttpsRedirect(options, developerWarning())
  return (request) => {
    const answer = redirect.answer(new WebFacts(request, options))
    return answer && new Response(request.method === 'HEAD' ? null : answer.body, answer)
  }
}

/** In development, where there is a terminal: not every platform has a `process`. */
function developerWarning(): ((sentence: string) => void) | undefined {
  const { process } = globalThis as { process?: { env?: Record<string, string>; emitWarning?: (sentence: string) => void } }
  return process?.env?.NODE_ENV === 'production' ? undefined : (sentence) => process?.emitWarning?.(sentence)
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
