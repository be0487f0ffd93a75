/**
 * The few assertions the contracts need. Our own, so that the kit runs under `node:test`, vitest, jest or any other runner with
 * a `describe` and an `it`.
 */

export function isTrue(condition: boolean, rule: string): asserts condition {
  if (!condition) fail(rule)
}

/** Compares by value; byte arrays by their bytes, whatever kind of array they are. */
export function isEqual(actual: unknown, expected: unknown, rule: string): void {
  if (!sameValue(actual, expected)) fail(`${rule}: got ${show(actual)}, expected ${show(expected)}`)
}

/** Resolves to the reason of the rejection. */
export async function rejects(promise: unknown, rule: string): Promise<unknown> {
  let value: unknown
  try {
    value = await promise
  } catch (reason) {
    return reason
  }
  return fail(`${rule}: resolved to ${show(value)} instead of rejecting`)
}

/** Waits, at most `milliseconds`, until `condition` holds; for what arrives by itself, such as a message of another process. */
export async function eventually(condition: () => boolean | Promise<boolean>, rule: string, milliseconds = 2000): Promise<void> {
  const step = 5
  const started = performance.now()
  while (!(await condition())) {
    if (performance.now() - started > milliseconds) fail(`${rule}: not within ${milliseconds} ms`)
    await new Promise((resolve) => setTimeout(resolve, step))
  }
}

function fail(message: string): never {
  const error = new Error(message)
  error.name = 'AssertionError'
  throw error
}

function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b) || a instanceof Uint8Array !== b instanceof Uint8Array) return false
  const left = new Map(Object.entries(a))
  const right = new Map(Object.entries(b))
  return left.size === right.size && [...left].every(([key, value]) => right.has(key) && sameValue(value, right.get(key)))
}

function show(value: unknown): string {
  const text = JSON.stringify(value, (_key, part: unknown) => (part instanceof Uint8Array ? showBytes(part) : part))
  return text === undefined ? String(value) : text.slice(0, 400)
}

const showBytes = (bytes: Uint8Array) => `<${bytes.length} bytes: ${Buffer.from(bytes.subarray(0, 24)).toString('hex')}>`
