// Vectors of RFC 4226 and RFC 6238, what a person may type, and which step a code is of.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Algorithm, match, parseCode, stepAt } from '../../src/stepup/totp/code.ts'
import { codesOf } from '../../src/stepup/totp/packages.ts'

const LENGTHS: Record<Algorithm, number> = { SHA1: 20, SHA256: 32, SHA512: 64 }
const secretFor = (algorithm: Algorithm) => Buffer.from('1234567890'.repeat(7).slice(0, LENGTHS[algorithm]))

it('RFC 4226, appendix D: the ten codes of counters 0 to 9', async () => {
  const codeOf = await codesOf({ secret: secretFor('SHA1'), algorithm: 'SHA1', digits: 6 })

  expect(Array.from({ length: 10 }, (_, step) => codeOf(step))).toEqual(
    '755224 287082 359152 969429 338314 254676 287922 162583 399871 520489'.split(' '),
  )
})

it.each([
  [59, '94287082', '46119246', '90693936'],
  [1111111109, '07081804', '68084774', '25091201'],
  [1111111111, '14050471', '67062674', '99943326'],
  [1234567890, '89005924', '91819424', '93441116'],
  [2000000000, '69279037', '90698825', '38618901'],
  [20000000000, '65353130', '77737706', '47863826'],
])('RFC 6238, appendix B: the codes of second %i', async (second, ...expected) => {
  const kinds: Algorithm[] = ['SHA1', 'SHA256', 'SHA512']
  const found = await Promise.all(
    kinds.map(async (algorithm) =>
      (await codesOf({ secret: secretFor(algorithm), algorithm, digits: 8 }))(stepAt(second * 1000)),
    ),
  )

  expect(found).toEqual(expected)
})

it.each([
  ['123456', '123456'],
  ['12345678', '12345678'],
  [' 123 456 ', '123456'],
  ['123\u00a0456', '123456'],
  ['１２３４５６', '123456'],
  ['１２３　456', '123456'],
  ['000000', '000000'],
])('what a person may type: %j', (typed, code) => {
  expect(parseCode(typed)).toBe(code)
})

it.each([
  '',
  '12345',
  '1234567',
  '123456789',
  '12345a',
  '+12345',
  '-12345',
  '1e5000',
  '0x1234',
  '12.456',
  '123-456',
  '123456\n',
  '123\t456',
  '١٢٣٤٥٦',
  '𝟏𝟐𝟑𝟒𝟓𝟔',
  '²²²²²²',
  '123456\0',
  '\ud800123456',
  `123456${' '.repeat(40)}`,
  ' '.repeat(1_000_000),
  undefined,
  null,
  123456,
  123456n,
  ['123456'],
  { toString: () => '123456' },
  Symbol('123456'),
  () => '123456',
])('what is no code: %#', (typed) => {
  expect(parseCode(typed)).toBeUndefined()
})

it('any input at all is a code or none, and never an error', () => {
  fc.assert(
    fc.property(fc.anything(), (typed) => {
      expect(String(parseCode(typed))).toMatch(/^(undefined|\d{6}|\d{8})$/)
    }),
  )
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (typed) => {
      expect(String(parseCode(typed))).toMatch(/^(undefined|\d{6}|\d{8})$/)
    }),
  )
})

const STEP = 1000
const NOW = STEP * 30_000 + 29_999
/** Codes that say which step they are of. */
const codeOf = (step: number) => String(step).padStart(6, '0')

it.each([
  [0, [1000]],
  [1, [999, 1000, 1001]],
] as const)('with a skew of %i, the codes of these steps count and no others', (skew, accepted) => {
  const steps = Array.from({ length: 11 }, (_, i) => STEP - 5 + i)
  const found = steps.filter((step) => match(codeOf(step), codeOf, { now: NOW, skew, lastStep: -1 }).kind === 'step')

  expect(found).toEqual(accepted)
})

it('a step changes at its first millisecond', () => {
  expect([stepAt(NOW), stepAt(NOW + 1)]).toEqual([STEP, STEP + 1])
})

it('the last step used is spent, and every one before it', () => {
  const kinds = [999, 1000, 1001].map((step) => match(codeOf(step), codeOf, { now: NOW, skew: 1, lastStep: 1000 }).kind)

  expect(kinds).toEqual(['replayed', 'replayed', 'step'])
})

it('where one code is of two steps, it is of the earliest that is not spent', () => {
  const same = () => '111111'

  expect(match('111111', same, { now: NOW, skew: 1, lastStep: -1 })).toEqual({ kind: 'step', step: 999 })
  expect(match('111111', same, { now: NOW, skew: 1, lastStep: 999 })).toEqual({ kind: 'step', step: 1000 })
  expect(match('111111', same, { now: NOW, skew: 1, lastStep: 1001 })).toEqual({ kind: 'replayed' })
})

it('every step of the window is computed, whichever matches', () => {
  const computed: number[] = []
  const counting = (step: number) => {
    computed.push(step)
    return codeOf(step)
  }
  for (const step of [999, 1001, 5]) match(codeOf(step), counting, { now: NOW, skew: 1, lastStep: -1 })

  expect(computed).toHaveLength(9)
})

it('codes of another length are none', () => {
  expect(match('00001000', codeOf, { now: NOW, skew: 1, lastStep: -1 }).kind).toBe('wrong')
})
