/**
 * The session as one request sees it: a unit of work. Reading costs nothing more than the token did; what the handler changed
 * is written once, by `commit()`, before the response's headers leave.
 *
 * Over 350 lines because half of them are the documentation of what applications call; the writes are in `unit-of-work.ts`.
 */
import {
  type Acr,
  acrOf,
  authTimeOf,
  checkAcr,
  type Fact,
  MOST_FACTS,
  meets,
  type Requirement,
  type Strength,
} from './assurance.ts'
import { AssuranceError, isSojournError, SessionStateError } from './errors.ts'
import { absoluteDeadlineOf, idleDeadlineOf, isTouchDue, touched } from './expiry.ts'
import { type SessionSummary, summarise } from './listing.ts'
import type { JsonObject, Patch } from './patch.ts'
import { checkedLink, type ProviderLink } from './provider-link.ts'
import { type ActiveReading, factsOf, type Reading, type SessionState } from './reading.ts'
import type { SessionRecord } from './record.ts'
import { keepUntil, policyFor, type Service } from './service.ts'
import { patched, readData, WorkingData } from './session-data.ts'
import { type Beginning, checkSubject } from './starting.ts'
import { cannotTellWhose } from './store-calls.ts'
import { isSessionId } from './token.ts'
import {
  away,
  type BindingState,
  checkReason,
  type DataChange,
  ended,
  misuse,
  type ReadContext,
  type TokenInstruction,
  UnitOfWork,
} from './unit-of-work.ts'

/** Options of `session.signIn` and `sessions.signIn`. */
export interface SignInOptions<Data> {
  /** Whose session it becomes: a stable, non-empty string of at most 1,024 bytes that names one person in your application. */
  readonly subject: string
  /** How it was proved: RFC 8176 names such as `pwd`, or `['pwd', 'otp']`. */
  readonly method: string | readonly string[]
  /** Strength of each of these proofs. Default 1. Say 2 only for two factors in one act, or a stolen device reaches `aal2`. */
  readonly strength?: Strength
  /**
   * When it was proved, in epoch milliseconds; default now, and never later. Give it where somebody else checked the proof, as a provider did hours ago: else a
   * proof of this morning passes for one of this minute. `0` where nobody knows.
   */
  readonly provedAt?: number
  /**
   * Keys of an anonymous session's data to carry over. Default none: whoever could write into the visitor's session before
   * could otherwise plant values in the account (session puzzling, WSTG-SESS-08). Data of another subject is never carried.
   */
  readonly keep?: readonly (keyof Data & string)[]
  /** "Remember me": the cookie survives the browser's end, up to the absolute deadline. Default `false` (NIST SP 800-63B-4, 5.1). */
  readonly isPersistent?: boolean
  /**
   * Level that must still be reached, by `elevate`, before the session counts as signed in: `aal2` for who has a second factor. Until then its state is
   * `pending` wherever the adapter does not say that it may act, and it reaches nothing. `stepUp.signIn` of `sojourn/stepup` looks it up.
   *
   * Default: nobody asked. A stolen password alone is then a session.
   */
  readonly due?: Acr
  /**
   * The login at an OpenID Provider that this sign-in comes of, from an ID token you have checked; `relyingParty` of `sojourn/oidc` gives it. It lets
   * the provider's logout end the session (`sessions.revokeLinked`). `issuer`, `subject` and `sid` are strings of at most 1,024 bytes; `issuedAt` is
   * the token's `iat` in milliseconds, at most a day ago.
   *
   * Default: none. Whoever signed out at the provider is then still signed in here, and so is who took over their browser.
   */
  readonly providerLink?: ProviderLink | undefined
}

/** The unit of work behind a session, for the layers that check who presents its token. Not for applications. */
export let workOf: (session: Session<unknown>) => UnitOfWork

/**
 * One request's session. `state` says what its token was; only `active` is somebody's, everything else is an anonymous visitor.
 * Get one from `sessions.read`, an adapter's `req.session`, or `sessions.signIn`.
 */
export class Session<Data = Record<string, unknown>> {
  readonly #service: Service
  readonly #work: UnitOfWork
  #data: WorkingData | undefined
  #isUsed = false
  #committed: TokenInstruction | Promise<TokenInstruction> | undefined

  static {
    workOf = (session) => session.#work
  }

  /** @internal Sessions are made by `createSessions`. */
  constructor(service: Service, reading: Reading, context: ReadContext) {
    this.#service = service
    this.#work = new UnitOfWork(service, reading, context)
  }

  /** What the token was: `active`, or why the visitor is anonymous. */
  get state(): SessionState {
    this.#isUsed = true
    return this.#work.reading.state
  }

  /** More of `state`: `idle` or `absolute` for `expired`, the reason of a revocation. */
  get stateReason(): string | undefined {
    this.#isUsed = true
    const { reading } = this.#work
    return reading.state === 'active' ? undefined : reading.reason
  }

  /** Public id, safe to show and log; `undefined` while anonymous without data. It survives rotation and changes with the subject. */
  get id(): string | undefined {
    return this.#record()?.id
  }

  /** Whose session it is; `undefined` for an anonymous visitor. */
  get subject(): string | undefined {
    return this.#record()?.subject
  }

  /** What was proved, when, how strongly. A token replaced by a step-up has only what it had before. */
  get facts(): readonly Fact[] {
    this.#isUsed = true
    const { active } = this.#work
    return active === undefined ? [] : factsOf(active)
  }

  /** Assurance level of all facts, whatever their age; ask `meets` where age matters. */
  get acr(): Acr {
    return acrOf(this.facts)
  }

  /**
   * Level that is still due before this session counts as signed in; `undefined` when nothing is. Only the pages that ask for a second factor ever
   * see such a session: to all others it is nobody's, with the state `pending`.
   */
  get pending(): Acr | undefined {
    this.#isUsed = true
    return this.#work.pending
  }

  /** Instant of the latest authentication event. */
  get authTime(): number | undefined {
    return authTimeOf(this.facts)
  }

  /**
   * Since when nothing proved before counts any more, because the client changed (`sojourn/traits`); `undefined` when there is no doubt, or
   * `elevate` has brought a proof since. The subject stays: ask the person to prove again who they are.
   */
  get doubtedAt(): number | undefined {
    const doubtedAt = this.#record()?.details.doubtedAt
    return this.facts.length === 0 ? doubtedAt : undefined
  }

  get startedAt(): number | undefined {
    return this.#record()?.startedAt
  }

  get lastSeenAt(): number | undefined {
    return this.#record()?.lastSeenAt
  }

  /** Instant of the latest rotation, or of the start while there was none. */
  get rotatedAt(): number | undefined {
    return this.#record()?.generationAt
  }

  /** Whether the store is away and this is the last copy of the session: it can be read, and nothing be written. */
  get isReadonly(): boolean {
    this.#isUsed = true
    return this.#work.active?.isReadonly === true
  }

  /** Instant the session ends unless it is used before. This request's own activity counts. */
  get idleDeadline(): number | undefined {
    const record = this.#record()
    if (record === undefined) return undefined
    const policy = policyFor(this.#service, record)
    if (!this.#work.isActivity) return idleDeadlineOf(record, policy)
    const now = this.#service.config.clock()
    return isTouchDue(record, now, policy) ? touched(record, now, policy).idleDeadline : idleDeadlineOf(record, policy)
  }

  /** Instant the session ends whatever happens. */
  get absoluteDeadline(): number | undefined {
    const record = this.#record()
    return record && absoluteDeadlineOf(record, policyFor(this.#service, record))
  }

  /** Whether the cookie survives the browser's end. */
  get isPersistent(): boolean {
    return this.#record()?.isPersistent ?? false
  }

  get device(): string | undefined {
    return this.#record()?.details.device
  }

  /** The login at an OpenID Provider that this session came of; `undefined` when it came of none. Its `subject` is the provider's name for the person. */
  get providerLink(): ProviderLink | undefined {
    return this.#record()?.details.provider
  }

  /** Whether the client proved to hold the device's key. `unbound` with the reason `not-checked` where nothing checks it (`sojourn/dbsc`). */
  get binding(): BindingState {
    this.#isUsed = true
    return this.#work.binding
  }

  /**
   * Makes sure that this request comes from the device the session was given to.
   *
   * Call it where a stolen cookie must be worth nothing: payments, exports, factors.
   *
   * @throws {SessionStateError} `ERR_BINDING_REQUIRED` - the client has not proved the device's key, and why. Status 403.
   * @see Device Bound Session Credentials, W3C draft
   * @example
   * req.session.requireBinding()
   */
  requireBinding(): void {
    const { state, reason } = this.binding
    if (state === 'bound') return
    throw new SessionStateError(
      `This needs a session that is bound to its device, and this one is ${state}${reason ? ` (${reason})` : ''}. See docs/guide/dbsc.md.`,
      { code: 'ERR_BINDING_REQUIRED', status: 403 },
    )
  }

  /**
   * A token for forms and scripts of this response's page, which shows that what they send comes from the page: the form field `csrf_token`
   * or the header `x-csrf-token`. Another text each time, all of them good for as long as the session has this id.
   *
   * Browsers of today need none; give one to clients that send neither `Sec-Fetch-Site` nor `Origin`, and to all with `csrf.token: 'always'`. For
   * a visitor without a session it sets a small cookie and starts no session; on a channel no cookie may travel on, such a token is worth nothing, and
   * a `transport.refused` event says so. A sign-in makes older tokens void.
   *
   * @throws {SessionStateError} `ERR_SESSION_COMMITTED` - the visitor has no session, and the headers that would carry the cookie have left.
   * @throws {ConfigError} `ERR_ARGUMENT_INVALID` - no adapter opened this session.
   * @see ASVS 5.0, 3.5.1; NIST SP 800-63B-4, 5.1
   * @example
   * res.send(`<form method="post"><input type="hidden" name="csrf_token" value="${req.session.csrfToken()}">...`)
   */
  csrfToken(): string {
    this.#isUsed = true
    if (this.#work.active === undefined) this.#assertOpen()
    return this.#work.csrfToken()
  }

  /** Whether the handler looked at the session or changed it: the response is then personal and must not be cached. */
  get isUsed(): boolean {
    return this.#isUsed
  }

  /**
   * The application's data, to read and to change in place; nested changes are noticed. Written by `commit()`, merged with what
   * parallel requests wrote. Changing it as an anonymous visitor starts an anonymous session. Use `update` for a value that
   * depends on the one before.
   *
   * @throws {SessionDataError} `ERR_DATA_NEWER` - a later version of the application wrote it.
   */
  get data(): Data {
    this.#isUsed = true
    this.#data ??= this.#openData()
    return this.#data.live as Data
  }

  set data(value: Data) {
    this.#isUsed = true
    this.#data ??= this.#openData()
    this.#data.live = value
  }

  /**
   * Tells whether this session is signed in and proved enough, recently enough.
   *
   * @param requirement.acr - Least level, default `aal1`.
   * @param requirement.maxAge - Oldest proof that still counts, in milliseconds; default any.
   * @see RFC 9470; ASVS 5.0, 7.5.3
   * @example
   * if (!req.session.meets({ acr: 'aal2', maxAge: minutes(5) })) return res.redirect('/verify')
   */
  meets(requirement: Requirement = {}): boolean {
    const isMet = meets(this.facts, requirement, this.#service.config.clock())
    return isMet && this.subject !== undefined && this.#work.pending === undefined
  }

  /**
   * Makes sure that this session is signed in and proved enough, recently enough. Call it first in whatever needs it.
   *
   * An adapter answers what it throws: programs get RFC 9470's challenge, and a visitor to a page is sent to the option `stepUpPage`, from where they
   * come back when it is done.
   *
   * @param requirement.acr - Least level, default `aal1`.
   * @param requirement.maxAge - Oldest proof that still counts, in milliseconds; default any. One of exactly that age does.
   * @throws {AssuranceError} `ERR_ASSURANCE_INSUFFICIENT` - status 401; what was asked for, and the challenge.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - the store is away and the route was let through as nobody's. Status 503.
   * @throws {ConfigError} `ERR_ARGUMENT_INVALID` - there is no such level.
   * @see RFC 9470; ASVS 5.0, 7.5.1, 7.5.3; NIST SP 800-63B-4, 2.2.3
   * @example
   * req.session.requireAssurance({ acr: 'aal2', maxAge: minutes(5) })
   */
  requireAssurance(requirement: Requirement = {}): void {
    if (this.meets(requirement)) return
    const { acr = 'aal1', maxAge } = requirement
    const { id, subject } = this
    // Nobody knows who this is, so nobody may be told to sign in (design 1, promise 9).
    if (this.state === 'unavailable') throw away()
    this.#service.events.emit({ type: 'assurance.refused', sessionId: id, subject, acr, maxAge })
    throw new AssuranceError({ acr, maxAge, isSignedIn: subject !== undefined || this.state === 'pending' })
  }

  /**
   * Changes data on top of the latest stored value and writes it at once; runs `change` again when another request was
   * faster. For counters, and for anything that must be kept before the response is composed.
   *
   * @param change - Mutates the data it is given, synchronously; must have no other effect, since it may run more than once.
   * @throws {SessionStateError} `ERR_SESSION_ENDED` - the session ended meanwhile; nothing was written. Status 401.
   * `ERR_SESSION_COMMITTED` - headers have left, and with sealed cookies nothing can be written any more.
   * @throws {SessionDataError} `ERR_DATA_INVALID`, `ERR_DATA_TOO_LARGE`, `ERR_COOKIE_TOO_LARGE` (sealed cookies) - nothing was written.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE`, `ERR_STORE_CONTENDED`
   * @example
   * await req.session.update((data) => { data.visits += 1 })
   */
  async update(change: (data: Data) => void): Promise<void> {
    this.#isUsed = true
    if (this.#service.carrier !== undefined) this.#assertOpen()
    const mine = this.#data?.changes()
    const apply = (latest: JsonObject): JsonObject => {
      const data = patched(this.#service, latest, mine)
      const result: unknown = change(data as Data)
      if (result instanceof Promise)
        throw misuse('session.update was given an asynchronous function; expected a synchronous one, since it may run again')
      return this.#service.codec.validate(data)
    }
    if (this.#work.active !== undefined) await this.#work.write(apply, 'none')
    else await this.#start(apply)
    this.#data = undefined
  }

  /**
   * Signs the subject in: a new id and a new token; the session of before ends in the same step, so that a token fixed by an
   * attacker dies here. Call it after you have checked the proof.
   *
   * @throws {ConfigError} `ERR_ARGUMENT_INVALID` - an unusable subject or method.
   * @throws {SessionStateError} `ERR_SESSION_LIMIT` - the policy rejects one more session; `ERR_SESSION_COMMITTED` - headers have left.
   * `ERR_SIGN_IN_SEVERED` - the provider has ended the login of `providerLink` meanwhile; nobody was signed in. Status 401.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - nobody was signed in.
   * @see OWASP Session Management Cheat Sheet, "Renew the Session ID After Any Privilege Level Change"; ASVS 5.0, 7.2.4
   * @example
   * await req.session.signIn({ subject: user.id, method: 'pwd', keep: ['basket'] })
   */
  async signIn(options: SignInOptions<Data>): Promise<void> {
    this.#assertOpen()
    const { subject, keep = [], isPersistent = false, due, providerLink } = options
    checkSubject(subject)
    if (due !== undefined) checkAcr(due)
    const provider = providerLink === undefined ? undefined : checkedLink(providerLink, this.#service.config.clock())
    const facts = this.#factsFrom(options)
    const mine = this.#data?.changes()
    const dataFrom = (replaced: ActiveReading | undefined): JsonObject => {
      const owner = replaced?.record.subject
      if (keep.length === 0 || (owner !== undefined && owner !== subject)) return this.#service.codec.initial()
      const before = readData(this.#service, replaced?.record)
      if (before === 'unreadable') return this.#service.codec.initial()
      const data = patched(this.#service, before.data, mine)
      return this.#service.codec.validate(
        Object.fromEntries(keep.filter((key) => Object.hasOwn(data, key)).map((key) => [key, data[key]])),
      )
    }
    await this.#replaceBy({ subject, facts, isPersistent, dataFrom, due, provider })
  }

  /**
   * Records another proof by the same subject: a step-up, or a re-authentication. The token is replaced; the old one keeps only
   * what it could do before, for the grace window. A proof at least as strong as the session's level restarts both clocks
   * (NIST SP 800-63B-4, 5.2).
   *
   * @throws {SessionStateError} `ERR_SESSION_ENDED` - nobody is signed in; `ERR_ROTATION_PENDING` - too many rotations within the
   * grace window, try again after it; `ERR_SESSION_COMMITTED` - headers have left.
   * @example
   * await req.session.elevate({ method: 'otp' })
   */
  async elevate(options: Pick<SignInOptions<Data>, 'method' | 'strength' | 'provedAt'>): Promise<void> {
    const facts = this.#factsFrom(options)
    this.#assertOpen()
    await this.#work.rotate('elevation', 'elevated', facts)
    const { id, subject, acr } = this
    this.#service.events.emit({
      type: 'session.elevated',
      sessionId: id,
      subject,
      acr,
      methods: facts.map((fact) => fact.method),
    })
  }

  /**
   * Gives the session a new token and keeps its id, data and deadlines. Reading renews by itself once `rotateAfter` has passed, so
   * most applications never call it. A request whose token was replaced a moment ago by a parallel one gets that one's successor.
   *
   * @param options.reason - Machine word for the event. Default `requested`.
   * @param options.isPrivilegeChange - The subject may now do more or other things (a role changed): the old token's successor cannot be
   * had with the old token. Default `false`.
   * @throws {SessionStateError} `ERR_SESSION_ENDED`, `ERR_ROTATION_PENDING`, `ERR_SESSION_COMMITTED`
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - whether it rotated is not known; the old token still works.
   */
  async rotate(options: { readonly reason?: string; readonly isPrivilegeChange?: boolean } = {}): Promise<void> {
    const { reason = 'requested', isPrivilegeChange = false } = options
    checkReason(reason)
    this.#assertOpen()
    await this.#work.rotate(isPrivilegeChange ? 'elevation' : 'renewal', reason, [])
  }

  /**
   * Ends this session for good, everywhere, and clears its cookie. Safe to call for a visitor who has none.
   *
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - it may still be alive: do not tell the person otherwise.
   */
  async signOut(): Promise<void> {
    this.#assertOpen()
    await this.#end('logout', true)
  }

  /**
   * Records activity now, without waiting for the next time it is due. Does nothing for a visitor without a session.
   *
   * @throws {SessionStateError} `ERR_SESSION_COMMITTED` - headers have left, and sealed cookies cannot reach the browser any more.
   */
  async touch(): Promise<void> {
    if (this.#service.carrier !== undefined) this.#assertOpen()
    await this.#work.write(undefined, 'touch')
  }

  /**
   * Ends every other session of this subject; ASVS 5.0, 7.4.3 asks to offer it after a change of any factor.
   *
   * @returns How many it ended; `undefined` with a store that cannot count them (memcached, sealed cookies).
   * @throws {SessionStateError} `ERR_SESSION_ENDED` - nobody is signed in.
   * @throws {StoreError} `ERR_STORE_UNSUPPORTED` - sealed cookies without a ledger.
   */
  async revokeOthers(options: { readonly reason?: string } = {}): Promise<number | undefined> {
    const { record } = this.#signedIn()
    const { subject, id } = record
    const { calls, config, events } = this.#service
    const { reason = 'revoked-by-owner' } = options
    checkReason(reason)
    const now = config.clock()
    const count = await calls.revokeSubject(subject!, { reason, now, except: id, keepUntil: keepUntil(this.#service, now) })
    events.emit({ type: 'subject.revoked', subject, sessionId: id, count, reason, actor: subject })
    // The spared record was stamped anew; the next write finds that out by itself.
    return count
  }

  /**
   * Ends one of this subject's own sessions by its public id, as a devices page does.
   *
   * @returns `false` when there is no such session of this subject.
   * @throws {StoreError} `ERR_STORE_UNSUPPORTED` - sealed cookies: nobody can tell whose session it is.
   */
  async revoke(id: string): Promise<boolean> {
    const active = this.#signedIn()
    if (!isSessionId(id)) return false
    if (id === active.record.id) {
      // Where the cookie is the session, what ends it is to clear it.
      await this.#end('revoked-by-owner', this.#service.carrier !== undefined)
      return true
    }
    const { calls, carrier, config, events } = this.#service
    if (carrier !== undefined) throw cannotTellWhose(config.store.name)
    const found = await calls.read(id)
    const { subject } = active.record
    if (found?.kind !== 'record' || found.record.subject !== subject) return false
    const isEnded = await calls.revoke(id, { reason: 'revoked-by-owner', now: config.clock() })
    if (isEnded) events.emit({ type: 'session.revoked', sessionId: id, subject, reason: 'revoked-by-owner', actor: subject })
    return isEnded
  }

  /** Every live session of this subject, oldest first. Empty for an anonymous visitor. */
  async list(): Promise<(SessionSummary & { readonly isCurrent: boolean })[]> {
    const { subject, id } = this
    if (subject === undefined) return []
    this.#signedIn()
    const summaries = summarise(this.#service, await this.#service.calls.list(subject))
    return summaries.map((summary) => ({ ...summary, isCurrent: summary.id === id }))
  }

  /**
   * Writes what this request changed and says what to do with the cookie. Adapters call it once, before the first byte of headers.
   * It answers without a promise when there is nothing to wait for, which is the usual case. A touch is never waited for.
   *
   * @throws {SessionStateError} `ERR_SESSION_ENDED` - data was changed, but the session ended meanwhile. Status 401.
   * @throws {SessionDataError} `ERR_DATA_INVALID`, `ERR_DATA_TOO_LARGE`
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE`, `ERR_STORE_CONTENDED`
   */
  commit(): TokenInstruction | Promise<TokenInstruction> {
    if (this.#committed === undefined) {
      try {
        this.#committed = this.#commit()
      } catch (error) {
        this.#committed = Promise.reject(error)
      }
    }
    return this.#committed
  }

  #commit(): TokenInstruction | Promise<TokenInstruction> {
    const changes = this.#data?.changes()
    if (changes !== undefined) return this.#commitData(changes)
    const due = this.#work.due()
    if (due === 'renewal') return this.#commitRenewal()
    // The cookie itself is what a touch changes, where it carries the record.
    if (due === 'touch' && this.#service.carrier !== undefined) return this.#commitTouch()
    // Not waited for, and reported by the call itself if it fails; a lost touch ends a session early, never late.
    if (due === 'touch') this.#work.write(undefined, 'touch').catch(() => {})
    return this.#work.instruction()
  }

  async #commitData(changes: Patch): Promise<TokenInstruction> {
    const change: DataChange = (latest) => patched(this.#service, latest, changes)
    if (this.#work.active === undefined) await this.#start(change)
    else await this.#work.write(change, 'renewal')
    // Written: a later `update` must not write it once more.
    this.#data = undefined
    return this.#work.instruction()
  }

  async #commitRenewal(): Promise<TokenInstruction> {
    await this.#work.write(undefined, 'renewal').catch((error: unknown) => {
      // A cookie of before its limit was lowered is good as it is: only whoever writes into it is to hear of it.
      if (!isSojournError(error, 'ERR_COOKIE_TOO_LARGE')) throw error
    })
    return this.#work.instruction()
  }

  async #commitTouch(): Promise<TokenInstruction> {
    await this.#work.write(undefined, 'touch').catch(() => {})
    return this.#work.instruction()
  }

  async #start(change: DataChange): Promise<void> {
    // Within `commit()` itself it is in time: the headers wait for it.
    if (this.#committed !== undefined && !(this.#committed instanceof Promise)) this.#assertOpen()
    const dataFrom = () => change(this.#service.codec.initial())
    await this.#replaceBy({ subject: undefined, facts: [], isPersistent: false, dataFrom })
  }

  async #replaceBy(beginning: Omit<Beginning, 'device' | 'network' | 'notes'>): Promise<void> {
    await this.#work.replaceBy(beginning)
    this.#data = undefined
    this.#isUsed = true
  }

  async #end(reason: string, isLogout: boolean): Promise<void> {
    await this.#work.end(reason, isLogout)
    this.#data = undefined
  }

  #openData(): WorkingData {
    const { codec } = this.#service
    const record = this.#work.active?.record
    const opened = readData(this.#service, record)
    if (opened === 'unreadable') this.#work.quarantine()
    else if (record?.sealedData.length) {
      return new WorkingData(opened.data, opened.text, () => (readData(this.#service, record) as { data: JsonObject }).data)
    }
    // Compared with this very copy: a default may be another each time, and looking must not start a session.
    const initial = codec.initial()
    const text = JSON.stringify(initial)
    return new WorkingData(initial, text, () => JSON.parse(text) as JsonObject)
  }

  #factsFrom({ method, strength = 1, provedAt }: Pick<SignInOptions<Data>, 'method' | 'strength' | 'provedAt'>): Fact[] {
    const methods = typeof method === 'string' ? [method] : method
    const areWords = Array.isArray(methods) && methods.every((name) => /^[A-Za-z0-9._-]{1,32}$/.test(name))
    if (!areWords || methods.length === 0 || methods.length > MOST_FACTS || new Set(methods).size < methods.length) {
      throw misuse(
        `method is not a word, or a list of at most ${MOST_FACTS} different words; expected RFC 8176 names such as "pwd"`,
      )
    }
    if (strength !== 1 && strength !== 2 && strength !== 3) throw misuse('strength is not 1, 2 or 3')
    if (provedAt !== undefined && !(Number.isFinite(provedAt) && provedAt >= 0))
      throw misuse('provedAt is no instant; expected epoch milliseconds')
    const at = Math.min(provedAt ?? Number.POSITIVE_INFINITY, this.#service.config.clock())
    return methods.map((name) => ({ method: name, at, strength }))
  }

  #record(): SessionRecord | undefined {
    this.#isUsed = true
    return this.#work.active?.record
  }

  #signedIn(): ActiveReading {
    this.#isUsed = true
    const { active } = this.#work
    if (active?.record.subject === undefined) throw ended()
    const { pending } = this.#work
    if (pending !== undefined) throw new AssuranceError({ acr: pending, maxAge: undefined, isSignedIn: true })
    return active
  }

  #assertOpen(): void {
    this.#isUsed = true
    if (this.#committed === undefined) return
    throw new SessionStateError(
      'The response is already on its way, so no cookie can be set. Do this before the first byte is written.',
      {
        code: 'ERR_SESSION_COMMITTED',
      },
    )
  }
}
