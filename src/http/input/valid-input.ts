/** Values a visitor sent, checked by any Standard Schema, with issues that may be shown: they never repeat what was sent. */
import type { StandardSchemaV1 } from '../../core/data.ts'
import { ConfigError } from '../../core/errors.ts'
import { type InputLimits, lookOver } from './plain-value.ts'

export type { InputLimits } from './plain-value.ts'

/** What is wrong, and where. */
export interface InputIssue {
  /** Keys and indexes that lead to the value; empty for the whole. Keys are cut at 64 characters. */
  readonly path: readonly (string | number)[]
  /** The schema's words, or `is not valid` when these repeat anything that was sent. */
  readonly message: string
}

/** A value the schema made, or what is wrong with what it was given. */
export type InputResult<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly issues: readonly InputIssue[] }

const LIMITS: Required<InputLimits> = { maxDepth: 16, maxValues: 1000, maxCharacters: 65_536 }
const MOST_ISSUES = 20
const DEEPEST_PATH = 16
const LONGEST_KEY = 64
const LONGEST_MESSAGE = 200
/** Of a text that was sent, as much is looked for in a message. */
const SHOWN_START = 16
const NOT_VALID = 'is not valid'

/**
 * Checks a value that a visitor sent: a parsed body, a query, route parameters.
 *
 * Too deep, too large, `__proto__` as a key, or anything that is no plain data is refused before the schema sees it.
 *
 * @param schema - A Standard Schema (zod, valibot, arktype and others), synchronous or not.
 * @param value - Anything.
 * @param limits - Depth 16, 1,000 values, 65,536 characters unless said otherwise.
 * @returns `{ ok: true, value }` with what the schema made of it, or `{ ok: false, issues }` with at most 20 issues. The result itself for a
 * synchronous schema, else a promise of it: `await` takes both.
 * @throws {ConfigError} `ERR_ARGUMENT_INVALID` - no Standard Schema, or a limit that is no whole number from 1. What a schema's own functions throw is thrown on.
 * @see ASVS 5.0, 2.2.1; OWASP Input Validation Cheat Sheet; standardschema.dev
 * @example
 * const form = await validInput(z.object({ name: z.string().max(40) }), req.body)
 * if (!form.ok) return res.status(400).json({ issues: form.issues })
 * session.data.name = form.value.name
 */
export function validInput<Schema extends StandardSchemaV1>(
  schema: Schema,
  value: unknown,
  limits: InputLimits = {},
): InputResult<StandardSchemaV1.InferOutput<Schema>> | Promise<InputResult<StandardSchemaV1.InferOutput<Schema>>> {
  const standard = schema?.['~standard']
  if (typeof standard?.validate !== 'function')
    throw misuse('schema is no Standard Schema; expected one of zod, valibot, arktype or others')
  const { unfit, words } = lookOver(value, withDefaults(limits))
  if (unfit !== undefined) return { ok: false, issues: [{ path: shownPath(unfit.path), message: unfit.message }] }
  const judge = (result: Awaited<ReturnType<typeof standard.validate>>): InputResult<StandardSchemaV1.InferOutput<Schema>> =>
    result.issues === undefined
      ? { ok: true, value: result.value as StandardSchemaV1.InferOutput<Schema> }
      : { ok: false, issues: result.issues.slice(0, MOST_ISSUES).map((issue) => shown(issue, words)) }
  const result = standard.validate(value)
  return result instanceof Promise ? result.then(judge) : judge(result)
}

function withDefaults(limits: InputLimits): Required<InputLimits> {
  const all = { ...LIMITS, ...limits }
  for (const name of Object.keys(all) as (keyof InputLimits)[]) {
    if (!Object.hasOwn(LIMITS, name)) throw misuse(`there is no limit ${JSON.stringify(String(name).slice(0, 64))}`)
    if (!Number.isSafeInteger(all[name]) || all[name] < 1) throw misuse(`${name} is no whole number from 1`)
  }
  return all
}

function shown(issue: StandardSchemaV1.Issue, words: ReadonlySet<string>): InputIssue {
  const keys = (issue.path ?? []).map((segment) => (typeof segment === 'object' ? segment.key : segment))
  const message = typeof issue.message === 'string' && !repeats(issue.message, words) ? issue.message : NOT_VALID
  return { path: shownPath(keys), message: message.slice(0, LONGEST_MESSAGE) }
}

function shownPath(keys: readonly PropertyKey[]): (string | number)[] {
  return keys.slice(0, DEEPEST_PATH).map((key) => (typeof key === 'number' ? key : String(key).slice(0, LONGEST_KEY)))
}

/**
 * Whether a message holds some of what was sent: many libraries say what they received, and issues end up in logs and pages. Of a long text
 * the beginning counts, because messages cut; a text of three characters only as a word. Who sends words of the message itself gets the general one.
 */
function repeats(message: string, sent: ReadonlySet<string>): boolean {
  const told = message.toLowerCase()
  let words: Set<string> | undefined
  for (const text of sent) {
    const start = text.trim().slice(0, SHOWN_START).toLowerCase()
    if (start.length < 4) {
      words ??= new Set(told.split(/[^\p{L}\p{N}]+/u))
      if (start !== '' && words.has(start)) return true
    } else if (told.includes(start) || told.includes(JSON.stringify(start).slice(1, -1))) return true
  }
  return false
}

function misuse(message: string): ConfigError {
  return new ConfigError(`validInput: ${message}. See docs/guide/input.md.`, { code: 'ERR_ARGUMENT_INVALID' })
}
