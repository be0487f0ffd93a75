/**
 * The fallback ladder, rung by rung: what each request of a session is worth, given what its browser has proved. Nothing here waits, and no
 * header that a thief could send lets anybody climb.
 */
import type { JsonObject } from '../../core/patch.ts'
import type { RefusedReading } from '../../core/reading.ts'
import type { SessionRecord } from '../../core/record.ts'
import { type Session, workOf } from '../../core/session.ts'
import type { BindingState } from '../../core/unit-of-work.ts'
import type { HeaderTarget } from '../../http/cache-headers.ts'
import type { GuardedRequest } from '../../http/request-guard.ts'
import { registrationOffer } from './answers.ts'
import type { BindingContext } from './context.ts'
import { type Bound, bindingOf, offeredNote } from './note.ts'
import { skippedFor } from './skipped.ts'

const BOUND: BindingState = { state: 'bound' }
const PENDING: BindingState = { state: 'pending' }
const NOT_OFFERED: BindingState = { state: 'unbound', reason: 'not-offered' }
const NOT_REGISTERED: BindingState = { state: 'unbound', reason: 'not-registered' }

/** Asks browsers to bind what starts here; over TLS alone, since they ignore it elsewhere. Anonymous sessions have nothing to steal. */
export function noteAtStart(
  { settings, service }: BindingContext,
  request: GuardedRequest,
  subject: string | undefined,
): JsonObject | undefined {
  if (subject === undefined || !request.isSecure || settings.modeOf(request.facts) === 'off') return undefined
  return offeredNote(service.config.clock())
}

/** Says what the request has proved, or takes the session away from it. */
export function inspect(context: BindingContext, session: Session<unknown>, request: GuardedRequest): void {
  const mode = context.settings.modeOf(request.facts)
  if (mode === 'off') return
  const work = workOf(session)
  const { record } = work.active!
  const binding = bindingOf(record)
  work.binding =
    binding === undefined
      ? NOT_OFFERED
      : binding.kind === 'bound'
        ? judgeBound(context, record, binding, request)
        : isWithin(context.settings.pendingTimeout, binding.at, context.service.config.clock())
          ? PENDING
          : NOT_REGISTERED
  const { state, reason } = work.binding
  if (state !== 'unbound') return
  // Once a device has bound it, the long-lived token alone is worth nothing, in either mode (DBSC draft, "Threat model").
  const isWanting = binding?.kind === 'bound' || (mode === 'required' && record.subject !== undefined)
  if (!isWanting) return
  work.refuse('unproven', reason!)
  context.service.events.emit({ type: 'binding.refused', sessionId: record.id, subject: record.subject, reason: reason! })
}

function judgeBound(
  { cookie, service, settings }: BindingContext,
  record: SessionRecord,
  binding: Bound,
  { facts }: GuardedRequest,
): BindingState {
  const now = service.config.clock()
  const shown = cookie.judge(facts.header('cookie'), record.id, binding, now)
  if (shown === 'proven') return BOUND
  // Sent before the browser had the answer to its registration: what any pending request may do, and no more.
  if (isWithin(settings.registrationGrace, binding.at, now)) return PENDING
  if (shown !== 'missing') return { state: 'unbound', reason: shown === 'expired' ? 'proof-expired' : 'proof-of-another' }
  const skipped = skippedFor(facts.header('secure-session-skipped'), record.id)
  if (skipped !== undefined) return { state: 'unbound', reason: `skipped:${skipped}` }
  return { state: 'unbound', reason: facts.header('sec-fetch-site') === 'cross-site' ? 'cross-site' : 'not-proven' }
}

/** Either way: a server whose clock is behind that of the one that wrote it down would else grant the difference as well. */
function isWithin(span: number, at: number, now: number): boolean {
  return Math.abs(now - at) < span
}

/**
 * What the answer carries: the offer at sign-in, and the end of a bound cookie that proves nothing, so that the next request gets a new one. A
 * sign-in leaves the cookie of the session before to be overwritten: without it the browser would sign for that session at once, and
 * signatures are few.
 */
export function respond(
  context: BindingContext,
  session: Session<unknown>,
  { facts, isSecure }: GuardedRequest,
  target: HeaderTarget,
  hasStarted: boolean,
): void {
  if (!isSecure) return
  const { active, reading } = workOf(session)
  if (active !== undefined) {
    if (hasStarted && bindingOf(active.record)?.kind === 'offered')
      target.set('Secure-Session-Registration', registrationOffer(context, active.record.id))
    return
  }
  const { state, reason } = reading as RefusedReading
  const isWrong = state === 'unproven' && (reason === 'proof-expired' || reason === 'proof-of-another')
  if (isWrong || state === 'revoked') context.cookie.clearIfBrought(facts.header('cookie'), target)
}
