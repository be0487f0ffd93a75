import { StoreError } from '../../core/errors.ts'
import type { CallOptions, Ledger, LedgerOptions } from '../../core/store.ts'
import { throwIfAborted } from '../internal/abort.ts'
import { DeadlineQueue } from './deadline-queue.ts'

interface Entry {
  readonly deadline: number
  readonly value: Uint8Array | undefined
  readonly count: number
}

// Claims, values and counts under one key never meet: each kind has its own prefix.
const CLAIM = 'claim:'
const VALUE = 'value:'
const COUNT = 'count:'

/** The ledger of `memoryStore`: one map, bounded like the records, with outdated entries dropped as they surface. */
export class MemoryLedger implements Ledger {
  readonly #entries = new Map<string, Entry>()
  readonly #queue = new DeadlineQueue()
  readonly #maxEntries: number
  readonly #deadlineOf = (key: string) => this.#entries.get(key)?.deadline

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries
  }

  async claim(key: string, options: LedgerOptions): Promise<boolean> {
    throwIfAborted(options.signal)
    const present = this.#entries.get(CLAIM + key)
    if (present && present.deadline >= options.now) return false
    this.#set(CLAIM + key, { deadline: options.deadline, value: undefined, count: 0 }, options.now)
    return true
  }

  async put(key: string, value: Uint8Array, options: LedgerOptions): Promise<void> {
    throwIfAborted(options.signal)
    this.#set(VALUE + key, { deadline: options.deadline, value: new Uint8Array(value), count: 0 }, options.now)
  }

  async take(key: string, options: CallOptions & { readonly now: number }): Promise<Uint8Array | undefined> {
    throwIfAborted(options.signal)
    const present = this.#entries.get(VALUE + key)
    if (!present) return undefined
    this.#entries.delete(VALUE + key)
    return present.deadline >= options.now ? present.value : undefined
  }

  async get(key: string, options: CallOptions & { readonly now: number }): Promise<Uint8Array | undefined> {
    throwIfAborted(options.signal)
    const present = this.#entries.get(VALUE + key)
    return present && present.deadline >= options.now ? present.value : undefined
  }

  async count(key: string, options: CallOptions & { readonly now: number; readonly window: number }): Promise<number> {
    throwIfAborted(options.signal)
    const { now, window } = options
    const present = this.#entries.get(COUNT + key)
    const isRunning = present !== undefined && present.deadline > now
    // Never longer than one window from now: a clock that ran ahead and came back must not freeze a throttle for as long.
    const deadline = isRunning ? Math.min(present.deadline, now + window) : now + window
    const count = isRunning ? present.count + 1 : 1
    this.#set(COUNT + key, { deadline, value: undefined, count }, now)
    return count
  }

  purge(before: number, limit: number): void {
    for (const key of this.#queue.takeOutdated(before, limit, this.#deadlineOf)) this.#entries.delete(key)
  }

  #set(key: string, entry: Entry, now: number): void {
    const earlier = this.#entries.get(key)
    if (!earlier) this.#makeRoom(now)
    this.#entries.set(key, entry)
    if (earlier && earlier.deadline <= entry.deadline) return
    this.#queue.add(key, entry.deadline)
    this.#queue.compactIfSparse(this.#entries, this.#deadlineOf)
  }

  #makeRoom(now: number): void {
    if (this.#entries.size < this.#maxEntries) return
    this.purge(now, 64)
    if (this.#entries.size < this.#maxEntries) return
    throw new StoreError(`The memory store's ledger is full: it holds ${this.#maxEntries} entries and none is outdated.`, {
      code: 'ERR_STORE_FULL',
      status: 503,
    })
  }
}
