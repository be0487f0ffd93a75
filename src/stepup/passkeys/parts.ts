/** What the ceremonies of one `makePasskeys` work with, and what they answer. */
import type { Session, SignInOptions } from '../../core/session.ts'
import type { StepUpContext } from '../context.ts'
import type { Challenges } from './challenges.ts'
import type { PasskeySettings } from './options.ts'

/** What passkeys leave to the whole of step-up. */
export interface PasskeyHooks {
  /** Starts the session of somebody who signed in with a passkey alone. */
  start(session: Session<unknown>, options: SignInOptions<unknown>): Promise<void>
}

export interface PasskeyParts {
  readonly context: StepUpContext
  readonly settings: PasskeySettings
  readonly challenges: Challenges
  readonly hooks: PasskeyHooks
}

/**
 * Why an answer is no proof. `malformed`: it is none. `challenge`: it answers none of this session and purpose; `expired`: too late; `replayed`: one that was
 * answered already; for these three, ask for new options. `origin`: it was made for another page or site. `unknown`: nobody of this session's, or
 * nobody at all, has such a passkey. `unverified`: the authenticator did not make sure that it is its owner. `suspected`: there may be a copy of it.
 * `refused`: the application said no. `wrong`: its signature, or what it signed, is not right.
 */
export type PasskeyRefusal =
  | 'malformed'
  | 'challenge'
  | 'expired'
  | 'replayed'
  | 'origin'
  | 'unknown'
  | 'unverified'
  | 'suspected'
  | 'refused'
  | 'wrong'

/** What became of an answer. */
export type PasskeyResult =
  | {
      readonly ok: true
      /** Which passkey it was. */
      readonly factorId: string
      readonly subject: string
      /** How many factors it proved: 2 with user verification, else 1. */
      readonly strength: 1 | 2
      /** Whether its provider keeps a copy; `hasChanged` since it was last used: then recommend, or no longer count on, another way in. */
      readonly backup: { readonly isEligible: boolean; readonly isBackedUp: boolean; readonly hasChanged: boolean }
    }
  | { readonly ok: false; readonly reason: PasskeyRefusal }

/** What became of a registration. `taken`: somebody has that passkey already. `full`: the person has as many as they may. `attestation`: it says more than was asked. */
export type RegistrationResult =
  | { readonly ok: true; readonly factorId: string }
  | { readonly ok: false; readonly reason: PasskeyRefusal | 'taken' | 'full' | 'attestation' }

/** Reports a refusal, and gives it. */
export function refused<Reason extends string>(
  { context }: PasskeyParts,
  session: Session<unknown>,
  reason: Reason,
  factorId?: string,
): { readonly ok: false; readonly reason: Reason } {
  const { id: sessionId, subject } = session
  context.service.events.emit({ type: 'factor.refused', kind: 'passkey', reason, factorId, sessionId, subject })
  return { ok: false, reason }
}
