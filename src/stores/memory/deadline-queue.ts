interface Node {
  readonly at: number
  readonly key: string
}

/** Tells when an entry is over; `undefined` if there is no such entry any more. */
type DeadlineOf = (key: string) => number | undefined

/**
 * Finds outdated entries of a map without looking at the others: a binary heap by deadline, kept lazily.
 *
 * Every entry has a node at or before its deadline. A deadline that moves later costs nothing, since the node is put back
 * when it surfaces early; so a touch of a session, by far the most frequent write, never reaches this file.
 */
export class DeadlineQueue {
  #heap: Node[] = []

  /** Call it for a new entry, and when a deadline moves earlier. */
  add(key: string, at: number): void {
    this.#heap.push({ at, key })
    this.#up(this.#heap.length - 1)
  }

  /** Removes and gives at most `limit` keys whose deadline is before `before`. The caller removes the entries themselves. */
  takeOutdated(before: number, limit: number, deadlineOf: DeadlineOf): string[] {
    const taken = new Set<string>()
    while (taken.size < limit && this.#heap.length > 0 && this.#heap[0]!.at < before) {
      const { key } = this.#pop()
      const deadline = deadlineOf(key)
      if (deadline === undefined || taken.has(key)) continue
      if (deadline < before) taken.add(key)
      else this.add(key, deadline)
    }
    return [...taken]
  }

  /** Forgets left-over nodes once they outnumber the entries, so that keys that come and go do not fill the memory. */
  compactIfSparse(entries: { readonly size: number; keys(): Iterable<string> }, deadlineOf: DeadlineOf): void {
    if (this.#heap.length <= 2 * entries.size + 64) return
    this.#heap = []
    for (const key of entries.keys()) this.#heap.push({ at: deadlineOf(key) ?? 0, key })
    // A sorted array is a heap.
    this.#heap.sort((a, b) => a.at - b.at)
  }

  #pop(): Node {
    const top = this.#heap[0]!
    const last = this.#heap.pop()!
    if (this.#heap.length > 0) {
      this.#heap[0] = last
      this.#down(0)
    }
    return top
  }

  #up(start: number): void {
    const heap = this.#heap
    let child = start
    while (child > 0) {
      const parent = (child - 1) >> 1
      if (heap[parent]!.at <= heap[child]!.at) return
      this.#swap(parent, child)
      child = parent
    }
  }

  #down(start: number): void {
    const heap = this.#heap
    let parent = start
    for (;;) {
      const left = 2 * parent + 1
      if (left >= heap.length) return
      const right = left + 1
      const least = right < heap.length && heap[right]!.at < heap[left]!.at ? right : left
      if (heap[parent]!.at <= heap[least]!.at) return
      this.#swap(parent, least)
      parent = least
    }
  }

  #swap(a: number, b: number): void {
    const node = this.#heap[a]!
    this.#heap[a] = this.#heap[b]!
    this.#heap[b] = node
  }
}
