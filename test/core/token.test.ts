import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pooledRandom } from '../../src/core/crypto.ts'
import { createKeyring } from '../../src/core/keyring.ts'
import { encodeId, hashSecret, isSessionId, mintToken, newId, newSecret, parseToken } from '../../src/core/token.ts'
import { FOREIGN_KEY, KEY, OLDER_KEY, RING } from './support.ts'

const random = pooledRandom()
const idBytes = newId(random, 'ada')
const secret = newSecret(random)
const token = mintToken(idBytes, secret, RING)
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const CANONICAL = 'AQgw'
const lastOthers = [...ALPHABET].filter((letter) => !CANONICAL.includes(letter))

describe('parseToken', () => {
  it('reads what mintToken wrote', () => {
    const parsed = parseToken(token, RING)

    expect(parsed).toEqual({ id: encodeId(idBytes), secret })
  })

  it('a token has the prefix that secret scanners look for and 86 characters after it', () => {
    expect(token).toMatch(/^sjn1_[A-Za-z0-9_-]{86}$/)
  })

  it('a token cut anywhere is malformed', () => {
    const cut = Array.from({ length: 91 }, (_, length) => parseToken(token.slice(0, length), RING))

    expect(cut).toEqual(Array(91).fill('malformed'))
  })

  it.each(['A', '=', '==', ' ', '\n', '\0', ';', token])('a token with more behind it is malformed (case %#)', (more) => {
    expect(parseToken(token + more, RING)).toBe('malformed')
  })

  it.each(['+', '/', '=', '.', ' ', '\0', '\n', '"', ',', ';', '%', 'é', 'İ', 'Ａ', '\ud800'])(
    'a letter outside base64url makes a token malformed (%j)',
    (letter) => {
      expect(parseToken(token.slice(0, 40) + letter + token.slice(41), RING)).toBe('malformed')
    },
  )

  it('a last letter that is not canonical makes a token malformed', () => {
    const respelled = lastOthers.map((letter) => parseToken(token.slice(0, -1) + letter, RING))

    expect(respelled).toEqual(Array(60).fill('malformed'))
  })

  it.each(['sjn0_', 'sjn2_', 'SJN1_', 'sjn1-', 'sjn1.', 'xjn1_', '_____', ' sjn1'])(
    'another version prefix is malformed (%s)',
    (prefix) => {
      expect(parseToken(prefix + token.slice(5), RING)).toBe('malformed')
    },
  )

  it('64 KB of valid letters are malformed', () => {
    expect(parseToken(`sjn1_${'A'.repeat(65_536)}`, RING)).toBe('malformed')
  })

  it('a token with any one bit flipped is forged', () => {
    const flipped = Array.from({ length: 512 }, (_, bit) => {
      const bytes = Buffer.from(token.slice(5), 'base64url')
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      return parseToken(`sjn1_${bytes.toString('base64url')}`, RING)
    })

    expect(flipped).toEqual(Array(512).fill('forged'))
  })

  it('a token made by a key outside the ring is forged', () => {
    expect(parseToken(mintToken(idBytes, secret, createKeyring(FOREIGN_KEY)), RING)).toBe('forged')
  })

  it('a token made by an older key of the ring is good', () => {
    const older = mintToken(idBytes, secret, createKeyring(OLDER_KEY))

    expect(parseToken(older, createKeyring([KEY, OLDER_KEY]))).toMatchObject({ id: encodeId(idBytes) })
  })

  it('no string at all makes it throw', () => {
    const anything = fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.string({ unit: 'grapheme', maxLength: 200 }))

    fc.assert(fc.property(anything, (text) => parseToken(text, RING) === 'malformed'))
  })

  it('a token has exactly one spelling', () => {
    const minted = fc.tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.uint8Array({ minLength: 32, maxLength: 32 }))

    fc.assert(
      fc.property(minted, ([id, own]) => {
        const spelled = mintToken(id, own, RING)
        const parsed = parseToken(spelled, RING)
        return typeof parsed !== 'string' && mintToken(Buffer.from(parsed.id, 'base64url'), parsed.secret, RING) === spelled
      }),
    )
  })
})

describe('newSecret', () => {
  it('asks the random source for 32 bytes and uses all of them', () => {
    const asked: number[] = []
    const counted = (size: number) => {
      asked.push(size)
      return new Uint8Array(size).fill(asked.length)
    }

    const made = newSecret(counted)

    expect({ asked, made }).toEqual({ asked: [32], made: Buffer.alloc(32, 1) })
  })
})

describe('newId', () => {
  it('the ids of one subject share their first two bytes and nothing else', () => {
    const [a, b] = [newId(random, 'ada'), newId(random, 'ada')]

    expect([a.subarray(0, 2).equals(b.subarray(0, 2)), a.subarray(2).equals(b.subarray(2))]).toEqual([true, false])
  })

  it('an anonymous id is 16 bytes of the random source', () => {
    const fixed = (size: number) => new Uint8Array(size).fill(9)

    expect(newId(fixed, undefined)).toEqual(Buffer.alloc(16, 9))
  })

  it('the id of a token does not contain its secret', () => {
    expect(Buffer.from(encodeId(idBytes), 'base64url').includes(secret.subarray(0, 4))).toBe(false)
  })
})

describe('hashSecret', () => {
  it('is the SHA-256 of FIPS 180-4', () => {
    const ofAbc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'

    expect(hashSecret(Buffer.from('abc')).toString('hex')).toBe(ofAbc)
  })
})

describe('isSessionId', () => {
  it('accepts 22 canonical base64url characters', () => {
    expect(isSessionId(encodeId(idBytes))).toBe(true)
  })

  it.each([
    undefined,
    null,
    22,
    {},
    [],
    '',
    'A'.repeat(21),
    'A'.repeat(23),
    `${'A'.repeat(21)}B`,
    `${'A'.repeat(21)}\n`,
    `${'+'.repeat(21)}A`,
    token,
  ])('refuses anything else before it reaches the store (case %#)', (id) => {
    expect(isSessionId(id)).toBe(false)
  })
})
