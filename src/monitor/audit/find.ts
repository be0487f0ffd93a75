/**
 * The searches of the SQL stores. Each of them reads an index in the order of `at` and `seq`, whatever is asked for: several types are as many short reads, put together, because an engine that
 * is given a list of types walks the whole log for the rare ones.
 */
import type { AuditFilter, AuditPlace } from './audit-store.ts'

/** A statement, with what stands for `?` or `$1`. */
export interface Query {
  readonly text: string
  readonly values: readonly (string | number)[]
}

interface Page {
  readonly older?: AuditPlace | undefined
  readonly newer?: AuditPlace | undefined
  readonly limit: number
}

/**
 * Makes the statement.
 *
 * @param select - `SELECT ... FROM table`, with the columns named as in `StoredEntry`.
 * @param placeholder - What stands for the value with this number, from 1.
 */
export function findQuery(select: string, filter: AuditFilter, page: Page, placeholder: (number: number) => string): Query {
  const values: (string | number)[] = []
  const given = (value: string | number) => placeholder(values.push(value))
  const order = page.newer === undefined ? 'DESC' : 'ASC'

  const conditionsOf = (types: readonly string[] | undefined): string => {
    const conditions = [
      ...[
        ['session_id', filter.sessionId],
        ['subject_key', filter.subjectKey],
        ['actor_key', filter.actorKey],
      ].flatMap(([column, value]) => (value === undefined ? [] : [`${column} = ${given(value)}`])),
      ...(types === undefined
        ? []
        : [types.length === 1 ? `type = ${given(types[0]!)}` : `type IN (${types.map(given).join(', ')})`]),
      ...(filter.from === undefined ? [] : [`at >= ${given(filter.from)}`]),
      ...(filter.until === undefined ? [] : [`at < ${given(filter.until)}`]),
      ...(page.older === undefined ? [] : [`(at, seq) < (${given(page.older.at)}, ${given(page.older.seq)})`]),
      ...(page.newer === undefined ? [] : [`(at, seq) > (${given(page.newer.at)}, ${given(page.newer.seq)})`]),
    ]
    return conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`
  }
  const one = (types: readonly string[] | undefined) =>
    `${select}${conditionsOf(types)} ORDER BY at ${order}, seq ${order} LIMIT ${given(page.limit)}`

  const { types } = filter
  if (types?.length === 0) return { text: `${select} WHERE 1 = 0`, values }
  const isOfSomebody = [filter.sessionId, filter.subjectKey, filter.actorKey].some((key) => key !== undefined)
  if (types === undefined || types.length === 1 || isOfSomebody) return { text: one(types), values }
  const each = types.map((type, i) => `SELECT * FROM (${one([type])}) AS of_type_${i}`).join(' UNION ALL ')
  return { text: `SELECT * FROM (${each}) AS found ORDER BY at ${order}, seq ${order} LIMIT ${given(page.limit)}`, values }
}
