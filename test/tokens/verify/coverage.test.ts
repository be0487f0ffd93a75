import { describe, expect, it, test } from 'vitest'
import { minutes } from '../../../src/core/duration.ts'
import { subjectKeyOf } from '../../../src/core/placement.ts'
import { Coverage } from '../../../src/tokens/verify/coverage.ts'
import { Ended } from '../../../src/tokens/verify/ended.ts'

const claims = (changes: object = {}) =>
  ({ iss: '', sub: 'ada', aud: '', client_id: '', iat: 1000, exp: 1300, jti: 'jti', sid: 'sid', ...changes }) as never

/** The issuer's clock is `1_000_000 + our clock`. */
const AHEAD = 1_000_000

function live(since = AHEAD - 500_000, most?: number) {
  const coverage = new Coverage(300_000, most)
  coverage.begin({ now: AHEAD, since }, 0, 0)
  coverage.ready()
  coverage.beat(AHEAD, 0)
  return coverage
}

describe('how stale it is', () => {
  it('is for ever until ready and a beat came', () => {
    const coverage = new Coverage(300_000)
    const steps = [coverage.staleness(0)]
    coverage.begin({ now: AHEAD, since: 0 }, 0, 10)
    steps.push(coverage.staleness(10))
    coverage.beat(AHEAD, 10)
    steps.push(coverage.staleness(10))
    coverage.ready()
    steps.push(coverage.staleness(10))

    expect(steps).toEqual([Infinity, Infinity, Infinity, Infinity])
    coverage.beat(AHEAD + 10, 10)
    expect(coverage.staleness(10)).toBe(0)
  })

  it('grows from the instant of the last beat, not of its receipt', () => {
    const coverage = live()
    coverage.beat(AHEAD + 1000, 5000)

    expect(coverage.staleness(6000)).toBe(5000)
  })

  it('counts the time the connection took, since the answer may be that old', () => {
    const coverage = new Coverage(300_000)
    coverage.begin({ now: AHEAD, since: 0 }, 100, 400)
    coverage.ready()
    coverage.beat(AHEAD, 400)

    expect(coverage.staleness(400)).toBe(300)
  })

  it('is never less for a beat from the future', () => {
    const coverage = live()
    coverage.beat(AHEAD + 60_000, 1000)

    expect([coverage.staleness(1000), coverage.staleness(3000)]).toEqual([0, 2000])
  })

  it('does not stand still once a clock that was ahead is right again', () => {
    const coverage = live()
    coverage.beat(AHEAD + minutes(10), 1000)
    coverage.begin({ now: AHEAD + 5000, since: AHEAD - 500_000 }, 5000, 5000)
    coverage.ready()

    expect([coverage.staleness(5000), coverage.staleness(60_000)]).toEqual([4000, 59_000])
  })

  it('over a new connection counts from the last beat, not from when it was made', () => {
    const coverage = live()
    coverage.begin({ now: AHEAD + 9000, since: AHEAD - 500_000 }, 9000, 9100)

    expect(coverage.staleness(9100)).toBeGreaterThanOrEqual(9100)
  })

  it('is not mended by an older beat', () => {
    const coverage = live()
    coverage.beat(AHEAD + 2000, 2000)
    coverage.beat(AHEAD + 1000, 3000)

    expect(coverage.staleness(3000)).toBe(1000)
  })
})

describe('what it covers', () => {
  it('tokens minted at its beginning, and not a second before', () => {
    const coverage = live(1_000_000)

    expect([coverage.wordOn(claims({ iat: 1000 }), undefined), coverage.wordOn(claims({ iat: 999 }), undefined)]).toEqual([
      'live',
      'unknown',
    ])
  })

  it('a second that its beginning lies in is not covered', () => {
    expect(live(1_000_001).wordOn(claims({ iat: 1000 }), undefined)).toBe('unknown')
  })

  it('what the issuer was asked about since its beginning', () => {
    const coverage = live(AHEAD + 500)

    expect([coverage.wordOn(claims({ iat: 1 }), 499), coverage.wordOn(claims({ iat: 1 }), 500)]).toEqual(['unknown', 'live'])
  })

  it('goes on over a new connection that knows since before the last beat, and begins anew otherwise', () => {
    const [seamless, late] = [live(), live()]
    seamless.begin({ now: AHEAD + 9000, since: AHEAD }, 9000, 9000)
    late.begin({ now: AHEAD + 9000, since: AHEAD + 1 }, 9000, 9000)
    for (const coverage of [seamless, late]) coverage.ready()

    expect([seamless.since, late.since]).toEqual([AHEAD - 500_000, AHEAD + 1])
  })

  it('goes on over no connection for a clock that was ahead: what ended between the two is not known', () => {
    const coverage = live()
    coverage.beat(AHEAD + minutes(10), 1000)
    coverage.begin({ now: AHEAD + 9000, since: AHEAD + 5000 }, 9000, 9000)
    coverage.ready()

    expect(coverage.since).toBe(AHEAD + 5000)
  })

  it('a gap while it catches up counts as well', () => {
    const coverage = live()
    coverage.begin({ now: AHEAD + 9000, since: AHEAD }, 9000, 9000)
    coverage.gap(AHEAD + 5000)
    coverage.ready()

    expect(coverage.since).toBe(AHEAD + 5000)
  })

  it('a gap never widens it', () => {
    const coverage = live()
    coverage.gap(0)

    expect(coverage.since).toBe(AHEAD - 500_000)
  })
})

describe('doubt', () => {
  it('touches what was minted up to its instant', () => {
    const coverage = live()
    coverage.doubted('subject', subjectKeyOf('ada'), 1_000_000, 0)

    expect([
      coverage.wordOn(claims({ iat: 1000 }), undefined),
      coverage.wordOn(claims({ iat: 1001 }), undefined),
      coverage.wordOn(claims({ iat: 1000, sub: 'bob' }), undefined),
    ]).toEqual(['unknown', 'live', 'live'])
  })

  it('is settled by an answer that was asked for since, not before', () => {
    const coverage = live()
    coverage.doubted('session', 'sid', 1_000_000, 50)

    expect([coverage.wordOn(claims(), 50), coverage.wordOn(claims(), 51)]).toEqual(['unknown', 'live'])
  })

  it('of a session does not name a subject of the same text', () => {
    const coverage = live()
    coverage.doubted('session', subjectKeyOf('ada'), 1_000_000, 0)

    expect(coverage.wordOn(claims(), undefined)).toBe('live')
  })
})

describe('when there is no room', () => {
  it('it forgets, and covers only what is minted from then on', () => {
    const coverage = live(AHEAD - 500_000, 3)
    for (const sid of ['a', 'b', 'c', 'd']) coverage.sessionEnded(sid, AHEAD + 5000, 5000)

    expect([coverage.wordOn(claims({ sid: 'a' }), undefined), coverage.wordOn(claims({ sid: 'a' }), 4999)]).toEqual([
      'unknown',
      'unknown',
    ])
    expect(coverage.wordOn(claims({ sid: 'd' }), undefined)).toBe('ended')
    expect(coverage.since).toBe(AHEAD + 5000)
    expect(coverage.wordOn(claims({ sid: 'e', iat: 1006 }), undefined)).toBe('live')
  })

  it('a new connection that only goes on does not make it whole again', () => {
    const coverage = live(AHEAD - 500_000, 3)
    for (const sid of ['a', 'b', 'c', 'd']) coverage.sessionEnded(sid, AHEAD + 5000, 5000)
    coverage.beat(AHEAD + 5000, 5000)
    coverage.begin({ now: AHEAD + 6000, since: AHEAD - 500_000 }, 6000, 6000)
    coverage.ready()

    expect(coverage.wordOn(claims({ sid: 'a' }), undefined)).toBe('unknown')
  })
})

describe('when there was no room, a new connection', () => {
  it('that knows less does not make it whole again either', () => {
    const coverage = live(AHEAD - 500_000, 3)
    for (const sid of ['a', 'b', 'c', 'd']) coverage.sessionEnded(sid, AHEAD + 5000, 5000)
    // Since after the last beat, and before it forgot.
    coverage.begin({ now: AHEAD + 6000, since: AHEAD + 1000 }, 6000, 6000)
    coverage.ready()

    expect(coverage.wordOn(claims({ sid: 'a', iat: 1002 }), undefined)).toBe('unknown')
  })
})

describe('what has ended', () => {
  it('is remembered for the retention at least, and twice that at most', () => {
    const ended = new Ended(1000)
    ended.add('first', 1, 0)
    ended.add('later', 1, 999)
    ended.add('turn', 1, 1000)
    const [first, later] = [ended.get('first'), ended.get('later')]
    ended.add('turn', 1, 2000)

    expect([first, later, ended.get('first'), ended.get('turn')]).toEqual([1, 1, undefined, 1])
  })

  it('a later instant of the same key wins, an earlier one does not', () => {
    const ended = new Ended(1000)
    for (const at of [5, 9, 7]) ended.add('key', at, 0)

    expect(ended.get('key')).toBe(9)
  })

  it('after a long silence nothing is left over', () => {
    const ended = new Ended(1000)
    ended.add('key', 1, 0)
    ended.add('other', 1, 5000)

    expect([ended.get('key'), ended.size]).toEqual([undefined, 1])
  })

  it('a key that is known needs no room', () => {
    const ended = new Ended(1000, 1)

    expect([ended.add('key', 1, 0), ended.add('key', 2, 0), ended.add('other', 1, 0)]).toEqual([true, true, false])
  })
})

test('the delay is measured from the issuer’s instant to our receipt, whatever the clocks say, and not while catching up', () => {
  const coverage = live()
  coverage.begin({ now: AHEAD + 1000, since: AHEAD }, 1000, 1000)
  coverage.sessionEnded('old', AHEAD - 100_000, 1000)
  const before = coverage.measured
  coverage.ready()
  coverage.sessionEnded('new', AHEAD + 2000, 2070)
  coverage.sessionEnded('newer', AHEAD + 3000, 3020)

  expect([before, coverage.measured]).toEqual([
    { last: undefined, worst: undefined },
    { last: 20, worst: 70 },
  ])
})
