/** Searches of the log, page by page, both ways. */
import { ConfigError } from '../../core/errors.ts'
import type { AuditFilter, AuditPlace, AuditStore } from './audit-store.ts'
import { type AuditEntry, keyOfName, toEntry } from './entry.ts'

/** What to look for; all of it must hold. */
export interface AuditQuery {
  readonly sessionId?: string | undefined
  readonly subject?: string | undefined
  readonly actor?: string | undefined
  /** Any of these types of events or actions; at most 100. */
  readonly types?: readonly string[] | undefined
  /** What happened from this instant on, in epoch milliseconds, and before that one. */
  readonly from?: number | undefined
  readonly until?: number | undefined
  /** Entries of a page, 1 to 500. Default 50. */
  readonly limit?: number | undefined
  /** The page beyond a cursor of another page, of the same query: what is older, or what is newer. Without either, the latest. */
  readonly older?: string | undefined
  readonly newer?: string | undefined
}

/** A page, the latest entry first. */
export interface AuditPage {
  readonly entries: readonly AuditEntry[]
  /** Cursors of the pages before and after it; `undefined` where there is none. They are no secret. */
  readonly older: string | undefined
  readonly newer: string | undefined
}

const MOST_TYPES = 100
const MOST_ENTRIES = 500

export async function searchLog(store: Pick<AuditStore, 'search'>, query: AuditQuery): Promise<AuditPage> {
  const { limit = 50 } = query
  const filter = filterOf(query)
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > MOST_ENTRIES)
    throw misuse(`limit is no whole number from 1 to ${MOST_ENTRIES}`)
  const [older, newer] = [placeOf('older', query.older), placeOf('newer', query.newer)]
  if (older !== undefined && newer !== undefined) throw misuse('older and newer are both given; expected one of them')
  const found = await store.search(filter, { older, newer, limit: limit + 1 })
  const hasMore = found.length > limit
  const page = found.slice(0, limit)
  if (newer !== undefined) page.reverse()
  const entries = page.map(toEntry)
  const [first, last] = [page[0], page.at(-1)]
  const isMoreOlder = newer === undefined ? hasMore : true
  const isMoreNewer = newer === undefined ? older !== undefined : hasMore
  return {
    entries,
    older: last !== undefined && isMoreOlder ? cursorOf(last) : undefined,
    newer: first !== undefined && isMoreNewer ? cursorOf(first) : undefined,
  }
}

function filterOf({ sessionId, subject, actor, types, from, until }: AuditQuery): AuditFilter {
  for (const [name, text] of Object.entries({ sessionId, subject, actor })) {
    if (text !== undefined && typeof text !== 'string') throw misuse(`${name} is no string`)
  }
  for (const [name, at] of Object.entries({ from, until })) {
    if (at !== undefined && !Number.isFinite(at)) throw misuse(`${name} is no instant in epoch milliseconds`)
  }
  const areTypes =
    types === undefined || (Array.isArray(types) && types.length <= MOST_TYPES && types.every((type) => typeof type === 'string'))
  if (!areTypes) throw misuse(`types is no array of at most ${MOST_TYPES} strings`)
  return {
    sessionId,
    subjectKey: subject === undefined ? undefined : keyOfName(subject),
    actorKey: actor === undefined ? undefined : keyOfName(actor),
    types: types && [...new Set(types)],
    from: from === undefined ? undefined : clamped(Math.ceil(from)),
    until: until === undefined ? undefined : clamped(Math.ceil(until)),
  }
}

const clamped = (at: number) => Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, at))

const cursorOf = ({ at, seq }: AuditPlace) => `${at}.${seq}`

/** Cursors come back in URLs: anything else is somebody's own. */
function placeOf(name: string, cursor: string | undefined): AuditPlace | undefined {
  if (cursor === undefined) return undefined
  const [, at, seq] = /^(-?\d{1,15})\.(\d{1,15})$/.exec(String(cursor)) ?? []
  if (at === undefined || seq === undefined) throw misuse(`${name} is no cursor that a page gave`)
  return { at: Number(at), seq: Number(seq) }
}

const misuse = (problem: string) =>
  new ConfigError(`audit search: ${problem}. See docs/guide/audit.md.`, { code: 'ERR_ARGUMENT_INVALID' })
