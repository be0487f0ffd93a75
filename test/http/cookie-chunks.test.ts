import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ChunkedCookie, sessionValues } from '../../src/http/cookie-chunks.ts'
import { type CookieOptions, resolveCookie } from '../../src/http/cookie-config.ts'
import { LARGEST_COOKIE } from '../../src/http/cookie-serialise.ts'
import { cookieJar } from '../../src/testing/cookie-jar.ts'
import { codeOf } from '../core/support.ts'

const ORIGIN = 'https://shop.example'
const NAME = '__Host-sjn'
const cookie = (options: CookieOptions = {}) => new ChunkedCookie(resolveCookie(options).secure)
const namesOf = (lines: readonly string[]) => lines.map((line) => line.slice(0, line.indexOf('=')))
const value = (length: number, letter = 'x') => letter.repeat(length)

/** A browser and a server that sets values of the lengths given, one request each. */
function browserWith(...values: string[]) {
  const jar = cookieJar()
  for (const each of values) jar.store(ORIGIN, cookie().setLines(each, undefined, jar.header(ORIGIN)))
  return { jar, read: () => sessionValues(jar.header(ORIGIN) ?? '', NAME) }
}

describe('a value too long for one cookie', () => {
  it('comes back whole, of whatever length', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 15_000 }), (length) => {
        const sent = value(length)

        expect(browserWith(sent).read()).toEqual([sent])
      }),
      { numRuns: 60 },
    )
  })

  it.each([3900, 3987, 3988, 7900, 11_800, 15_000])('no cookie of it is over 4,096 bytes with its attributes (%i)', (length) => {
    const persistence = { expiresAt: 1_893_456_000_000 + 34_560_000_000, now: 1_893_456_000_000 }
    const lines = cookie().setLines(value(length), persistence, undefined)

    expect(lines.every((line) => line.length <= LARGEST_COOKIE)).toBe(true)
    expect(lines.every((line) => line.endsWith(lines[0]!.slice(lines[0]!.indexOf(';'))))).toBe(true)
  })

  it('takes one cookie while it fits, else as few as it can, four at most', () => {
    const counts = [10, 3900, 4000, 8000, 12_000, 15_000].map(
      (length) => cookie().setLines(value(length), undefined, undefined).length,
    )

    expect(counts).toEqual([1, 1, 2, 3, 4, 4])
  })

  it('beyond four it is an error before anything is sent', async () => {
    expect(await codeOf(() => cookie().setLines(value(16_000), undefined, undefined))).toBe('ERR_COOKIE_TOO_LARGE')
  })

  it('the parts have names of their own, under the same prefix, path and domain', () => {
    const lines = cookie({ name: '__Secure-visit', domain: 'example.com', shared: true, path: '/shop' }).setLines(
      value(6000),
      undefined,
      undefined,
    )

    expect(namesOf(lines)).toEqual(['__Secure-visit', '__Secure-visit.1'])
    expect(lines.every((line) => line.endsWith('; Path=/shop; Domain=example.com; Secure; HttpOnly; SameSite=Lax'))).toBe(true)
  })
})

describe('a value that gets shorter', () => {
  it('removes the parts it does not need any more', () => {
    const { jar, read } = browserWith(value(11_000), value(100, 'y'))

    expect([read(), jar.cookies(ORIGIN).map(({ name }) => name)]).toEqual([[value(100, 'y')], [NAME]])
  })

  it('from four to two, too', () => {
    const { jar, read } = browserWith(value(15_000), value(5000, 'y'))

    expect([read(), jar.cookies(ORIGIN).map(({ name }) => name)]).toEqual([[value(5000, 'y')], [NAME, `${NAME}.1`]])
  })

  it('nothing is sent about parts that the request did not bring', () => {
    expect(namesOf(cookie().setLines('short', undefined, `${NAME}=x; other.1=y`))).toEqual([NAME])
  })

  it('left-overs that a lost answer did not remove are no part of it', () => {
    const { jar, read } = browserWith(value(11_000))
    jar.store(ORIGIN, cookie().setLines(value(5000, 'y'), undefined, undefined))

    expect(read()).toEqual([value(5000, 'y')])
  })
})

describe('clearing', () => {
  it('removes every part that the request brought', () => {
    const { jar } = browserWith(value(15_000))
    jar.store(ORIGIN, cookie().clearLines(jar.header(ORIGIN)))

    expect(jar.cookies(ORIGIN)).toEqual([])
  })

  it('a visitor without parts is sent one line', () => {
    expect([cookie().clearLines(undefined), cookie().clearLines(`${NAME}=x`)].map(namesOf)).toEqual([[NAME], [NAME]])
  })

  it('a line of the application about a part counts as ours, and about another cookie does not', () => {
    const isAbout = [`${NAME}=x`, `${NAME}.1=x`, `${NAME}.3 =x`, `${NAME}.4=x`, `${NAME}x=x`, 'sjn.1=x'].map((line) =>
      cookie().isAbout(line),
    )

    expect(isAbout).toEqual([true, true, true, false, false, false])
  })
})

describe('what a request brings', () => {
  const read = (header: string) => sessionValues(header, NAME)

  it('the order of the cookies says nothing', () => {
    const [a, b, c] = [`${NAME}=3~aaa`, `${NAME}.1=bbb`, `${NAME}.2=ccc`]
    const orders = [
      [a, b, c],
      [a, c, b],
      [b, a, c],
      [b, c, a],
      [c, a, b],
      [c, b, a],
    ]

    expect(orders.map((order) => read(order.join('; ')))).toEqual(Array(6).fill(['aaabbbccc']))
  })

  it.each([`${NAME}=3~aaa; ${NAME}.1=bbb`, `${NAME}=2~aaa`, `${NAME}=2~aaa; ${NAME}.2=ccc`])('a part missing: %s', (header) => {
    expect(read(header)).toEqual([header.split('; ')[0]!.slice(NAME.length + 1)])
  })

  it.each(['0~a', '1~a', '5~a', '9~a', '~~a', 'x~a', '2a~', '22~a'])('no number of parts is made of %s', (first) => {
    expect(read(`${NAME}=${first}; ${NAME}.1=b; ${NAME}.2=c; ${NAME}.3=d`)).toEqual([first])
  })

  it('parts without a first are nothing', () => {
    expect(read(`${NAME}.1=bbb; ${NAME}.2=ccc`)).toEqual([])
  })

  it('where a part is there twice, both ways to put it together are tried', () => {
    expect(read(`${NAME}.1=evil; ${NAME}=2~aaa; ${NAME}.1=bbb`)).toEqual(['aaaevil', 'aaabbb'])
  })

  it('a first part beside a whole one: both are looked at', () => {
    expect(read(`${NAME}=whole; ${NAME}=2~aaa; ${NAME}.1=bbb`)).toEqual(['whole', 'aaabbb'])
  })

  it('however many there are, at most 16 are looked at', () => {
    const many = [1, 2, 3].flatMap((i) => Array.from({ length: 100 }, (_, j) => `${NAME}.${i}=${j}`))
    const firsts = Array.from({ length: 100 }, (_, i) => `${NAME}=4~${i}`)

    expect(read([...firsts, ...many].join('; '))).toHaveLength(16)
  })

  it('no header makes it throw, and it looks at 16 values of it at most', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        NAME,
        `${NAME}.1`,
        `${NAME}.2`,
        `${NAME}.3`,
        '=',
        '; ',
        ';',
        '2~',
        '3~',
        '4~',
        '~',
        'a',
        '"',
        ' ',
        '\0',
        '🦊',
      ),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        expect(read(pieces.join('')).length).toBeLessThanOrEqual(16)
      }),
      { numRuns: 500 },
    )
  })
})
