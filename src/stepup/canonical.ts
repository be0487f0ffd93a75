/**
 * One text for one meaning: parameters of an operation, with keys in order (RFC 8785 for what it has in common with plain JSON). Two texts differ if and only if
 * what they say differs, so that a hash of one stands for it.
 */
import { misuse } from '../core/unit-of-work.ts'

const DEEPEST = 8
const LONGEST = 16_384

/**
 * @throws {ConfigError} `ERR_ARGUMENT_INVALID` - something JSON would leave out or change (`undefined`, a date, `NaN`), or too much of it: what a person
 * approves must be all of what is done.
 */
export function canonicalText(value: unknown): string {
  const text = write(value, 0)
  if (text.length > LONGEST)
    throw misuse(`parameters are over ${LONGEST} characters; expected what the person approves, and no more`)
  return text
}

function write(value: unknown, depth: number): string {
  if (depth > DEEPEST) throw misuse(`parameters are over ${DEEPEST} levels deep, or hold themselves`)
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value)
  if (typeof value === 'string' && value.isWellFormed()) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${Array.from(value, (item) => write(item, depth + 1)).join(',')}]`
  if (isPlain(value)) {
    const keys = Object.keys(value).sort()
    return `{${keys.map((key) => `${write(key, depth)}:${write(value[key], depth + 1)}`).join(',')}}`
  }
  throw misuse(
    'parameters hold what is no plain JSON; expected strings, finite numbers, booleans, null, lists and objects of these',
  )
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Object.getOwnPropertySymbols(value).length > 0) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null
}
