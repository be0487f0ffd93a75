import { describe, expect, it } from 'vitest'
import { pooledRandom } from '../../src/core/crypto.ts'
import { createKeyring } from '../../src/core/keyring.ts'
import { hashSecret, mintToken, newId, newSecret, parseToken } from '../../src/core/token.ts'
import { rememberingParser, secretHashOf } from '../../src/core/token-memo.ts'
import { FOREIGN_KEY, RING } from './support.ts'

const random = pooledRandom()

const mint = () => mintToken(newId(random, 'ada'), newSecret(random), RING)
const flip = (token: string, at: number) => token.slice(0, at) + (token[at] === 'A' ? 'Q' : 'A') + token.slice(at + 1)
/** A parser that has seen this token more than once. */
function knowing(token: string) {
  const parse = rememberingParser(RING)
  parse(token)
  parse(token)
  return parse
}

describe('rememberingParser', () => {
  it('says of a token the same, whether it is known or not', () => {
    const token = mint()
    const parse = rememberingParser(RING)
    const expected = parseToken(token, RING) as Exclude<ReturnType<typeof parseToken>, string>

    for (let i = 0; i < 4; i++) {
      const parsed = parse(token) as typeof expected
      expect([parsed.id, parsed.secret]).toEqual([expected.id, expected.secret])
      expect(secretHashOf(parsed)).toEqual(hashSecret(expected.secret))
    }
  })

  it('one character of a known token changed anywhere is refused as ever', () => {
    const token = mint()
    const parse = knowing(token)
    const changed = Array.from(token, (_, at) => flip(token, at)).filter((other) => other !== token)

    expect(changed.map(parse)).toEqual(changed.map((other) => parseToken(other, RING)))
    expect(changed.map(parse).every((one) => typeof one === 'string')).toBe(true)
  })

  it('a token of another ring stays forged however often it comes', () => {
    const foreign = mintToken(newId(random, 'ada'), newSecret(random), createKeyring(FOREIGN_KEY))
    const parse = rememberingParser(RING)

    expect([parse(foreign), parse(foreign), parse(foreign)]).toEqual(['forged', 'forged', 'forged'])
  })

  it('the hash of a known token does not follow a copy that is given another secret', () => {
    const token = mint()
    const parsed = knowing(token)(token)
    if (typeof parsed === 'string') throw new Error(parsed)
    const secret = newSecret(random)

    expect(secretHashOf({ ...parsed, secret })).toEqual(hashSecret(secret))
  })

  it('two parsers share nothing: a token of one service is forged to the other', () => {
    const token = mint()
    knowing(token)

    expect(rememberingParser(createKeyring(FOREIGN_KEY))(token)).toBe('forged')
  })
})
