/** When an answered challenge counts: unexpired, and later than the one that was answered last. None is kept anywhere. */
import { seconds } from '../../core/duration.ts'
import type { Bound } from './note.ts'

/**
 * How long an answered challenge may be answered again. Browsers send the identical proof once more when the answer was lost on its way, and
 * get the identical answer: what it proves runs from the first time.
 */
export const RESENT_FOR = seconds(60)

/** What an answer to a challenge is to a binding. */
export function freshness(
  { issuedAt }: { readonly issuedAt: number },
  { answeredChallengeAt, answeredAt }: Bound,
  now: number,
  lifetime: number,
): 'fresh' | 'resent' | 'stale' {
  if (now - issuedAt >= lifetime || issuedAt < answeredChallengeAt) return 'stale'
  if (issuedAt > answeredChallengeAt) return 'fresh'
  return now - answeredAt < RESENT_FOR ? 'resent' : 'stale'
}
