import { parseCookie } from 'cookie'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cookieValues, MOST_CANDIDATES } from '../../src/http/cookie-parse.ts'

const NAME = '__Host-sjn'

describe('finding a cookie', () => {
  test.each([
    ['alone', '__Host-sjn=abc', ['abc']],
    ['among others', 'a=1; __Host-sjn=abc; b=2', ['abc']],
    ['several times, in the order sent', '__Host-sjn=1; a=0; __Host-sjn=2', ['1', '2']],
    ['with blanks and tabs around it', 'a=1 ;\t __Host-sjn \t=  abc \t; b=2', ['abc']],
    ['with no blank after the semicolon', 'a=1;__Host-sjn=abc;b=2', ['abc']],
    ['empty', '__Host-sjn=', ['']],
    ['with further equals signs', '__Host-sjn=a=b==', ['a=b==']],
    ['as sent: quotes and percent signs stay', '__Host-sjn="a%20b"', ['"a%20b"']],
    ['not without an equals sign', '__Host-sjn; a=1', []],
    ['not inside a longer name', 'x__Host-sjn=1; __Host-sjnx=2; __Host-sjn.0=3', []],
    ['not inside a value', 'a=__Host-sjn=1; b= __Host-sjn=2', []],
    ['not in another case', '__host-sjn=1', []],
    ['not in an empty header', '', []],
    ['not named by itself', '__Host-sjn', []],
  ])('%s', (_case, header, values) => {
    expect(cookieValues(header, NAME)).toEqual(values)
  })

  test('names that are property names of every object are ordinary names', () => {
    expect(cookieValues('a=1', '__proto__')).toEqual([])
    expect(cookieValues('__proto__=1; constructor=2', 'constructor')).toEqual(['2'])
  })

  test('an overlapping start of the name hides nothing', () => {
    expect(cookieValues('aa; aaa=1; a=2', 'a')).toEqual(['2'])
  })
})

describe('against the cookie package', () => {
  const raw = { decode: (value: string) => value }

  test('the first value is the one it finds, for any header', () => {
    const piece = fc.constantFrom('a', 'sjn', 'sjn ', ' sjn', '=', '; ', ';', ' ', '\t', '"', '%20', 'x', ',', '\\', 'é', '\0')
    const header = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''))
    fc.assert(
      fc.property(header, (text) => {
        // The package reads nothing after the last equals sign and ignores headers of one character; neither can hold a cookie of ours.
        expect(cookieValues(text, 'sjn')[0]).toBe(parseCookie(text, raw).sjn)
      }),
      { numRuns: 20_000 },
    )
  })

  test('every value is one it finds when the others are gone', () => {
    const pair = fc.tuple(
      fc.constantFrom('sjn', 'other', 'sjnx'),
      fc.stringMatching(/^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{0,12}$/),
    )
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 12 }), (pairs) => {
        const header = pairs.map(([name, value]) => `${name}=${value}`).join('; ')
        const expected = pairs.filter(([name]) => name === 'sjn').map(([, value]) => value)

        expect(cookieValues(header, 'sjn')).toEqual(expected)
      }),
    )
  })
})

describe('hostile headers', () => {
  test('a thousand duplicates are looked at sixteen times', () => {
    const header = Array.from({ length: 1000 }, (_, i) => `${NAME}=${i}`).join('; ')

    const values = cookieValues(header, NAME)

    expect(values).toHaveLength(MOST_CANDIDATES)
    expect(values[15]).toBe('15')
  })

  test.each([
    ['one long value', `${NAME}=${'x'.repeat(1 << 20)}`],
    ['semicolons', ';'.repeat(1 << 20)],
    ['blanks', ' '.repeat(1 << 20)],
    ['blanks before each name', `${' '.repeat(1000)}${NAME} `.repeat(1000)],
    ['the name without end', NAME.repeat(100_000)],
    ['equals signs', '='.repeat(1 << 20)],
    ['names and nothing', `${NAME};`.repeat(100_000)],
  ])('a megabyte of %s is read in linear time', (_case, header) => {
    const start = performance.now()

    cookieValues(header, NAME)

    expect(performance.now() - start).toBeLessThan(1000)
  })

  test('no string throws', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (header) => cookieValues(header, 'sjn').length <= 16))
  })
})
