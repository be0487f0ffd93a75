/**
 * One request and its response: from the request's facts to a session, and from the session to header changes. Every adapter goes
 * through here, so that none has a policy of its own.
 */
import type { SojournError } from '../core/errors.ts'
import type { JsonObject } from '../core/patch.ts'
import type { OnOutage } from '../core/reading.ts'
import type { Notes } from '../core/record.ts'
import { type Session, workOf } from '../core/session.ts'
import type { TokenInstruction } from '../core/unit-of-work.ts'
import { type HeaderTarget, markPersonal } from './cache-headers.ts'
import { chooseCookie } from './cookie-choice.ts'
import { type ChunkedCookie, sessionValues } from './cookie-chunks.ts'
import { cookieValues } from './cookie-parse.ts'
import { deviceName } from './device.ts'
import type { SessionHttp } from './http-options.ts'
import type { HttpContext, NativeFacts } from './request-facts.ts'
import type { GuardedRequest } from './request-guard.ts'
import { type TransportVerdict, transportError } from './transport.ts'

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
  #isDuplicated = false
  #opened: Session<Data> | Promise<Session<Data>> | undefined
  #session: Session<Data> | undefined
  #instruction: TokenInstruction | undefined
  #hasStarted = false

  constructor(http: SessionHttp<Data, Native>, facts: NativeFacts<Native>) {
    this.http = http
    this.facts = facts
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
  notesAtStart(subject: string | undefined): Notes | undefined {
    this.#hasStarted = true
    let notes: Record<string, JsonObject> | undefined
    for (const guard of this.http.guards) {
      const note = guard.notesAtStart?.(this, subject)
      if (note !== undefined) notes = { ...notes, [guard.name]: note }
    }
    return notes
  }

  get isSecure(): boolean {
    return this.#verdict === 'secure'
  }

  get clientAddress(): string | undefined {
    return this.facts.peer
  }

  /** Core asks for it only when a session is about to start: then, and not before, a wrong transport is an error. */
  startRefusal(): SojournError | undefined {
    const verdict = this.#verdict
    return typeof verdict === 'string' ? undefined : this.#refuse(verdict)
  }

  /**
   * The session of this request. Without a promise where nothing is to be waited for: for a visitor who brought no cookie, and with a
   * store in this process. Asked again, it gives the same one: two of them for one response would write two cookies.
   *
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - nobody knows who this is; never "signed out".
   */
  read(): Session<Data> | Promise<Session<Data>> {
    this.#opened ??= this.#read()
    return this.#opened
  }

  #read(): Session<Data> | Promise<Session<Data>> {
    const header = this.facts.header('cookie')
    const token = header === undefined ? undefined : this.#chooseToken(header)
    const session = token ? this.http.sessions.open(token, this) : this.http.sessions.anonymous(this)
    if (session instanceof Promise) return session.then((opened) => this.#opens(opened))
    return this.#opens(session)
  }

  #opens(session: Session<Data>): Session<Data> | Promise<Session<Data>> {
    const { guards } = this.http
    if (guards.length > 0 && workOf(session).active !== undefined) return this.#inspect(session, 0)
    this.#session = session
    return session
  }

  /** Asks each guard in turn, for as long as the session is anybody's. Without a promise where none of them waits. */
  #inspect(session: Session<Data>, from: number): Session<Data> | Promise<Session<Data>> {
    const { guards } = this.http
    for (let index = from; index < guards.length && workOf(session).active !== undefined; index++) {
      const inspected = guards[index]!.inspect(session, this)
      if (inspected instanceof Promise) return inspected.then(() => this.#inspect(session, index + 1))
    }
    this.#session = session
    return session
  }

  #chooseToken(header: string): string | undefined {
    const { http } = this
    const verdict = this.#verdict
    const use = http.cookieFor(verdict)
    if (use === undefined) {
      // A Secure cookie on a channel that looks plain: a proxy nobody configured, and everybody seems signed out.
      if (cookieValues(header, http.cookieFor('secure')!.cookie.writer.shape.name).length > 0) this.#reportRefusal(verdict)
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
    if (instruction === undefined) return false
    return instruction.kind !== 'none' || this.#isDuplicated || this.#session!.isUsed || instruction.isLogout
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
    if (instruction.isLogout) this.#clearSiteData(target, instruction)
    if (lines.length > 0) for (const guard of this.http.guards) guard.respond?.(this.#session!, this, target, this.#hasStarted)
    if (lines.length > 0 || this.#session!.isUsed) markPersonal(target, lines.length > 0)
  }

  #setCookieLines({ kind, token, expiresAt }: TokenInstruction): readonly string[] {
    const verdict = this.#verdict
    const use = this.http.cookieFor(verdict)
    if (kind === 'set') {
      if (use === undefined) throw this.#refuse(verdict as Exclude<TransportVerdict, string>)
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

  #refuse(verdict: Exclude<TransportVerdict, string>): SojournError {
    this.#reportRefusal(verdict)
    return transportError(verdict)
  }

  #reportRefusal(verdict: TransportVerdict): void {
    if (typeof verdict === 'string') return
    this.http.sessions.events.emit({ type: 'transport.refused', reason: verdict.reason })
  }
}

/** Exactly one `Set-Cookie` of our name (RFC 6265bis, 4.1.1), beside whatever the application sets. */
function replaceCookie(target: HeaderTarget, cookie: ChunkedCookie, lines: readonly string[]): void {
  const others = target.setCookies().filter((other) => !cookie.isAbout(other))
  target.replaceSetCookies([...others, ...lines])
}
