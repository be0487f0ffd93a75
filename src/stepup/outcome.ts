/** What came of a try. One shape for every refusal, so that an answer made from it says no more than its reason. */
import { StoreError } from '../core/errors.ts'

/**
 * Why a proof was not accepted. `wrong` is all of: mistyped, outdated, spent before, another person's, nothing enrolled; the event
 * `factor.refused` knows more. `throttled`: not looked at. `expired`: what it answers has passed, or was answered. `full`: no room for one more factor.
 */
export type RefusalReason = 'wrong' | 'throttled' | 'expired' | 'full'

/** A proof that was not accepted. Nothing changed but what throttling counts. */
export interface Refusal {
  readonly ok: false
  readonly reason: RefusalReason
  /** With `throttled`: how long to wait, in milliseconds. */
  readonly retryAfter: number | undefined
}

export function refusal(reason: RefusalReason, retryAfter?: number): Refusal {
  return { ok: false, reason, retryAfter }
}

/** Others wrote a factor at every attempt of ours: a fault, since who tried may have been right. */
export function contended(): StoreError {
  return new StoreError('The factor changed under every attempt to use it; nothing was proved. Try again.', {
    code: 'ERR_STORE_CONTENDED',
    status: 503,
  })
}
