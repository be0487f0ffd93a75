import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyPatch, diff, type Json, type JsonObject, toJson } from '../../src/core/patch.ts'
import { codeOf, thrownBy } from './support.ts'

const key = fc.oneof(
  fc.constantFrom('a', 'b', 'c', 'constructor', 'toString', 'hasOwnProperty', '0', ''),
  fc.string({ maxLength: 4 }),
)
const named = key.filter((name) => name !== '__proto__')
const leaf = fc.oneof(fc.constantFrom(null, true, false, 0, 1, 'x'), fc.string({ maxLength: 5 }), fc.integer())
const { json } = fc.letrec<{ json: Json; object: JsonObject }>((tie) => ({
  json: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('json'), { maxLength: 4 }), tie('object')),
  object: fc.dictionary(named, tie('json'), { maxKeys: 4, noNullPrototype: true }),
}))
const object = fc.dictionary(named, json, { maxKeys: 5, noNullPrototype: true })
const apply = (target: Json, from: Json, to: Json): Json => {
  const patch = diff(from, to)
  return patch === undefined ? target : applyPatch(target, patch)
}

describe('diff and applyPatch', () => {
  it('what was found applies: the patch from a to b turns a into b', () => {
    fc.assert(
      fc.property(json, json, (a, b) => {
        expect(apply(a, a, b)).toEqual(b)
      }),
      { numRuns: 2000 },
    )
  })

  it('equal data has no patch', () => {
    fc.assert(fc.property(json, (a) => diff(a, structuredClone(a)) === undefined))
  })

  it('applying never writes into its target', () => {
    fc.assert(
      fc.property(json, json, json, (target, a, b) => {
        const before = structuredClone(target)
        apply(target, a, b)
        expect(target).toEqual(before)
      }),
    )
  })

  it('patches of different keys commute', () => {
    fc.assert(
      fc.property(object, json, json, (base, x, y) => {
        const left = { ...base, left: x }
        const right = { ...base, right: y }
        expect(apply(apply(base, base, left), base, right)).toEqual(apply(apply(base, base, right), base, left))
      }),
      { numRuns: 1000 },
    )
  })

  it('patches of different keys deep down keep both', () => {
    const base = { cart: { items: { tea: 1 }, note: '' } }
    const ada = { cart: { items: { tea: 1, rice: 2 }, note: '' } }
    const bob = { cart: { items: { tea: 1 }, note: 'hi' } }

    expect(apply(ada, base, bob)).toEqual({ cart: { items: { tea: 1, rice: 2 }, note: 'hi' } })
  })

  it('two appends to one list keep both', () => {
    const appended = fc.array(leaf, { minLength: 1, maxLength: 4 })

    fc.assert(
      fc.property(fc.array(leaf), appended, appended, (base, first, second) => {
        const after = apply(apply(base, base, [...base, ...first]), base, [...base, ...second])
        expect(after).toEqual([...base, ...first, ...second])
      }),
    )
  })

  it('a deletion and a change of another key keep both', () => {
    expect(apply({ a: 1, b: 2 }, { a: 1, b: 1 }, { b: 1 })).toEqual({ b: 2 })
  })

  it('where both set one key, the later write wins', () => {
    expect(apply({ a: 2 }, { a: 1 }, { a: 3 })).toEqual({ a: 3 })
  })

  it.each(['constructor', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__'])(
    'a key named %s is data like any other',
    (name) => {
      expect(apply({}, {}, { [name]: { x: 1 } })).toEqual({ [name]: { x: 1 } })
    },
  )

  it('a patch below a key that every object inherits starts from nothing', () => {
    expect(apply({}, { constructor: { a: 1 } }, { constructor: { a: 1, b: 2 } })).toEqual({ constructor: { b: 2 } })
  })
})

describe('toJson', () => {
  const cycle: Record<string, unknown> = {}
  cycle.self = { back: cycle }
  const deep = (depth: number): unknown => (depth === 0 ? 1 : { in: deep(depth - 1) })

  it('plain JSON comes back equal, and as a copy', () => {
    fc.assert(
      fc.property(object, (data) => {
        const copy = toJson(data)
        expect(copy).toEqual(data)
        return copy !== data
      }),
    )
  })

  it.each<[string, unknown]>([
    ['a cycle', cycle],
    ['a BigInt', { n: 1n }],
    ['a Date', { at: new Date(0) }],
    ['a Map', { m: new Map([['a', 1]]) }],
    ['a Set', { s: new Set([1]) }],
    ['NaN', { n: Number.NaN }],
    ['Infinity', { n: Number.POSITIVE_INFINITY }],
    ['a function', { f: () => 1 }],
    ['a symbol', { s: Symbol('s') }],
    ['an instance of a class', { e: new (class Basket {})() }],
    ['an error', { e: new Error('e') }],
    ['a Buffer', { b: Buffer.from('b') }],
    ['an object with another prototype', { o: Object.create({ isAdmin: true }) }],
    ['undefined in a list', { list: [undefined] }],
    ['a hole in a list', { list: new Array(2) }],
    ['65 levels of nesting', deep(66)],
    [
      '100,000 levels of nesting',
      (() => {
        let at: unknown = 1
        for (let i = 0; i < 100_000; i++) at = { in: at }
        return at
      })(),
    ],
    ['a key named __proto__', JSON.parse('{"__proto__": {"isAdmin": true}}')],
    ['a deep key named __proto__', JSON.parse('{"a": [{"__proto__": {"isAdmin": true}}]}')],
    ['undefined', undefined],
  ])('%s is refused in our own words', async (_case, value) => {
    expect(await codeOf(() => toJson(value))).toBe('ERR_DATA_INVALID')
  })

  it('64 levels of nesting are accepted', () => {
    expect(toJson(deep(64))).toEqual(deep(64))
  })

  it('a key that is undefined is left out, as JSON does', () => {
    expect(toJson({ a: 1, b: undefined })).toEqual({ a: 1 })
  })

  it('an object without a prototype is plain', () => {
    expect(toJson(Object.assign(Object.create(null) as object, { a: 1 }))).toEqual({ a: 1 })
  })

  it('the message names the path', () => {
    expect(thrownBy(() => toJson({ basket: [{ at: new Date() }] })).message).toMatch(
      /^data\.basket\[0\]\.at is an instance of a class/,
    )
  })

  it('the message repeats neither the value nor a key that may be personal', () => {
    const { message } = thrownBy(() => toJson({ 'ada@example.org': { token: 123456789n } }))

    expect(message).toMatch(/^data\.\(key\)\.token is a bigint/)
  })
})
