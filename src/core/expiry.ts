/**
 * Every clock of a session: idle, absolute, renewal, grace. Pure arithmetic on instants; the server's clock alone counts
 * (design 1, promise 3), and a stored deadline is never later than the policy in force now would make it.
 */
import type { ResolvedPolicy } from './config.ts'
import type { SessionRecord } from './record.ts'

/** A touch is recorded at most once per this fraction of the idle timeout: a session may end that much early, never late. */
const TOUCHES_PER_IDLE_TIMEOUT = 20

type Clocks = Pick<SessionRecord, 'absoluteFrom' | 'lastSeenAt' | 'idleDeadline' | 'absoluteDeadline'>

/** The clocks of a session that starts now, or whose owner has proved again who they are (NIST SP 800-63B-4, 5.2). */
export function clocksFrom(now: number, policy: ResolvedPolicy): Clocks {
  const absoluteDeadline = now + policy.absoluteTimeout
  return {
    absoluteFrom: now,
    lastSeenAt: now,
    idleDeadline: Math.min(now + policy.idleTimeout, absoluteDeadline),
    absoluteDeadline,
  }
}

/**
 * The clocks after activity: the idle deadline moves, the absolute one never moves later. It moves earlier for a session from the
 * future: one that started while the server's clock was ahead would otherwise outlive its policy by as much.
 */
export function touched(clocks: Clocks, now: number, policy: ResolvedPolicy): Clocks {
  const { absoluteFrom, absoluteDeadline } = clocks.absoluteFrom > now ? clocksFrom(now, policy) : clocks
  const idleDeadline = Math.min(now + policy.idleTimeout, absoluteDeadlineOf({ absoluteFrom, absoluteDeadline }, policy))
  return { absoluteFrom, lastSeenAt: now, idleDeadline, absoluteDeadline }
}

/** The idle deadline in force: a policy made stricter since counts at once. */
export function idleDeadlineOf(clocks: Clocks, policy: ResolvedPolicy): number {
  return Math.min(clocks.idleDeadline, clocks.lastSeenAt + policy.idleTimeout, absoluteDeadlineOf(clocks, policy))
}

/** The absolute deadline in force: it counts from the start of the session or its latest full re-authentication. */
export function absoluteDeadlineOf(clocks: Pick<Clocks, 'absoluteFrom' | 'absoluteDeadline'>, policy: ResolvedPolicy): number {
  return Math.min(clocks.absoluteDeadline, clocks.absoluteFrom + policy.absoluteTimeout)
}

/** Which deadline has passed at `now`, if any. A session is over at its deadline, not only after it. */
export function expiredBy(clocks: Clocks, now: number, policy: ResolvedPolicy): 'idle' | 'absolute' | undefined {
  if (now >= absoluteDeadlineOf(clocks, policy)) return 'absolute'
  if (now >= idleDeadlineOf(clocks, policy)) return 'idle'
  return undefined
}

/** Whether this activity is worth a write. A clock that jumped back far counts too, so that the deadlines follow it down. */
export function isTouchDue(clocks: Clocks, now: number, policy: ResolvedPolicy): boolean {
  return Math.abs(now - clocks.lastSeenAt) >= policy.idleTimeout / TOUCHES_PER_IDLE_TIMEOUT
}

/**
 * Whether the current token is old enough to be replaced: counted from its first use, not from when it was made. Parallel answers
 * may carry a token that waited long for its first use; were it replaced at once, the last of them to arrive would leave the
 * browser with a token about to die (M1).
 */
export function isRenewalDue(
  record: Pick<SessionRecord, 'generationAt' | 'confirmedAt'>,
  now: number,
  policy: ResolvedPolicy,
): boolean {
  return now - (record.confirmedAt ?? record.generationAt) >= policy.rotateAfter
}

/** Whether a replaced token is dead, given when a later generation was first used. */
export function isGraceOver(successorConfirmedAt: number, now: number, policy: ResolvedPolicy): boolean {
  return now - successorConfirmedAt >= policy.rotationGrace
}

/**
 * How long past its deadline an expired record is kept, so that a late visitor is told "expired" and the event names the session
 * instead of "unknown". Tombstones are kept until the absolute deadline whatever this says.
 */
export const EXPIRED_KEPT_FOR = 86_400_000
