/** Which rows of ASVS 5.0, chapter 7, this configuration meets. What every configuration meets is shown by the tests that docs/reference/conformance.md names. */
import type { PolicyReport } from '../../core/policy-report.ts'
import type { StoreCapabilities } from '../../core/store.ts'
import { duration } from '../moment.ts'

export interface PolicyRow {
  readonly ids: string
  readonly words: string
  readonly isMet: boolean
}

export function asvsRows(
  report: PolicyReport,
  { carries, revokesSubjects, listsSubjects }: StoreCapabilities,
): readonly PolicyRow[] {
  const { idleTimeout, absoluteTimeout, deviations, justification } = report
  return [
    {
      ids: '7.1.1, 7.1.2',
      words: 'Timeouts, the number of sessions and every deviation are written down, with the reason: on this page.',
      isMet: deviations.length === 0 || justification !== undefined,
    },
    {
      ids: '7.2.1 to 7.2.4',
      words: 'Tokens have 256 random bits, are judged here alone, and are new at each sign-in.',
      isMet: true,
    },
    { ids: '7.3.1', words: `A session that is not used for ${duration(idleTimeout)} has ended.`, isMet: true },
    { ids: '7.3.2', words: `After ${duration(absoluteTimeout)} it has ended in any case.`, isMet: true },
    {
      ids: '7.4.1',
      words: 'A session that was ended cannot be used again.',
      // A sealed cookie is good until its deadline where nothing remembers that it was given up.
      isMet: carries === undefined || revokesSubjects,
    },
    { ids: '7.4.2, 7.4.5', words: 'All sessions of a person can be ended at once.', isMet: revokesSubjects },
    { ids: '7.5.2', words: 'People can see their sessions and end each of them.', isMet: listsSubjects },
  ]
}
