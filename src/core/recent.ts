/** How many values a generation holds; two are kept, so at most twice as many. */
const GENERATION_SIZE = 1024

/** The last values used, at most 2,048, without a list of who was used when: two maps, the older of which goes as the younger is full. */
export class Recent<V> {
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
}
