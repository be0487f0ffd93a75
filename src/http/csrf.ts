/**
 * Refuses what another site's page makes a browser send (cross-site request forgery), before the handler sees it.
 *
 * A browser that sends `Sec-Fetch-Site` says what we need to know, and no page can change it. Older ones send `Origin`, or `Referer`. A request with none
 * of them is let through if no page could have made a browser send it unasked, and else needs a token bound to its session (ASVS 5.0, 3.5.1 to 3.5.3; CSRF
 * Prevention Cheat Sheet; Fetch Metadata). SameSite cookies help, and are not relied on: sibling hosts and other ports count as the same site.
 */
import type { CsrfError, CsrfRule } from '../core/errors.ts'
import type { Events } from '../core/events.ts'
import { serviceOf } from '../core/service.ts'
import type { Sessions } from '../core/sessions.ts'
import type { CookieShape } from './cookie-serialise.ts'
import { AnonymousCookie } from './csrf/anonymous-cookie.ts'
import { CSRF_HEADER } from './csrf/form-field.ts'
import { type CsrfOptions, checkedOptions } from './csrf/options.ts'
import { checkedOrigins, isOwnOrigin, originOf } from './csrf/origin.ts'
import { checkedFunction, checkedMatcher, type Matcher } from './csrf/paths.ts'
import { csrfError } from './csrf/refusal.ts'
import { needsPreflight } from './csrf/simple-request.ts'
import { type CsrfOwner, CsrfTokens } from './csrf/token.ts'
import type { NativeFacts } from './request-facts.ts'

/** `exempt` passes without session; `guarded` is a read that passed and whose answer depends on what was looked at. */
export type CsrfVerdict = 'pass' | 'guarded' | 'exempt' | 'token' | CsrfRule

/** What is looked at. `isSecure` is asked for only where an origin is compared. */
interface CsrfRequest<Native> {
  readonly facts: NativeFacts<Native>
  readonly isSecure: boolean
  /** Whether it is an upgrade to a socket, which acts for as long as it lives. */
  readonly isUpgrade: boolean
}

/** What the adapter's options come to besides `csrf` itself. */
interface CsrfSetting<Native> {
  readonly sessions: Pick<Sessions, 'events'>
  readonly sessionCookie: CookieShape
  readonly dangerouslyAllowHttp: boolean
  readonly dangerouslyDisableCsrf: boolean
  /** Finds the field of a form where the adapter can. */
  readonly formField: ((request: Native) => unknown) | undefined
}

/** One adapter's rules. Made once, at start-up. */
export class Csrf<Native> {
  readonly tokens: CsrfTokens
  readonly cookie: AnonymousCookie
  /** Options that lower safety, for the event. */
  readonly lowered: readonly string[]
  readonly #isOff: boolean
  readonly #events: Events
  readonly #allowed: ReadonlySet<string>
  readonly #safe: Matcher<Native> | undefined
  readonly #protect: Matcher<Native> | undefined
  readonly #isProgram: CsrfOptions<Native>['isProgram']
  readonly #isAlways: boolean
  readonly #isReportOnly: boolean
  readonly #tokenFrom: ((request: Native) => unknown) | undefined

  /** @throws {ConfigError} `ERR_CONFIG_INVALID` */
  constructor(options: CsrfOptions<Native> | undefined, setting: CsrfSetting<Native>) {
    const given = checkedOptions<Native>(options)
    const { sessions, sessionCookie, dangerouslyAllowHttp, dangerouslyDisableCsrf, formField } = setting
    const { keyring, random, declared } = serviceOf(sessions).config
    const isNist = declared.preset?.startsWith('aal') === true
    this.tokens = new CsrfTokens(keyring, random)
    this.cookie = new AnonymousCookie(sessionCookie, random)
    this.#isOff = dangerouslyDisableCsrf
    this.#events = sessions.events
    this.#allowed = checkedOrigins(given.allowedOrigins, dangerouslyAllowHttp)
    this.#safe = checkedMatcher('safe', given.safe, 'exactly')
    this.#protect = checkedMatcher('protect', given.protect, 'loosely')
    this.#isProgram = checkedFunction('isProgram', given.isProgram)
    this.#isAlways = (given.token ?? (isNist ? 'always' : 'fallback')) === 'always'
    this.#isReportOnly = given.dangerouslyReportOnly === true
    this.#tokenFrom = checkedFunction('tokenFrom', given.tokenFrom) ?? formField
    this.lowered = [
      ...(dangerouslyDisableCsrf ? ['dangerouslyDisableCsrf'] : []),
      ...(this.#isReportOnly ? ['csrf.dangerouslyReportOnly'] : []),
      ...(isNist && !this.#isAlways ? ['csrf.token'] : []),
    ]
  }

  /** What becomes of a request, before anybody knows whose it is. */
  judge(request: CsrfRequest<Native>): CsrfVerdict {
    const { facts, isUpgrade } = request
    if (this.#isOff) return 'pass'
    const { method, sentMethod = method } = facts
    // A middleware that makes one of the other must not make a form look like what browsers ask about first, nor a write like a read.
    const isRead = isSafeMethod(method) && isSafeMethod(sentMethod)
    if (isRead && !isUpgrade && !asksForSocket(facts)) return this.#protect === undefined ? 'pass' : this.#judgeRead(request)
    // A promise, which any function may give by mistake, is not `true`.
    if (this.#safe?.(facts) === true) return 'exempt'
    const origin = this.#judgeOrigin(request)
    // Without `Origin` it is no browser that opens a socket.
    if (isRead) return origin === 'unknown' ? 'pass' : origin
    if (origin !== 'pass' && origin !== 'unknown') return origin
    if (this.#isAlways) return 'token'
    if (origin === 'pass' || needsPreflight(sentMethod, facts.header('content-type'))) return 'pass'
    return this.#isProgram?.(facts.request) === true ? 'pass' : 'token'
  }

  /** A read that the application wants held to the rules. */
  #judgeRead(request: CsrfRequest<Native>): CsrfVerdict {
    const { facts } = request
    const protection = this.#protect!(facts)
    if (protection === false || protection === undefined || this.#safe?.(facts) === true) return 'pass'
    const origin = this.#judgeOrigin(request)
    if (origin === 'pass') return 'guarded'
    if (protection === 'subresources') {
      // A link from elsewhere is welcome, and an older browser's cannot be told from a picture.
      const isLink = origin === 'sec-fetch-site' ? isNavigation(facts) : origin !== 'origin'
      return isLink || origin === 'unknown' ? 'guarded' : origin
    }
    if (origin !== 'unknown') return origin
    return this.#isProgram?.(facts.request) === true ? 'guarded' : 'token'
  }

  /** What its headers say of where a request began. */
  #judgeOrigin(request: CsrfRequest<Native>): 'pass' | 'unknown' | CsrfRule {
    const { facts } = request
    const site = facts.header('sec-fetch-site')
    if (site === 'same-origin' || site === 'none') return 'pass'
    const origin = facts.header('origin')
    if (site === 'cross-site' || site === 'same-site') {
      return origin !== undefined && this.#allowed.has(origin) ? 'pass' : 'sec-fetch-site'
    }
    // Any other value is none of the specification's, and says nothing.
    if (origin !== undefined) return this.#isOurs(origin, request) ? 'pass' : 'origin'
    const referer = facts.header('referer')
    if (referer === undefined || referer === '') return 'unknown'
    return this.#isOurs(originOf(referer), request) ? 'pass' : 'referer'
  }

  #isOurs(origin: string, { facts, isSecure }: CsrfRequest<Native>): boolean {
    return isOwnOrigin(origin, isSecure, facts.authority) || this.#allowed.has(origin)
  }

  /** What is wrong with the token of a request that needs one; `undefined` when it is its owner's. */
  check({ facts }: CsrfRequest<Native>, owner: CsrfOwner | undefined): CsrfRule | undefined | Promise<CsrfRule | undefined> {
    const inHeader = facts.header(CSRF_HEADER)
    if (inHeader !== undefined) return this.#checkToken(inHeader, owner)
    const found = isSafeMethod(facts.method) ? undefined : this.#tokenFrom?.(facts.request)
    if (found instanceof Promise) return found.then((given: unknown) => this.#checkToken(given, owner))
    return this.#checkToken(found, owner)
  }

  #checkToken(given: unknown, owner: CsrfOwner | undefined): CsrfRule | undefined {
    if (given === undefined || given === null || given === '') return 'token-missing'
    return typeof given === 'string' && owner !== undefined && this.tokens.isOf(given, owner) ? undefined : 'token-wrong'
  }

  /** Reports a refusal, and gives the error to answer with; none where it only reports. */
  refuse(rule: CsrfRule): CsrfError | undefined {
    const isReportOnly = this.#isReportOnly
    this.#events.emit({ type: 'csrf.refused', rule, isReportOnly })
    return isReportOnly ? undefined : csrfError(rule)
  }
}

/** RFC 9110, 9.2.1. In capitals, as methods are: any other spelling is none of these. */
function isSafeMethod(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS' || method === 'TRACE'
}

/** A socket carries the cookie of its handshake and is not held back by CORS (cross-site WebSocket hijacking). */
function asksForSocket(facts: NativeFacts<unknown>): boolean {
  return facts.header('upgrade')?.toLowerCase().includes('websocket') === true
}

/** A person following a link: not a frame, and not an `object` or `embed`, which navigate too. */
function isNavigation(facts: NativeFacts<unknown>): boolean {
  return facts.header('sec-fetch-mode') === 'navigate' && facts.header('sec-fetch-dest') === 'document'
}
