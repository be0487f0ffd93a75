/** How many values a generation holds; two are kept, so at most twice as many. */
const GENERATION_SIZE = 1024

/**
 * The last values used, at most 2,048, without a list of who was used when: two maps, the older of which goes as the younger is full.
 *
 * Ask `cameUpBefore` first and keep only what did. Where there are many more keys than are kept, each would go before it is asked for
 * again, and have cost a copy that lives long enough to make the garbage collector work.
 */
export class Recent<V> {
  readonly #door = new Door()
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

  /** Whether the key came up among the last 1,024 others or so; from now on it has. One in a hundred is taken for another. */
  cameUpBefore(key: string): boolean {
    return this.#door.knows(key)
  }
}

/** A power of two: with two bits for each of 1,024 keys, a sixteenth of them is set at most. */
const DOOR_BITS = 32_768

/**
 * Who came up lately, in 8 KiB: a Bloom filter in two generations like the values'. No key's coming makes it forget another: with a
 * slot for each key, two that share one would push each other out for ever and never be kept.
 */
class Door {
  #young = new Uint32Array(DOOR_BITS / 32)
  #old = new Uint32Array(DOOR_BITS / 32)
  #count = 0

  knows(key: string): boolean {
    const sum = sumOf(key)
    const [first, second] = [sum & (DOOR_BITS - 1), (sum >>> 16) & (DOOR_BITS - 1)]
    if (has(this.#young, first, second)) return true
    const isKnown = has(this.#old, first, second)
    if (this.#count === GENERATION_SIZE) {
      const oldest = this.#old
      this.#old = this.#young
      this.#young = oldest.fill(0)
      this.#count = 0
    }
    this.#count++
    this.#young[first >>> 5]! |= 1 << (first & 31)
    this.#young[second >>> 5]! |= 1 << (second & 31)
    return isKnown
  }
}

function has(bits: Uint32Array, first: number, second: number): boolean {
  return ((bits[first >>> 5]! >>> (first & 31)) & (bits[second >>> 5]! >>> (second & 31)) & 1) === 1
}

/** 32 bits, each of which depends on all of the key (the last step of MurmurHash3). Ids are random: nobody chooses what falls together. */
function sumOf(key: string): number {
  let sum = 1
  for (let i = 0; i < key.length; i++) sum = (Math.imul(sum, 31) + key.charCodeAt(i)) | 0
  sum = Math.imul(sum ^ (sum >>> 16), 0x85ebca6b)
  sum = Math.imul(sum ^ (sum >>> 13), 0xc2b2ae35)
  return sum ^ (sum >>> 16)
}
