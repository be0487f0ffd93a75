/** Looks over a value before a schema does: schemas recurse, and copy keys, without asking how deep and which. */

/** How much of a value is looked at before it is refused. */
export interface InputLimits {
  /** Deepest nesting of objects and lists. Default 16. Deep values exhaust the stack of whoever walks them. */
  readonly maxDepth?: number
  /** Most values together, at any depth; objects and lists count too. Default 1,000. Many small values cost more than their bytes. */
  readonly maxValues?: number
  /** Most characters of text and keys together. Default 65,536. */
  readonly maxCharacters?: number
}

/** Why a value is not even shown to the schema, and where. */
export interface Unfit {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

/** What was found on the way: the problem, if any, and all texts, numbers and unusual keys, which no message may repeat. */
export interface Look {
  readonly unfit: Unfit | undefined
  readonly words: ReadonlySet<string>
}

/** Walks a value within the limits. Never throws, whatever the value is. */
export function lookOver(value: unknown, limits: Required<InputLimits>): Look {
  const walk = new Walk(limits)
  return { unfit: walk.unfitAt(value, []), words: walk.words }
}

class Walk {
  readonly words = new Set<string>()
  readonly #limits: Required<InputLimits>
  #values = 0
  #characters = 0

  constructor(limits: Required<InputLimits>) {
    this.#limits = limits
  }

  unfitAt(value: unknown, path: readonly PropertyKey[]): Unfit | undefined {
    this.#values += 1
    if (this.#values > this.#limits.maxValues) return { path: [], message: 'has too many values' }
    if (typeof value === 'string') return this.#read(value)
    if (typeof value === 'number' || typeof value === 'bigint') return this.#read(String(value))
    if (value === undefined || value === null || typeof value === 'boolean') return undefined
    if (typeof value !== 'object' || !isPlain(value)) return { path, message: 'is not plain data' }
    if (path.length >= this.#limits.maxDepth) return { path: [], message: 'is nested too deeply' }
    return Array.isArray(value) ? this.#unfitItem(value, path) : this.#unfitKey(value as Record<string, unknown>, path)
  }

  #read(text: string): Unfit | undefined {
    const unfit = this.#count(text)
    if (unfit === undefined) this.words.add(text)
    return unfit
  }

  #count(text: string): Unfit | undefined {
    this.#characters += text.length
    return this.#characters > this.#limits.maxCharacters ? { path: [], message: 'is too long' } : undefined
  }

  #unfitItem(list: readonly unknown[], path: readonly PropertyKey[]): Unfit | undefined {
    // Not forEach, which would skip the holes of a list that says it has four thousand million items, and never come to the limit.
    for (let i = 0; i < list.length; i++) {
      const unfit = this.unfitAt(list[i], [...path, i])
      if (unfit !== undefined) return unfit
    }
    return undefined
  }

  #unfitKey(object: Record<string, unknown>, path: readonly PropertyKey[]): Unfit | undefined {
    for (const key of Object.keys(object)) {
      // Whoever copies such a key by assignment changes every object of the process (prototype pollution).
      if (key === '__proto__' || (key === 'constructor' && hasPrototype(object[key]))) {
        return { path, message: 'has a key that is not allowed' }
      }
      // A plain short word is the name of a field, which messages say.
      const isName = /^[a-z_][a-z0-9_-]{0,31}$/i.test(key.slice(0, 40))
      const unfit = (isName ? this.#count(key) : this.#read(key)) ?? this.unfitAt(object[key], [...path, key])
      if (unfit !== undefined) return unfit
    }
    return undefined
  }
}

function hasPrototype(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype')
}

function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
