import { describe, expect, it } from 'vitest'
import { acrOf, authTimeOf, type Fact, MOST_FACTS, meets, type Strength, withFacts } from '../../src/core/assurance.ts'
import { minutes } from '../../src/core/duration.ts'
import { codeOf } from './support.ts'

const now = 1_893_456_000_000
const fact = (method: string, strength: Strength = 1, at = now): Fact => ({ method, at, strength })

describe('acrOf', () => {
  it.each<[string, Fact[], string]>([
    ['nothing proved', [], 'aal0'],
    ['a password', [fact('pwd')], 'aal1'],
    ['two passwords: one kind twice is one factor', [fact('pwd'), fact('pin')], 'aal1'],
    ['two things held: still one kind', [fact('otp'), fact('hwk')], 'aal1'],
    ['a password and a face: a biometric never stands beside knowledge alone', [fact('pwd'), fact('face')], 'aal1'],
    ['a password and a one-time code', [fact('pwd'), fact('otp')], 'aal2'],
    ['a key and a fingerprint', [fact('hwk'), fact('fpt')], 'aal2'],
    ['two words of the application’s own: their kinds are not known', [fact('sso'), fact('badge')], 'aal1'],
    ['one fact of strength 2', [fact('webauthn', 2)], 'aal2'],
    ['one fact of strength 3', [fact('webauthn', 3)], 'aal3'],
    ['`__proto__` as a method', [fact('__proto__')], 'aal1'],
  ])('%s', (_case, facts, expected) => {
    expect(acrOf(facts)).toBe(expected)
  })
})

describe('meets', () => {
  const twoFactors = [fact('pwd', 1, now - minutes(10)), fact('otp', 1, now - minutes(5))]

  it.each([
    ['without a maximum age any proof counts', { acr: 'aal2' } as const, true],
    ['at the maximum age a proof still counts', { maxAge: minutes(5) }, true],
    ['a millisecond over it, it does not', { maxAge: minutes(5) - 1 }, false],
    ['authority decays factor by factor', { acr: 'aal2', maxAge: minutes(5) } as const, false],
    ['both factors young enough', { acr: 'aal2', maxAge: minutes(10) } as const, true],
    ['one factor a millisecond too old', { acr: 'aal2', maxAge: minutes(10) - 1 } as const, false],
    ['a level never reached', { acr: 'aal3' } as const, false],
    ['NaN as an age refuses', { maxAge: Number.NaN }, false],
    ['a negative age refuses', { maxAge: -1 }, false],
  ])('%s', (_case, requirement, expected) => {
    expect(meets(twoFactors, requirement, now)).toBe(expected)
  })

  it('a fact from before the clock jumped back counts as new', () => {
    expect(meets([fact('pwd', 1, now + minutes(60))], { maxAge: minutes(5) }, now)).toBe(true)
  })

  it('nothing proved meets nothing but aal0', () => {
    expect([meets([], {}, now), meets([], { acr: 'aal0' }, now)]).toEqual([false, true])
  })

  it.each(['aal4', 'AAL2', '2', '', 'loa3', '__proto__', null, 2])(
    'a level that does not exist is misuse, never met (%j)',
    async (acr) => {
      expect(await codeOf(() => meets(twoFactors, { acr: acr as 'aal2' }, now))).toBe('ERR_ARGUMENT_INVALID')
    },
  )
})

describe('authTimeOf', () => {
  it('is the latest fact, wherever it stands', () => {
    expect(authTimeOf([fact('otp', 1, 5), fact('pwd', 1, 9), fact('hwk', 1, 7)])).toBe(9)
  })

  it('is undefined when nothing was proved', () => {
    expect(authTimeOf([])).toBeUndefined()
  })
})

describe('withFacts', () => {
  it('keeps the latest of each method', () => {
    expect(withFacts([fact('pwd', 1, 1), fact('otp', 1, 2)], [fact('pwd', 1, 3)])).toEqual([fact('otp', 1, 2), fact('pwd', 1, 3)])
  })

  it('keeps a bounded number, the newest', () => {
    const many = Array.from({ length: 30 }, (_, i) => fact(`m${i}`, 1, i))

    expect(withFacts(many, [fact('last')]).map(({ method }) => method)).toEqual(
      [...many.slice(-MOST_FACTS + 1), fact('last')].map(({ method }) => method),
    )
  })
})
