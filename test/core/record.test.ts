import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pooledRandom } from '../../src/core/crypto.ts'
import { createKeyring } from '../../src/core/keyring.ts'
import { decodeRecord, encodeRecord, type Generation, type SessionRecord, withChanges } from '../../src/core/record.ts'
import { sealData } from '../../src/core/sealed-data.ts'
import type { StoredRecord } from '../../src/core/store.ts'
import { encodeId } from '../../src/core/token.ts'
import { FOREIGN_KEY, KEY, OLDER_KEY, RING, recordOf } from './support.ts'

const random = pooledRandom()
const stored = (record: SessionRecord): StoredRecord => ({ ...encodeRecord(record, RING), version: 1, epoch: 0 })
const withBody = (body: Uint8Array): StoredRecord => ({ ...stored(recordOf()), body })
const plain = (record: SessionRecord | undefined) => record && withChanges(record, {})

const instant = fc.integer({ min: 1, max: 8_640_000_000_000_000 })
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map((made) => Buffer.from(made))
const fact = fc.record({
  method: fc.stringMatching(/^[A-Za-z0-9._-]{1,32}$/),
  at: instant,
  strength: fc.constantFrom(1 as const, 2 as const, 3 as const),
})
const generation: fc.Arbitrary<Generation> = fc
  .record({
    hash: bytes(32),
    salt: bytes(32),
    isElevation: fc.boolean(),
    replacedAt: instant,
    confirmedAt: fc.option(instant, { nil: undefined }),
    facts: fc.array(fact, { maxLength: 3 }),
  })
  .map(({ isElevation, facts, ...rest }) => ({
    ...rest,
    kind: isElevation ? 'elevation' : 'renewal',
    facts: isElevation ? facts : undefined,
  }))
const subject = fc.option(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }), { nil: undefined })
const record: fc.Arbitrary<SessionRecord> = fc
  .record({
    idBytes: bytes(16),
    subject,
    isPersistent: fc.boolean(),
    currentHash: bytes(32),
    generationAt: instant,
    confirmedAt: fc.option(instant, { nil: undefined }),
    lineage: fc.array(generation, { maxLength: 4 }),
    startedAt: instant,
    absoluteFrom: instant,
    lastSeenAt: instant,
    idleDeadline: instant,
    absoluteDeadline: instant,
    details: fc.record({
      facts: fc.array(fact, { maxLength: 8 }),
      device: fc.option(fc.string({ unit: 'grapheme', maxLength: 100 }), { nil: undefined }),
      due: fc.constantFrom(undefined, 'aal0' as const, 'aal2' as const, 'aal3' as const),
    }),
    sealedData: fc.uint8Array({ maxLength: 300 }).map((made) => Buffer.from(made)),
  })
  .map((made) => ({ ...made, id: encodeId(made.idBytes), version: 1, epoch: 0 }))

describe('encodeRecord and decodeRecord', () => {
  it('every record comes back as it was', () => {
    fc.assert(
      fc.property(record, (one) => {
        expect(plain(decodeRecord(stored(one), RING))).toEqual(one)
      }),
      { numRuns: 300 },
    )
  })

  it('version and epoch come from the store, not from the body', () => {
    expect(decodeRecord({ ...stored(recordOf()), version: 9, epoch: 3 }, RING)).toMatchObject({ version: 9, epoch: 3 })
  })

  it('the index columns hold the earlier deadline and the absolute one', () => {
    expect(encodeRecord(recordOf({ idleDeadline: 5, absoluteDeadline: 9 }), RING)).toMatchObject({
      deadline: 5,
      absoluteDeadline: 9,
    })
  })

  it.each(['', '\0', 'a\0b', '👩‍💻', '__proto__', "'; DROP TABLE session;--", 'x'.repeat(1024)])(
    'a subject comes back byte for byte (case %#)',
    (name) => {
      expect(decodeRecord(stored(recordOf({ subject: name })), RING)?.subject).toBe(name)
    },
  )

  it('a record made by an older key of the ring is good', () => {
    const older = { ...encodeRecord(recordOf(), createKeyring(OLDER_KEY)), version: 1, epoch: 0 }

    expect(decodeRecord(older, createKeyring([KEY, OLDER_KEY]))?.subject).toBe('ada')
  })

  it('a record made by a key that left the ring is refused', () => {
    const foreign = { ...encodeRecord(recordOf(), createKeyring(FOREIGN_KEY)), version: 1, epoch: 0 }

    expect(decodeRecord(foreign, RING)).toBeUndefined()
  })

  it('no secret and no subject data stands in the body beyond the subject itself', () => {
    const sealedData = sealData(Buffer.from('1{"card":"4111"}'), recordOf().idBytes, RING, random)

    expect(Buffer.from(stored(recordOf({ sealedData })).body).includes('4111')).toBe(false)
  })
})

describe('a record that was tampered with', () => {
  const lineage: Generation[] = [
    { hash: Buffer.alloc(32, 8), salt: Buffer.alloc(32, 9), kind: 'renewal', replacedAt: 5, confirmedAt: 6, facts: undefined },
  ]
  const full = recordOf({ lineage, sealedData: sealData(Buffer.from('1{"a":1}'), recordOf().idBytes, RING, random) })
  const row = stored(full)

  it('any flipped bit before the sealed data is refused', () => {
    const authentic = row.body.length - full.sealedData.length
    const decoded = Array.from({ length: authentic * 8 }, (_, bit) => {
      const body = Buffer.from(row.body)
      body[bit >> 3]! ^= 1 << (bit & 7)
      return decodeRecord({ ...row, body }, RING)
    })

    expect(decoded.every((one) => one === undefined)).toBe(true)
  })

  it('cut anywhere it is refused, without throwing', () => {
    const decoded = Array.from({ length: row.body.length }, (_, length) =>
      decodeRecord({ ...row, body: row.body.subarray(0, length) }, RING),
    )

    expect(decoded.findIndex((one) => one !== undefined)).toBe(-1)
  })

  it('its data cannot be taken away', () => {
    const body = row.body.subarray(0, row.body.length - full.sealedData.length)

    expect(decodeRecord({ ...row, body }, RING)).toBeUndefined()
  })

  it('data cannot be put behind a record that has none', () => {
    const without = stored(recordOf())
    const body = Buffer.concat([without.body, full.sealedData])

    expect(decodeRecord({ ...without, body }, RING)).toBeUndefined()
  })

  it('data of an earlier version of the same session cannot be put back', () => {
    const earlier = sealData(Buffer.from('1{"a":0}'), full.idBytes, RING, random)
    const body = Buffer.concat([row.body.subarray(0, row.body.length - full.sealedData.length), earlier])

    expect(decodeRecord({ ...row, body }, RING)).toBeUndefined()
  })

  it('a row swapped to another id is refused', () => {
    const other = stored(recordOf({ idBytes: Buffer.alloc(16, 9) }))

    expect(decodeRecord({ ...other, body: row.body }, RING)).toBeUndefined()
  })

  it.each(['mallory', undefined, ''])(
    'a subject changed in the index column is refused: ending all of a subject’s would miss it (%j)',
    (subject) => {
      expect(decodeRecord({ ...row, subject }, RING)).toBeUndefined()
    },
  )

  it.each([0, 1, 116, 117, 132, 133, 10_000])('%i bytes of zeros are refused', (length) => {
    expect(decodeRecord(withBody(new Uint8Array(length)), RING)).toBeUndefined()
  })

  it.each([undefined, null, '', 'text', 42, [1, 2], {}, new ArrayBuffer(200)])(
    'a body that is no byte array is refused without throwing (case %#)',
    (body) => {
      expect(decodeRecord(withBody(body as Uint8Array), RING)).toBeUndefined()
    },
  )

  it('a body inside a larger buffer is read from its own offset', () => {
    const larger = Buffer.concat([Buffer.alloc(13, 255), row.body, Buffer.alloc(7, 255)])

    expect(decodeRecord({ ...row, body: larger.subarray(13, 13 + row.body.length) }, RING)?.subject).toBe('ada')
  })

  it('arbitrary bytes are refused without throwing', () => {
    const headed = fc
      .tuple(bytes(6), fc.uint8Array({ maxLength: 400 }))
      .map(([head, rest]) => Buffer.concat([Buffer.of(1), head, rest]))

    fc.assert(
      fc.property(
        fc.oneof(headed, fc.uint8Array({ maxLength: 400 })),
        (body) => decodeRecord(withBody(body), RING) === undefined,
      ),
    )
  })

  it.each([
    ['subject', 110, 2],
    ['details', 112, 4],
    ['lineage', 116, 1],
  ])('the greatest possible length of %s is refused', (_part, offset, size) => {
    const body = Buffer.from(row.body).fill(255, offset, offset + size)

    expect(decodeRecord({ ...row, body }, RING)).toBeUndefined()
  })
})
