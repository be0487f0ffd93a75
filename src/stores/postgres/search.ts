/**
 * Searching a million rows in bounded time: rows are walked along an index in the order they started, so many at most for one page. What is
 * few is gathered instead and put in order: the sessions of one person, say.
 *
 * The statements have no names: PostgreSQL then plans them knowing what is asked for. What is left of the criteria is looked at outside of the
 * query that has the limit, where no guess of the planner's can go by it: one that is wrong reads the whole table.
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

type FoundCells = [
  endAt: number | null,
  endId: string | null,
  id: string | null,
  row: string,
  startedAt: number,
  device: string | null,
]

/** Rows that one statement looks at for a page. */
const SLICE = 10_000

export class Search {
  readonly #engine: Engine

  constructor(engine: Engine) {
    this.#engine = engine
  }

  async query(filter: RecordFilter, options: QueryOptions): Promise<FoundRecords> {
    const { order, limit, signal } = options
    let place = startOf(options)
    throwIfAborted(signal)
    const way = await this.#wayTo(filter, signal)
    const rows: FoundRecord[] = []
    for (let examined = 0; examined < MOST_EXAMINED; examined += SLICE) {
      const slice = await this.#rowsOf(way, filter, { ...options, limit: limit - rows.length }, place)
      rows.push(...slice.rows)
      place = slice.end
      if (slice.isFull || place === undefined) break
      throwIfAborted(signal)
    }
    return { rows, next: place && cursorOf(order, place) }
  }

  async count(filter: RecordFilter, options: CountOptions): Promise<RecordCount> {
    const { now, most, signal } = options
    const mayExamine = mostExamined(options)
    throwIfAborted(signal)
    const way = await this.#wayTo(filter, signal)
    const values = new Values()
    // Who counts needs no order: the rows of those who have many are looked at where they are together.
    const whose = way.gathered ?? whoseOf(filter)
    const examined =
      whose !== undefined
        ? `SELECT * FROM ${this.#rowsOfSubjects(whose, values)} AS rows LIMIT ${MOST_GATHERED_TO_COUNT}`
        : this.#walk(way, filter, 'newest', undefined, mayExamine, values)
    const beyond =
      whose !== undefined
        ? `SELECT FROM ${this.#rowsOfSubjects(whose, values)} AS rows OFFSET ${MOST_GATHERED_TO_COUNT - 1} LIMIT 1`
        : `SELECT FROM ${this.#engine.names.sessions} WHERE ${all(this.#along(way, filter, 'newest', undefined), values)} OFFSET ${values.add(mayExamine - 1)} LIMIT 1`
    const text = `WITH counted AS MATERIALIZED (
        SELECT count(*) AS count FROM (SELECT FROM (${examined}) AS s WHERE ${this.#matches(filter, now, values)} LIMIT ${values.add(most + 1)}) AS found
      )
      SELECT count, CASE WHEN count <= ${values.add(most)} THEN EXISTS (${beyond}) ELSE TRUE END FROM counted`
    const [row] = await this.#engine.run({ text }, values.list, signal)
    const [count, isAtLeast] = row as [number, boolean]
    return { count: Math.min(count, most), isAtLeast }
  }

  async #wayTo(filter: RecordFilter, signal?: AbortSignal): Promise<Way> {
    const { id, device, network, state } = filter
    const { sessions } = this.#engine.names
    if (id !== undefined) return { along: [idCondition(id)], gathered: undefined }
    const whose = whoseOf(filter)
    if (whose !== undefined && (await this.#areFew((values) => this.#rowsOfSubjects(whose, values), signal)))
      return { along: [], gathered: whose }
    const byDevice = device === undefined ? undefined : equals('device', textParameter(device))
    if (network !== undefined) {
      const byNetwork = equals('network', textParameter(network))
      const areFew = (by: Condition) => this.#areFew((values) => `(SELECT FROM ${sessions} WHERE ${by(values)})`, signal)
      const isDeviceRarer = byDevice !== undefined && !(await areFew(byNetwork)) && (await areFew(byDevice))
      return { along: [isDeviceRarer ? byDevice : byNetwork], gathered: undefined }
    }
    if (byDevice !== undefined) return { along: [byDevice], gathered: undefined }
    return { along: state === 'revoked' ? [() => 'revoked_at IS NOT NULL'] : [], gathered: undefined }
  }

  async #areFew(rowsOf: (values: Values) => string, signal: AbortSignal | undefined): Promise<boolean> {
    const values = new Values()
    const text = `SELECT count(*) FROM (SELECT FROM ${rowsOf(values)} AS rows LIMIT ${MOST_GATHERED + 1}) AS first`
    const [row] = await this.#engine.run({ text }, values.list, signal)
    return (row as [number])[0] <= MOST_GATHERED
  }

  /** One slice: what matches in it, and where it ends, unless there is nothing behind. One statement, so that no row slips through in between. */
  async #rowsOf(way: Way, filter: RecordFilter, options: QueryOptions, place: Place | undefined) {
    const { order, limit, now, signal } = options
    const { sessions, subjects } = this.#engine.names
    const values = new Values()
    const examined = way.gathered
      ? `SELECT * FROM ${this.#rowsOfSubjects(way.gathered, values)} AS rows WHERE ${all(place ? [behind(order, place)] : [], values)}`
      : this.#walk(way, filter, order, place, SLICE, values)
    const end = way.gathered
      ? 'SELECT NULL::bigint AS started_at, NULL::uuid AS id'
      : `SELECT started_at, id FROM ${sessions}
         WHERE (SELECT count(*) FROM page) <= ${values.add(limit)} AND ${all(this.#along(way, filter, order, place), values)}
         ${sorted(order)} OFFSET ${SLICE - 1} LIMIT 1`
    const text = `WITH page AS MATERIALIZED (
        SELECT id, started_at FROM (${examined}) AS s WHERE ${this.#matches(filter, now, values)} ${sorted(order)} LIMIT ${values.add(limit + 1)}
      ), ends AS (${end})
      SELECT ends.started_at, ends.id, s.id, ${ROW}, s.started_at, encode(s.device, 'hex')
      FROM (SELECT) AS one LEFT JOIN ends ON TRUE LEFT JOIN (
        page JOIN ${sessions} AS s USING (id, started_at) LEFT JOIN ${subjects} AS e ON e.subject = s.subject
      ) ON TRUE ${sorted(order, 's.')}`
    const cells = (await this.#engine.run({ text }, values.list, signal)) as unknown as FoundCells[]
    const rows = cells.flatMap(([, , id, ...rest]) => (id === null ? [] : [toFoundRecord(idFromColumn(id), rest)]))
    if (rows.length > limit) {
      const [, , id, , startedAt] = cells[limit - 1]!
      return { rows: rows.slice(0, limit), isFull: true, end: { startedAt, id: idFromColumn(id!) } }
    }
    const [endAt, endId] = cells[0]!
    return {
      rows,
      isFull: rows.length === limit,
      end: endId === null ? undefined : { startedAt: endAt!, id: idFromColumn(endId) },
    }
  }

  /** Rows in order, and no further than so many. The limit inside is what makes PostgreSQL go along an index, and stop. */
  #walk(way: Way, filter: RecordFilter, order: Order, place: Place | undefined, most: number, values: Values): string {
    return `SELECT ${EXAMINED} FROM ${this.#engine.names.sessions} WHERE ${all(this.#along(way, filter, order, place), values)}
      ${sorted(order)} LIMIT ${values.add(most)}`
  }

  #along(way: Way, filter: RecordFilter, order: Order, place: Place | undefined): Condition[] {
    return [...way.along, ...timesOf(filter), ...(place ? [behind(order, place)] : [])]
  }

  /** Live and ended rows of subjects, each from the index that they have. */
  #rowsOfSubjects(whose: Condition, values: Values): string {
    const condition = whose(values)
    const those = (state: string) =>
      `SELECT ${EXAMINED} FROM ${this.#engine.names.sessions} WHERE subject IS NOT NULL AND ${condition} AND ${state}`
    return `(${those('revoked_at IS NULL')} UNION ALL ${those('revoked_at IS NOT NULL')})`
  }

  /** All that must hold of a row `s`. */
  #matches(filter: RecordFilter, now: number, values: Values): string {
    const current = isCurrent('s', this.#engine.names.subjects)
    return `${all(conditionsOf(filter, now), values)} AND (s.revoked_at IS NOT NULL OR ${current})`
  }
}

/** What conditions look at. */
const EXAMINED = 'id, started_at, deadline, revoked_at, epoch, subject, device, network'

const all = (conditions: readonly Condition[], values: Values) => conditions.map((one) => one(values)).join(' AND ') || 'TRUE'

const sorted = (order: Order, row = '') => {
  const direction = order === 'newest' ? 'DESC' : 'ASC'
  return `ORDER BY ${row}started_at ${direction}, ${row}id ${direction}`
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

/** The criteria, of a row `s`. */
function conditionsOf(filter: RecordFilter, now: number): Condition[] {
  const { id, subject, subjectPrefix, device, network, state } = filter
  const conditions = timesOf(filter)
  if (id !== undefined) conditions.push(idCondition(id))
  if (subject !== undefined) conditions.push(equals('s.subject', textParameter(subject)))
  if (subjectPrefix !== undefined) conditions.push(beginsWith('s.subject', subjectPrefix))
  if (device !== undefined) conditions.push(equals('s.device', textParameter(device)))
  if (network !== undefined) conditions.push(equals('s.network', textParameter(network)))
  const deadline = instantParameter(now)
  if (state === 'live') conditions.push((values) => `s.revoked_at IS NULL AND s.deadline > ${values.add(deadline)}`)
  if (state === 'expired') conditions.push((values) => `s.revoked_at IS NULL AND s.deadline <= ${values.add(deadline)}`)
  if (state === 'revoked') conditions.push(() => 's.revoked_at IS NOT NULL')
  return conditions
}

function whoseOf({ subject, subjectPrefix }: RecordFilter): Condition | undefined {
  if (subject !== undefined) return equals('subject', textParameter(subject))
  return subjectPrefix === undefined ? undefined : beginsWith('subject', subjectPrefix)
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

function toFoundRecord(
  id: string,
  [row, startedAt, device]: [row: string, startedAt: number, device: string | null],
): FoundRecord {
  const found = outcomeOf(id, row)
  if (found.kind === 'record') return { kind: 'record', record: found.record }
  const name = device === null ? undefined : Buffer.from(device, 'hex').toString('utf8')
  return { kind: 'tombstone', tombstone: found.tombstone, startedAt, device: name }
}
