/**
 * One request and its response: from the request's facts to a session, and from the session to header changes. Every adapter goes
 * through here, so that none has a policy of its own.
 */
import { ConfigError, type CsrfRule, SessionStateError, type SojournError } from '../core/errors.ts'
import type { JsonObject } from '../core/patch.ts'
import type { OnOutage } from '../core/reading.ts'
import type { Notes } from '../core/record.ts'
import { type Session, workOf } from '../core/session.ts'
import type { TokenInstruction } from '../core/unit-of-work.ts'
import { type HeaderTarget, markPersonal, withVary } from './cache-headers.ts'
import { chooseCookie } from './cookie-choice.ts'
import { type ChunkedCookie, sessionValues } from './cookie-chunks.ts'
import { cookieValues } from './cookie-parse.ts'
import type { CookieWriter } from './cookie-serialise.ts'
import type { CsrfOwner } from './csrf/token.ts'
import type { CsrfVerdict } from './csrf.ts'
import { deviceName } from './device.ts'
import type { SessionHttp } from './http-options.ts'
import { networkOf } from './network.ts'
import type { HttpContext, NativeFacts } from './request-facts.ts'
import type { GuardedRequest } from './request-guard.ts'
import { type Refusal, type TransportVerdict, transportError } from './transport.ts'
import { detailsOf, seenIn } from './transport-report.ts'

/**
 * The order is: `read()` before the handler, `commit()` before the first byte of headers, then `apply()`.
 *
 * It is also what core is told of the request. There is no abort signal in it on purpose: a write whose client has gone is finished
 * all the same, or a logout would depend on the patience of whoever asked for it.
 */
export class Exchange<Data, Native> implements HttpContext, GuardedRequest {
  readonly http: SessionHttp<Data, Native>
  readonly isActivity: boolean | undefined
  readonly facts: NativeFacts<Native>
  #judged: TransportVerdict | undefined
  #clientAddress: { readonly text: string | undefined } | undefined
  #isDuplicated = false
  #opened: Session<Data> | Promise<Session<Data>> | undefined
  #session: Session<Data> | undefined
  #instruction: TokenInstruction | undefined
  /** The session this request came with; whichever else it has in the end was started by it. */
  #idAtRead: string | undefined
  /** Whether a guard took the session away. */
  #isRefused = false
  readonly isUpgrade: boolean
  #csrf: CsrfVerdict = 'pass'
  /** Value of the cookie that a visitor's tokens are bound to, once it is asked for, and whether the browser has it already. */
  #anonymous: { readonly value: string; readonly isNew: boolean } | undefined
  /** Cookies of layers above, by name: the last line for each. */
  #further: Map<string, { readonly writer: CookieWriter; readonly line: string }> | undefined

  /** @param isUpgrade - Whether it becomes a socket, and no answer of ours follows that could carry a cookie. */
  constructor(http: SessionHttp<Data, Native>, facts: NativeFacts<Native>, isUpgrade = false) {
    this.http = http
    this.facts = facts
    this.isUpgrade = isUpgrade
    this.isActivity = http.isActivity?.(facts.request)
  }

  /** Core asks for it only for a request that brought a token. */
  get onOutage(): OnOutage | undefined {
    return this.http.onOutageOf(this.facts.request)
  }

  /** Core asks for it only when a session starts. */
  get device(): string | undefined {
    return deviceName(this.facts.header('user-agent'))
  }

  /** Core asks for it only when a session starts. */
  get network(): string | undefined {
    return networkOf(this.clientAddress)
  }

  /** Core asks for it only when a session starts. */
  notesAtStart(subject: string | undefined): Notes | undefined {
    let notes: Record<string, JsonObject> | undefined
    for (const guard of this.http.guards) {
      const note = guard.notesAtStart?.(this, subject)
      if (note !== undefined) notes = { ...notes, [guard.name]: note }
    }
    return notes
  }

  /** Core asks for it only where a second factor is due. */
  get mayBePending(): boolean {
    return this.http.guards.some((guard) => guard.admitsPending?.(this) === true)
  }

  get canSetCookie(): boolean {
    return !this.isUpgrade
  }

  /** Core asks for it when a page does. */
  csrfToken(sessionId: string | undefined): string {
    const { csrf } = this.http
    if (sessionId !== undefined) return csrf.tokens.mint({ kind: 'session', value: sessionId })
    this.#anonymous ??= this.#anonymousCookie()
    return csrf.tokens.mint({ kind: 'anonymous', value: this.#anonymous.value })
  }

  /** The cookie is that of tokens against forgery: one for both, with keys of their own behind it. */
  visitorSecret(mayMake: boolean): string | undefined {
    if (mayMake) this.#anonymous ??= this.#anonymousCookie()
    if (this.#anonymous !== undefined) return this.#anonymous.value
    const writer = this.#csrfWriter
    return writer && this.http.csrf.cookie.valueIn(this.facts.header('cookie'), writer)
  }

  /**
   * Sends a cookie of a layer above with the answer: a transaction that is under way in this browser.
   *
   * @param line - A `Set-Cookie` line of this writer's.
   * @throws {SojournError} what `startRefusal` says: on such a channel, or for such a request, no cookie is set.
   * @throws {SessionStateError} `ERR_SESSION_COMMITTED` - the headers have left.
   */
  sendCookie(writer: CookieWriter, line: string): void {
    const refusal = this.startRefusal()
    if (refusal !== undefined) throw refusal
    if (this.#instruction !== undefined || !this.canSetCookie)
      throw new SessionStateError(
        'The response is already on its way, so no cookie can be set. Do this before the first byte is written.',
        {
          code: 'ERR_SESSION_COMMITTED',
        },
      )
    this.#further ??= new Map()
    this.#further.set(writer.shape.name, { writer, line })
  }

  /** Whether cookies of this request and its answer are those of a developer's machine, without TLS. */
  get isLoopback(): boolean {
    return this.#verdict === 'loopback'
  }

  #applyFurtherCookies(target: HeaderTarget): boolean {
    if (this.#further === undefined) return false
    const lines = [...this.#further.values()]
    const others = target.setCookies().filter((other) => !lines.some(({ writer }) => writer.isAbout(other)))
    target.replaceSetCookies([...others, ...lines.map(({ line }) => line)])
    return true
  }

  #anonymousCookie(): { readonly value: string; readonly isNew: boolean } {
    const writer = this.#csrfWriter
    const { cookie } = this.http.csrf
    if (writer === undefined) {
      // No cookie may travel, so the token will be worth nothing. The page is shown all the same: its visitor may be a health check.
      this.#reportRefusal(this.#verdict as Refusal)
      return { value: cookie.newValue(), isNew: false }
    }
    const value = cookie.valueIn(this.facts.header('cookie'), writer)
    return value === undefined ? { value: cookie.newValue(), isNew: true } : { value, isNew: false }
  }

  get #csrfWriter(): CookieWriter | undefined {
    const verdict = this.#verdict
    const { cookie } = this.http.csrf
    return verdict === 'secure' ? cookie.secure : verdict === 'loopback' ? cookie.plain : undefined
  }

  get isSecure(): boolean {
    return this.#verdict === 'secure'
  }

  /** Walked to once, and only for who asks. */
  get clientAddress(): string | undefined {
    this.#clientAddress ??= { text: this.http.transport.clientAddress(this.facts) }
    return this.#clientAddress.text
  }

  /** Core asks for it only when a session is about to start: then, and not before, a wrong transport is an error. */
  startRefusal(): SojournError | undefined {
    if (this.#csrf === 'exempt') return exemptError()
    const verdict = this.#verdict
    return typeof verdict === 'string' ? undefined : this.#refuse(verdict)
  }

  /**
   * The session of this request. Without a promise where nothing is to be waited for: for a visitor who brought no cookie, and with a
   * store in this process. Asked again, it gives the same one: two of them for one response would write two cookies.
   *
   * It fails by rejection only.
   *
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - nobody knows who this is; never "signed out".
   * @throws {CsrfError} `ERR_CSRF_REFUSED` - nothing was read or written for it, but where only a token could tell.
   */
  read(): Session<Data> | Promise<Session<Data>> {
    if (this.#opened === undefined) {
      try {
        this.#opened = this.#read()
      } catch (error) {
        this.#opened = Promise.reject(error)
      }
    }
    return this.#opened
  }

  #read(): Session<Data> | Promise<Session<Data>> {
    this.#csrf = this.http.csrf.judge(this)
    if (this.#csrf !== 'pass' && this.#csrf !== 'guarded') {
      // Whatever cookie came was sent by itself: it gives an exempt request nothing.
      if (this.#csrf === 'exempt') return this.#opens(this.http.sessions.anonymous(this))
      if (this.#csrf !== 'token') this.#refuseForged(this.#csrf)
    }
    const header = this.facts.header('cookie')
    const token = header === undefined ? undefined : this.#chooseToken(header)
    const session = token ? this.http.sessions.open(token, this) : this.http.sessions.anonymous(this)
    if (session instanceof Promise) return session.then((opened) => this.#opens(opened))
    return this.#opens(session)
  }

  #opens(session: Session<Data>): Session<Data> | Promise<Session<Data>> {
    const { guards } = this.http
    if (guards.length > 0 && workOf(session).active !== undefined) return this.#inspect(session, 0)
    return this.#admit(session)
  }

  /** Asks each guard in turn, for as long as the session is anybody's. Without a promise where none of them waits. */
  #inspect(session: Session<Data>, from: number): Session<Data> | Promise<Session<Data>> {
    const { guards } = this.http
    for (let index = from; index < guards.length && workOf(session).active !== undefined; index++) {
      const inspected = guards[index]!.inspect(session, this)
      if (inspected instanceof Promise) return inspected.then(() => this.#inspect(session, index + 1))
    }
    this.#isRefused = workOf(session).active === undefined
    return this.#admit(session)
  }

  /** The last step: whose token it has to be is known only now. */
  #admit(session: Session<Data>): Session<Data> | Promise<Session<Data>> {
    this.#idAtRead = workOf(session).active?.record.id
    if (this.#csrf === 'token') {
      const rule = this.http.csrf.check(this, this.#csrfOwner(session))
      if (rule instanceof Promise) return rule.then((found) => this.#admitWith(found, session))
      return this.#admitWith(rule, session)
    }
    this.#session = session
    return session
  }

  #admitWith(rule: CsrfRule | undefined, session: Session<Data>): Session<Data> {
    if (rule !== undefined) this.#refuseForged(rule)
    this.#session = session
    return session
  }

  #csrfOwner(session: Session<Data>): CsrfOwner | undefined {
    const { active } = workOf(session)
    if (active !== undefined) return { kind: 'session', value: active.record.id }
    const writer = this.#csrfWriter
    const value = writer && this.http.csrf.cookie.valueIn(this.facts.header('cookie'), writer)
    return value === undefined ? undefined : { kind: 'anonymous', value }
  }

  #refuseForged(rule: CsrfRule): void {
    const refusal = this.http.csrf.refuse(rule)
    if (refusal !== undefined) throw refusal
  }

  #chooseToken(header: string): string | undefined {
    const { http } = this
    const verdict = this.#verdict
    const use = http.cookieFor(verdict)
    if (use === undefined) {
      // A Secure cookie on a channel that looks plain: a proxy nobody configured, and everybody seems signed out.
      const isOurs = cookieValues(header, http.cookieFor('secure')!.cookie.writer.shape.name).length > 0
      if (isOurs && typeof verdict !== 'string') {
        this.#reportRefusal(verdict)
        http.warnings?.refused(verdict, this.facts)
      }
      return undefined
    }
    const { token, candidates, valid } = chooseCookie(sessionValues(header, use.cookie.writer.shape.name), http.sessions)
    if (candidates > 1) {
      this.#isDuplicated = true
      http.sessions.events.emit({ type: 'cookie.duplicated', candidates, valid })
    }
    return token
  }

  /**
   * Writes what the handler changed. Without a promise when there is nothing to wait for. Whatever it rejects with, no cookie of this
   * request may be sent.
   */
  commit(): void | Promise<void> {
    const instruction = this.#session?.commit()
    if (instruction instanceof Promise) return this.#committed(instruction)
    this.#instruction = instruction
  }

  async #committed(instruction: Promise<TokenInstruction>): Promise<void> {
    this.#instruction = await instruction
  }

  /** Whether `apply` has anything to do. Ask after `commit`. */
  get hasHeaderChanges(): boolean {
    const instruction = this.#instruction
    if (instruction === undefined || this.#csrf === 'exempt') return false
    if (this.#anonymous?.isNew === true || this.#varies || this.#further !== undefined) return true
    return instruction.kind !== 'none' || this.#isDuplicated || this.#isRefused || this.#session!.isUsed || instruction.isLogout
  }

  /**
   * Puts cookie, cache and logout headers onto the response.
   *
   * @throws {TransportError} `ERR_TRANSPORT_INSECURE` - a token must not leave on this channel.
   * @throws {SojournError} `ERR_COOKIE_TOO_LARGE`
   */
  apply(target: HeaderTarget): void {
    const instruction = this.#instruction
    if (instruction === undefined || !this.hasHeaderChanges) return
    const use = this.http.cookieFor(this.#verdict)
    const lines = this.#setCookieLines(instruction)
    if (lines.length > 0) replaceCookie(target, use!.cookie, lines)
    const hasCsrfCookie = this.#applyCsrfCookie(target)
    const hasFurtherCookie = this.#applyFurtherCookies(target)
    if (this.#varies) for (const name of ['Sec-Fetch-Site', 'Origin']) target.set('Vary', withVary(target.get('Vary'), name))
    if (instruction.isLogout) this.#clearSiteData(target, instruction)
    const isGuardsTurn = lines.length > 0 || this.#isRefused
    if (isGuardsTurn) for (const guard of this.http.guards) guard.respond?.(this.#session!, this, target, this.#hasStarted)
    const hasOwnCookie = isGuardsTurn || hasCsrfCookie || hasFurtherCookie
    if (hasOwnCookie || this.#session!.isUsed) markPersonal(target, hasOwnCookie)
  }

  /** Whether a session was started here, and not only to be started: a sign-in may fail. */
  get #hasStarted(): boolean {
    const { active } = workOf(this.#session!)
    return active !== undefined && active.record.id !== this.#idAtRead
  }

  /** Whether the answer depends on where the request began, which a cache must know. */
  get #varies(): boolean {
    return this.#csrf === 'guarded'
  }

  /** A visitor's tokens get the cookie they are bound to; once there is a session its own take their place. */
  #applyCsrfCookie(target: HeaderTarget): boolean {
    const isAnonymous = workOf(this.#session!).active === undefined
    const isSet = isAnonymous && this.#anonymous?.isNew === true
    if (!isSet && (isAnonymous || !this.#hasStarted)) return false
    const writer = this.#csrfWriter!
    const { cookie } = this.http.csrf
    if (!isSet && cookie.valueIn(this.facts.header('cookie'), writer) === undefined) return false
    const line = isSet ? writer.set(this.#anonymous!.value) : writer.clear
    target.replaceSetCookies([...target.setCookies().filter((other) => !writer.isAbout(other)), line])
    return true
  }

  #setCookieLines({ kind, token, expiresAt }: TokenInstruction): readonly string[] {
    const verdict = this.#verdict
    const use = this.http.cookieFor(verdict)
    if (kind === 'set') {
      if (use === undefined) throw this.#refuse(verdict as Refusal)
      const persistence = expiresAt === undefined ? undefined : { expiresAt, now: this.http.clock() }
      return use.cookie.setLines(token!, persistence, this.facts.header('cookie'))
    }
    if (use === undefined) return []
    if (kind === 'clear') return use.cookie.clearLines(this.facts.header('cookie'))
    const healing = this.#isDuplicated ? use.healing.nextLine(this.facts.host, this.facts.path) : undefined
    return healing === undefined ? [] : use.cookie.strayLines(healing, this.facts.header('cookie'))
  }

  /** The application's own header stays. Data is cleared after cookies are set: `"cookies"` would take a new session's with it. */
  #clearSiteData(target: HeaderTarget, { kind }: TokenInstruction): void {
    const { clearSiteData } = this.http
    if (clearSiteData === undefined || target.get('Clear-Site-Data') !== undefined) return
    if (kind === 'set' && /cookies|\*/.test(clearSiteData)) return
    target.set('Clear-Site-Data', clearSiteData)
  }

  get #verdict(): TransportVerdict {
    this.#judged ??= this.http.transport.judge(this.facts)
    return this.#judged
  }

  #refuse(verdict: Refusal): SojournError {
    this.#reportRefusal(verdict)
    return transportError(verdict, detailsOf(verdict, this.facts, this.http.warnings !== undefined))
  }

  #reportRefusal({ reason }: Refusal): void {
    this.http.sessions.events.emit({ type: 'transport.refused', reason, seen: seenIn(this.facts) })
  }
}

/** The request a session was opened for by an adapter; `undefined` for one that was read without. */
export function exchangeOf(session: Session<unknown>): Exchange<unknown, unknown> | undefined {
  const { context } = workOf(session)
  return context instanceof Exchange ? context : undefined
}

/** A mistake of the application's: whoever can make a browser send this could replace the session that it has. */
function exemptError(): SojournError {
  return new ConfigError(
    'A session was to start in a request that csrf.safe exempts; expected none, because any site can send it. Name who may send it in ' +
      'csrf.allowedOrigins instead. See docs/guide/csrf.md.',
    { code: 'ERR_ARGUMENT_INVALID' },
  )
}

/** Exactly one `Set-Cookie` of our name (RFC 6265bis, 4.1.1), beside whatever the application sets. */
function replaceCookie(target: HeaderTarget, cookie: ChunkedCookie, lines: readonly string[]): void {
  const others = target.setCookies().filter((other) => !cookie.isAbout(other))
  target.replaceSetCookies([...others, ...lines])
}
