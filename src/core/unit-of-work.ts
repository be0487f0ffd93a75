/**
 * The writes of one request, in order: each is one conditional update, tried again on what others wrote meanwhile. What the
 * request may do was settled when its token was judged; what it must send back is kept here until its headers leave.
 */
import { type Acr, acrOf, type Fact, reaches, withFacts } from './assurance.ts'
import { minutes } from './duration.ts'
import { AssuranceError, ConfigError, SessionStateError, type SojournError, StoreError } from './errors.ts'
import { absoluteDeadlineOf, clocksFrom, expiredBy, isGraceOver, isRenewalDue, isTouchDue, touched } from './expiry.ts'
import { checkedNetwork } from './labels.ts'
import type { JsonObject } from './patch.ts'
import {
  type ActiveReading,
  contended,
  factsOf,
  MOST_ATTEMPTS,
  provedTo,
  type Reading,
  readAgain,
  type Waiting,
} from './reading.ts'
import { type Details, dueOf, type Notes, type SessionRecord } from './record.ts'
import { rotateRecord } from './rotation.ts'
import { keepUntil, policyFor, type Service } from './service.ts'
import { readData } from './session-data.ts'
import { type Beginning, startSession } from './starting.ts'
import { hashSecret, mintToken } from './token.ts'
import { pause, updateRecord } from './writing.ts'

/** What the caller knows of the request beyond its token. */
export interface ReadContext extends Waiting {
  /** Name of the device for the person's own list, such as `Firefox on Linux`. Display only, never trusted; cut at 100 characters. */
  readonly device?: string | undefined
  /**
   * The client's network, such as `203.0.113.0/24`, for lists and searches; asked only when a session starts, and not with `recordsNetwork: false`.
   * What is over 100 bytes or no well-formed string is not kept.
   */
  readonly network?: string | undefined
  /** Whether this request is the person's doing. Default `true`; `false` for polling, which would otherwise keep a session alive for ever. */
  readonly isActivity?: boolean | undefined
  /**
   * Why no session may start for this request; asked only when one is about to. Adapters refuse a transport that is not safe with it:
   * a token sent in the clear is everybody's.
   */
  startRefusal?(): SojournError | undefined
  /** What layers above core keep with a session that starts for this subject; asked only when one does. */
  notesAtStart?(subject: string | undefined): Notes | undefined
  /** A token against cross-site request forgery for this session, or for a visitor who has none. Adapters make them. */
  csrfToken?(sessionId: string | undefined): string
  /**
   * A random value of the browser of a visitor who has no session, from a cookie of its own: what is handed out to them is bound to it, and no row
   * is written. `undefined` where the browser brought none, or two.
   *
   * @param mayMake - Whether one is made where it brought none; this answer then sets the cookie.
   */
  visitorSecret?(mayMake: boolean): string | undefined
  /**
   * Whether a session may act here although a second factor is still due: on the pages that ask for it. Default `false`: such a session's
   * state is `pending`, and its request anonymous. Asked only for one.
   */
  readonly mayBePending?: boolean | undefined
  /** The client's address, for throttles. Default: not known. Asked only where something is guessed. */
  readonly clientAddress?: string | undefined
  /** Whether an answer can still carry a cookie. Default `true`; `false` for an upgrade to a socket, whose token is then not renewed. */
  readonly canSetCookie?: boolean | undefined
}

/** What the response must do about the cookie. */
export interface TokenInstruction {
  readonly kind: 'none' | 'set' | 'clear'
  /** The new token, for `set` only. It cannot be read back. */
  readonly token?: string | undefined
  /** Until when a browser may keep it, in epoch milliseconds; only for a persistent session, never past its absolute deadline. */
  readonly expiresAt?: number | undefined
  /** Whether the person signed out in this request: clear what else the browser keeps. */
  readonly isLogout: boolean
}

/**
 * Whether this request's client proved to hold the device's key: `bound` it did, `pending` the browser was asked a moment ago to make one,
 * `unbound` neither, and `reason` says why.
 */
export interface BindingState {
  readonly state: 'bound' | 'pending' | 'unbound'
  /** Machine word; for `unbound` only. */
  readonly reason?: string | undefined
}

const UNBOUND: BindingState = { state: 'unbound', reason: 'not-checked' }

/** Gives the new data from the latest stored one; may run more than once. */
export type DataChange = (latest: JsonObject) => JsonObject

const NOTHING: TokenInstruction = { kind: 'none', isLogout: false }
const LONGEST_DEVICE = 100
/** How long one act of proving may take, from the proof to its arrival here. */
const LONGEST_ACT = minutes(10)

/** One request's session, without the application's data and manners. */
export class UnitOfWork {
  readonly service: Service
  readonly #context: ReadContext
  #reading: Reading
  /** The session that is kept from this request because a second factor is due. */
  #held: ActiveReading | undefined
  /** Secret of the token to send, when it is not the one that came. */
  #secretToSend: Buffer | undefined
  /** When that was derived, if it was not this request that made it. */
  #derivedAt: number | undefined
  #isLogout = false
  /** Whether the client proved to hold the session's key; said by the layer that checks it. */
  binding: BindingState = UNBOUND
  /** What the layer that looks at the client's traits saw in this request, for its own reading. */
  traits: unknown

  constructor(service: Service, reading: Reading, context: ReadContext) {
    this.service = service
    this.#context = context
    this.#reading = reading
    this.#adoptSuccessor()
    this.holdIfPending()
  }

  /** What the caller said of the request; an adapter's own object, where it was one. */
  get context(): ReadContext {
    return this.#context
  }

  get reading(): Reading {
    return this.#reading
  }

  get active(): ActiveReading | undefined {
    return this.#reading.state === 'active' ? this.#reading : undefined
  }

  /**
   * Level that is still due before the session counts as signed in. By what was proved to this very token: one of before the second factor stays
   * where it was. Doubt does not count: a person who is asked again is no newcomer.
   */
  get pending(): Acr | undefined {
    const { active } = this
    const due = active && dueOf(active.record)
    return due === undefined || reaches(provedTo(active!), due) ? undefined : due
  }

  /** Makes the request anonymous where a second factor is due, and it is not where that is asked for. */
  holdIfPending(): void {
    if (this.pending === undefined || this.#context.mayBePending === true) return
    const { active } = this
    this.#held = active
    this.#reading = { state: 'pending', reason: 'mfa-due', subject: active!.record.subject }
    this.#send(undefined, undefined)
  }

  get isActivity(): boolean {
    return this.#context.isActivity !== false
  }

  /** @throws {ConfigError} `ERR_ARGUMENT_INVALID` - no adapter opened this session. */
  csrfToken(): string {
    const { active } = this
    if (this.#context.csrfToken === undefined)
      throw misuse('csrfToken was asked of a session that no adapter opened; expected one of a request')
    return this.#context.csrfToken(active?.record.id)
  }

  /** @throws {ConfigError} `ERR_ARGUMENT_INVALID` - no adapter opened this session. */
  visitorSecret(mayMake: boolean): string | undefined {
    if (this.#context.visitorSecret === undefined)
      throw misuse('a visitor without session was to be known again, and no adapter opened this one; expected one of a request')
    return this.#context.visitorSecret(mayMake)
  }

  /** What is due by itself at the end of the request: a renewal is waited for, a touch never is. */
  due(): 'none' | 'touch' | 'renewal' {
    const { active } = this
    if (active === undefined || active.isReadonly) return 'none'
    const canSetCookie = this.#context.canSetCookie !== false
    // Where the cookie is the record, whatever changes it needs an answer.
    if (!canSetCookie && this.service.carrier !== undefined) return 'none'
    const now = this.service.config.clock()
    const policy = policyFor(this.service, active.record)
    if (canSetCookie && mayRenew(active) && isRenewalDue(active.record, now, policy)) return 'renewal'
    return this.isActivity && isTouchDue(active.record, now, policy) ? 'touch' : 'none'
  }

  /** What the response must do about the cookie, as things stand. */
  instruction(): TokenInstruction {
    const reading = this.#reading
    const isLogout = this.#isLogout
    if (reading.state !== 'active') {
      // A refusal never clears: a late answer to an old request would wipe the token the browser got since (docs/decisions/0004-clearing.md).
      return isLogout ? { kind: 'clear', isLogout } : NOTHING
    }
    if (this.#secretToSend === undefined) return NOTHING
    const { record } = reading
    const { carrier, config } = this.service
    const { clock, keyring } = config
    const policy = policyFor(this.service, record)
    // After so long the browser may hold a later token, which this one would push out.
    if (this.#derivedAt !== undefined && isGraceOver(this.#derivedAt, clock(), policy)) return NOTHING
    const token = carrier?.seal(record, this.#secretToSend) ?? mintToken(record.idBytes, this.#secretToSend, keyring)
    const expiresAt = record.isPersistent ? absoluteDeadlineOf(record, policy) : undefined
    return { kind: 'set', token, expiresAt, isLogout }
  }

  /** Writes changed data, this request's activity and, where due, a renewal, in one update. */
  async write(change: DataChange | undefined, also: 'none' | 'touch' | 'renewal'): Promise<void> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const { active } = this
      if (active === undefined) break
      if (active.isReadonly) throw away()
      const { record, token } = active
      const { config, events } = this.service
      const now = config.clock()
      const policy = policyFor(this.service, record)
      if (expiredBy(record, now, policy) !== undefined) {
        await this.#reload(active, attempt)
        continue
      }
      const isRenewing = also === 'renewal' && mayRenew(active) && isRenewalDue(record, now, policy)
      const rotated = isRenewing
        ? rotateRecord(record, { kind: 'renewal', currentSecret: token.secret }, { ...config, now, policy })
        : undefined
      // A parallel request renewed first, and this one has nothing else to write.
      if (change === undefined && rotated === undefined && also !== 'touch') return

      const sealed = change === undefined ? rotated && this.#resealed(record) : { sealedData: this.#seal(record, change) }
      const clocks = also === 'touch' || this.isActivity ? touched(record, now, policy) : undefined
      const written = await updateRecord(this.service, record, { ...clocks, ...rotated?.changes, ...sealed }, this.#how(active))
      if (typeof written !== 'string') {
        this.#adopt(active, written, rotated?.secret)
        const { id: sessionId, subject } = written
        if (rotated) events.emit({ type: 'session.rotated', sessionId, subject, kind: 'renewal', reason: 'due' })
        return
      }
      if (also === 'touch') return
      await this.#reload(active, attempt)
    }
    if (change !== undefined) throw this.active === undefined ? ended() : contended()
  }

  /**
   * Changes parts of the record that are no session data: what layers above keep with it, or what was proved.
   *
   * @param change - Gives the changes to a record, `undefined` for none; may run more than once.
   * @returns Whether it was written; not where the session ended meanwhile, or the store is away.
   */
  async amend(change: (record: SessionRecord) => Partial<SessionRecord> | undefined): Promise<boolean> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const { active } = this
      if (active === undefined || active.isReadonly) return false
      const changes = change(active.record)
      if (changes === undefined) return true
      const written = await updateRecord(this.service, active.record, changes, this.#how(active))
      if (typeof written !== 'string') {
        this.#adopt(active, written, undefined)
        return true
      }
      await this.#reload(active, attempt)
    }
    throw contended()
  }

  /**
   * Leaves the session as it is and its request anonymous: whoever presents the token has not shown to be the client it was given to.
   * Its cookie is not cleared, since the request may be a thief's and the browser's own cookie the same.
   */
  refuse(state: 'unproven' | 'pending', reason: string): void {
    this.#reading = { state, reason, subject: this.active?.record.subject }
    this.#send(undefined, undefined)
  }

  /** Replaces the token, on request or because more was proved. */
  async rotate(kind: 'renewal' | 'elevation', reason: string, added: readonly Fact[]): Promise<void> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const { active } = this
      if (active === undefined || (added.length > 0 && active.record.subject === undefined)) throw ended()
      if (active.isReadonly) throw away()
      const { config, events } = this.service
      const { record, judgement, token } = active
      const isBehind = judgement.kind === 'predecessor' && judgement.isBeforeElevation
      if (isBehind && added.length === 0) throw pending()
      // A parallel request has just renewed: this one's answer carries that successor, or the browser has it already.
      if (kind === 'renewal' && judgement.kind !== 'current') return

      const now = config.clock()
      if (expiredBy(record, now, policyFor(this.service, record)) !== undefined) {
        await this.#reload(active, attempt)
        continue
      }
      const before = factsOf(active)
      const details = { ...record.details, ...proved(active, before, added) }
      const policy = policyFor(this.service, { subject: record.subject, isPersistent: record.isPersistent, details })
      const how = kind === 'renewal' ? ({ kind, currentSecret: token.secret } as const) : ({ kind } as const)
      const rotated = rotateRecord(record, how, { ...config, now, policy })
      if (rotated === undefined) throw pending()
      // What a provider saw long ago is no re-authentication now.
      const isRecent = added.length > 0 && added.every(({ at }) => now - at <= LONGEST_ACT)
      const isFullProof = isRecent && acrOf(added) >= acrOf(before)
      const clocks = isFullProof ? clocksFrom(now, policy) : touched(record, now, policy)
      const changes = { ...clocks, ...rotated.changes, ...this.#resealed(record), details }
      const written = await updateRecord(this.service, record, changes, this.#how(active))
      if (typeof written !== 'string') {
        this.#adopt(active, written, rotated.secret)
        events.emit({ type: 'session.rotated', sessionId: written.id, subject: written.subject, kind, reason })
        return
      }
      await this.#reload(active, attempt)
    }
    throw contended()
  }

  /** Starts a session; the present one, if any, ends in the same step. */
  async replaceBy(beginning: Omit<Beginning, 'device' | 'network' | 'notes'>): Promise<void> {
    const refusal = this.#context.startRefusal?.()
    if (refusal !== undefined) throw refusal
    // A new cookie would push out that of a session which is probably alive.
    if (this.#isStoreAway) throw away()
    if (beginning.subject === undefined && this.#reading.state === 'unproven') throw unproven()
    // Its cookie would push out that of a sign-in that is half done.
    const due = this.#held && dueOf(this.#held.record)
    if (beginning.subject === undefined && due !== undefined)
      throw new AssuranceError({ acr: due, maxAge: undefined, isSignedIn: true })
    const device = this.#context.device?.slice(0, LONGEST_DEVICE)
    // In a cookie nobody could look for it.
    const isRecorded = this.service.config.recordsNetwork && this.service.carrier === undefined
    const network = isRecorded ? checkedNetwork(this.#context.network) : undefined
    const notes = this.#context.notesAtStart?.(beginning.subject)
    const reading = await startSession(
      this.service,
      { ...beginning, device, network, notes },
      this.active ?? this.#held,
      this.#context.signal,
    )
    this.#reading = reading
    this.#held = undefined
    this.binding = UNBOUND
    this.#send(reading.token.secret, undefined)
  }

  /**
   * Ends the session, if there is one; `isLogout` clears the cookie in any case.
   *
   * @param isOwners - Whether it is the subject who asks, for the audit entry. Default `true`.
   * @returns Whether it was this call that ended it.
   */
  async end(reason: string, isLogout: boolean, isOwners = true): Promise<boolean> {
    const active = this.active ?? this.#held
    let isFirst = false
    if (this.#reading.state === 'unavailable') throw away()
    if (active !== undefined) {
      const { calls, config, events } = this.service
      const { id, subject } = active.record
      const now = config.clock()
      isFirst = await calls.revoke(id, { reason, now, keepUntil: keepUntil(this.service, now, active.record) })
      if (isFirst) events.emit({ type: 'session.revoked', sessionId: id, subject, reason, actor: isOwners ? subject : undefined })
      this.#reading = { state: 'revoked', reason }
      this.#send(undefined, undefined)
    }
    this.#isLogout ||= isLogout
    return isFirst
  }

  /** Sets an unreadable session aside: the request goes on as an anonymous one, the record stays as it is for whoever investigates. */
  quarantine(): void {
    this.service.events.emit({ type: 'session.quarantined', part: 'data', sessionId: this.active?.record.id })
    this.#reading = { state: 'revoked', reason: 'unreadable' }
    this.#send(undefined, undefined)
  }

  /**
   * Reads again what others wrote, or whether they did: a deadline that passed while the request ran has ended the session, unless
   * others kept it alive. Writing on regardless would bring back a session that somebody was already told is over (resurrection).
   */
  async #reload(active: ActiveReading, attempt: number): Promise<void> {
    if (attempt > 0) await pause(this.service, attempt)
    this.#reading = await readAgain(this.service, active, this.#context.signal)
    this.#adoptSuccessor()
  }

  /** After a write of our own: our token is now the one just made, or still what it was. */
  #adopt(active: ActiveReading, record: SessionRecord, newSecret: Buffer | undefined): void {
    // A sign-out that ran beside the write has ended the session, and the write before it came back late.
    if (this.active === undefined) return
    if (newSecret === undefined) {
      this.#reading = { ...active, record }
      // The cookie is the record: the new one must reach the browser.
      if (this.service.carrier !== undefined) this.#send(active.token.secret, undefined)
      return
    }
    this.#reading = { state: 'active', token: { ...active.token, secret: newSecret }, record, judgement: { kind: 'current' } }
    this.#send(newSecret, undefined)
  }

  /** Whether this request was let through without the store's word. */
  get #isStoreAway(): boolean {
    return this.#reading.state === 'unavailable' || this.active?.isReadonly === true
  }

  #how({ token }: ActiveReading) {
    return { signal: this.#context.signal, carried: token.carried }
  }

  #send(secret: Buffer | undefined, derivedAt: number | undefined): void {
    this.#secretToSend = secret
    this.#derivedAt = derivedAt
  }

  /** Where the judgement entitles this request to the current token, the response carries it. */
  #adoptSuccessor(): void {
    const reading = this.#reading
    if (reading.state !== 'active') this.#send(undefined, undefined)
    else if (reading.judgement.kind === 'predecessor') {
      const { successorSecret } = reading.judgement
      this.#send(successorSecret, successorSecret && this.service.config.clock())
    } else if (this.#secretToSend && !hashSecret(this.#secretToSend).equals(reading.record.currentHash))
      this.#send(undefined, undefined)
  }

  #seal(record: SessionRecord, change: DataChange): Uint8Array {
    const { codec, vault } = this.service
    const latest = readData(this.service, record)
    if (latest === 'unreadable') {
      this.quarantine()
      throw ended()
    }
    return vault.seal(codec.encode(change(latest.data)), record.idBytes)
  }

  /** Data sealed with an older key of the ring is sealed anew whenever the token is. */
  #resealed(record: SessionRecord): Partial<SessionRecord> | undefined {
    if (!this.service.vault.isOutdated(record.sealedData)) return undefined
    return { sealedData: this.#seal(record, (latest) => latest) }
  }
}

/**
 * What is proved after more was. Doubted facts never come back; the doubt itself stays, for a token of before that is still on its way. A
 * proof on a clock that went back since is one of after it all the same.
 */
function proved(active: ActiveReading, before: readonly Fact[], added: readonly Fact[]): Pick<Details, 'facts' | 'doubtedAt'> {
  const { doubtedAt } = active.record.details
  if (added.length === 0) return { facts: provedTo(active), doubtedAt }
  return {
    facts: withFacts(before, added),
    doubtedAt: doubtedAt === undefined ? undefined : Math.min(doubtedAt, ...added.map(({ at }) => at - 1)),
  }
}

function mayRenew(active: ActiveReading): boolean {
  return active.judgement.kind === 'current'
}

export function ended(): SessionStateError {
  return new SessionStateError('The session ended meanwhile, or there is none; nothing was written.', {
    code: 'ERR_SESSION_ENDED',
    status: 401,
  })
}

export function away(): StoreError {
  return new StoreError('The store was away when this request came in, so that it may only look: nothing was written.', {
    code: 'ERR_STORE_UNAVAILABLE',
    status: 503,
  })
}

/** Data for a visitor would start a session whose cookie pushes out that of the one the browser can prove a moment later. */
function unproven(): SessionStateError {
  return new SessionStateError(
    'This browser has a session that the request did not prove to be its own, and data cannot be kept beside it. Ask it to sign in, or to try again.',
    { code: 'ERR_BINDING_REQUIRED', status: 403 },
  )
}

function pending(): SessionStateError {
  return new SessionStateError(
    'This token was replaced by a stronger one a moment ago, or too often at once; use the new one, or try again shortly.',
    {
      code: 'ERR_ROTATION_PENDING',
      status: 409,
    },
  )
}

/** An argument no caller should give. */
export function misuse(message: string): ConfigError {
  return new ConfigError(`${message}. See docs/guide/sign-in.md.`, { code: 'ERR_ARGUMENT_INVALID' })
}

/** Makes sure a reason is a word for machines, fit for tombstone, event and log: no line break, no personal datum. */
export function checkReason(reason: unknown): void {
  if (typeof reason === 'string' && /^[a-z0-9][a-z0-9.-]{0,63}$/.test(reason)) return
  throw misuse('reason is not a machine word; expected lower-case letters, digits, dots and dashes, at most 64')
}
