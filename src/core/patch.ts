/**
 * Patches: what a request changed in session data, so that parallel requests merge (design 5; field.md 1.1).
 *
 * A patch sets and deletes keys of plain objects, at any depth, and appends to arrays that only grew. Two requests that
 * touch different keys, or both push to one list, keep both. Where both set the same key the later write wins: a value that depends
 * on the one before belongs in `session.update(fn)`. See docs/decisions/0003-merge.md.
 */
import { SessionDataError } from './errors.ts'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type JsonObject = { [key: string]: Json }

export type Patch =
  | { readonly kind: 'set'; readonly value: Json }
  | { readonly kind: 'append'; readonly items: readonly Json[] }
  | { readonly kind: 'keys'; readonly changed: ReadonlyMap<string, Patch>; readonly deleted: readonly string[] }

/** What turns `before` into `after`; `undefined` when nothing does. */
export function diff(before: Json, after: Json): Patch | undefined {
  if (before === after) return undefined
  if (isObject(before) && isObject(after)) return diffObjects(before, after)
  if (Array.isArray(before) && Array.isArray(after)) {
    const isPrefix = before.length <= after.length && before.every((item, index) => isEqual(item, after[index]!))
    if (isPrefix) return before.length === after.length ? undefined : { kind: 'append', items: after.slice(before.length) }
  }
  return { kind: 'set', value: after }
}

function diffObjects(before: JsonObject, after: JsonObject): Patch | undefined {
  const changed = new Map<string, Patch>()
  for (const [key, value] of Object.entries(after)) {
    const patch = Object.hasOwn(before, key) ? diff(before[key]!, value) : ({ kind: 'set', value } as const)
    if (patch !== undefined) changed.set(key, patch)
  }
  const deleted = Object.keys(before).filter((key) => !Object.hasOwn(after, key))
  return changed.size === 0 && deleted.length === 0 ? undefined : { kind: 'keys', changed, deleted }
}

/** Applies a patch to data that may have moved on since; never writes into `target`. */
export function applyPatch(target: Json | undefined, patch: Patch): Json {
  if (patch.kind === 'set') return patch.value
  if (patch.kind === 'append') return [...(Array.isArray(target) ? target : []), ...patch.items]
  const result: JsonObject = isObject(target) ? { ...target } : {}
  for (const [key, change] of patch.changed) {
    // Object.hasOwn, or a key such as `constructor` would find what every object inherits.
    result[key] = applyPatch(Object.hasOwn(result, key) ? result[key] : undefined, change)
  }
  for (const key of patch.deleted) delete result[key]
  return result
}

function isEqual(a: Json, b: Json): boolean {
  return diff(a, b) === undefined
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const DEEPEST = 64

/**
 * Takes session data as plain JSON, or says what cannot be kept, by path. JSON would turn a `Date` into a string, a `Map` into `{}` and
 * `NaN` into `null` without a word; a cycle or a BigInt would throw words of the engine. `__proto__` is refused as a key because
 * copying it would replace the copy's prototype.
 *
 * @throws {SessionDataError} `ERR_DATA_INVALID` - names the path and what stands there, never the value.
 */
export function toJson(value: unknown): Json {
  return isPlainJson(value) ? plainCopy(value) : copyByPath(value, 'data', 0)
}

/** Whether a value is plain JSON as it stands, without a copy: every request that reads data comes by here. */
export function isPlainJson(value: unknown, depth = 0): value is Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || depth > DEEPEST) return false
  if (Array.isArray(value)) {
    // By index, since `every` would skip holes, which become `null`.
    for (let i = 0; i < value.length; i++) if (!isPlainJson(value[i], depth + 1)) return false
    return true
  }
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  for (const key of Object.keys(value)) {
    if (key === '__proto__') return false
    const item = (value as Record<string, unknown>)[key]
    if (item !== undefined && !isPlainJson(item, depth + 1)) return false
  }
  return true
}

function plainCopy(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(plainCopy)
  const result: JsonObject = {}
  for (const key of Object.keys(value)) if (value[key] !== undefined) result[key] = plainCopy(value[key])
  return result
}

/** The copy of what is not plain, or the words for what does not fit. */
function copyByPath(value: unknown, path: string, depth: number): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (typeof value !== 'object')
    throw unfit(path, typeof value === 'number' ? 'a number that is not finite' : `a ${typeof value}`)
  if (depth > DEEPEST) throw unfit(path, `a cycle, or nested deeper than ${DEEPEST}`)
  // Array.from, not map, which would skip holes and leave them to become `null`.
  if (Array.isArray(value)) return Array.from(value, (item, index) => copyByPath(item, `${path}[${index}]`, depth + 1))
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) throw unfit(path, 'an instance of a class, which JSON does not keep')
  const result: JsonObject = {}
  for (const key of Object.keys(value)) {
    if (key === '__proto__') throw unfit(path, 'a key named __proto__')
    const item = (value as Record<string, unknown>)[key]
    if (item !== undefined) result[key] = copyByPath(item, `${path}.${nameable(key)}`, depth + 1)
  }
  return result
}

/** A key may itself be a personal datum (an e-mail address): only plain short words are repeated. */
function nameable(key: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]{0,31}$/.test(key) ? key : '(key)'
}

function unfit(path: string, what: string): SessionDataError {
  return new SessionDataError(`${path} is ${what}; session data must be plain JSON. See docs/guide/data.md.`, {
    code: 'ERR_DATA_INVALID',
  })
}
