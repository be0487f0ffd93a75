/**
 * Guards: checks that layers above add to every request, on every adapter alike. One that finds the client wanting takes the session away
 * from the request, or ends it; it never answers by itself.
 */
import type { JsonObject } from '../core/patch.ts'
import type { Session } from '../core/session.ts'
import type { Sessions } from '../core/sessions.ts'
import type { HeaderTarget } from './cache-headers.ts'
import type { CookieShape } from './cookie-serialise.ts'
import type { RequestFacts } from './request-facts.ts'

/** What a guard may know of a request. */
export interface GuardedRequest {
  readonly facts: RequestFacts
  /** Whether the browser reached us over TLS, as far as trusted proxies say. */
  readonly isSecure: boolean
  /** The client's address; `undefined` where the platform hides it. */
  readonly clientAddress: string | undefined
  /** Whether it becomes a socket. What its headers alone say of that is the client's own word. */
  readonly isUpgrade: boolean
}

/** What a guard may know of the adapter it is given to. */
export interface GuardedHttp {
  readonly sessions: Sessions<unknown>
  /** The session cookie as it goes over TLS. */
  readonly sessionCookie: CookieShape
  /** Whether a request came over TLS, as far as trusted proxies say. */
  isSecure(facts: RequestFacts): boolean
}

/** One check. Made by `deviceBinding` and `traitChecks`; applications hand them to an adapter as `guards`. */
export interface RequestGuard {
  /** Under which its notes are kept with each session. */
  readonly name: string
  /** Called once for each adapter it is given to. @throws {ConfigError} what it needs is not there. */
  attach(http: GuardedHttp): void
  /** What to keep with a session that starts in this request. */
  notesAtStart?(request: GuardedRequest, subject: string | undefined): JsonObject | undefined
  /** Whether a session that a second factor is still due for may act in this request: on the pages that ask for it. Default `false`. */
  admitsPending?(request: GuardedRequest): boolean
  /** Where a visitor proves more; the adapter's own `stepUpPage` goes before it. */
  readonly stepUpPage?: string | undefined
  /** Called with the session of each request that has an active one, before the handler. */
  inspect(session: Session<unknown>, request: GuardedRequest): void | Promise<void>
  /**
   * Called before the headers leave, where the session's cookie is set or cleared, and where a guard took the session away; `hasStarted`: by
   * a session that started here.
   */
  respond?(session: Session<unknown>, request: GuardedRequest, target: HeaderTarget, hasStarted: boolean): void
}
