/**
 * Searching all sessions, for an operator: by person, device, network, state and time. What a row says of itself is shown as far as it can be
 * read; no token and no data is.
 */
import { equalInConstantTime, Hmac } from './crypto.ts'
import { ConfigError } from './errors.ts'
import { labelOf } from './labels.ts'
import { type SessionSummary, summaryOf } from './listing.ts'
import { keepUntil, type Service } from './service.ts'
import { isSubject } from './starting.ts'
import type { FoundRecord, RecordCount, RecordFilter } from './store.ts'
import { isSessionId } from './token.ts'

/** Which sessions to find: those for which all that is given holds. */
export interface SessionFilter {
  /** Public id of one session. */
  readonly id?: string | undefined
  /** Exactly this subject. */
  readonly subject?: string | undefined
  /** Subjects that begin so; every character means itself. At most 1,024 bytes. */
  readonly subjectPrefix?: string | undefined
  /** Exactly this display name, such as `Firefox on Linux`. Names are told apart by their first 100 bytes. */
  readonly device?: string | undefined
  /** Exactly this network, such as `203.0.113.0/24`. Sessions that were revoked have none any more. */
  readonly network?: string | undefined
  /** `live`, `expired` (and not removed yet), `revoked` (until their absolute deadline), or `all`, the default. */
  readonly state?: 'live' | 'expired' | 'revoked' | 'all' | undefined
  /** Started at this instant or later, in epoch milliseconds. */
  readonly startedAfter?: number | undefined
  /** Started before this instant. */
  readonly startedBefore?: number | undefined
  /** By when they started. Default `newest` first. */
  readonly order?: 'newest' | 'oldest' | undefined
}

/**
 * A session that was found. `live` and `expired` ones are judged by the policy in force; a tombstone holds no more than `revoked` says; an
 * `unreadable` one was damaged, edited, or made with a key that has left the ring, and nothing in it is believed.
 */
export type FoundSession =
  | (SessionSummary & { readonly state: 'live' | 'expired' })
  | {
      readonly state: 'revoked'
      readonly id: string
      readonly subject: string | undefined
      readonly startedAt: number
      readonly absoluteDeadline: number
      readonly device: string | undefined
      readonly revokedAt: number
      readonly revokeReason: string
    }
  | { readonly state: 'unreadable'; readonly id: string; readonly subject: string | undefined; readonly startedAt: number }

/** A page of sessions. */
export interface FoundSessions {
  readonly sessions: readonly FoundSession[]
  /** Give it as `cursor` for the next page; `undefined` when this was the last. A page may be short, or empty, and have one. */
  readonly next: string | undefined
}

/** Why, by whom, and how many sessions are ended at most. */
export interface RevokeMatchingOptions {
  readonly reason: string
  readonly actor: string | undefined
  readonly most: number
}

/** What `revokeMatching` did. */
export interface RevokedMatching {
  /** How many sessions this call ended. */
  readonly count: number
  /** Whether none is left that matched when the call began. `false`: there may be more than `most`; call again. */
  readonly isComplete: boolean
}

const FIELDS = ['id', 'subject', 'subjectPrefix', 'device', 'network', 'state', 'startedAfter', 'startedBefore', 'order'] as const
const STATES = ['live', 'expired', 'revoked', 'all']
const MOST_ROWS = 500
const MOST_COUNTED = 1_000_000
const MOST_REVOKED = 100_000
/** Sessions ended side by side: the longest that requests of others wait for in an engine of this process. */
const BATCH = 16
const MAC_BYTES = 16

/** One page of sessions. @throws {ConfigError} `ERR_ARGUMENT_INVALID` @throws {StoreError} `ERR_STORE_UNSUPPORTED` */
export async function querySessions(
  service: Service,
  filter: SessionFilter,
  { cursor, limit = 50 }: { readonly cursor?: string | undefined; readonly limit?: number },
): Promise<FoundSessions> {
  const wanted = checkFilter(filter)
  checkNumber('limit', limit, MOST_ROWS)
  const order = filter.order ?? 'newest'
  const context = JSON.stringify([order, ...FIELDS.map((field) => filter[field] ?? null)])
  const from = cursor === undefined ? undefined : openCursor(service, cursor, context)
  const found = await service.calls.query(wanted, { now: service.config.clock(), order, limit, cursor: from })
  return {
    sessions: found.rows.map((row) => toSession(service, row)),
    next: found.next === undefined ? undefined : sealCursor(service, found.next, context),
  }
}

/** How many sessions match. @throws as `querySessions` */
export async function countSessions(service: Service, filter: SessionFilter, most: number): Promise<RecordCount> {
  const wanted = checkFilter(filter)
  checkNumber('most', most, MOST_COUNTED)
  return service.calls.count(wanted, { now: service.config.clock(), most })
}

/**
 * Ends the live sessions that match, newest first. Each ends in one step of its own; what starts meanwhile may be missed.
 *
 * @throws as `querySessions`, and `ERR_ARGUMENT_INVALID` for a criterion that is there and `undefined`: it would end everybody's.
 */
export async function revokeMatchingSessions(
  service: Service,
  filter: SessionFilter,
  { reason, actor, most }: RevokeMatchingOptions,
): Promise<RevokedMatching> {
  const wanted = checkFilter(filter)
  const missing = Object.entries(filter).find(([, value]) => value === undefined)
  if (missing !== undefined) throw misuse(`filter.${missing[0]} is there and undefined, which would end more than is meant`)
  if (filter.state !== undefined && filter.state !== 'live') throw misuse("filter.state is not 'live'; others are over already")
  checkNumber('most', most, MOST_REVOKED)
  const { calls, config, events } = service
  let count = 0
  let cursor: string | undefined
  do {
    const limit = Math.min(100, most - count)
    if (limit === 0) return { count, isComplete: false }
    const now = config.clock()
    const page = await calls.query({ ...wanted, state: 'live' }, { now, order: 'newest', limit, cursor })
    for (let from = 0; from < page.rows.length; from += BATCH) {
      const batch = page.rows.slice(from, from + BATCH).flatMap((row) => (row.kind === 'record' ? [row.record] : []))
      const ended = await Promise.all(
        batch.map(async ({ id, subject }) => {
          const isEnded = await calls.revoke(id, { reason, now, keepUntil: keepUntil(service, now) })
          if (isEnded) events.emit({ type: 'session.revoked', sessionId: id, subject, reason, actor })
          return isEnded
        }),
      )
      count += ended.filter(Boolean).length
      await nextTurn()
    }
    cursor = page.next
  } while (cursor !== undefined)
  return { count, isComplete: true }
}

function toSession(service: Service, found: FoundRecord): FoundSession {
  if (found.kind === 'tombstone') {
    const { id, subject, absoluteDeadline, revokedAt, reason: revokeReason } = found.tombstone
    const { startedAt, device } = found
    return { state: 'revoked', id, subject, startedAt, absoluteDeadline, device, revokedAt, revokeReason }
  }
  const { record } = found
  const read = summaryOf(service, record)
  if (read !== undefined) return { ...read.summary, state: read.isExpired ? 'expired' : 'live' }
  return { state: 'unreadable', id: record.id, subject: record.subject, startedAt: record.startedAt }
}

/** What a store is asked for: checked, and labels as they are kept. */
function checkFilter(filter: SessionFilter): RecordFilter {
  if (typeof filter !== 'object' || filter === null) throw misuse(`filter is a value of type ${typeof filter}`)
  const unknown = Object.keys(filter).find((name) => !(FIELDS as readonly string[]).includes(name))
  // A criterion that is misspelt would find everybody's sessions.
  if (unknown !== undefined) throw misuse(`filter has a criterion that there is none of; there are ${FIELDS.join(', ')}`)
  const { id, subject, subjectPrefix, device, network, state, startedAfter, startedBefore, order } = filter
  if (id !== undefined && !isSessionId(id)) throw misuse('filter.id is no session id')
  if (subject !== undefined && !isSubject(subject)) throw misuse('filter.subject is no subject')
  if (subjectPrefix !== undefined && !isSubject(subjectPrefix)) throw misuse('filter.subjectPrefix is not how a subject begins')
  for (const [name, label] of Object.entries({ device, network })) {
    if (label !== undefined && (typeof label !== 'string' || label === '' || label.length > 1024))
      throw misuse(`filter.${name} is no name of one`)
  }
  if (state !== undefined && !STATES.includes(state)) throw misuse(`filter.state is none of ${STATES.join(', ')}`)
  if (order !== undefined && order !== 'newest' && order !== 'oldest') throw misuse('filter.order is neither newest nor oldest')
  for (const [name, instant] of Object.entries({ startedAfter, startedBefore })) {
    if (instant !== undefined && !Number.isSafeInteger(instant)) throw misuse(`filter.${name} is no instant in milliseconds`)
  }
  return {
    ...{ id, subject, subjectPrefix, state, startedAfter, startedBefore },
    device: device === undefined ? undefined : labelOf(device),
    network: network === undefined ? undefined : labelOf(network),
  }
}

function checkNumber(name: string, value: unknown, most: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= most) return
  throw misuse(`${name} is not a whole number from 1 to ${most.toLocaleString('en')}`)
}

/** A store believes its cursors, and this one has been in somebody's address bar: MAC 16 || the store's own. */
function sealCursor({ config }: Service, cursor: string, context: string): string {
  const mac = new Hmac(config.keyring.newest.derive('query-cursor')).digest(Buffer.from(context), Buffer.from(cursor))
  return Buffer.concat([mac.subarray(0, MAC_BYTES), Buffer.from(cursor)]).toString('base64url')
}

function openCursor({ config }: Service, sealed: unknown, context: string): string {
  const bytes = typeof sealed === 'string' && sealed.length <= 512 ? Buffer.from(sealed, 'base64url') : Buffer.alloc(0)
  const [given, cursor] = [bytes.subarray(0, MAC_BYTES), bytes.subarray(MAC_BYTES)]
  const isOurs = config.keyring.all.some((key) => {
    const mac = new Hmac(key.derive('query-cursor')).digest(Buffer.from(context), cursor)
    return given.length === MAC_BYTES && equalInConstantTime(mac.subarray(0, MAC_BYTES), given)
  })
  if (!isOurs) throw misuse('the cursor is none of a page of this filter')
  return cursor.toString()
}

/** Requests of others go first. */
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Status 400: most of it comes from an address bar. */
const misuse = (problem: string) =>
  new ConfigError(`sessions: ${problem}. See docs/guide/sessions.md.`, { code: 'ERR_ARGUMENT_INVALID', status: 400 })
