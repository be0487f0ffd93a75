// Refresh families, every reachable state: lost answers cut nobody off, a thief is found out, and one token never has two successors.
import { describe, expect, it } from 'vitest'
import { replaceCurrent, standingOf } from '../../src/tokens/refresh/generations.ts'
import { explore } from './explore.ts'
import { type FamilyBounds, familySpace } from './refresh-families.ts'

const PATIENCE = 120_000
const HOLDS = { isExhausted: true, violation: undefined }

function search(what: string, bounds: FamilyBounds) {
  const exploration = explore(familySpace(bounds))
  console.log(`refresh, ${what}: ${exploration.states} states, ${exploration.transitions} transitions`)
  return exploration
}

describe('without a thief nobody is cut off', () => {
  it.each([
    [
      'a client that asks one at a time, as fast as it likes, and loses answers',
      { requests: 1, takesLateAnswers: false, waits: false },
    ],
    [
      'a client that tries again while the first request is still on its way',
      { requests: 2, takesLateAnswers: false, waits: false },
    ],
    ['threads that share one token, and keep whatever answer comes last', { requests: 3, takesLateAnswers: true, waits: true }],
  ])('%s', { timeout: PATIENCE }, (what, bounds) => {
    expect(search(what, { ...bounds, hasThief: false })).toMatchObject(HOLDS)
  })
})

describe('with a thief who copied a token', () => {
  it.each([
    [
      'the family ends once both have used tokens further apart than the grace',
      { requests: 1, takesLateAnswers: false, waits: false },
    ],
    ['beside an owner that tries again', { requests: 2, takesLateAnswers: false, waits: false }],
  ])('%s', { timeout: PATIENCE }, (what, bounds) => {
    expect(search(what, { ...bounds, hasThief: true })).toMatchObject(HOLDS)
  })
})

describe('the model finds what it looks for', () => {
  const bounds = { requests: 2, takesLateAnswers: false, waits: true, hasThief: false } as const

  it('a family that forgives no lost answer cuts its owner off', () => {
    const strict: typeof standingOf = (family, secret, tools) => {
      const standing = standingOf(family, secret, tools)
      return standing.kind === 'replaced' ? { kind: 'reused', generation: 1 } : standing
    }
    const { violation } = explore(familySpace({ ...bounds, rules: { standingOf: strict, replaceCurrent } }))

    expect(violation?.rule).toBe('the only holder was taken for a thief')
  })

  it('a family that forgives everything never finds the thief', () => {
    const lenient: typeof standingOf = (family, secret, tools) =>
      standingOf(family, secret, { ...tools, grace: Number.POSITIVE_INFINITY })
    const { violation } = explore(familySpace({ ...bounds, hasThief: true, rules: { standingOf: lenient, replaceCurrent } }))

    expect(violation?.rule).toMatch(/^owner and thief/)
  })

  it('a successor that is drawn anew each time is a double spend', () => {
    let drawn = 0
    const drawing: typeof standingOf = (family, secret, tools) => {
      const standing = standingOf(family, secret, tools)
      drawn++
      return standing.kind === 'replaced' ? { kind: 'replaced', successorSecret: Buffer.alloc(32, drawn) } : standing
    }
    const { violation } = explore(familySpace({ ...bounds, rules: { standingOf: drawing, replaceCurrent } }))

    expect(violation?.rule).toBe('one token has two successors')
  })

  it('threads that refresh again at once can be left with an old token by a late answer; that is the boundary', () => {
    const { violation } = explore(familySpace({ requests: 3, takesLateAnswers: true, waits: false, hasThief: false }))

    expect(violation?.rule).toBe('the only holder was taken for a thief')
  })
})
