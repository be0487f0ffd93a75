/** Searching by looking at every row: what is in memory is little. */
import type {
  CountOptions,
  FoundRecord,
  FoundRecords,
  QueryOptions,
  ReadOutcome,
  RecordCount,
  RecordFilter,
} from '../../core/store.ts'
import { cursorOf, mostExamined, type Place, startOf } from '../internal/query.ts'

/** What a search needs to know of a row beyond what `read` answers. */
export interface Card {
  readonly startedAt: number
  readonly device: string | undefined
  readonly network: string | undefined
}

interface Found extends Card {
  readonly id: string
  readonly row: ReadOutcome
}

/** One page. Rows of one instant are in the order of their ids. */
export function queryRows(
  rows: ReadonlyMap<string, ReadOutcome>,
  cards: ReadonlyMap<string, Card>,
  filter: RecordFilter,
  options: QueryOptions,
): FoundRecords {
  const { order, limit, now } = options
  const start = startOf(options)
  const direction = order === 'newest' ? -1 : 1
  const compare = (a: Found, b: Found) => direction * (a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1))
  let best: Found[] = []
  for (const found of matching(rows, cards, filter, now)) {
    if (start !== undefined && !isBehind(found, start, direction)) continue
    best.push(found)
    // Sorted now and then, so that of a hundred thousand rows a few hundred are in order.
    if (best.length > 4 * limit + 100) best = best.sort(compare).slice(0, limit + 1)
  }
  best.sort(compare)
  const page = best.slice(0, limit)
  const last = page.at(-1)
  return { rows: page.map(toFoundRecord), next: best.length > limit ? cursorOf(order, last!) : undefined }
}

export function countRows(
  rows: ReadonlyMap<string, ReadOutcome>,
  cards: ReadonlyMap<string, Card>,
  filter: RecordFilter,
  options: CountOptions,
): RecordCount {
  mostExamined(options)
  let count = 0
  for (const _ of matching(rows, cards, filter, options.now)) {
    if (count === options.most) return { count, isAtLeast: true }
    count += 1
  }
  return { count, isAtLeast: false }
}

function* matching(
  rows: ReadonlyMap<string, ReadOutcome>,
  cards: ReadonlyMap<string, Card>,
  filter: RecordFilter,
  now: number,
): Generator<Found> {
  if (filter.id !== undefined) {
    const row = rows.get(filter.id)
    if (row !== undefined && isMatch(row, cards.get(filter.id)!, filter, now))
      yield { id: filter.id, row, ...cards.get(filter.id)! }
    return
  }
  for (const [id, row] of rows) {
    const card = cards.get(id)!
    if (isMatch(row, card, filter, now)) yield { id, row, ...card }
  }
}

function isMatch(row: ReadOutcome, card: Card, filter: RecordFilter, now: number): boolean {
  const { subject, subjectPrefix, device, network, state = 'all', startedAfter, startedBefore } = filter
  const whose = row.kind === 'record' ? row.record.subject : row.tombstone.subject
  if (subject !== undefined && whose !== subject) return false
  if (subjectPrefix !== undefined && whose?.startsWith(subjectPrefix) !== true) return false
  if (device !== undefined && card.device !== device) return false
  if (network !== undefined && card.network !== network) return false
  if (startedAfter !== undefined && card.startedAt < startedAfter) return false
  if (startedBefore !== undefined && card.startedAt >= startedBefore) return false
  if (state === 'all') return true
  const is = row.kind === 'tombstone' ? 'revoked' : row.record.deadline > now ? 'live' : 'expired'
  return is === state
}

function isBehind({ startedAt, id }: Found, start: Place, direction: number): boolean {
  if (startedAt !== start.startedAt) return direction * (startedAt - start.startedAt) > 0
  if (start.id === undefined || id === start.id) return false
  return direction * (id < start.id ? -1 : 1) > 0
}

function toFoundRecord({ row, startedAt, device }: Found): FoundRecord {
  return row.kind === 'record'
    ? { kind: 'record', record: row.record }
    : { kind: 'tombstone', tombstone: row.tombstone, startedAt, device }
}
