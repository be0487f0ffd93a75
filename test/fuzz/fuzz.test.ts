import { afterEach, describe, expect, it, vi } from 'vitest'
import { createKeyring } from '../../src/core/keyring.ts'
import { decodeRecord, encodeRecord } from '../../src/core/record.ts'
import { openData } from '../../src/core/sealed-data.ts'
import { parseToken } from '../../src/core/token.ts'
import { cookieValues, MOST_CANDIDATES } from '../../src/http/cookie-parse.ts'
import { KEY, RING, recordOf } from '../core/support.ts'
import { drawFrom, mutateBytes, mutateText } from './mutate.ts'
import { fuzz } from './run.ts'
import { targetsFrom } from './targets.ts'

describe('a short run of `npm run fuzz`', () => {
  it.each([1, 20_260_101])('100,000 inputs break no rule (seed %i)', (seed) => {
    expect(fuzz(seed, 100_000).finding).toBeUndefined()
  })

  it('every target gets its share', () => {
    const { counts } = fuzz(7, 20_000)

    expect(Object.fromEntries([...counts].map(([name, count]) => [name, Math.round(count / 1000)]))).toEqual({
      token: 6,
      cookie: 6,
      record: 6,
      data: 1,
      address: 1,
      csrf: 1,
    })
  })

  it('the same seed makes the same inputs', () => {
    const inputs = (seed: number) => {
      const draw = drawFrom(seed)
      return targetsFrom(draw).flatMap((target) => Array.from({ length: 50 }, () => target.run(draw).input))
    }

    expect(inputs(5)).toEqual(inputs(5))
    expect(inputs(5)).not.toEqual(inputs(6))
  })
})

describe('the mutations', () => {
  it('leave many inputs well-formed, or nothing behind the first check would be reached', () => {
    const draw = drawFrom(3)
    const token = `sjn1_${'A'.repeat(86)}`
    const results = Array.from({ length: 20_000 }, () => parseToken(mutateText(token, [token], draw), createKeyring(KEY)))

    expect(results.filter((result) => result === 'forged').length).toBeGreaterThan(500)
  })

  it('change most bytes they are given', () => {
    const draw = drawFrom(3)
    const bytes = Buffer.alloc(200, 9)
    const changed = Array.from({ length: 1000 }, () => mutateBytes(bytes, [bytes], draw)).filter((one) => !one.equals(bytes))

    expect([changed.length > 800, bytes.equals(Buffer.alloc(200, 9))]).toEqual([true, true])
  })
})

describe('decoders never allocate by attacker-chosen size', () => {
  afterEach(() => vi.restoreAllMocks())

  /** Bytes asked for through Buffer while `work` runs. */
  function allocatedBy(work: () => unknown): number {
    let bytes = 0
    for (const name of ['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const) {
      const original = Buffer[name].bind(Buffer) as typeof Buffer.alloc
      vi.spyOn(Buffer, name).mockImplementation((size: number) => {
        bytes += size
        return original(size)
      })
    }
    const from = Buffer.from.bind(Buffer)
    vi.spyOn(Buffer, 'from').mockImplementation(((...args: Parameters<typeof from>) => {
      const made = from(...args)
      // A view of an ArrayBuffer copies nothing.
      if (!((args[0] as unknown) instanceof ArrayBuffer)) bytes += made.length
      return made
    }) as typeof from)
    work()
    return bytes
  }
  const row = { ...encodeRecord(recordOf(), RING), version: 1, epoch: 0 }
  const claiming = (offset: number, size: number) => ({ ...row, body: Buffer.from(row.body).fill(255, offset, offset + size) })

  it('the measure sees an allocation', () => {
    expect(allocatedBy(() => Buffer.alloc(1000))).toBe(1000)
  })

  it.each([1, 16, 1024])('a token of %i KB allocates nothing', (kilobytes) => {
    const hostile = `sjn1_${'A'.repeat(kilobytes * 1024)}`

    expect(allocatedBy(() => parseToken(hostile, RING))).toBe(0)
  })

  it('a token of the right length allocates its own 64 bytes and little more', () => {
    expect(allocatedBy(() => parseToken(`sjn1_${'A'.repeat(86)}`, RING))).toBeLessThan(256)
  })

  it.each([
    ['subject', 110, 2],
    ['details', 112, 4],
    ['lineage', 116, 1],
  ])('a record that claims the greatest length of its %s allocates nothing', (_part, offset, size) => {
    const hostile = claiming(offset, size)

    expect(allocatedBy(() => decodeRecord(hostile, RING))).toBe(0)
  })

  it('sealed data of an unknown key allocates nothing', () => {
    const [hostile, id] = [Buffer.alloc(1_000_000, 7), Buffer.alloc(16)]

    expect(allocatedBy(() => openData(hostile, id, RING))).toBe(0)
  })

  it('a header of a megabyte gives at most 16 values', () => {
    expect(cookieValues('__Host-sjn=x; '.repeat(70_000), '__Host-sjn').length).toBe(MOST_CANDIDATES)
  })
})
