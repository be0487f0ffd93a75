/**
 * How operators find sessions. Stores that can search do; of others there is the look-up by person and by id, and the page says so (design 5).
 */
import { isSojournError } from '../core/errors.ts'
import { type SessionSummary, summaryOf } from '../core/listing.ts'
import type { SessionRecord } from '../core/record.ts'
import type { FoundSession, FoundSessions, SessionFilter } from '../core/searching.ts'
import type { Service } from '../core/service.ts'
import type { Sessions } from '../core/sessions.ts'
import type { RecordCount } from '../core/store.ts'
import { isSessionId } from '../core/token.ts'

/** `unsupported`: the store cannot. `misread`: what was asked, or the cursor, is none. */
type NotFound = 'unsupported' | 'misread'

async function attempt<T>(work: () => Promise<T>): Promise<T | NotFound> {
  try {
    return await work()
  } catch (error) {
    if (isSojournError(error, 'ERR_STORE_UNSUPPORTED')) return 'unsupported'
    // Everything asked here was in the address bar.
    if (isSojournError(error, 'ERR_ARGUMENT_INVALID')) return 'misread'
    throw error
  }
}

export function search(
  sessions: Sessions<unknown>,
  filter: SessionFilter,
  cursor: string | undefined,
  limit: number,
): Promise<FoundSessions | NotFound> {
  return attempt(() => sessions.query(filter, { cursor, limit }))
}

/** How many there are, counted as far as it is quick. */
export function count(sessions: Sessions<unknown>, filter: SessionFilter): Promise<RecordCount | NotFound> {
  return attempt(() => sessions.count(filter, { most: MOST_COUNTED }))
}

const MOST_COUNTED = 10_000

export const countWords = ({ count: found, isAtLeast }: RecordCount): string =>
  `${found.toLocaleString('en')}${isAtLeast ? ' or more' : ''}`

/** Live sessions of one person, oldest first. */
export function listOf(sessions: Sessions<unknown>, subject: string): Promise<readonly SessionSummary[] | NotFound> {
  return attempt(() => sessions.list(subject))
}

/** One session, whatever became of it; a live or expired one with its record. */
export interface Looked {
  readonly found: FoundSession
  readonly record: SessionRecord | undefined
}

/** `undefined`: there is none, it is long over, or the store keeps no records. */
export async function lookUp(service: Service, id: string): Promise<Looked | undefined> {
  if (!isSessionId(id) || service.carrier !== undefined) return undefined
  const answer = await service.calls.read(id)
  if (answer === undefined) return undefined
  if (answer.kind === 'tombstone') {
    const { subject, absoluteDeadline, revokedAt, reason: revokeReason } = answer.tombstone
    return {
      found: {
        state: 'revoked',
        id,
        subject,
        startedAt: Number.NaN,
        absoluteDeadline,
        device: undefined,
        revokedAt,
        revokeReason,
      },
      record: undefined,
    }
  }
  const { subject, startedAt, epoch, absoluteDeadline } = answer.record
  // All of the person's sessions were ended since, in one step; this is what remains of one.
  if (epoch < answer.subjectEpoch) {
    const ended = {
      state: 'revoked',
      id,
      subject,
      startedAt,
      absoluteDeadline,
      device: undefined,
      revokedAt: Number.NaN,
      revokeReason: 'subject-revoked',
    } as const
    return { found: ended, record: undefined }
  }
  const read = summaryOf(service, answer.record)
  if (read === undefined) return { found: { state: 'unreadable', id, subject, startedAt }, record: undefined }
  return { found: { ...read.summary, state: read.isExpired ? 'expired' : 'live' }, record: service.decode(answer.record) }
}
