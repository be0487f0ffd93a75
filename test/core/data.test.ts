import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createDataCodec } from '../../src/core/data.ts'
import { codeOf, thrownBy } from './support.ts'

const basket = z.object({ basket: z.array(z.string()).default([]), step: z.number().optional() })
const codec = createDataCodec({ data: basket, maxDataBytes: 1000 })
const anything = createDataCodec({ maxDataBytes: 1000 })

describe('createDataCodec: schemas', () => {
  it.each([
    ['zod', basket],
    ['valibot', v.object({ basket: v.optional(v.array(v.string()), []) })],
  ])('a new session starts from the defaults of %s', (_library, data) => {
    expect(createDataCodec({ data, maxDataBytes: 1000 }).initial()).toEqual({ basket: [] })
  })

  it.each([
    ['zod', basket],
    ['valibot', v.object({ basket: v.optional(v.array(v.string()), []) })],
  ])('data that does not fit a schema of %s is refused', async (_library, data) => {
    expect(await codeOf(() => createDataCodec({ data, maxDataBytes: 1000 }).validate({ basket: 7 }))).toBe('ERR_DATA_INVALID')
  })

  it('each start has defaults of its own', () => {
    const first = codec.initial()
    ;(first.basket as string[]).push('tea')

    expect(codec.initial()).toEqual({ basket: [] })
  })

  it('the refusal names the key and never the value', () => {
    const { message } = thrownBy(() => codec.validate({ basket: 'hunter2' }))

    expect([message.includes('data.basket'), message.includes('hunter2')]).toEqual([true, false])
  })

  it.each([
    z.object({}).refine(async () => true),
    v.pipeAsync(
      v.object({}),
      v.checkAsync(async () => true),
    ),
  ])('an asynchronous schema is refused at start-up (case %#)', (data) => {
    expect(thrownBy(() => createDataCodec({ data, maxDataBytes: 1000 })).code).toBe('ERR_CONFIG_INVALID')
  })

  it('a schema that refuses {} is refused at start-up, with what to do', () => {
    expect(thrownBy(() => createDataCodec({ data: z.object({ name: z.string() }), maxDataBytes: 1000 })).message).toMatch(
      /a schema with a default for each key.*docs\/guide\/data\.md/,
    )
  })

  it.each([z.string().default('x'), z.array(z.string()).default([]), z.object({}).transform(() => new Map())])(
    'a schema whose output is no plain object is refused at start-up (case %#)',
    (data) => {
      expect(thrownBy(() => createDataCodec({ data: z.preprocess(() => undefined, data), maxDataBytes: 1000 })).code).toBe(
        'ERR_CONFIG_INVALID',
      )
    },
  )

  it.each([{}, 'zod', 42, () => true, null])('what is no Standard Schema is refused at start-up (case %#)', (data) => {
    expect(thrownBy(() => createDataCodec({ data: data as never, maxDataBytes: 1000 })).code).toBe('ERR_CONFIG_INVALID')
  })

  it.each([0, -1, 1.5, Number.NaN, '2'])('dataVersion %j is refused at start-up', (dataVersion) => {
    expect(thrownBy(() => createDataCodec({ dataVersion: dataVersion as number, maxDataBytes: 1000 })).message).toMatch(
      /dataVersion .*whole number from 1/,
    )
  })

  it('without a schema any plain object is data', () => {
    expect(anything.validate({ any: { thing: [1, null] } })).toEqual({ any: { thing: [1, null] } })
  })

  it.each([[], 'text', 7, null, undefined])('what is no object is refused (%j)', async (data) => {
    expect(await codeOf(() => anything.validate(data))).toBe('ERR_DATA_INVALID')
  })
})

describe('encode and decode', () => {
  it('what was encoded decodes', () => {
    expect(codec.decode(codec.encode({ basket: ['tea'] }))).toMatchObject({ kind: 'data', data: { basket: ['tea'] } })
  })

  it('data of a later version is `newer`, not damaged', () => {
    const later = createDataCodec({ data: basket, dataVersion: 2, maxDataBytes: 1000 }).encode({ basket: [] })

    expect(codec.decode(later)).toEqual({ kind: 'newer' })
  })

  it('data of an earlier version is migrated, then validated', () => {
    const migrate = (data: unknown, from: number) => ({ basket: [...(data as { items: string[] }).items, `from ${from}`] })
    const later = createDataCodec({ data: basket, dataVersion: 3, migrate, maxDataBytes: 1000 })
    const stored = createDataCodec({ dataVersion: 2, maxDataBytes: 1000 }).encode({ items: ['tea'] })

    expect(later.decode(stored)).toMatchObject({ kind: 'data', data: { basket: ['tea', 'from 2'] } })
  })

  it('data of the present version is not migrated', () => {
    const migrate = () => {
      throw new Error('must not run')
    }
    const present = createDataCodec({ data: basket, dataVersion: 2, migrate, maxDataBytes: 1000 })

    expect(present.decode(present.encode({ basket: ['tea'] }))).toMatchObject({ kind: 'data' })
  })

  it('a migration that throws makes the data unreadable, it does not throw', () => {
    const migrate = () => {
      throw new Error('no idea')
    }
    const later = createDataCodec({ data: basket, dataVersion: 2, migrate, maxDataBytes: 1000 })

    expect(later.decode(codec.encode({ basket: [] }))).toEqual({ kind: 'unreadable' })
  })

  it.each(['', '{', '{}', '1', '1{', '1[]', '1null', 'x{}', '1.5{}', '1e2{}', 'NaN{}', '1{"basket":7}', '\0\0'])(
    'text that nobody encoded is unreadable, without throwing (%j)',
    (text) => {
      expect(['unreadable', 'newer']).toContain(codec.decode(Buffer.from(text)).kind)
    },
  )

  it('JSON of exactly maxDataBytes is accepted, one byte more is refused', async () => {
    const sized = (size: number) => ({ fill: 'x'.repeat(size - '{"fill":""}'.length) })

    expect([await codeOf(() => anything.encode(sized(1000))), await codeOf(() => anything.encode(sized(1001)))]).toEqual([
      undefined,
      'ERR_DATA_TOO_LARGE',
    ])
  })

  it('bytes are counted, not letters', async () => {
    expect(await codeOf(() => anything.encode({ fill: '€'.repeat(400) }))).toBe('ERR_DATA_TOO_LARGE')
  })

  it('1 MB is kept where it is allowed', () => {
    const large = createDataCodec({ maxDataBytes: 1_048_576 })
    const data = { fill: 'x'.repeat(1_048_576 - 11) }

    expect(large.decode(large.encode(data))).toMatchObject({ kind: 'data', data })
  })
})
