// OWASP ASVS 5.0.0, V7.1: session management documentation. The documents are the application's; the report is ours.
import { expect, it } from 'vitest'
import { hours } from '../../../src/core/duration.ts'
import { policies } from '../../../src/core/policies.ts'
import { policyOf, setUp, thrownBy } from '../../core/support.ts'

it('ASVS-7.1.1: the report prints both timeouts, the NIST levels met and every justified deviation; an unjustified one is refused', () => {
  const policy = { ...policies.aal2, idleTimeout: hours(2) }
  const report = setUp({ policy: { ...policy, justification: 'long forms' } }).sessions.describePolicy()

  expect(`${report}`).toMatch(/idle timeout +2 hours\nabsolute timeout +1 day\n/)
  expect([report.nistLevelsMet, report.deviations.length, report.justification]).toEqual([['aal1'], 1, 'long forms'])
  expect(thrownBy(() => policyOf(policy)).code).toBe('ERR_POLICY_UNJUSTIFIED')
})

it('ASVS-7.1.2: the report names the limit of parallel sessions and what happens at it', () => {
  const { sessions } = setUp({ policy: { limit: { max: 3, onExceeded: 'reject' } } })

  expect(`${sessions.describePolicy()}`).toMatch(/sessions a subject 3, one more: reject/)
})
