/**
 * Searching a million rows without holding up a request: rows are walked along an index in the order they started, a few at a time, and the
 * event loop has its turn in between. What is few is gathered instead and put in order: the sessions of one person, say.
 *
 * The index is named in each statement: without statistics SQLite guesses, and a wrong guess takes a second.
 */
import type { CountOptions, FoundRecord, FoundRecords, QueryOptions, RecordCount, RecordFilter } from '../../core/store.ts'
import { throwIfAborted } from '../internal/abort.ts'
import {
  cursorOf,
  MOST_EXAMINED,
  MOST_GATHERED,
  MOST_GATHERED_TO_COUNT,
  mostExamined,
  type Place,
  startOf,
} from '../internal/query.ts'
import { type Engine, nextTurn } from './engine.ts'
import { fromNullableColumn, toColumn } from './text.ts'

type Value = string | number | Uint8Array
/** A condition and the values of its question marks. */
type Clause = readonly [sql: string, ...values: Value[]]
type Order = QueryOptions['order']

/** Rows looked at in one go: a few milliseconds. */
const SLICE = 1000

const COLUMNS = `id, version, subject, epoch, started_at AS startedAt, deadline, absolute_deadline AS absoluteDeadline, body,
  revoked_at AS revokedAt, reason, device`

interface FoundRow {
  readonly id: string
  readonly version: number
  readonly subject: string | Uint8Array | null
  readonly epoch: number
  readonly startedAt: number
  readonly deadline: number
  readonly absoluteDeadline: number
  readonly body: Uint8Array | null
  readonly revokedAt: number | null
  readonly reason: string | null
  readonly device: string | Uint8Array | null
}

/** How rows are come by. */
interface Way {
  readonly source: string
  /** What the index finds by. */
  readonly along: readonly Clause[]
  /** All that must hold. */
  readonly where: readonly Clause[]
  /** Whether the rows are few, and not in order. */
  readonly isGathered: boolean
}

export class Search {
  readonly #engine: Engine

  constructor(engine: Engine) {
    this.#engine = engine
  }

  async query(filter: RecordFilter, options: QueryOptions): Promise<FoundRecords> {
    const { order, limit, now, signal } = options
    let place = startOf(options)
    throwIfAborted(signal)
    const way = await this.#wayTo(filter, now, signal)
    const rows: FoundRow[] = []
    for (let examined = 0; examined < MOST_EXAMINED; examined += SLICE) {
      const end = await this.#endOfSlice(way, order, place, signal)
      rows.push(...(await this.#rowsOf(way, order, between(order, place, end), limit + 1 - rows.length, signal)))
      if (rows.length > limit) return { rows: rows.slice(0, limit).map(toFoundRecord), next: cursorOf(order, rows[limit - 1]!) }
      if (end === undefined) return { rows: rows.map(toFoundRecord), next: undefined }
      place = { startedAt: end, id: undefined }
      await nextTurn()
      throwIfAborted(signal)
    }
    return { rows: rows.map(toFoundRecord), next: cursorOf(order, place!) }
  }

  async count(filter: RecordFilter, options: CountOptions): Promise<RecordCount> {
    const { now, most, signal } = options
    const mayExamine = mostExamined(options)
    throwIfAborted(signal)
    const way = await this.#wayTo(filter, now, signal)
    const whose = whoseOf(filter)
    if (whose && !way.isGathered) return this.#countGathered(whose, way, options)
    let count = 0
    let place: Place | undefined
    for (let examined = 0; examined < mayExamine; examined += SLICE) {
      const end = await this.#endOfSlice(way, 'newest', place, signal)
      count += await this.#countOf(way, between('newest', place, end), most + 1 - count, signal)
      if (count > most) return { count: most, isAtLeast: true }
      if (end === undefined) return { count, isAtLeast: false }
      place = { startedAt: end, id: undefined }
      await nextTurn()
      throwIfAborted(signal)
    }
    return { count, isAtLeast: true }
  }

  /** Who counts needs no order: the rows of those who have many are looked at where they are together. */
  async #countGathered([sql, ...values]: Clause, way: Way, { most, signal }: CountOptions): Promise<RecordCount> {
    const [condition, conditionValues] = joined(way.where)
    const text = `SELECT count(*) AS examined, coalesce(sum(${condition}), 0) AS count FROM
      (SELECT * FROM ${indexed('sessions_subject')} WHERE ${sql} LIMIT ${MOST_GATHERED_TO_COUNT})`
    const { examined, count } = await this.#first(text, [...conditionValues, ...values], signal)
    return { count: Math.min(count!, most), isAtLeast: count! > most || examined === MOST_GATHERED_TO_COUNT }
  }

  async #wayTo(filter: RecordFilter, now: number, signal: AbortSignal | undefined): Promise<Way> {
    const { id, device, network, state } = filter
    const where = clausesOf(filter, now)
    const times = timesOf(filter)
    if (id !== undefined) return { source: 'sessions', along: [['id = ?', id]], where, isGathered: true }
    const whose = whoseOf(filter)
    if (whose && (await this.#areFew('sessions_subject', whose, signal)))
      return { source: indexed('sessions_subject'), along: [whose], where, isGathered: true }
    const walk = (index: string, ...along: Clause[]): Way => ({
      source: indexed(index),
      along: [...along, ...times],
      where,
      isGathered: false,
    })
    const byDevice: Clause | undefined = device === undefined ? undefined : ['device = ?', toColumn(device)]
    if (network !== undefined) {
      const byNetwork: Clause = ['network = ?', toColumn(network)]
      const isDeviceRarer =
        byDevice !== undefined &&
        !(await this.#areFew('sessions_network', byNetwork, signal)) &&
        (await this.#areFew('sessions_device', byDevice, signal))
      return isDeviceRarer ? walk('sessions_device', byDevice) : walk('sessions_network', byNetwork)
    }
    if (byDevice !== undefined) return walk('sessions_device', byDevice)
    return state === 'revoked' ? walk('sessions_ended', ['revoked_at IS NOT NULL']) : walk('sessions_started')
  }

  async #areFew(index: string, [sql, ...values]: Clause, signal: AbortSignal | undefined): Promise<boolean> {
    const text = `SELECT count(*) AS count FROM (SELECT 1 FROM ${indexed(index)} WHERE ${sql} LIMIT ${MOST_GATHERED + 1})`
    return (await this.#first(text, values, signal)).count! <= MOST_GATHERED
  }

  /** The instant that ends a slice, all of its rows included; `undefined` where the rest is no more than one. */
  async #endOfSlice(way: Way, order: Order, place: Place | undefined, signal?: AbortSignal): Promise<number | undefined> {
    if (way.isGathered) return undefined
    const [sql, values] = joined([...way.along, ...between(order, place, undefined)])
    const text = `SELECT started_at AS startedAt FROM ${way.source} WHERE ${sql}
      ORDER BY started_at ${direction(order)} LIMIT 1 OFFSET ${SLICE - 1}`
    return (await this.#first(text, values, signal)).startedAt
  }

  async #rowsOf(way: Way, order: Order, range: readonly Clause[], limit: number, signal?: AbortSignal): Promise<FoundRow[]> {
    const [sql, values] = joined([...way.along, ...way.where, ...range])
    const sorted = `ORDER BY started_at ${direction(order)}, id ${direction(order)}`
    // Which rows first, what is in them afterwards: bodies are not carried through a sort.
    const text = `SELECT ${COLUMNS} FROM sessions WHERE rowid IN
      (SELECT rowid FROM ${way.source} WHERE ${sql} ${sorted} LIMIT ?) ${sorted}`
    return (await this.#all(text, [...values, limit], signal)) as FoundRow[]
  }

  async #countOf(way: Way, range: readonly Clause[], limit: number, signal?: AbortSignal): Promise<number> {
    const [sql, values] = joined([...way.along, ...way.where, ...range])
    const text = `SELECT count(*) AS count FROM (SELECT 1 FROM ${way.source} WHERE ${sql} LIMIT ?)`
    return (await this.#first(text, [...values, limit], signal)).count!
  }

  async #first(text: string, values: readonly Value[], signal?: AbortSignal): Promise<Partial<Record<string, number>>> {
    const [row] = await this.#all(text, values, signal)
    return (row ?? {}) as Partial<Record<string, number>>
  }

  #all(text: string, values: readonly Value[], signal?: AbortSignal): Promise<unknown[]> {
    return this.#engine.read(() => this.#engine.database.prepare(text).all(...values), signal)
  }
}

function clausesOf(filter: RecordFilter, now: number): Clause[] {
  const { id, subject, subjectPrefix, device, network, state } = filter
  const clauses = timesOf(filter)
  if (id !== undefined) clauses.push(['id = ?', id])
  if (subject !== undefined) clauses.push(['subject = ?', toColumn(subject)])
  if (subjectPrefix !== undefined) clauses.push(prefixClause(subjectPrefix))
  if (device !== undefined) clauses.push(['device = ?', toColumn(device)])
  if (network !== undefined) clauses.push(['network = ?', toColumn(network)])
  if (state === 'live') clauses.push(['revoked_at IS NULL AND deadline > ?', now])
  if (state === 'expired') clauses.push(['revoked_at IS NULL AND deadline <= ?', now])
  if (state === 'revoked') clauses.push(['revoked_at IS NOT NULL'])
  return clauses
}

function whoseOf({ subject, subjectPrefix }: RecordFilter): Clause | undefined {
  if (subject !== undefined) return ['subject = ?', toColumn(subject)]
  return subjectPrefix === undefined ? undefined : prefixClause(subjectPrefix)
}

function timesOf({ startedAfter, startedBefore }: RecordFilter): Clause[] {
  const clauses: Clause[] = []
  if (startedAfter !== undefined) clauses.push(['started_at >= ?', startedAfter])
  if (startedBefore !== undefined) clauses.push(['started_at < ?', startedBefore])
  return clauses
}

/**
 * Text that begins with the prefix is between it and the text after all of that: SQLite compares UTF-8 byte by byte, which is the order of code
 * points. Subjects with NUL are BLOBs (`text.ts`), which are compared with BLOBs.
 */
function prefixClause(prefix: string): Clause {
  if (prefix === '') return ['subject IS NOT NULL']
  const bytes = Buffer.from(prefix)
  const after = endOfPrefix(prefix)
  const ofBytes: Clause =
    after === undefined ? ['subject >= ?', bytes] : ['(subject >= ? AND subject < ?)', bytes, Buffer.from(after)]
  if (prefix.includes('\0')) return ofBytes
  // Every BLOB is greater than every text.
  const ofText: Clause =
    after === undefined ? ["(subject >= ? AND subject < x'')", prefix] : ['(subject >= ? AND subject < ?)', prefix, after]
  return [`(${ofText[0]} OR ${ofBytes[0]})`, ...(ofText.slice(1) as Value[]), ...(ofBytes.slice(1) as Value[])]
}

/** The least text greater than all that begin with the prefix; `undefined` when there is none. */
function endOfPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0)!)
  while (points.at(-1) === 0x10ffff) points.pop()
  const last = points.pop()
  if (last === undefined) return undefined
  // Halves of surrogate pairs are no characters.
  return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1)
}

/** Rows after the place, up to the end of the slice. */
function between(order: Order, place: Place | undefined, end: number | undefined): Clause[] {
  const [behind, upTo] = order === 'newest' ? ['<', '>='] : ['>', '<=']
  const clauses: Clause[] = []
  if (place !== undefined && place.id === undefined) clauses.push([`started_at ${behind} ?`, place.startedAt])
  // The first part is for the index, which has no ids.
  if (place?.id !== undefined)
    clauses.push([
      `started_at ${behind}= ? AND (started_at ${behind} ? OR id ${behind} ?)`,
      place.startedAt,
      place.startedAt,
      place.id,
    ])
  if (end !== undefined) clauses.push([`started_at ${upTo} ?`, end])
  return clauses
}

function joined(clauses: readonly Clause[]): [sql: string, values: Value[]] {
  if (clauses.length === 0) return ['TRUE', []]
  return [clauses.map(([sql]) => sql).join(' AND '), clauses.flatMap(([, ...values]) => values)]
}

const indexed = (index: string) => `sessions INDEXED BY ${index}`

const direction = (order: Order) => (order === 'newest' ? 'DESC' : 'ASC')

function toFoundRecord(row: FoundRow): FoundRecord {
  const { id, version, epoch, startedAt, deadline, absoluteDeadline, body, revokedAt, reason } = row
  const subject = fromNullableColumn(row.subject)
  if (revokedAt !== null) {
    const tombstone = { id, subject, revokedAt, reason: reason ?? '', absoluteDeadline }
    return { kind: 'tombstone', tombstone, startedAt, device: fromNullableColumn(row.device) }
  }
  const record = { id, version, subject, epoch, startedAt, deadline, absoluteDeadline, body: body ?? new Uint8Array(0) }
  return { kind: 'record', record }
}
