import type { ReadOutcome } from '../../core/store.ts'

/** Columns that hold no blank. What comes after them is a record's body, or a tombstone's reason, which may hold any. */
const LEADING = 8
const NOT_REVOKED = -1
/** No character of base64, which stands for the empty subject. */
const NO_SUBJECT = '-'

/**
 * Makes something of the one column that the `read` statement answers: version, epoch, the three instants, the subject's epoch,
 * when it was revoked, subject, and the rest, with a blank between two of them.
 */
export function outcomeOf(id: string, row: string): ReadOutcome {
  const cells = row.split(' ', LEADING)
  let restAt = LEADING
  for (const cell of cells) restAt += cell.length
  const rest = row.slice(restAt)
  const subject = cells[7] === NO_SUBJECT ? undefined : bytes(cells[7]!).toString('utf8')
  const absoluteDeadline = Number(cells[4])
  const revokedAt = Number(cells[6])
  if (revokedAt !== NOT_REVOKED)
    return { kind: 'tombstone', tombstone: { id, subject, revokedAt, reason: rest, absoluteDeadline } }
  const record = {
    id,
    version: Number(cells[0]),
    subject,
    epoch: Number(cells[1]),
    startedAt: Number(cells[2]),
    deadline: Number(cells[3]),
    absoluteDeadline,
    body: bytes(rest),
  }
  return { kind: 'record', record, subjectEpoch: Number(cells[5]) }
}

/** PostgreSQL breaks base64 into lines, which are passed over. */
const bytes = (base64: string) => Buffer.from(base64, 'base64')
