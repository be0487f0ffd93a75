/** What searching has in common in every engine: where a page begins, and what may be asked. */
import { ConfigError } from '../../core/errors.ts'
import type { CountOptions, QueryOptions } from '../../core/store.ts'

/** A place in the order of rows: right after the row of this id; without an id, after all rows of this instant. */
export interface Place {
  readonly startedAt: number
  readonly id: string | undefined
}

/** Rows that may be looked at for one answer: what is rare among a million is found over several pages. */
export const MOST_EXAMINED = 50_000
/** Rows of one subject, or of all with one prefix, that are gathered and put in order; where there are more, they are met often enough on the way. */
export const MOST_GATHERED = 2000
/** The same where they are only counted. */
export const MOST_GATHERED_TO_COUNT = 5000

const MOST_ROWS = 500
const MOST_COUNTED = 1_000_000
const CURSOR = /^([no])(-?\d{1,16}(?:\.\d{1,20})?)~([\w-]{0,64})$/

export function cursorOf(order: QueryOptions['order'], { startedAt, id = '' }: Place): string {
  return `${order === 'newest' ? 'n' : 'o'}${startedAt}~${id}`
}

/**
 * The place a page begins at, and nothing where it is the first.
 *
 * @throws {ConfigError} `ERR_ARGUMENT_INVALID` - no cursor of ours, or one of the other order; or the limit is out of range.
 */
export function startOf({ order, limit, cursor }: QueryOptions): Place | undefined {
  checkNumber('limit', limit, MOST_ROWS)
  if (cursor === undefined) return undefined
  const [, letter, startedAt, id] = (typeof cursor === 'string' && CURSOR.exec(cursor)) || []
  if (letter !== (order === 'newest' ? 'n' : 'o')) throw misuse('the cursor is none that this store gave for this order')
  return { startedAt: Number(startedAt), id: id === '' ? undefined : id }
}

/** Rows that may be looked at for a count: who counts further may wait longer. @throws {ConfigError} `ERR_ARGUMENT_INVALID` */
export function mostExamined({ most }: CountOptions): number {
  checkNumber('most', most, MOST_COUNTED)
  return Math.max(MOST_EXAMINED, 5 * most)
}

function checkNumber(name: string, value: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return
  throw misuse(`${name} is not a whole number from 1 to ${most}`)
}

const misuse = (problem: string) =>
  new ConfigError(`query: ${problem}. See docs/stores/custom.md.`, { code: 'ERR_ARGUMENT_INVALID', status: 400 })
