/** The options of `auditLog`, and what they come to. */
import { days, hours, minutes, seconds } from '../../core/duration.ts'
import { ConfigError } from '../../core/errors.ts'
import type { EventType, SojournEvent } from '../../core/events.ts'
import { catalogue } from '../catalogue.ts'
import type { AuditStore } from './audit-store.ts'
import { keyOf } from './signing.ts'
import type { AuditCheckpoint } from './statements.ts'

/** Options of `auditLog`. */
export interface AuditOptions {
  /** Where entries are kept: `sqliteAuditStore`, `postgresAuditStore`, or your own. Whoever can write to it can damage the log, not change it unseen. */
  readonly store: AuditStore
  /**
   * Which events become entries: a list of types, or a function of the event. Default: all that bear on who may do what, `isAudited` in the catalogue; not renewals of
   * tokens and the like. What is not recorded cannot be asked about later.
   */
  readonly records?: readonly EventType[] | ((event: SojournEvent) => boolean)
  /** A signed checkpoint at least every so many entries. Default 1,000; 1 to 1,000,000. */
  readonly checkpointEvery?: number
  /**
   * And at least so many milliseconds after the last, where there are new entries. Default `minutes(10)`; 1 second to 1 day. With `onCheckpoint` this is how much of the
   * end of the log can be cut off unseen.
   */
  readonly checkpointInterval?: number
  /**
   * Told of each checkpoint this process made, to keep it where whoever can write to the store cannot: another system's log, a mailbox, an object store with a lock. Without that, nobody
   * can tell that the end of the log, or all of it, was removed or put back to what it was: give the latest to `verify` as `anchor`.
   */
  readonly onCheckpoint?: (checkpoint: AuditCheckpoint) => unknown
  /** Public keys, in base64url, of keys that have left the ring (`publicKeys` names them while they are in it). Default none: what they signed is not checked. */
  readonly trustedKeys?: readonly string[]
  /** How long entries are kept, in milliseconds: older ones are removed by themselves, once an hour. 1 day to 20 years. Default: for ever, until `retain` is called. */
  readonly keepFor?: number
  /** How long an event waits for others, to be written with them, in milliseconds. Default 250; 0 to 60,000. A process that is killed loses what waits. */
  readonly linger?: number
  /** Most events that wait while the store is slow or away. Default 10,000; 100 to 1,000,000. More are lost, and an entry says how many. */
  readonly mostWaiting?: number
  /** Longest wait for the store, in milliseconds. Default `seconds(10)`; 10 ms to 1 minute. */
  readonly timeout?: number
}

/** The options, checked and complete. */
export interface AuditSettings {
  readonly store: AuditStore
  readonly records: (event: SojournEvent) => boolean
  readonly checkpointEvery: number
  readonly checkpointInterval: number
  readonly onCheckpoint: (checkpoint: AuditCheckpoint) => unknown
  readonly trustedKeys: readonly string[]
  readonly keepFor: number | undefined
  readonly linger: number
  readonly mostWaiting: number
  readonly timeout: number
}

const STORE_METHODS = ['append', 'state', 'entries', 'search', 'checkpoints', 'lastCheckpoint', 'remove', 'close'] as const

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - what was given, and what was expected. */
export function resolveAuditOptions(options: AuditOptions): AuditSettings {
  if (typeof options !== 'object' || options === null) throw invalid('the options', 'an object with `store`')
  const { store, onCheckpoint = () => {}, trustedKeys = [], keepFor } = options
  const isStore = typeof store === 'object' && store !== null && STORE_METHODS.every((name) => typeof store[name] === 'function')
  if (!isStore) throw invalid('store', 'an audit store, such as sqliteAuditStore("audit.db")')
  if (typeof onCheckpoint !== 'function') throw invalid('onCheckpoint', 'a function')
  if (!Array.isArray(trustedKeys) || !trustedKeys.every(isPublicKey))
    throw invalid('trustedKeys', 'public keys of 43 base64url characters, as `publicKeys` gives them')
  return {
    store,
    records: recordsOf(options.records),
    checkpointEvery: within('checkpointEvery', options.checkpointEvery, 1000, 1, 1_000_000, 'entries'),
    checkpointInterval: within(
      'checkpointInterval',
      options.checkpointInterval,
      minutes(10),
      seconds(1),
      days(1),
      'milliseconds',
    ),
    onCheckpoint,
    trustedKeys,
    keepFor: keepFor === undefined ? undefined : within('keepFor', keepFor, 0, days(1), days(366) * 20, 'milliseconds'),
    linger: within('linger', options.linger, 250, 0, minutes(1), 'milliseconds'),
    mostWaiting: within('mostWaiting', options.mostWaiting, 10_000, 100, 1_000_000, 'events'),
    timeout: within('timeout', options.timeout, seconds(10), 10, minutes(1), 'milliseconds'),
  }
}

/** How often entries past their time are looked for. */
export const RETAIN_EVERY = hours(1)

function recordsOf(records: AuditOptions['records']): (event: SojournEvent) => boolean {
  if (records === undefined) return ({ type }) => catalogue[type]?.isAudited === true
  if (typeof records === 'function') return records
  const isList = Array.isArray(records) && records.every((type) => Object.hasOwn(catalogue, type))
  if (!isList) throw invalid('records', 'a function of the event, or types of events as in docs/guide/events.md')
  const types = new Set<EventType>(records)
  return ({ type }) => types.has(type)
}

function isPublicKey(text: unknown): boolean {
  try {
    return typeof text === 'string' && /^[A-Za-z0-9_-]{43}$/.test(text) && keyOf(text) !== undefined
  } catch {
    return false
  }
}

function within(option: string, given: unknown, fallback: number, least: number, most: number, unit: string): number {
  if (given === undefined) return fallback
  if (Number.isSafeInteger(given) && Number(given) >= least && Number(given) <= most) return Number(given)
  throw invalid(option, `a whole number of ${unit} from ${least} to ${most}`)
}

const invalid = (what: string, expected: string) =>
  new ConfigError(`auditLog: ${what} is not valid; expected ${expected}. See docs/guide/audit.md.`, {
    code: 'ERR_CONFIG_INVALID',
  })
