import { createHmac, timingSafeEqual } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deriveKey, equalInConstantTime, Hmac, open, pooledRandom, seal, sha256 } from '../../src/core/crypto.ts'

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })

describe('Hmac', () => {
  it('equals createHmac for every key up to 64 bytes and every message, in parts or whole', () => {
    const key = fc.uint8Array({ minLength: 0, maxLength: 64 })
    const parts = fc.tuple(fc.uint8Array({ maxLength: 700 }), fc.uint8Array({ maxLength: 700 }))

    fc.assert(
      fc.property(key, parts, (secretKey, message) => {
        const expected = createHmac('sha256', secretKey).update(Buffer.concat(message)).digest()
        return new Hmac(secretKey).digest(...message).equals(expected)
      }),
      { numRuns: 1000 },
    )
  })

  it('one instance gives the right MAC message after message, whatever their lengths', () => {
    const secretKey = Buffer.alloc(32, 3)
    const reused = new Hmac(secretKey)

    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), (message) =>
        reused.digest(message).equals(createHmac('sha256', secretKey).update(message).digest()),
      ),
      { numRuns: 500 },
    )
  })

  it.each([16, 32])('verifies the first %i bytes of its MAC and nothing else', (length) => {
    const mac = new Hmac(Buffer.alloc(32, 3))
    const message = Buffer.from('hello')
    const tag = mac.digest(message).subarray(0, length)
    const wrong = tag.map((byte, i) => (i === length - 1 ? byte ^ 1 : byte))

    expect([mac.verify(tag, message), mac.verify(wrong, message), mac.verify(tag, Buffer.from('hellO'))]).toEqual([
      true,
      false,
      false,
    ])
  })

  it('matches test case 1 of RFC 4231', () => {
    const mac = new Hmac(Buffer.alloc(20, 0x0b)).digest(Buffer.from('Hi There'))

    expect(mac.toString('hex')).toBe('b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7')
  })
})

describe('deriveKey', () => {
  it('matches test case 3 of RFC 5869 (no salt, no info), cut at 32 bytes', () => {
    const derived = deriveKey(Buffer.alloc(22, 0x0b), '')

    expect(derived.toString('hex')).toBe('8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d')
  })
})

describe('sha256', () => {
  it('matches the empty message of FIPS 180-4', () => {
    expect(sha256(new Uint8Array(0)).toString('hex')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  })
})

describe('pooledRandom', () => {
  it('bytes that were handed out are wiped from the pool', () => {
    const drawn: Buffer[] = []
    const copy = Buffer.prototype.copy
    const pools = new Set<Buffer>()
    Buffer.prototype.copy = function (this: Buffer, ...rest: Parameters<typeof copy>) {
      pools.add(this)
      return copy.apply(this, rest)
    } as typeof copy
    try {
      const random = pooledRandom()
      for (let i = 0; i < 10; i++) drawn.push(Buffer.from(random(32)))
    } finally {
      Buffer.prototype.copy = copy
    }

    const [pool] = pools

    expect(drawn.filter((secret) => pool!.includes(secret))).toEqual([])
  })

  it('no bytes come twice, across refills too', () => {
    const random = pooledRandom()
    const draws = Array.from({ length: 5000 }, () => Buffer.from(random(16)).toString('hex'))

    expect(new Set(draws).size).toBe(5000)
  })

  it.each([0, 1, 32, 8191, 8192, 8193, 100_000])('gives as many bytes as asked for: %i', (size) => {
    expect(pooledRandom()(size).length).toBe(size)
  })

  it('a large draw is not left as zeros', () => {
    expect(pooledRandom()(100_000).every((byte) => byte === 0)).toBe(false)
  })

  it('what one caller does to its bytes changes nobody else’s', () => {
    const random = pooledRandom()
    const first = random(32)
    const second = random(32)
    const before = Buffer.from(second)
    first.fill(0)

    expect(Buffer.from(second)).toEqual(before)
  })

  it('two sources in one process never meet', () => {
    const [a, b] = [pooledRandom(), pooledRandom()]

    expect(Buffer.from(a(32)).equals(Buffer.from(b(32)))).toBe(false)
  })
})

describe('equalInConstantTime', () => {
  it('says what timingSafeEqual says for equal lengths', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.uint8Array({ maxLength: 64 }), (a, b) => {
        const expected = a.length === b.length && timingSafeEqual(a, b)
        return equalInConstantTime(a, b) === expected && equalInConstantTime(a, Uint8Array.from(a))
      }),
    )
  })

  it('different lengths are unequal instead of an error', () => {
    expect(equalInConstantTime(new Uint8Array(16), new Uint8Array(32))).toBe(false)
  })
})

describe('seal and open', () => {
  const key = Buffer.alloc(32, 5)
  const sealedOf = (plaintext: Uint8Array) => seal(key, Buffer.alloc(12, 1), Buffer.from('id'), plaintext)

  it('what was sealed opens under the same key and context', () => {
    fc.assert(
      fc.property(bytes(32), bytes(12), fc.uint8Array(), fc.uint8Array(), (secretKey, nonce, context, plaintext) =>
        open(secretKey, seal(secretKey, nonce, context, plaintext), context)?.equals(plaintext),
      ),
    )
  })

  it('any flipped bit is refused', () => {
    const sealed = sealedOf(Buffer.from('hello'))
    const flipped = Array.from({ length: sealed.length * 8 }, (_, bit) => {
      const copy = Buffer.from(sealed)
      copy[bit >> 3]! ^= 1 << (bit & 7)
      return open(key, copy, Buffer.from('id'))
    })

    expect(flipped.every((opened) => opened === undefined)).toBe(true)
  })

  it('another context is refused', () => {
    expect(open(key, sealedOf(Buffer.from('hello')), Buffer.from('other'))).toBeUndefined()
  })

  it('another key is refused', () => {
    expect(open(Buffer.alloc(32, 6), sealedOf(Buffer.from('hello')), Buffer.from('id'))).toBeUndefined()
  })

  it('cut anywhere it is refused and nothing throws', () => {
    const sealed = sealedOf(Buffer.from('hello'))
    const cut = Array.from({ length: sealed.length }, (_, length) => open(key, sealed.subarray(0, length), Buffer.from('id')))

    expect(cut.every((opened) => opened === undefined)).toBe(true)
  })
})
