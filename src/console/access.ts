/**
 * Who may see the console. The application says who is an operator; how well they have to have proved it is asked at every request again, since authority decays (design 1, promise 8).
 */
import { type Acr, checkAcr, type Requirement } from '../core/assurance.ts'
import type { Session } from '../core/session.ts'
import { invalidConsole } from './invalid.ts'

/** Whether a signed-in session is an operator's. */
export type Allows<Data> = (session: Session<Data>) => boolean | Promise<boolean>

const STRONG: readonly Acr[] = ['aal2', 'aal3']

/** What is asked of operators; `aal2` unless they say otherwise. */
export function requirementOf(given: Requirement | undefined): {
  readonly requirement: Requirement
  readonly isLowered: boolean
} {
  if (given === undefined) return { requirement: { acr: 'aal2' }, isLowered: false }
  if (typeof given !== 'object' || given === null)
    throw invalidConsole('requirement is no object', "one such as { acr: 'aal2', maxAge: minutes(30) }")
  const { acr = 'aal2', maxAge } = given
  checkAcr(acr)
  if (maxAge !== undefined && !(maxAge >= 1000))
    throw invalidConsole('requirement.maxAge is under a second', 'milliseconds, such as minutes(30)')
  return { requirement: maxAge === undefined ? { acr } : { acr, maxAge }, isLowered: !STRONG.includes(acr) }
}

/**
 * Lets operators in.
 *
 * @returns `false` for who is signed in and no operator: they get the page of an address where nothing is.
 * @throws {AssuranceError} `ERR_ASSURANCE_INSUFFICIENT` - a visitor who is not signed in, and an operator who has to prove more, or again.
 */
export async function isLetIn<Data>(session: Session<Data>, allows: Allows<Data>, requirement: Requirement): Promise<boolean> {
  session.requireAssurance({ acr: 'aal0' })
  // Asked before more is: who is no operator is not told that there is something to prove more for.
  if ((await allows(session)) !== true) return false
  session.requireAssurance(requirement)
  return true
}
