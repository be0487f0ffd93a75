import { describe, expect, it } from 'vitest'
import { deviationsOf } from '../../src/core/config.ts'
import { days, hours, minutes, seconds } from '../../src/core/duration.ts'
import { type Policy, policies } from '../../src/core/policies.ts'
import { policyOf, thrownBy } from './support.ts'

describe('policies', () => {
  it.each([
    ['low', minutes(30), hours(12)],
    ['moderate', minutes(15), hours(8)],
    ['high', minutes(5), hours(4)],
    ['aal1', days(30), days(30)],
    ['aal2', hours(1), hours(24)],
    ['aal3', minutes(15), hours(12)],
  ] as const)('%s is %i ms idle and %i ms absolute', (name, idleTimeout, absoluteTimeout) => {
    expect(policyOf(policies[name])).toMatchObject({ idleTimeout, absoluteTimeout, onReuse: 'revoke' })
  })

  it.each(Object.entries(policies))('%s deviates from itself in nothing', (_name, policy) => {
    expect(deviationsOf(policyOf(policy), policy)).toEqual([])
  })
})

describe('a deviation from a preset', () => {
  it.each<[string, Policy]>([
    ['idleTimeout', { idleTimeout: minutes(16) }],
    ['absoluteTimeout', { absoluteTimeout: hours(9) }],
    ['rotateAfter', { rotateAfter: minutes(16) }],
    ['rotationGrace', { rotationGrace: seconds(31) }],
    ['onReuse', { onReuse: 'refuse' }],
  ])('a looser %s without a justification is refused, by name', (name, change) => {
    const error = thrownBy(() => policyOf({ ...policies.moderate, ...change }))

    expect([error.code, error.message.includes(name)]).toEqual(['ERR_POLICY_UNJUSTIFIED', true])
  })

  it.each(['', ' ', '\n\t'])('a justification without a word is none (%j)', (justification) => {
    const policy = { ...policies.moderate, idleTimeout: minutes(20), justification }

    expect(thrownBy(() => policyOf(policy)).code).toBe('ERR_POLICY_UNJUSTIFIED')
  })

  it('with a justification it holds', () => {
    const policy = { ...policies.moderate, idleTimeout: minutes(20), justification: 'forms of 20 minutes' }

    expect(policyOf(policy).idleTimeout).toBe(minutes(20))
  })

  it('a stricter value needs no justification', () => {
    expect(policyOf({ ...policies.moderate, idleTimeout: minutes(5) }).idleTimeout).toBe(minutes(5))
  })

  it('no justification lifts the 12 hours of aal3', () => {
    const policy = { ...policies.aal3, absoluteTimeout: hours(12) + 1000, justification: 'board decision' }

    expect(thrownBy(() => policyOf(policy)).message).toMatch(
      /absoluteTimeout .* no justification lifts this limit \(NIST SP 800-63B-4, 2\.3\.3/,
    )
  })

  it('the limit of aal3 is named even where another value is looser too', () => {
    const policy = { ...policies.aal3, idleTimeout: hours(1), absoluteTimeout: hours(13), justification: 'board decision' }

    expect(thrownBy(() => policyOf(policy)).message).toMatch(/^createSessions: absoluteTimeout is 46800000 ms/)
  })
})
