import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, expectTypeOf, it, test } from 'vitest'
import { z } from 'zod'
import { type InputResult, validInput } from '../../../src/http/input.ts'
import { thrownBy } from '../../core/support.ts'

const Person = z.object({ name: z.string().min(2).max(40), age: z.coerce.number().int().min(0) })

describe('a value that fits', () => {
  it('comes back as the schema makes it, typed', async () => {
    const result = await validInput(Person, { name: 'Ada', age: '36', more: 'dropped' })

    expectTypeOf(result).toEqualTypeOf<InputResult<{ name: string; age: number }>>()
    expect(result).toEqual({ ok: true, value: { name: 'Ada', age: 36 } })
  })

  it('needs no waiting with a synchronous schema, and is awaited with another', async () => {
    const free = z.string().refine(async (name) => name !== 'taken')
    const promised = validInput(free, 'ada')

    expect(validInput(z.string(), 'ada')).toEqual({ ok: true, value: 'ada' })
    expect(promised).toBeInstanceOf(Promise)
    expect(await promised).toEqual({ ok: true, value: 'ada' })
    expect(await validInput(free, 'taken')).toMatchObject({ ok: false })
  })

  it('is checked by valibot as by zod', async () => {
    const schema = v.object({ items: v.array(v.object({ id: v.string(), count: v.number() })) })

    expect(await validInput(schema, { items: [{ id: 'b1', count: 1 }] })).toMatchObject({ ok: true })
    expect(await validInput(schema, { items: [{ id: 'b1', count: 'many books' }] })).toEqual({
      ok: false,
      issues: [{ path: ['items', 0, 'count'], message: 'is not valid' }],
    })
  })
})

describe('issues', () => {
  it('say where and what, in the schema’s words', async () => {
    const schema = z.object({ name: z.string('Tell us your name.'), age: z.number() })

    expect(await validInput(schema, { age: 'old' })).toEqual({
      ok: false,
      issues: [
        { path: ['name'], message: 'Tell us your name.' },
        { path: ['age'], message: 'Invalid input: expected number, received string' },
      ],
    })
  })

  const talkative = (say: (value: unknown) => string) =>
    z.unknown().superRefine((value, context) => context.addIssue({ code: 'custom', message: say(value) }))
  test.each<[string, unknown, (value: never) => string]>([
    ['as it is', 'hunter2secret', (value) => `got ${value}`],
    ['in other case', 'hunter2secret', (value: string) => `got ${value.toUpperCase()}`],
    ['as JSON', 'a"b\\c secret', (value) => `got ${JSON.stringify(value)}`],
    ['cut', 'a very long secret text', (value: string) => `got ${value.slice(0, 18)}...`],
    ['trimmed', '  hunter2secret  ', (value: string) => `got ${value.trim()}`],
    ['short, as a word', 'abc', (value) => `"${value}" is not allowed`],
    ['as a number', 4929, (value) => `got ${value}`],
    ['from somewhere deep', { a: [{ b: 'hunter2secret' }] }, () => 'got hunter2secret'],
    ['from a key', { 'ada@example.com': 1 }, () => 'unrecognized key: ada@example.com'],
  ])('never repeat what was sent, said %s', async (_how, value, say) => {
    expect(await validInput(talkative(say as (value: unknown) => string), value)).toEqual({
      ok: false,
      issues: [{ path: [], message: 'is not valid' }],
    })
  })

  it('are at most 20, short, and a hostile key in their path is cut', async () => {
    const result = await validInput(z.record(z.string(), z.number('x'.repeat(500))), { ['k'.repeat(5000)]: 'v', a: 'v' })
    const many = await validInput(z.array(z.number()), Array(500).fill('v'))

    expect(result).toMatchObject({ ok: false, issues: [{ path: ['k'.repeat(64)], message: 'x'.repeat(200) }, { path: ['a'] }] })
    expect(!many.ok && many.issues.length).toBe(20)
  })

  it('hold neither a value nor an input, with any value and either library', () => {
    const schemas = [
      z.object({ a: z.enum(['x', 'y']), b: z.array(z.number()) }),
      v.object({ a: v.picklist(['x', 'y']), b: v.array(v.number()) }),
    ]
    const secret = fc.stringMatching(/^[A-Z0-9]{6,30}$/).map((text) => `s3cret${text}`)
    const value = fc.record({ a: secret, b: fc.array(fc.oneof(secret, fc.record({ c: secret })), { maxLength: 3 }) })

    fc.assert(
      fc.property(value, fc.constantFrom(...schemas), (sent, schema) => {
        const result = validInput(schema, sent) as InputResult<unknown>

        expect(result.ok).toBe(false)
        expect(JSON.stringify(result)).not.toMatch(/s3cret/i)
      }),
    )
  })
})

describe('refused before the schema sees it', () => {
  let calls = 0
  const counting = z.unknown().refine(() => {
    calls += 1
    return true
  })
  const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth))
  const cycle: Record<string, unknown> = {}
  cycle.self = cycle
  const sparse: unknown[] = []
  sparse.length = 4_000_000_000
  class Money {
    readonly amount = 5
  }

  test.each<[string, unknown, string]>([
    ['too deep', nested(17), 'is nested too deeply'],
    ['far too deep', nested(4000), 'is nested too deeply'],
    ['a cycle', cycle, 'is nested too deeply'],
    ['too many values', Array(1000).fill(0), 'has too many values'],
    ['a sparse list', sparse, 'has too many values'],
    ['too much text', 'x'.repeat(65_537), 'is too long'],
    ['too much text in keys', { [`a b${'x'.repeat(65_536)}`]: 1 }, 'is too long'],
    ['__proto__ of JSON', JSON.parse('{"__proto__": {"isAdmin": true}}'), 'has a key that is not allowed'],
    ['__proto__ of a form', Object.fromEntries(new URLSearchParams('__proto__=x')), 'has a key that is not allowed'],
    ['constructor.prototype', JSON.parse('{"constructor": {"prototype": {"isAdmin": true}}}'), 'has a key that is not allowed'],
    ['an instance', new Money(), 'is not plain data'],
    ['a Map', new Map(), 'is not plain data'],
    ['a function', () => 1, 'is not plain data'],
    ['a symbol', Symbol('x'), 'is not plain data'],
  ])('%s', async (_what, value, message) => {
    calls = 0

    expect(await validInput(counting, value)).toEqual({ ok: false, issues: [{ path: [], message }] })
    expect([calls, ({} as { isAdmin?: boolean }).isAdmin]).toEqual([0, undefined])
  })

  it('what is at the limits passes', async () => {
    for (const value of [nested(16), Array(999).fill(0), 'x'.repeat(65_536), Object.create(null), { constructor: 'a word' }]) {
      expect(await validInput(counting, value)).toMatchObject({ ok: true })
    }
  })

  it('limits can be others', async () => {
    expect(await validInput(counting, nested(3), { maxDepth: 2 })).toMatchObject({ ok: false })
    expect(await validInput(counting, [1, 2], { maxValues: 2 })).toMatchObject({ ok: false })
    expect(await validInput(counting, 'abc', { maxCharacters: 2 })).toMatchObject({ ok: false })
    expect(await validInput(counting, nested(30), { maxDepth: 30 })).toMatchObject({ ok: true })
  })
})

it('never crashes, whatever JSON is sent', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 20 }), (value) => {
      const result = validInput(Person, value) as InputResult<unknown>

      expect(typeof result.ok).toBe('boolean')
    }),
    { numRuns: 500 },
  )
})

it.each([
  ['no schema', undefined, {}],
  ['a function for a schema', () => true, {}],
  ['a limit of nothing', z.string(), { maxDepth: 0 }],
  ['a limit that is no number', z.string(), { maxValues: '5' }],
  ['a limit there is not', z.string(), { maxBytes: 5 }],
])('%s is a mistake of the developer and throws', (_what, schema, limits) => {
  expect(thrownBy(() => validInput(schema as never, 'x', limits as never))).toMatchObject({ code: 'ERR_ARGUMENT_INVALID' })
})
