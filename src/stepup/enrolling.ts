/**
 * Who may add a factor. A factor is worth as much as the weakest moment it can be added in: without this rule a stolen password adds a factor of
 * the thief's own beside the owner's, and has both.
 */
import type { Requirement } from '../core/assurance.ts'
import { minutes } from '../core/duration.ts'
import type { Session } from '../core/session.ts'
import { ended } from '../core/unit-of-work.ts'
import type { StepUpContext } from './context.ts'
import type { StoredFactor } from './factor-store.ts'

/** How recent what was proved must be. */
export const FRESH = minutes(10)
/** How long a person may take between the start of an enrolment and its end. */
export const ENROLMENT_TIMEOUT = minutes(10)

/**
 * What adding a factor asks of a session: the account's own highest level, proved in the last ten minutes (NIST SP 800-63B-4, 4.1.2.1; ASVS
 * 5.0, 7.5.1). Recovery codes are no level of an account, since they come with another factor.
 */
export function enrolmentRequirement(factors: readonly StoredFactor[]): Required<Requirement> {
  return { acr: factors.some(({ kind }) => kind !== 'recovery') ? 'aal2' : 'aal1', maxAge: FRESH }
}

/**
 * Makes sure that the session may add a factor. Ask when an enrolment starts and again when it ends, with `isEnding`: a factor may have been
 * added in between, and one begun before must not become a way around it.
 *
 * @throws {SessionStateError} `ERR_ASSURANCE_INSUFFICIENT` - too little was proved, or too long ago; `ERR_SESSION_ENDED` - nobody is signed in.
 */
export async function requireEnrolling(context: StepUpContext, session: Session<unknown>, isEnding = false): Promise<void> {
  const { acr, maxAge } = enrolmentRequirement(await context.factors.list(whoseOf(session).subject))
  session.requireAssurance({ acr, maxAge: isEnding ? maxAge + ENROLMENT_TIMEOUT : maxAge })
}

/** @throws {SessionStateError} `ERR_SESSION_ENDED` - nobody is signed in. */
export function whoseOf({ id, subject }: Session<unknown>): { readonly sessionId: string; readonly subject: string } {
  if (id === undefined || subject === undefined) throw ended()
  return { sessionId: id, subject }
}
