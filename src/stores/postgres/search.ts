/**
 * Searching a million rows in bounded time: rows are walked along an index in the order they started, so many at most for one page. What is
 * few is gathered instead and put in order: the sessions of one person, say.
 *
 * The statements have no names: PostgreSQL then plans them knowing what is asked for. A condition that it shall not go by is written so that
 * it cannot (`|| ''`), since a guess that is wrong reads the whole table.
 */
import type { CountOptions, FoundRecord, FoundRecords, QueryOptions, RecordCount, RecordFilter } from '../../core/store.ts'
import { throwIfAborted } from '../internal/abort.ts'
import { cursorOf, MOST_EXAMINED, MOST_GATHERED, mostExamined, type Place, startOf } from '../internal/query.ts'
import { idFromColumn, idParameter, instantParameter, textParameter } from './columns.ts'
import type { Engine } from './engine.ts'
import { outcomeOf } from './read-row.ts'
import { isCurrent, ROW } from './statements.ts'

type Order = QueryOptions['order']
/** Makes conditions; what they compare with goes to the values of their statement. */
type Condition = (values: Values) => string

/** How rows are come by. */
interface Way {
  /** What an index finds by, and is in the order of `started_at, id`. */
  readonly along: readonly Condition[]
  /** Whose rows are few: they are gathered by it, and not in order. */
  readonly gathered: Condition | undefined
}

class Values {
  readonly list: unknown[] = []

  /** Its place in the statement. */
  add(value: unknown): string {
    return `$${this.list.push(value)}`
  }
}

type FoundCells = [end: string | null, id: string | null, row: string, startedAt: number, device: string | null]

export class Search {
  readonly #engine: Engine

  constructor(engine: Engine) {
    this.#engine = engine
  }

  async query(filter: RecordFilter, options: QueryOptions): Promise<FoundRecords> {
    const { order, limit, now, signal } = options
    const place = startOf(options)
    throwIfAborted(signal)
    const way = await this.#wayTo(filter, signal)
    const values = new Values()
    const sorted = `ORDER BY started_at ${direction(order)}, id ${direction(order)}`
    const { ends, page } = this.#slice(way, filter, { now, order, place, most: MOST_EXAMINED }, values)
    const text = `${ends}, page AS (${page} ${sorted} LIMIT ${values.add(limit + 1)})
      SELECT (SELECT at FROM ends), s.id, ${ROW}, s.started_at, encode(s.device, 'hex')
      FROM (SELECT) AS one LEFT JOIN (
        page JOIN ${this.#engine.names.sessions} AS s USING (id, started_at)
        LEFT JOIN ${this.#engine.names.subjects} AS e ON e.subject = s.subject
      ) ON TRUE ORDER BY s.started_at ${direction(order)}, s.id ${direction(order)}`
    const cells = (await this.#engine.run({ text }, values.list, signal)) as unknown as FoundCells[]
    const end = cells[0]?.[0] ?? undefined
    const rows = cells.flatMap(([, id, ...rest]) => (id === null ? [] : [toFoundRecord(idFromColumn(id), rest)]))
    if (rows.length <= limit)
      return { rows, next: end === undefined ? undefined : cursorOf(order, { startedAt: Number(end), id: undefined }) }
    const [, id, , startedAt] = cells[limit - 1]!
    return { rows: rows.slice(0, limit), next: cursorOf(order, { startedAt, id: idFromColumn(id!) }) }
  }

  async count(filter: RecordFilter, options: CountOptions): Promise<RecordCount> {
    const { now, most, signal } = options
    const mayExamine = mostExamined(options)
    throwIfAborted(signal)
    const way = await this.#wayTo(filter, signal)
    const values = new Values()
    const { ends, page } = this.#slice(way, filter, { now, order: 'newest', place: undefined, most: mayExamine }, values)
    const text = `${ends} SELECT (SELECT at FROM ends), (SELECT count(*) FROM (${page} LIMIT ${values.add(most + 1)}) AS page)`
    const [row] = await this.#engine.run({ text }, values.list, signal)
    const [end, count] = row as [string | null, number]
    return { count: Math.min(count, most), isAtLeast: count > most || end !== null }
  }

  async #wayTo({ id, subject, subjectPrefix, device, network, state }: RecordFilter, signal?: AbortSignal): Promise<Way> {
    if (id !== undefined) return { along: [idCondition(id)], gathered: undefined }
    const whose =
      subject !== undefined
        ? equals('subject', textParameter(subject))
        : subjectPrefix !== undefined
          ? beginsWith('subject', subjectPrefix)
          : undefined
    if (whose !== undefined && (await this.#areFew(whose, signal))) return { along: [], gathered: whose }
    if (network !== undefined) return { along: [equals('network', textParameter(network))], gathered: undefined }
    if (device !== undefined) return { along: [equals('device', textParameter(device))], gathered: undefined }
    return { along: state === 'revoked' ? [() => 'revoked_at IS NOT NULL'] : [], gathered: undefined }
  }

  async #areFew(whose: Condition, signal: AbortSignal | undefined): Promise<boolean> {
    const values = new Values()
    const condition = whose(values)
    const some = (state: string) =>
      `(SELECT count(*) FROM (SELECT FROM ${this.#engine.names.sessions} WHERE subject IS NOT NULL AND ${condition} AND ${state} LIMIT ${MOST_GATHERED + 1}) AS whose)`
    const text = `SELECT ${some('revoked_at IS NULL')} + ${some('revoked_at IS NOT NULL')}`
    const [row] = await this.#engine.run({ text }, values.list, signal)
    return (row as [number])[0] <= MOST_GATHERED
  }

  /**
   * `ends`, the instant that ends what may be looked at, all of its rows included, and NULL where that is no less than there is; and `page`,
   * the ids of what matches up to there. One statement, so that no row slips through between the two.
   */
  #slice(way: Way, filter: RecordFilter, { now, order, place, most }: Slice, values: Values): { ends: string; page: string } {
    const { sessions, subjects } = this.#engine.names
    const where = [...conditionsOf(filter, now), ...(place ? [behind(order, place)] : [])].map((one) => one(values))
    where.push(`(s.revoked_at IS NOT NULL OR ${isCurrent('s', subjects)})`)
    if (way.gathered !== undefined) {
      const condition = way.gathered(values)
      const some = (state: string) =>
        `SELECT id, started_at, deadline, revoked_at, epoch, subject, device, network FROM ${sessions}
         WHERE subject IS NOT NULL AND ${condition} AND ${state}`
      const rows = `(${some('revoked_at IS NULL')} UNION ALL ${some('revoked_at IS NOT NULL')})`
      return {
        ends: 'WITH ends AS (SELECT NULL::bigint AS at)',
        page: `SELECT id, started_at FROM ${rows} AS s WHERE ${where.join(' AND ')}`,
      }
    }
    const along = [...way.along, ...timesOf(filter), ...(place ? [behind(order, place)] : [])].map((one) => one(values))
    const dir = direction(order)
    const [upTo, unbounded] = order === 'newest' ? ['>=', '-9223372036854775808'] : ['<=', '9223372036854775807']
    return {
      ends: `WITH ends AS (
        SELECT started_at AS at FROM ${sessions} WHERE ${along.join(' AND ') || 'TRUE'} ORDER BY started_at ${dir}, id ${dir}
        OFFSET ${values.add(most - 1)} LIMIT 1
      )`,
      page: `SELECT id, started_at FROM ${sessions} AS s WHERE ${[...along, ...where].join(' AND ')}
        AND started_at ${upTo} coalesce((SELECT at FROM ends), '${unbounded}'::bigint)`,
    }
  }
}

interface Slice {
  readonly now: number
  readonly order: Order
  readonly place: Place | undefined
  readonly most: number
}

const equals =
  (column: string, value: unknown): Condition =>
  (values) =>
    `${column} = ${values.add(value)}`

/** What cannot be an id is none: no row has it. */
function idCondition(id: string): Condition {
  const parameter = idParameter(id)
  return parameter === undefined ? () => 'FALSE' : (values) => `id = ${values.add(parameter)}`
}

/** Bytes that begin with the prefix are between it and the next that do not; UTF-8 has no byte FF. */
function beginsWith(column: string, prefix: string): Condition {
  const from = textParameter(prefix)
  if (from.length === 0) return () => `${column} IS NOT NULL`
  const end = Buffer.from(from)
  end[end.length - 1]! += 1
  return (values) => `(${column} >= ${values.add(from)} AND ${column} < ${values.add(end)})`
}

/** All that must hold of a row `s`, by no index. */
function conditionsOf(filter: RecordFilter, now: number): Condition[] {
  const { id, subject, subjectPrefix, device, network, state } = filter
  const conditions = timesOf(filter)
  if (id !== undefined) conditions.push(idCondition(id))
  if (subject !== undefined) conditions.push(equals("(s.subject || '')", textParameter(subject)))
  if (subjectPrefix !== undefined) conditions.push(beginsWith("(s.subject || '')", subjectPrefix))
  if (device !== undefined) conditions.push(equals("(s.device || '')", textParameter(device)))
  if (network !== undefined) conditions.push(equals("(s.network || '')", textParameter(network)))
  const deadline = instantParameter(now)
  if (state === 'live') conditions.push((values) => `s.revoked_at IS NULL AND s.deadline > ${values.add(deadline)}`)
  if (state === 'expired') conditions.push((values) => `s.revoked_at IS NULL AND s.deadline <= ${values.add(deadline)}`)
  if (state === 'revoked') conditions.push(() => 's.revoked_at IS NOT NULL')
  return conditions
}

function timesOf({ startedAfter, startedBefore }: RecordFilter): Condition[] {
  const conditions: Condition[] = []
  // A row's instants are whole milliseconds: what is at least this is at least the next of them.
  if (startedAfter !== undefined) conditions.push((values) => `started_at >= ${values.add(Math.ceil(startedAfter))}`)
  if (startedBefore !== undefined) conditions.push((values) => `started_at < ${values.add(Math.ceil(startedBefore))}`)
  return conditions
}

function behind(order: Order, { startedAt, id }: Place): Condition {
  const sign = order === 'newest' ? '<' : '>'
  const parameter = id === undefined ? undefined : idParameter(id)
  if (parameter === undefined) return (values) => `started_at ${sign} ${values.add(instantParameter(startedAt))}`
  return (values) => `(started_at, id) ${sign} (${values.add(instantParameter(startedAt))}, ${values.add(parameter)})`
}

const direction = (order: Order) => (order === 'newest' ? 'DESC' : 'ASC')

function toFoundRecord(
  id: string,
  [row, startedAt, device]: [row: string, startedAt: number, device: string | null],
): FoundRecord {
  const found = outcomeOf(id, row)
  if (found.kind === 'record') return { kind: 'record', record: found.record }
  const name = device === null ? undefined : Buffer.from(device, 'hex').toString('utf8')
  return { kind: 'tombstone', tombstone: found.tombstone, startedAt, device: name }
}
