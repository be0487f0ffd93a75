import { describe, expect, test } from 'vitest'
import { chooseCookie } from '../../src/http/cookie-choice.ts'

const ours = { recognises: (token: string) => token.startsWith('ours') }
const nobody = {
  recognises: (): boolean => {
    throw new Error('looked at a token that needed no choice')
  },
}

describe('among the cookies of our name', () => {
  test.each([
    ['none: no token', [], undefined, 0],
    ['several values, one of ours: that one, wherever it stands', ['x', 'ours1', 'y'], 'ours1', 1],
    ['the same value in two scopes: that one', ['ours1', 'ours1'], 'ours1', 1],
    [
      'two different ones of ours: nobody, or a tossed session would be used as the victim’s own',
      ['ours1', 'ours2'],
      undefined,
      2,
    ],
    ['none of ours: the first, so that its state is reported', ['x', 'y'], 'x', 0],
  ])('%s', (_case, values, token, valid) => {
    expect(chooseCookie(values, ours)).toEqual({ token, candidates: values.length, valid })
  })

  test('one value is passed on without a look: core judges it', () => {
    expect(chooseCookie(['x'], nobody)).toEqual({ token: 'x', candidates: 1, valid: 0 })
  })
})
