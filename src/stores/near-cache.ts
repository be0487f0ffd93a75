import { ConfigError } from '../core/errors.ts'
import type { Store } from '../core/store.ts'
import { NearCache } from './near-cache/store.ts'

/** Options of `nearCache`. */
export interface NearCacheOptions {
  /**
   * Longest time a copy is used after its record was asked for, in milliseconds. Default 0: no copies. Otherwise 100 to 60,000;
   * 5,000 is typical.
   *
   * It is also the longest time that a session ended by another process can go on being read here: so long if the message about
   * it is lost (a partition that nobody notices), a few milliseconds otherwise. Whoever holds a stolen token and can cut this
   * process off from the messages, but not from its users, gains that time and no more.
   */
  readonly maxStaleness?: number
  /**
   * Most copies kept at once. Default 10,000; 1 to 1,000,000. The oldest goes first. Records with a body over 16 KiB are not kept,
   * and all bodies and subjects together take at most 4 KiB times `maxEntries` (40 MiB by default). Only records that are there are
   * kept, so nobody fills it by asking for sessions that do not exist.
   */
  readonly maxEntries?: number
  /** Milliseconds of a clock that never jumps. Default `performance.now()`. Only tests need another. */
  readonly clock?: () => number
}

const DEFAULT_MAX_ENTRIES = 10_000
const MOST_ENTRIES = 1_000_000
/** Less is seconds given for milliseconds, or a cache that never hits. */
const SHORTEST_STALENESS = 100
const LONGEST_STALENESS = 60_000

const READ_MORE = 'See docs/stores/near-cache.md.'

/**
 * Keeps copies of lately read records in this process, in front of a store that pushes what other processes change.
 *
 * Use it when the round trip to Redis or PostgreSQL is most of what a request costs. This process reads its own writes at once;
 * what others write drops the copy as soon as their message arrives, and a copy that no message reaches is not used for longer than
 * `maxStaleness`. While messages may be missed every read asks the store. Nothing is written, refused or renewed on a copy's word.
 *
 * @param store - A store with `changes`: `redisStore` or `postgresStore`. Closing the cache closes it.
 * @param options.maxStaleness - Longest use of a copy in milliseconds; default 0, which gives back `store` itself. See `NearCacheOptions`.
 * @param options.maxEntries - Most copies kept at once; default 10,000. See `NearCacheOptions`.
 * @returns A store with the capabilities of the one it is given. It listens for changes from its first read on.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - the store cannot push changes or is in this process anyway, or an option is out of range.
 * @example
 * const store = nearCache(redisStore(client), { maxStaleness: seconds(5) })
 */
export function nearCache(store: Store, options: NearCacheOptions = {}): Store {
  const { maxStaleness = 0, maxEntries = DEFAULT_MAX_ENTRIES, clock = () => performance.now() } = options
  checkStore(store)
  checkMaxStaleness(maxStaleness)
  checkMaxEntries(maxEntries)
  if (typeof clock !== 'function') throw invalid('clock must be a function that gives milliseconds.')
  return maxStaleness === 0 ? store : new NearCache(store, { maxStaleness, maxEntries, clock })
}

function checkStore(store: Store): void {
  if (typeof store?.read !== 'function' || typeof store.capabilities !== 'object') {
    throw invalid('the first argument must be a store, such as redisStore(client).')
  }
  const { capabilities, name } = store
  if (capabilities.isLocal) {
    throw invalid(`the store '${name}' is in this process already; a copy would be no nearer. Use it without a cache.`)
  }
  if (capabilities.carries !== undefined) {
    throw invalid(`the store '${name}' keeps no records (each request brings its own), so there is nothing to copy.`)
  }
  if (typeof store.changes?.subscribe !== 'function') {
    throw invalid(
      `the store '${name}' does not tell what other processes change (it has no 'changes'); expected one that does, such as ` +
        'redisStore or postgresStore. Without that, sessions ended elsewhere would go on here for maxStaleness every time.',
    )
  }
}

function checkMaxStaleness(value: unknown): void {
  const isInRange = typeof value === 'number' && value >= SHORTEST_STALENESS && value <= LONGEST_STALENESS
  if (isInRange || value === 0) return
  throw invalid(
    `maxStaleness must be 0 (no copies) or milliseconds from ${SHORTEST_STALENESS} to ${LONGEST_STALENESS}; it is ${String(value)}. ` +
      'It is how long a session ended elsewhere may go on here if the message is lost.',
  )
}

function checkMaxEntries(value: unknown): void {
  if (Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= MOST_ENTRIES) return
  throw invalid(`maxEntries must be a whole number from 1 to ${MOST_ENTRIES}; it is ${String(value)}.`)
}

function invalid(problem: string): ConfigError {
  return new ConfigError(`nearCache: ${problem} ${READ_MORE}`, { code: 'ERR_CONFIG_INVALID' })
}
