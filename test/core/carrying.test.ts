import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CarriedToken, createCarrier } from '../../src/core/carrying.ts'
import { deflated, inflated } from '../../src/core/compression.ts'
import { NONCE_BYTES, pooledRandom, seal } from '../../src/core/crypto.ts'
import { createKeyring } from '../../src/core/keyring.ts'
import { decodeCarried, encodeRecord, type SessionRecord } from '../../src/core/record.ts'
import { encodeId } from '../../src/core/token.ts'
import { noise } from '../stores/cookie/support.ts'
import { codeOf, FOREIGN_KEY, KEY, OLDER_KEY, RING, recordOf, thrownBy } from './support.ts'

const SECRET = Buffer.alloc(32, 0x53)
const carrierOf = (keys: string | string[] = KEY, options = {}) =>
  createCarrier(createKeyring(keys), pooledRandom(), { maxLength: 7500, deflates: true, ...options })
const bytesOf = (token: string) => Buffer.from(token.slice(5), 'base64url')
const tokenOf = (bytes: Uint8Array) => `sjc1_${Buffer.from(bytes).toString('base64url')}`
const withData = (text: string): Partial<SessionRecord> => ({ sealedData: Buffer.from(text) })
const opened = (carrier: ReturnType<typeof carrierOf>, token: string) => {
  const result = carrier.open(token)
  return typeof result === 'string' ? result : { secret: result.secret, record: decodeCarried(result.carried) }
}

describe('a carried record', () => {
  it('comes back as it was, with its secret, version and epoch', () => {
    fc.assert(
      fc.property(
        fc.record({
          subject: fc.option(fc.string({ minLength: 1, maxLength: 100, unit: 'binary' }), { nil: undefined }),
          version: fc.nat(),
          epoch: fc.nat({ max: 2 ** 48 - 1 }),
          isPersistent: fc.boolean(),
          confirmedAt: fc.option(fc.integer({ min: 1 }), { nil: undefined }),
          data: fc.oneof(fc.string(), fc.constant('a'.repeat(20_000))),
        }),
        ({ data, ...changes }) => {
          const record = recordOf({ ...changes, ...withData(data) })
          const result = opened(carrierOf(), carrierOf().seal(record, SECRET))

          expect(result).toMatchObject({ secret: SECRET, record: { ...changes, details: { facts: record.details.facts } } })
          expect(Buffer.from((result as { record: SessionRecord }).record.sealedData).toString()).toBe(
            Buffer.from(data).toString(),
          )
        },
      ),
      { numRuns: 50 },
    )
  })

  it('has no earlier generations: each token brings its own record', () => {
    const generation = {
      hash: Buffer.alloc(32, 1),
      salt: Buffer.alloc(32, 2),
      kind: 'renewal' as const,
      replacedAt: 5,
      confirmedAt: 6,
    }
    const carrier = carrierOf()
    const token = carrier.seal(recordOf({ lineage: [generation] }), SECRET)

    expect([opened(carrier, token), token.length]).toMatchObject([
      { record: { lineage: [] } },
      carrier.seal(recordOf(), SECRET).length,
    ])
  })

  it('sealed again as it was opened, it loses nothing', () => {
    const carrier = carrierOf()
    const { record } = opened(carrier, carrier.seal(recordOf(withData('{"basket":["tea"]}')), SECRET)) as {
      record: SessionRecord
    }
    const again = (opened(carrier, carrier.seal(record, SECRET)) as { record: SessionRecord }).record

    expect([again.details, Buffer.from(again.sealedData).toString()]).toEqual([record.details, '{"basket":["tea"]}'])
  })

  it('decodes anew where the store stamps it anew', () => {
    const { carried } = carrierOf().open(carrierOf().seal(recordOf({ epoch: 7 }), SECRET)) as CarriedToken

    expect([decodeCarried(carried).epoch, decodeCarried({ ...carried, epoch: 9 }).epoch]).toEqual([7, 9])
  })
})

describe('what is not ours', () => {
  const token = carrierOf().seal(recordOf(withData('{"basket":["tea"]}')), SECRET)

  it('every bit is under the seal: id, key id, nonce, content and tag', () => {
    const bytes = bytesOf(token)
    const carrier = carrierOf()
    carrier.open(token)
    const results = Array.from({ length: bytes.length * 8 }, (_, bit) =>
      carrier.open(tokenOf(bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte)))),
    )

    expect(new Set(results)).toEqual(new Set(['forged']))
  })

  it('cut short or made longer anywhere', () => {
    const bytes = bytesOf(token)
    const carrier = carrierOf()
    const cut = Array.from({ length: bytes.length }, (_, length) => carrier.open(tokenOf(bytes.subarray(0, length))))
    const longer = [1, 2, 3, 16, 1000].map((more) => carrier.open(tokenOf(Buffer.concat([bytes, Buffer.alloc(more)]))))

    expect(new Set(cut)).toEqual(new Set(['malformed', 'forged']))
    expect(new Set(longer)).toEqual(new Set(['forged']))
  })

  it('another session’s id in front of it', () => {
    const other = carrierOf().seal(recordOf({ idBytes: Buffer.alloc(16, 9) }), SECRET)
    const swapped = Buffer.concat([bytesOf(other).subarray(0, 20), bytesOf(token).subarray(20)])

    expect(carrierOf().open(tokenOf(swapped))).toBe('forged')
  })

  it('a key that has left the ring, or never was in it', () => {
    const old = carrierOf(OLDER_KEY).seal(recordOf(), SECRET)

    expect([carrierOf([KEY, OLDER_KEY]).open(old), carrierOf(KEY).open(old), carrierOf(FOREIGN_KEY).open(old)]).toMatchObject([
      { secret: SECRET },
      'forged',
      'forged',
    ])
  })

  it('what the same key sealed for another purpose', () => {
    const idBytes = Buffer.alloc(16, 7)
    const head = Buffer.concat([Buffer.alloc(4), idBytes])
    head.writeUInt32BE(RING.newest.keyId)
    const { body } = encodeRecord(recordOf(), RING)
    const context = Buffer.concat([Buffer.from('sojourn/1/session-data'), idBytes])
    const plaintext = Buffer.concat([Buffer.alloc(45), body])
    const sealed = seal(RING.newest.sealMac.digest(idBytes), Buffer.alloc(NONCE_BYTES), context, plaintext)

    expect(carrierOf().open(tokenOf(Buffer.concat([head, sealed])))).toBe('forged')
  })

  it('one token has one spelling', () => {
    const carrier = carrierOf()
    carrier.open(token)
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const respelled = [0, 1, 2].flatMap((more) => {
      const whole = carrier.seal(recordOf(withData('x'.repeat(more))), SECRET)
      const variants = [...alphabet].map((last) => whole.slice(0, -1) + last)
      const inside = [' ', '=', '+', '\n', '%', '\0', 'é'].flatMap((odd) => [
        whole + odd,
        `${whole.slice(0, 50)}${odd}${whole.slice(50)}`,
      ])
      return [...variants, ...inside].filter((variant) => variant !== whole && typeof carrier.open(variant) !== 'string')
    })

    expect(respelled).toEqual([])
  })

  it.each(['', 'sjc1_', 'sjn1_', 'SJC1_', 'x', 'sjc1_🦊', 'sjc1_====', `sjn1_${'A'.repeat(86)}`, `sjc1_${'A'.repeat(15_001)}`])(
    'is malformed by its looks: %s',
    (text) => {
      expect(carrierOf().open(text)).toBe('malformed')
    },
  )

  it('no string makes it throw', () => {
    const carrier = carrierOf()
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String().map((text) => `sjc1_${text}`),
        ),
        (text) => {
          expect(['malformed', 'forged']).toContain(carrier.open(text))
        },
      ),
    )
  })
})

describe('what was opened before', () => {
  it('is the same again, and another sealing of the same session is its own', () => {
    const carrier = carrierOf()
    const [first, second] = ['one', 'two'].map((text) => carrier.seal(recordOf(withData(text)), SECRET))
    const read = (token: string) =>
      Buffer.from((opened(carrier, token) as { record: SessionRecord }).record.sealedData).toString()

    expect([first, second, first, first, second].map((token) => read(token!))).toEqual(['one', 'two', 'one', 'one', 'two'])
  })

  it('thousands of others in between change nothing', () => {
    const carrier = carrierOf()
    const tokens = Array.from({ length: 3000 }, (_, i) => {
      const idBytes = Buffer.alloc(16)
      idBytes.writeUInt32BE(i)
      return carrier.seal(recordOf({ idBytes, id: encodeId(idBytes), subject: `subject-${i}` }), SECRET)
    })
    const subjects = [...tokens, ...tokens].map((token) => (opened(carrier, token) as { record: SessionRecord }).record.subject)

    expect(subjects.every((subject, i) => subject === `subject-${i % 3000}`)).toBe(true)
  })
})

describe('length', () => {
  it('is refused before anything is sealed, with the same measure', async () => {
    const carrier = carrierOf(KEY, { maxLength: 1000, deflates: false })
    const fits = [0, 100, 200, 300, 400, 500, 600].map((size) => {
      const record = recordOf(withData(noise(size)))
      return [thrownOrNot(() => carrier.assertFits(record)), thrownOrNot(() => carrier.seal(record, SECRET))]
    })

    expect(fits.every(([asked, sealed]) => asked === sealed)).toBe(true)
    expect(new Set(fits.map(([asked]) => asked))).toEqual(new Set([undefined, 'ERR_COOKIE_TOO_LARGE']))
    expect(await codeOf(() => carrier.assertFits(recordOf(withData(noise(600)))))).toBe('ERR_COOKIE_TOO_LARGE')
  })

  it('a token of twice the limit is still opened, for the limit may have been lowered', () => {
    const long = carrierOf(KEY, { maxLength: 7500, deflates: false }).seal(recordOf(withData(noise(4000))), SECRET)

    expect([3000, 2500].map((maxLength) => typeof carrierOf(KEY, { maxLength }).open(long))).toEqual(['object', 'string'])
  })

  it('the error names lengths, and nothing of the session', () => {
    const { message } = thrownBy(() =>
      carrierOf().assertFits(recordOf({ subject: 'CANARY', ...withData(`CANARY${noise(9000)}`) })),
    )

    expect([/needs \d+ characters of cookie; at most 7500/.test(message), message.includes('CANARY')]).toEqual([true, false])
  })

  const thrownOrNot = (work: () => unknown) => {
    try {
      work()
      return undefined
    } catch (error) {
      return (error as { code: string }).code
    }
  }
})

describe('compression', () => {
  const sizes = (deflates: boolean, data: string) =>
    carrierOf(KEY, { deflates, maxLength: 15_000 }).seal(recordOf(withData(data)), SECRET).length

  it('is left alone while one cookie is enough: the length of a usual session says nothing of its content', () => {
    const alike = ['a'.repeat(2000), noise(2000), 'ab'.repeat(1000)].map((data) => sizes(true, data))

    expect(new Set(alike).size).toBe(1)
  })

  it('is used above that where it helps, and can be turned off', () => {
    const repeated = '{"sku":"tea","count":1}'.repeat(300)

    expect([sizes(true, repeated) < 1000, sizes(false, repeated) > 9000]).toEqual([true, true])
    const random = recordOf({ sealedData: Buffer.from(noise(7000), 'base64url') })
    expect(carrierOf().seal(random, SECRET).length).toBe(carrierOf(KEY, { deflates: false }).seal(random, SECRET).length)
  })

  it('the token’s secret is never compressed: no text beside it makes the cookie shorter when it guesses right', () => {
    const text = SECRET.toString('latin1')
    const lengths = [text, SECRET.toString('base64'), noise(44)].map((guess) =>
      sizes(true, `${noise(6000)}${guess}`.slice(0, 6032)),
    )

    expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThan(40)
    expect(carrierOf().seal(recordOf(withData('x'.repeat(6000))), Buffer.alloc(32, 0x78)).length).toBe(
      carrierOf().seal(recordOf(withData('x'.repeat(6000))), noiseSecret).length,
    )
  })
  const noiseSecret = Buffer.from(noise(32))

  it('a bomb is refused while it unfolds, and garbage at once', () => {
    const bomb = deflated(Buffer.alloc(10_000_000))!

    expect([inflated(bomb, 262_144), inflated(Buffer.from('garbage'), 262_144), inflated(Buffer.alloc(0), 10)]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  it('what it saves too little on is left as it is', () => {
    expect([deflated(Buffer.from(noise(3000, 7))) === undefined, deflated(Buffer.alloc(0))]).toEqual([false, undefined])
  })
})
