/** How many values a generation holds; two are kept, so at most twice as many. */
const GENERATION_SIZE = 1024

/** How many keys can be told to have come up before; a power of two. */
const DOOR_SIZE = 2048

/**
 * The last values used, at most 2,048, without a list of who was used when: two maps, the older of which goes as the younger is full.
 *
 * Ask `cameUpBefore` first and keep only what did. Where there are many more keys than are kept, each would go before it is asked for
 * again, and have cost a copy that lives long enough to make the garbage collector work.
 */
export class Recent<V> {
  readonly #door = new Int32Array(DOOR_SIZE)
  #young = new Map<string, V>()
  #old = new Map<string, V>()

  get(key: string): V | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.keep(key, old)
    return old
  }

  keep(key: string, value: V): void {
    if (this.#young.size >= GENERATION_SIZE) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, value)
  }

  /** Whether the key came up lately; from now on it has. Now and then another key is taken for it. */
  cameUpBefore(key: string): boolean {
    let sum = 1
    for (let i = 0; i < key.length; i++) sum = Math.imul(sum, 31) + key.charCodeAt(i)
    const slot = (sum ^ (sum >>> 16)) & (DOOR_SIZE - 1)
    if (this.#door[slot] === (sum | 0)) return true
    this.#door[slot] = sum
    return false
  }
}
