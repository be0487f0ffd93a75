/** Sessions for Express 4 and 5. `req.session` is typed without a global declaration: two services in one process stay apart. */
import process from 'node:process'
import type { Application, NextFunction, Request, Response, Router } from 'express'
import type { Requirement } from '../core/assurance.ts'
import type { Session } from '../core/session.ts'
import type { Sessions } from '../core/sessions.ts'
import { misuse } from '../core/unit-of-work.ts'
import { stepUpLocation } from '../http/assurance-pages.ts'
import { fieldOfParsed } from '../http/csrf/form-field.ts'
import { retryAfterOf } from '../http/error-response.ts'
import { exchangeOf } from '../http/exchange.ts'
import { type HttpOptions, SessionHttp } from '../http/http-options.ts'
import { type IncomingMessage, NodeFacts, openOnNode, type ServerResponse } from '../http/node.ts'
import { type NodeErrorHandler, NodeFailures, sendErrorOnNode } from '../http/node-error.ts'

export type { SiteData } from '../http/clear-site-data.ts'
export type { CookieOptions } from '../http/cookie-config.ts'
export type { CookieScope } from '../http/cookie-serialise.ts'
export type { CsrfOptions } from '../http/csrf/options.ts'
export type { HttpOptions } from '../http/http-options.ts'
export type { NodeErrorHandler } from '../http/node-error.ts'

/** Options of `sessionMiddleware`. */
export interface SessionMiddlewareOptions extends HttpOptions<IncomingMessage> {
  /**
   * Answers when a session could not be written after the handler has answered; what it answered is dropped. Default: the error's status,
   * `Retry-After` where it helps, and a short body; a mistake, such as data its schema refuses, is a warning of the process, once a code.
   * Failures to read go to Express's own error handlers.
   *
   * Show nothing of the error: its message is for you, and tells an attacker what is behind the site.
   */
  readonly onError?: NodeErrorHandler
}

/**
 * Puts the session of each request on `req.session` and commits it before the response's first byte leaves.
 *
 * Put it behind what serves static files and parses bodies, and in front of whatever needs to know who it is. A request that another
 * site's page may have forged goes to your error handlers as `ERR_CSRF_REFUSED` with status 403 and its `rule`. A request without a cookie costs no
 * promise, no store and no row. A store that is away goes to your error handlers as `ERR_STORE_UNAVAILABLE` with status 503 and
 * `Retry-After` set; never is anybody taken for signed out.
 *
 * @param sessions - The service, from `createSessions`.
 * @param options - Cookie, proxies and plain HTTP; safe without any. Express's own `trust proxy` is not looked at.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up: an option that browsers would ignore or that is not safe.
 * @see RFC 6265bis, 4.1; OWASP Session Management Cheat Sheet, "Cookies"
 * @example
 * const app: SessionApplication<typeof sessions> = express()
 * app.use(sessionMiddleware(sessions))
 * app.post('/logout', async (req, res) => { await req.session.signOut(); res.redirect('/') })
 */
export function sessionMiddleware<Data>(
  sessions: Sessions<Data>,
  options: SessionMiddlewareOptions = {},
): (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void {
  const isProduction = process.env.NODE_ENV === 'production'
  const http = new SessionHttp<Data, IncomingMessage>(
    sessions,
    options,
    isProduction ? undefined : (sentence) => process.emitWarning(sentence),
    (request) => fieldOfParsed((request as { body?: unknown }).body),
  )
  const failures = new NodeFailures(options.onError, (error) => process.emitWarning(error))
  failures.locate = (error, request) => stepUpLocation(error, new NodeFacts(request), http.assurancePages)
  return (request, response, next) => {
    const opened = openOnNode(http, request, response, failures)
    if (!(opened instanceof Promise)) {
      ;(request as WithSession<Data>).session = opened
      next()
      return
    }
    opened.then(
      (session) => {
        ;(request as WithSession<Data>).session = session
        next()
      },
      (error: unknown) => {
        const retryAfter = retryAfterOf(error)
        if (retryAfter !== undefined && !response.headersSent) response.setHeader('Retry-After', retryAfter)
        next(error)
      },
    )
  }
}

/**
 * Lets a request on only if its session is signed in and proved enough, recently enough: `session.requireAssurance` for a whole route. Put it behind
 * `sessionMiddleware`, and `assuranceErrors()` behind your routes if pages are to be sent to their `stepUpPage`.
 *
 * @param requirement.acr - Least level, default `aal1`.
 * @param requirement.maxAge - Oldest proof that still counts, in milliseconds; default any.
 * @returns Middleware. What is short of it goes to your error handlers as `ERR_ASSURANCE_INSUFFICIENT`, with `status` 401 and RFC 9470's challenge
 * in `headers`; a page's visitor is sent to the `stepUpPage`, where there is one.
 * @throws {ConfigError} `ERR_ARGUMENT_INVALID` - as an error of the request: there is no such level, or no session.
 * @see RFC 9470; ASVS 5.0, 7.5.3
 * @example
 * app.post('/checkout', requireAssurance({ acr: 'aal2', maxAge: minutes(5) }), checkOut)
 */
export function requireAssurance(
  requirement: Requirement = {},
): (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void {
  const answer = assuranceErrors()
  return (request, response, next) => {
    const { session } = request as Partial<WithSession<unknown>>
    if (session === undefined) return next(misuse('requireAssurance found no session; put it behind sessionMiddleware'))
    try {
      session.requireAssurance(requirement)
    } catch (error) {
      return answer(error, request, response, next)
    }
    next()
  }
}

/**
 * Answers the `ERR_ASSURANCE_INSUFFICIENT` of handlers that call `session.requireAssurance` themselves: a page's visitor is sent to the `stepUpPage`.
 * Everything else goes on to your error handlers.
 *
 * @returns An error handler; put it behind your routes, in front of your own.
 * @example
 * app.use(assuranceErrors())
 */
export function assuranceErrors(): (
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void {
  return (error, request, response, next) => {
    const { session } = request as Partial<WithSession<unknown>>
    const http = session && exchangeOf(session)?.http
    const location = http && stepUpLocation(error, new NodeFacts(request), http.assurancePages)
    if (location === undefined || response.headersSent) next(error)
    else sendErrorOnNode(error, request, response, location)
  }
}

interface WithSession<Data> extends IncomingMessage {
  session: Session<Data>
}

/** The session type of a service: `SessionOf<typeof sessions>`. */
export type SessionOf<Service> = Service extends Sessions<infer Data> ? Session<Data> : never

/**
 * A request behind `sessionMiddleware`, for handlers typed by hand.
 *
 * @example
 * function requireSubject(req: SessionRequest<typeof sessions>, res: Response, next: NextFunction) {
 *   if (req.session.subject === undefined) res.sendStatus(401)
 *   else next()
 * }
 */
export type SessionRequest<Service, Params = AnyParams> = Request<Params> & { readonly session: SessionOf<Service> }

/** A handler behind `sessionMiddleware`. */
export interface SessionRequestHandler<Service, Params = AnyParams> {
  (request: SessionRequest<Service, Params>, response: Response, next: NextFunction): unknown
  /**
   * Never there. TypeScript compares callbacks in one direction only, also where they are parameters of methods; a type with a property is no
   * callback to it, and `express()` may be assigned to `SessionApplication`.
   */
  readonly isNeverThere?: never
}

/** An error handler behind `sessionMiddleware`. No session: the error may be that it could not be read. */
interface SessionErrorHandler {
  (error: unknown, request: Request, response: Response, next: NextFunction): unknown
  /** Never there, as above; without it TypeScript would take every middleware for an error handler. */
  readonly isNeverThere?: never
}

type AnyParams = Request['params']

/** `req.params` of a literal path has the path's names. */
type ParamsOf<Path> = Path extends string ? AnyParams & { [Name in NamesIn<Path>]: string } : AnyParams
type NamesIn<Path extends string> = Path extends `${string}:${infer Rest}` ? UpToDelimiter<Rest> | NamesIn<Rest> : never
type UpToDelimiter<Text extends string> = Text extends `${infer Name}${'/' | '.' | '-' | '{' | '}' | '(' | '?' | '*'}${string}`
  ? UpToDelimiter<Name>
  : Text

/**
 * Routes whose handlers see `req.session`. Declared as methods on purpose: TypeScript compares parameters of methods both ways, so that
 * what `express()` returns may be assigned to it.
 */
interface SessionRoutes<Service> {
  use(...handlers: SessionRequestHandler<Service>[]): this
  use(errorHandler: SessionErrorHandler): this
  use(path: string | RegExp | (string | RegExp)[], ...handlers: SessionRequestHandler<Service>[]): this
  all<Path extends string | RegExp>(path: Path, ...handlers: SessionRequestHandler<Service, ParamsOf<Path>>[]): this
  get<Path extends string | RegExp>(path: Path, ...handlers: SessionRequestHandler<Service, ParamsOf<Path>>[]): this
  post<Path extends string | RegExp>(path: Path, ...handlers: SessionRequestHandler<Service, ParamsOf<Path>>[]): this
  put<Path extends string | RegExp>(path: Path, ...handlers: SessionRequestHandler<Service, ParamsOf<Path>>[]): this
  delete<Path extends string | RegExp>(path: Path, ...handlers: SessionRequestHandler<Service, ParamsOf<Path>>[]): this
  patch<Path extends string | RegExp>(path: Path, ...handlers: SessionRequestHandler<Service, ParamsOf<Path>>[]): this
  options<Path extends string | RegExp>(path: Path, ...handlers: SessionRequestHandler<Service, ParamsOf<Path>>[]): this
  head<Path extends string | RegExp>(path: Path, ...handlers: SessionRequestHandler<Service, ParamsOf<Path>>[]): this
}

/**
 * An Express application whose handlers see `req.session`. Nothing is declared globally, so two services in one process, and a
 * library that has a `req.session` of its own, stay apart.
 *
 * @example
 * const app: SessionApplication<typeof sessions> = express()
 */
export interface SessionApplication<Service> extends Omit<Application, keyof SessionRoutes<Service>>, SessionRoutes<Service> {
  /** A listener for `createServer`, and a handler of another application. */
  (request: IncomingMessage, response: ServerResponse): unknown
}

/**
 * The same for a router.
 *
 * @example
 * const account: SessionRouter<typeof sessions> = express.Router()
 */
export interface SessionRouter<Service> extends Omit<Router, keyof SessionRoutes<Service>>, SessionRoutes<Service> {
  /** A handler of an application or another router. */
  (request: Request, response: Response, next: NextFunction): unknown
}
