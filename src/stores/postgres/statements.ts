import { prepared, type Statement } from './engine.ts'
import { DURABLY, UNLINKED } from './locks.ts'
import type { Names } from './names.ts'

/** Which changes are announced to other processes. */
export type Announcements = 'all' | 'endings' | 'none'

/** The statements of sessions. Each is one round trip and one transaction. */
export interface SessionStatements {
  readonly read: Statement
  readonly create: Statement
  readonly createLinked: Statement
  readonly update: Statement
  readonly revoke: Statement
  readonly revokeSubject: Statement
  readonly revokeLinked: Statement
  readonly list: Statement
}

export function sessionStatements(names: Names, announce: Announcements): SessionStatements {
  const { sessions, subjects, channel } = names
  // Both come from `namesOf`, which lets nothing through that could end a string.
  const endings = announce === 'none' ? 'NULL' : `'${channel}'`
  const announced = (isAnnounced: boolean, cte: string) =>
    isAnnounced ? `(SELECT pg_notify('${channel}', 'i' || id) FROM ${cte})` : 'NULL'
  return {
    // One column: `pg` spends more on describing and taking apart ten than on everything else. See `read-row.ts`.
    read: prepared(
      `SELECT ${ROW}
       FROM ${sessions} AS s LEFT JOIN ${subjects} AS e ON e.subject = s.subject WHERE s.id = $1`,
    ),
    create: prepared(`SELECT outcome, subject_epoch, array_to_string(evicted, ',')
       FROM ${names.createFunction}($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, ${endings})`),
    createLinked: prepared(`SELECT outcome, subject_epoch, array_to_string(evicted, ',')
       FROM ${names.createLinkedFunction}($15, $16, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, ${endings})`),
    // Of two writers of one version the second waits for the first's row, finds another version on it and changes nothing.
    update: prepared(`WITH changed AS (
         UPDATE ${sessions} AS s
         SET version = s.version + 1, deadline = $3, absolute_deadline = $4, purge_at = least(s.purge_at, $3), body = $5
         WHERE s.id = $1 AND s.version = $2 AND s.revoked_at IS NULL AND ${isCurrent('s', subjects)}
         RETURNING s.id
       )
       SELECT CASE WHEN EXISTS (SELECT FROM changed) THEN 'updated'
         WHEN EXISTS (SELECT FROM ${sessions} AS s WHERE s.id = $1 AND s.revoked_at IS NULL AND ${isCurrent('s', subjects)}) THEN 'conflict'
         ELSE 'gone' END, ${announced(announce === 'all', 'changed')}`),
    revoke: prepared(`WITH ended AS (
         UPDATE ${sessions} SET revoked_at = $2, reason = $3, body = NULL, ${UNLINKED} WHERE id = $1 AND revoked_at IS NULL RETURNING id
       )
       SELECT EXISTS (SELECT FROM ended), ${DURABLY}, ${announced(announce !== 'none', 'ended')}`),
    revokeSubject: prepared(`SELECT ${names.revokeSubjectFunction}($1, $2, $3, $4, ${endings}, $5)`),
    revokeLinked: prepared(`SELECT ended_id, encode(ended_subject, 'hex')
       FROM ${names.revokeLinkedFunction}($1, $2, $3, $4, $5, ${endings})`),
    // The oldest first; the id decides between two of the same instant, so that every process picks the same one.
    list: prepared(`SELECT s.id, s.version, s.epoch, s.started_at, s.deadline, s.absolute_deadline, encode(s.body, 'hex')
       FROM ${sessions} AS s WHERE s.subject = $1 AND s.revoked_at IS NULL AND ${isCurrent('s', subjects)}
       ORDER BY s.started_at, s.id`),
  }
}

/** All of a row `s`, with the epoch of its subject, a row `e`. */
export const ROW = `concat_ws(' ', s.version, s.epoch, s.started_at, s.deadline, s.absolute_deadline, coalesce(e.epoch, 0),
         coalesce(s.revoked_at, -1), coalesce(encode(s.subject, 'base64'), '-'), coalesce(s.reason, encode(s.body, 'base64'), ''))`

/** Not behind its subject's epoch. */
export const isCurrent = (row: string, subjects: string) =>
  `${row}.epoch >= coalesce((SELECT e.epoch FROM ${subjects} AS e WHERE e.subject = ${row}.subject), 0)`
