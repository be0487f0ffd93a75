import { describe, expect, it } from 'vitest'
import { CircuitBreaker } from '../../src/core/circuit-breaker.ts'

const FAILURES = 3
const PAUSE = 100

function setUp(random = () => 0) {
  let now = 0
  const heard: string[] = []
  const listener = {
    opened: (failures: number, pause: number) => heard.push(`opened after ${failures} for ${pause}`),
    closed: () => heard.push('closed'),
  }
  const breaker = new CircuitBreaker({ failures: FAILURES, pause: PAUSE }, listener, random, () => now)
  const fail = (times: number) => {
    for (let i = 0; i < times; i++) breaker.failed()
  }
  return { breaker, heard, fail, advance: (milliseconds: number) => (now += milliseconds) }
}

describe('circuit breaker', () => {
  it('a store that answers now and then is never left alone', () => {
    const { breaker, heard, fail } = setUp()
    for (let i = 0; i < 20; i++) {
      fail(FAILURES - 1)
      breaker.succeeded()
    }
    expect([breaker.admit(), heard]).toEqual([0, []])
  })

  it('several failures in a row open it, and nobody is let through until the pause is over', () => {
    const { breaker, heard, fail, advance } = setUp()
    fail(FAILURES)
    expect(breaker.admit()).toBe(PAUSE)
    advance(PAUSE - 1)
    expect(breaker.admit()).toBe(1)
    expect(heard).toEqual([`opened after ${FAILURES} for ${PAUSE}`])
  })

  it('after the pause exactly one call goes through to try', () => {
    const { breaker, fail, advance } = setUp()
    fail(FAILURES)
    advance(PAUSE)
    expect([breaker.admit(), breaker.admit() > 0, breaker.admit() > 0]).toEqual([0, true, true])
  })

  it('a probe that is answered closes it for everybody', () => {
    const { breaker, heard, fail, advance } = setUp()
    fail(FAILURES)
    advance(PAUSE)
    breaker.admit()
    breaker.succeeded()
    expect([breaker.admit(), breaker.admit(), heard.at(-1)]).toEqual([0, 0, 'closed'])
  })

  it('a probe that fails doubles the pause, up to ten times the first', () => {
    const { breaker, heard, fail, advance } = setUp()
    fail(FAILURES)
    for (let i = 0; i < 6; i++) {
      advance(10 * PAUSE)
      breaker.admit()
      fail(1)
    }
    expect(heard.map((line) => Number(line.split(' ').at(-1)))).toEqual([100, 200, 400, 800, 1000, 1000, 1000])
  })

  it('calls that were on their way when it opened do not prolong the pause', () => {
    const { breaker, fail, advance } = setUp()
    fail(FAILURES)
    advance(PAUSE / 2)
    fail(20)
    expect(breaker.admit()).toBe(PAUSE / 2)
  })

  it('an answer that was on its way shows that the store is there', () => {
    const { breaker, fail } = setUp()
    fail(FAILURES)
    breaker.succeeded()
    expect(breaker.admit()).toBe(0)
  })

  it('processes do not all try at the same instant', () => {
    const { breaker, fail } = setUp(() => 1)
    fail(FAILURES)
    expect(breaker.admit()).toBe(PAUSE * 1.2)
  })
})
