/**
 * The population's counts of many processes: each writes its own shard, and reads the others' now and then. Counts are sums, so that nothing is lost by writing at once;
 * what others counted is a few minutes old, and a process that dies takes the last minutes' counts with it. There are sixteen places for shards; a process
 * beyond them counts for itself alone, over what the others wrote. All of it is a sample of the same crowd: nothing is the worse for being approximate.
 */
import { minutes } from '../../core/duration.ts'
import type { Ledger } from '../../core/store.ts'
import { KEPT_FOR, type ModelKeys } from './keeping.ts'
import type { Counts, Population } from './population.ts'

export const MOST_SHARDS = 16
/** A place is held for so long, and held on to by claiming it for the next period. */
const PERIOD = minutes(10)
const SAVE_EVERY = minutes(2)
const LOAD_EVERY = minutes(5)
/** 60,000 bytes: the ledger takes 64 KiB. */
const ENTRIES_IN_CHUNK = 5900
const ENTRY_BYTES = 10
const HEADER_BYTES = 16

type Shard = { readonly epoch: number; readonly counts: Counts }

export class Shards {
  readonly #ledger: Ledger
  readonly #keys: ModelKeys
  readonly #population: Population
  /** Which place is ours, in which period. */
  #held: { readonly place: number; readonly period: number } | undefined
  #savedAt = Number.NEGATIVE_INFINITY
  #loadedAt = Number.NEGATIVE_INFINITY
  #running: Promise<void> | undefined

  constructor(ledger: Ledger, keys: ModelKeys, population: Population) {
    this.#ledger = ledger
    this.#keys = keys
    this.#population = population
  }

  /** Does what is due, one at a time; without a timer, by whoever signs in. Fails like the ledger. */
  maintain(now: number): Promise<void> {
    if (this.#running !== undefined) return this.#running
    const isSaveDue = Math.abs(now - this.#savedAt) >= SAVE_EVERY
    const isLoadDue = Math.abs(now - this.#loadedAt) >= LOAD_EVERY
    if (!isSaveDue && !isLoadDue) return Promise.resolve()
    this.#running = this.#maintain(now, isSaveDue, isLoadDue).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #maintain(now: number, isSaveDue: boolean, isLoadDue: boolean): Promise<void> {
    // First, so that a store that is away is not asked again with every sign-in.
    if (isLoadDue) this.#loadedAt = now
    if (isSaveDue) this.#savedAt = now
    await this.#hold(now)
    if (isLoadDue) await this.#load(now)
    if (isSaveDue) await this.#save(now)
  }

  /** Writes this process's counts at once: before it ends. */
  async save(now: number): Promise<void> {
    await this.#running?.catch(() => {})
    await this.#hold(now)
    await this.#save(now)
  }

  /** Keeps this process's place, or finds one, and goes on from what is there. */
  async #hold(now: number): Promise<void> {
    const period = Math.floor(now / PERIOD)
    const before = this.#held
    if (before?.period === period) return
    const first = before?.place ?? 0
    for (let offset = 0; offset < MOST_SHARDS; offset++) {
      const place = (first + offset) % MOST_SHARDS
      const isOurs = await this.#ledger.claim(`anomalies/s/${place}/${period}`, { now, deadline: now + 2 * PERIOD })
      if (!isOurs) continue
      this.#held = { place, period }
      if (place === before?.place) return
      // Somebody else goes on from what we wrote there; with it we would count it twice.
      if (before !== undefined) this.#population.clear()
      const found = await this.#read(place, now)
      if (found !== undefined) this.#population.inherit(found.epoch, found.counts)
      return
    }
    if (before !== undefined) this.#population.clear()
    this.#held = undefined
  }

  async #save(now: number): Promise<void> {
    if (this.#held === undefined) return
    const { epoch, counts } = this.#population.snapshot()
    const entries = [...counts]
    const chunks = Math.max(1, Math.ceil(entries.length / ENTRIES_IN_CHUNK))
    for (let chunk = 0; chunk < chunks; chunk++) {
      const part = entries.slice(chunk * ENTRIES_IN_CHUNK, (chunk + 1) * ENTRIES_IN_CHUNK)
      const name = nameOf(this.#held.place, chunk)
      await this.#ledger.put(name, this.#keys.seal(name, encode(part, epoch, chunks)), { now, deadline: now + KEPT_FOR })
    }
  }

  async #load(now: number): Promise<void> {
    const shards: Shard[] = []
    for (let place = 0; place < MOST_SHARDS; place++) {
      if (place === this.#held?.place) continue
      const shard = await this.#read(place, now)
      if (shard !== undefined) shards.push(shard)
    }
    this.#population.mergeOthers(shards)
  }

  async #read(place: number, now: number): Promise<Shard | undefined> {
    const counts = new Map<number, number>()
    let epoch = 0
    let chunks = 1
    for (let chunk = 0; chunk < chunks; chunk++) {
      const name = nameOf(place, chunk)
      const kept = await this.#ledger.get(name, { now })
      const bytes = kept && this.#keys.open(name, kept)
      const header = bytes && headerOf(bytes)
      if (header === undefined) break
      // One of another time: it is being written. What there is will do.
      if (chunk > 0 && header.epoch !== epoch) break
      epoch = header.epoch
      chunks = Math.min(header.chunks, MOST_SHARDS)
      for (let offset = HEADER_BYTES; offset + ENTRY_BYTES <= bytes!.length; offset += ENTRY_BYTES) {
        const count = bytes!.readFloatBE(offset + 6)
        if (Number.isFinite(count) && count > 0) counts.set(bytes!.readUIntBE(offset, 6), count)
      }
    }
    return epoch === 0 ? undefined : { epoch, counts }
  }
}

function nameOf(place: number, chunk: number): string {
  return `anomalies/g/${place}/${chunk}`
}

function encode(entries: readonly (readonly [number, number])[], epoch: number, chunks: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + entries.length * ENTRY_BYTES)
  bytes.writeDoubleBE(epoch, 0)
  bytes.writeUInt32BE(chunks, 8)
  for (const [index, [key, count]] of entries.entries()) {
    bytes.writeUIntBE(key, HEADER_BYTES + index * ENTRY_BYTES, 6)
    bytes.writeFloatBE(count, HEADER_BYTES + index * ENTRY_BYTES + 6)
  }
  return bytes
}

function headerOf(bytes: Buffer): { readonly epoch: number; readonly chunks: number } | undefined {
  if (bytes.length < HEADER_BYTES) return undefined
  return { epoch: bytes.readDoubleBE(0), chunks: bytes.readUInt32BE(8) }
}
