/** Reading: from a token to a judged session. At most one round trip, and no write but the one that confirms a new token. */
import { type Fact, undoubted } from './assurance.ts'
import { isSojournError, StoreError } from './errors.ts'
import { expiredBy } from './expiry.ts'
import type { SessionRecord } from './record.ts'
import { CURRENT, firstUse, isCurrent, type Judgement, judgeSecret } from './rotation.ts'
import { keepUntil, policyFor, type Service } from './service.ts'
import type { ReadOutcome } from './store.ts'
import type { ParsedToken } from './token.ts'
import { secretHashOf } from './token-memo.ts'
import { updateRecord } from './writing.ts'

/**
 * What a request's token turned out to be. Everything but `active` leaves the request anonymous; `unavailable`, the store being away, only
 * where the route asks for it (`onOutage: 'anonymous'`). `unproven`: the session lives, and is bound to a key that the request did not prove. `pending`:
 * it lives, a second factor is still due, and the route is none of those where it is asked for.
 */
export type SessionState =
  | 'absent'
  | 'malformed'
  | 'forged'
  | 'unknown'
  | 'expired'
  | 'revoked'
  | 'reused'
  | 'unavailable'
  | 'unproven'
  | 'pending'
  | 'active'

/**
 * What becomes of a request that brought a token while the store is away: `reject` answers 503; `anonymous` lets it through as nobody's,
 * who can neither sign in nor out; `readonly` serves the last copy a near cache has within its lease, else rejects.
 */
export type OnOutage = 'reject' | 'anonymous' | 'readonly'

/** How a token is read. */
export interface Waiting {
  /** Ends waiting for the store. */
  readonly signal?: AbortSignal | undefined
  readonly onOutage?: OnOutage | undefined
}

/** A live session as one token may use it. */
export interface ActiveReading {
  readonly state: 'active'
  readonly token: ParsedToken
  readonly record: SessionRecord
  readonly judgement: Exclude<Judgement, { kind: 'reused' }>
  /** The store is away and this is the last copy: nothing may be written on its word. */
  readonly isReadonly?: true
  /** When the record was judged; `undefined` where this request wrote it itself. A socket's session may have been judged long ago. */
  readonly readAt?: number
}

/** A refusal, and why where that is known: which deadline, or the reason of the revocation. */
export interface RefusedReading {
  readonly state: Exclude<SessionState, 'active'>
  readonly reason?: string | undefined
  /** Whose session it was, for the event. */
  readonly subject?: string | undefined
}

export type Reading = ActiveReading | RefusedReading

/** How often a conditional write is tried again before the store counts as contended. */
export const MOST_ATTEMPTS = 64

/**
 * Reads and judges a token; without a promise where the store answered without one and nothing is to be written.
 *
 * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - the store is away; whether the session lives is not known.
 */
export function readToken(service: Service, token: string, how: Waiting): Reading | Promise<Reading> {
  const parsed = parseOrOpen(service, token)
  if (typeof parsed === 'string') {
    service.events.emit({ type: 'token.refused', state: parsed })
    return { state: parsed }
  }
  const copy = service.calls.copyOf(parsed.id)
  const fromCopy = copy && usable(service, judge(service, parsed, copy))
  if (fromCopy !== undefined) return fromCopy
  const { onOutage } = how
  // Whatever else a route's function says, a promise of a word say, lets nobody through.
  if (onOutage !== 'anonymous' && onOutage !== 'readonly') return askStore(service, parsed, how)
  try {
    const reading = askStore(service, parsed, how)
    return reading instanceof Promise ? reading.catch((error) => letThrough(service, parsed, onOutage, error)) : reading
  } catch (error) {
    return letThrough(service, parsed, onOutage, error)
  }
}

/** A token as it came: a bare one, or one that carries its record. */
export function parseOrOpen({ carrier, parse }: Service, token: string): ParsedToken | 'malformed' | 'forged' {
  return carrier === undefined ? parse(token) : carrier.open(token)
}

function askStore(service: Service, token: ParsedToken, { signal }: Waiting): Reading | Promise<Reading> {
  const found = service.calls.read(token.id, { signal, carried: token.carried })
  return found instanceof Promise
    ? found.then((outcome) => settle(service, token, outcome, signal))
    : settle(service, token, found, signal)
}

/** What may be taken on a copy's word: that a session is alive and its token the current one. Whatever else it says is asked again. */
function usable(service: Service, reading: Judged): ActiveReading | undefined {
  if (reading.state !== 'active' || reading.judgement.kind !== 'current') return undefined
  return firstUseOf(service, reading) === undefined ? reading : undefined
}

/** What a route made of an outage. Never without an event: nobody must take it for the usual course. */
function letThrough(service: Service, token: ParsedToken, onOutage: OnOutage, error: unknown): Reading {
  if (!isSojournError(error, 'ERR_STORE_UNAVAILABLE')) throw error
  const copy = onOutage === 'readonly' ? service.calls.lastCopyOf(token.id) : undefined
  const reading = copy && usable(service, judge(service, token, copy))
  if (onOutage === 'readonly' && reading === undefined) throw error
  service.events.emit({ type: 'request.let-through', as: reading === undefined ? 'anonymous' : 'readonly', sessionId: token.id })
  return reading === undefined ? { state: 'unavailable' } : { ...reading, isReadonly: true }
}

/** Judges what was found; writes where this use of the token is the first, or theft. */
function settle(
  service: Service,
  parsed: ParsedToken,
  found: ReadOutcome | undefined,
  signal: AbortSignal | undefined,
): Reading | Promise<Reading> {
  const reading = judge(service, parsed, found)
  if (reading.state === 'reused') return refuseReuse(service, parsed, reading, signal)
  if (reading.state !== 'active') return report(service, parsed, reading)
  const changes = firstUseOf(service, reading)
  return changes === undefined ? reading : confirm(service, reading, changes, signal)
}

/** Writes down the first use, before the request acts: on what others write meanwhile it is judged anew. */
async function confirm(
  service: Service,
  reading: ActiveReading,
  changes: Partial<SessionRecord>,
  signal: AbortSignal | undefined,
): Promise<Reading> {
  let [present, due] = [reading, changes]
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const { token } = present
    const confirmed = await updateRecord(service, present.record, due, { signal, carried: token.carried })
    if (typeof confirmed !== 'string') return { ...present, record: confirmed }
    const again = judge(service, token, await service.calls.read(token.id, { signal, carried: token.carried }))
    if (again.state === 'reused') return refuseReuse(service, token, again, signal)
    if (again.state !== 'active') return report(service, token, again)
    const stillDue = firstUseOf(service, again)
    if (stillDue === undefined) return again
    ;[present, due] = [again, stillDue]
  }
  throw contended()
}

function firstUseOf(service: Service, { record, judgement, token }: ActiveReading): Partial<SessionRecord> | undefined {
  return firstUse(record, judgement, token, service.config.clock())
}

/** Reads the session of an accepted request again, after somebody else wrote. What the request may do was settled when it came in. */
export async function readAgain(service: Service, reading: ActiveReading, signal: AbortSignal | undefined): Promise<Reading> {
  const { token } = reading
  const again = judge(service, token, await service.calls.read(token.id, { signal, carried: token.carried }))
  if (again.state !== 'reused') return again
  // Its token was replaced and outlived while the request ran: that is slowness, not theft.
  const facts = factsOf(reading)
  return {
    ...reading,
    record: again.record,
    judgement: { kind: 'predecessor', facts, successorSecret: undefined, isBeforeElevation: true },
  }
}

/** The authority this request has. */
export function factsOf(reading: ActiveReading): readonly Fact[] {
  return undoubted(provedTo(reading), reading.record.details.doubtedAt)
}

/** What was proved to this request's token, whether it counts or not. */
export function provedTo({ judgement, record }: ActiveReading): readonly Fact[] {
  return (judgement.kind === 'predecessor' ? judgement.facts : undefined) ?? record.details.facts
}

/** The error of a write that lost every race. */
export function contended(): StoreError {
  return new StoreError(`The session changed under each of ${MOST_ATTEMPTS} attempts to write it.`, {
    code: 'ERR_STORE_CONTENDED',
    status: 503,
  })
}

type EndedReading = RefusedReading & { readonly state: 'unknown' | 'expired' | 'revoked' }
type Judged = ActiveReading | EndedReading | ReusedReading
type ReusedReading = { readonly state: 'reused'; readonly generation: number; readonly record: SessionRecord }

/** Judges what the store returned: hash, then state (design 3). Pure but for the clock. */
function judge(service: Service, token: ParsedToken, found: ReadOutcome | undefined): Judged {
  const { config } = service
  if (found === undefined) return { state: 'unknown' }
  if (found.kind === 'tombstone') return { state: 'revoked', reason: found.tombstone.reason, subject: found.tombstone.subject }
  const record = found.record.id === token.id ? service.decode(found.record) : undefined
  if (record === undefined) return { state: 'revoked', reason: 'unreadable' }
  if (record.epoch < found.subjectEpoch) return { state: 'revoked', reason: 'subject-revoked', subject: record.subject }

  const now = config.clock()
  const policy = policyFor(service, record)
  const judgement = isCurrent(record, secretHashOf(token))
    ? CURRENT
    : judgeSecret(record, token.secret, config.keyring, now, policy)
  const expired = expiredBy(record, now, policy)
  if (expired !== undefined) return { state: 'expired', reason: expired, subject: record.subject }
  if (judgement.kind === 'reused') return { state: 'reused', generation: judgement.generation, record }
  return { state: 'active', token, record, judgement, readAt: now }
}

async function refuseReuse(
  service: Service,
  token: ParsedToken,
  reading: ReusedReading,
  signal: AbortSignal | undefined,
): Promise<Reading> {
  const { config, calls, events } = service
  const { subject } = reading.record
  const isRevoking = config.policy.onReuse === 'revoke'
  if (isRevoking) {
    const now = config.clock()
    const isFirst = await calls.revoke(token.id, {
      reason: 'reuse',
      now,
      keepUntil: keepUntil(service, now, reading.record),
      signal,
    })
    if (isFirst) events.emit({ type: 'session.revoked', sessionId: token.id, subject, reason: 'reuse' })
  }
  const outcome = isRevoking ? 'revoked' : 'refused'
  events.emit({ type: 'session.reused', sessionId: token.id, subject, generation: reading.generation, outcome })
  return { state: 'reused', reason: outcome }
}

function report(service: Service, token: ParsedToken, reading: RefusedReading): RefusedReading {
  const { events } = service
  const sessionId = token.id
  const { subject } = reading
  if (reading.state === 'unknown') events.emit({ type: 'token.refused', state: 'unknown', sessionId })
  else if (reading.reason === 'unreadable') events.emit({ type: 'session.quarantined', part: 'record', sessionId })
  else if (reading.state === 'expired')
    events.emit({ type: 'session.expired', sessionId, subject, reason: reading.reason as 'idle' | 'absolute' })
  else events.emit({ type: 'session.used-after-end', sessionId, subject, reason: reading.reason ?? 'revoked' })
  return reading
}
