import { describe, expect, it } from 'vitest'
import { days, hours, minutes, seconds } from '../../src/core/duration.ts'
import {
  absoluteDeadlineOf,
  clocksFrom,
  expiredBy,
  idleDeadlineOf,
  isGraceOver,
  isRenewalDue,
  isTouchDue,
  touched,
} from '../../src/core/expiry.ts'
import { policyOf } from './support.ts'

const policy = policyOf({ idleTimeout: minutes(20), absoluteTimeout: hours(8) })
const start = 1_893_456_000_000
const clocks = clocksFrom(start, policy)

describe('expiredBy', () => {
  it.each([
    ['one millisecond before the idle limit', start + minutes(20) - 1, undefined],
    ['at the idle limit', start + minutes(20), 'idle'],
    ['one millisecond after it', start + minutes(20) + 1, 'idle'],
  ])('%s', (_case, now, expected) => {
    expect(expiredBy(clocks, now, policy)).toBe(expected)
  })

  it.each([
    ['one millisecond before the absolute limit', start + hours(8) - 1, undefined],
    ['at the absolute limit', start + hours(8), 'absolute'],
    ['a year later', start + days(365), 'absolute'],
  ])('a session in constant use, %s', (_case, now, expected) => {
    const busy = { ...clocks, ...touched(clocks, now - 1, policy) }

    expect(expiredBy(busy, now, policy)).toBe(expected)
  })

  it('a policy made stricter since counts at once', () => {
    expect(expiredBy(clocks, start + minutes(10), policyOf({ idleTimeout: minutes(10) }))).toBe('idle')
  })

  it('a policy made looser since does not extend what was stored', () => {
    expect(expiredBy(clocks, start + minutes(20), policyOf({ idleTimeout: hours(8) }))).toBe('idle')
  })

  it('a clock that jumped back an hour does not end a session', () => {
    expect(expiredBy(clocks, start - hours(1), policy)).toBeUndefined()
  })
})

describe('touched', () => {
  it('moves the idle deadline to a full idle timeout from now', () => {
    expect(touched(clocks, start + minutes(5), policy).idleDeadline).toBe(start + minutes(25))
  })

  it('never moves the idle deadline past the absolute one', () => {
    expect(touched(clocks, start + hours(8) - 1, policy).idleDeadline).toBe(start + hours(8))
  })

  it('never moves the absolute deadline later', () => {
    const busy = { ...clocks, ...touched(clocks, start + hours(7), policy) }

    expect(absoluteDeadlineOf(busy, policy)).toBe(start + hours(8))
  })

  it('a session started while the clock was a year ahead follows it down, idle and absolute', () => {
    const ahead = clocksFrom(start + days(365), policy)
    const followed = { ...ahead, ...touched(ahead, start, policy) }

    expect([idleDeadlineOf(followed, policy), absoluteDeadlineOf(followed, policy)]).toEqual([
      start + minutes(20),
      start + hours(8),
    ])
  })
})

describe('isTouchDue', () => {
  it.each([
    ['right after the last', 0, false],
    ['a millisecond before a twentieth of the idle timeout', minutes(1) - 1, false],
    ['at a twentieth of the idle timeout', minutes(1), true],
    ['when the clock jumped back a little', -1, false],
    ['when the clock jumped back an hour', -hours(1), true],
  ])('%s', (_case, since, expected) => {
    expect(isTouchDue(clocks, start + since, policy)).toBe(expected)
  })
})

describe('isRenewalDue', () => {
  it.each([
    [minutes(15) - 1, false],
    [minutes(15), true],
  ])('%i ms after the token was made: %s', (age, expected) => {
    expect(isRenewalDue({ generationAt: start, confirmedAt: start }, start + age, policy)).toBe(expected)
  })
})

describe('isGraceOver', () => {
  it.each([
    [seconds(30) - 1, false],
    [seconds(30), true],
  ])('%i ms after a later token was first used: %s', (since, expected) => {
    expect(isGraceOver(start, start + since, policy)).toBe(expected)
  })
})
