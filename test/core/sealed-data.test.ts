import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pooledRandom } from '../../src/core/crypto.ts'
import { createKeyring } from '../../src/core/keyring.ts'
import { isSealedWithOlderKey, openData, sealData } from '../../src/core/sealed-data.ts'
import { FOREIGN_KEY, KEY, OLDER_KEY, RING } from './support.ts'

const random = pooledRandom()
const id = Buffer.alloc(16, 1)
const sealed = sealData(Buffer.from('1{"basket":["tea"]}'), id, RING, random)

describe('sealData and openData', () => {
  it('what was sealed for a session opens for it', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => openData(sealData(bytes, id, RING, random), id, RING)?.equals(bytes)))
  })

  it('nothing of the plaintext stands in the sealed bytes', () => {
    expect(sealed.includes('basket')).toBe(false)
  })

  it('the same data sealed twice differs', () => {
    const again = sealData(Buffer.from('1{"basket":["tea"]}'), id, RING, random)

    expect(again.equals(sealed)).toBe(false)
  })

  it('data swapped to another session does not open', () => {
    expect(openData(sealed, Buffer.alloc(16, 2), RING)).toBeUndefined()
  })

  it('data of a key that left the ring does not open', () => {
    expect(openData(sealed, id, createKeyring(FOREIGN_KEY))).toBeUndefined()
  })

  it('data of an older key of the ring opens', () => {
    expect(openData(sealed, id, createKeyring([FOREIGN_KEY, KEY]))?.toString()).toBe('1{"basket":["tea"]}')
  })

  it('data with any one bit flipped does not open', () => {
    const opened = Array.from({ length: sealed.length * 8 }, (_, bit) => {
      const flipped = Buffer.from(sealed)
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      return openData(flipped, id, RING)
    })

    expect(opened.every((one) => one === undefined)).toBe(true)
  })

  it('data cut anywhere does not open and nothing throws', () => {
    const opened = Array.from({ length: sealed.length }, (_, length) => openData(sealed.subarray(0, length), id, RING))

    expect(opened.every((one) => one === undefined)).toBe(true)
  })
})

describe('isSealedWithOlderKey', () => {
  it.each([
    ['the newest key', [KEY], false],
    ['an older key', [OLDER_KEY, KEY], true],
  ])('tells data of %s', (_case, keys, expected) => {
    expect(isSealedWithOlderKey(sealed, createKeyring(keys))).toBe(expected)
  })

  it('no data needs no new seal', () => {
    expect(isSealedWithOlderKey(new Uint8Array(0), RING)).toBe(false)
  })
})
