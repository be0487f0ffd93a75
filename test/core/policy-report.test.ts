import { describe, expect, it } from 'vitest'
import { hours, minutes } from '../../src/core/duration.ts'
import { type Policy, policies } from '../../src/core/policies.ts'
import { KEY, OLDER_KEY, setUp } from './support.ts'

const reportOf = (policy: Policy, options: object = {}) => setUp({ policy, ...options }).sessions.describePolicy()

describe('describePolicy', () => {
  it('says what is in force', () => {
    expect(reportOf({ ...policies.moderate, limit: { max: 3, onExceeded: 'evict-oldest' } })).toMatchObject({
      idleTimeout: minutes(15),
      absoluteTimeout: hours(8),
      preset: 'moderate',
      onReuse: 'revoke',
      limit: { max: 3, onExceeded: 'evict-oldest' },
      store: 'memory',
      keysInRing: 1,
      deviations: [],
    })
  })

  it('says where it deviates and why', () => {
    const report = reportOf({ ...policies.aal2, idleTimeout: hours(2), justification: 'long forms' })

    expect([report.deviations, report.justification]).toEqual([
      ["idleTimeout is 7200000 ms, longer than the 3600000 ms of 'aal2'"],
      'long forms',
    ])
  })

  it.each<[keyof typeof policies, string[]]>([
    ['aal3', ['aal3', 'aal2', 'aal1']],
    ['aal2', ['aal2', 'aal1']],
    ['aal1', ['aal1']],
    ['high', ['aal3', 'aal2', 'aal1']],
  ])('says which limits of NIST %s stays within', (name, levels) => {
    expect(reportOf(policies[name]).nistLevelsMet).toEqual(levels)
  })

  it('says that single sessions may have other durations', () => {
    expect(reportOf({}, { policyFor: () => undefined }).variesBySession).toBe(true)
  })

  it('says what this configuration cannot promise', () => {
    expect(reportOf({ onReuse: 'refuse' }).cautions).toEqual([
      "The store 'memory' forgets revocations when it loses power or restarts.",
      'A reused token is only refused: a thief who rotates first keeps the session.',
      'A subject may have any number of sessions at once.',
    ])
  })

  it('counts the keys and shows none', () => {
    const report = reportOf({}, { keys: [KEY, OLDER_KEY] })

    expect([report.keysInRing, JSON.stringify(report).includes(KEY.slice(0, 8)), `${report}`.includes(KEY.slice(0, 8))]).toEqual([
      2,
      false,
      false,
    ])
  })

  it('as text it is for people: words, not milliseconds', () => {
    const text = `${reportOf({ ...policies.moderate, idleTimeout: minutes(20), justification: 'long forms' })}`

    expect(text).toMatch(/^idle timeout {7}20 minutes\nabsolute timeout {3}8 hours\n/)
    expect(text).toMatch(/\ndeviation {10}idleTimeout is.*\njustification {6}long forms\n/)
  })

  it('survives JSON', () => {
    expect(JSON.parse(JSON.stringify(reportOf(policies.low)))).toMatchObject({ preset: 'low', limit: 'none' })
  })
})
