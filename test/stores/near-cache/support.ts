/** A near cache over an engine whose answers and messages a test lets through one at a time, on a clock that stands still. */
import { memoryStore } from 'sojourn/stores/memory'
import { type NearCacheOptions, nearCache } from 'sojourn/stores/near-cache'
import { fakeClock, faultyStore, seededRandom } from 'sojourn/testing'
import type { ChangeListener, NewRecord, ReadOutcome, Store } from '../../../src/core/store.ts'
import { encodeId, newId } from '../../../src/core/token.ts'

export const HOUR = 3_600_000
export const NOW = 1_893_456_000_000
export const LEASE = 5000

/** Subjects that would harm a key, a query or a protocol. */
export const HOSTILE_SUBJECTS = [
  '__proto__',
  'nul\0nul',
  '👩‍👩‍👧',
  "'; DROP TABLE sessions; --",
  'redis.call("FLUSHALL")\r\n*1',
  'x'.repeat(1024),
]

const random = seededRandom(1)

/** An id as core makes it, for engines that take no other. */
export const someId = (subject?: string): string => encodeId(newId(random, subject))

export const recordOf = (id: string, parts: Partial<NewRecord> = {}): NewRecord => ({
  id,
  subject: undefined,
  startedAt: NOW,
  deadline: NOW + HOUR,
  absoluteDeadline: NOW + 12 * HOUR,
  body: Uint8Array.of(1, 2, 3),
  ...parts,
})

/** A read that stands between the cache and the engine. */
export interface HeldRead {
  readonly id: string
  /** The engine looks now; what happens later is not in the answer. */
  look(): Promise<void>
  /** The answer arrives; looks first if that has not happened. */
  answer(): Promise<void>
  /** The connection breaks. */
  fail(): void
}

/** What stands in for a connection to an engine: it pushes what it is told to, and holds reads back if asked. */
export function gatedStore(engine: Store) {
  const faulty = faultyStore(engine)
  const listeners: ChangeListener[] = []
  const held: HeldRead[] = []
  const gate = { isHolding: false, isRefusing: false, attempts: 0, left: 0 }

  const hold = (id: string): Promise<ReadOutcome | undefined> => {
    const { promise, resolve, reject } = Promise.withResolvers<ReadOutcome | undefined>()
    let seen: Promise<ReadOutcome | undefined> | undefined
    const look = async () => {
      seen ??= Promise.resolve(engine.read(id))
      await seen
    }
    const answer = async () => {
      await look()
      resolve(await seen)
      await settled()
    }
    held.push({ id, look, answer, fail: () => reject(new Error('the connection broke, as the test asked')) })
    return promise
  }

  const store: Store = {
    ...faulty,
    name: 'gated',
    read: (id, options) => (gate.isHolding ? hold(id) : faulty.read(id, options)),
    changes: {
      subscribe: async (listener) => {
        gate.attempts += 1
        if (gate.isRefusing) throw new Error('no subscription, as the test asked')
        listeners.push(listener)
        return async () => {
          gate.left += 1
          listeners.splice(listeners.indexOf(listener), 1)
        }
      },
    },
  }

  /** Tells every listener. */
  const push = (tell: (listener: ChangeListener) => void) => {
    for (const listener of [...listeners]) tell(listener)
  }
  return { store, faulty, gate, held, push }
}

/** A cache that listens already. */
export async function setUp(options: NearCacheOptions = {}) {
  const clock = fakeClock(0)
  const engine = memoryStore()
  const gated = gatedStore(engine)
  const cache = nearCache(gated.store, { maxStaleness: LEASE, clock, ...options })
  await cache.read('nobody')
  await settled()
  /** Creates a record behind the cache's back. */
  const add = (id: string, parts?: Partial<NewRecord>) => engine.create(recordOf(id, parts), { now: NOW })
  /** Creates a record and lets the cache read it. */
  const addAndRead = async (id: string, parts?: Partial<NewRecord>) => {
    await add(id, parts)
    await cache.read(id)
  }
  return { ...gated, ...copiesOf(cache), cache, engine, clock, add, addAndRead }
}

/** What a store's caller cannot take for granted: that it has copies. */
export const copiesOf = (cache: Store) => ({
  copyOf: (id: string) => cache.copyOf?.(id),
  lastCopyOf: (id: string) => cache.lastCopyOf?.(id),
})

export const changesOf = (body: Uint8Array) => ({ deadline: NOW + HOUR, absoluteDeadline: NOW + 12 * HOUR, body })

/** Everything that waits for nothing but promises has happened. */
export const settled = () => new Promise<void>((resolve) => setImmediate(resolve))
