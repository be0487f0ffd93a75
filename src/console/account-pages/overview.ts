/** What a person's page shows, gathered for one request: their devices as far as the store can list them, and what happened lately. */
import type { SessionSummary } from '../../core/listing.ts'
import type { Service } from '../../core/service.ts'
import type { Session } from '../../core/session.ts'
import { type ActivityEntry, type ActivityLine, linesOf, linesOfSessions, TOLD_TYPES } from './activity.ts'

/** One session of the person. */
export interface Device {
  readonly id: string
  readonly isCurrent: boolean
  readonly name: string | undefined
  readonly place: string | undefined
  readonly provider: string | undefined
  readonly startedAt: number | undefined
  readonly lastSeenAt: number | undefined
  /** Whether the second factor is still missing. */
  readonly isPending: boolean
}

/** A session as a list gives it. */
export type ListedSession = SessionSummary & { readonly isCurrent: boolean }

/** All of it. */
export interface Overview {
  /** The current one first, then the latest used; the current one only, where the store cannot list. */
  readonly devices: readonly Device[]
  readonly isListed: boolean
  /** Whether the others can be ended at once. */
  readonly canEndOthers: boolean
  /** Whether one other can be ended by its id. */
  readonly canEndOne: boolean
  /** Whether any other can be ended, one or all. */
  readonly canEnd: boolean
  /** Whether all can be ended at once. */
  readonly canEndAll: boolean
  /** `undefined` where the store cannot count them. */
  readonly otherCount: number | undefined
}

/** What the page is told by the application about a session's place. */
export type PlaceOf = (session: ListedSession) => string | undefined

/**
 * @throws {StoreError} `ERR_STORE_UNAVAILABLE`
 */
export async function overviewOf(service: Service, session: Session<unknown>, placeOf: PlaceOf): Promise<Overview> {
  const { listsSubjects, revokesSubjects, carries } = service.config.store.capabilities
  const canEndOne = carries === undefined
  const canEnd = canEndOne || revokesSubjects
  if (!listsSubjects)
    return {
      devices: [currentOf(session)],
      isListed: false,
      canEndOthers: revokesSubjects,
      canEndOne,
      canEnd,
      canEndAll: revokesSubjects,
      otherCount: undefined,
    }
  const listed: readonly ListedSession[] = await session.list()
  const devices = listed
    .map((one) => deviceOf(one, placeOf))
    .sort((a, b) => Number(b.isCurrent) - Number(a.isCurrent) || (b.lastSeenAt ?? 0) - (a.lastSeenAt ?? 0))
  const otherCount = devices.filter(({ isCurrent }) => !isCurrent).length
  return { devices, isListed: true, canEndOthers: otherCount > 0, canEndOne, canEnd, canEndAll: revokesSubjects, otherCount }
}

function deviceOf(listed: ListedSession, placeOf: PlaceOf): Device {
  const { id, isCurrent, device: name, provider, startedAt, lastSeenAt, pending } = listed
  return { id, isCurrent, name, place: placeOf(listed), provider, startedAt, lastSeenAt, isPending: pending !== undefined }
}

function currentOf(session: Session<unknown>): Device {
  const { id, device: name, startedAt, lastSeenAt } = session
  const provider = session.providerLink?.issuer
  return { id: id!, isCurrent: true, name, place: undefined, provider, startedAt, lastSeenAt, isPending: false }
}

/** The audit log, as far as it is asked: what `auditLog` of `sojourn/monitor/audit` gives, or anything alike. */
export interface AccountAudit {
  /** Entries about a subject, the latest first. */
  search(query: {
    readonly subject: string
    readonly types: readonly string[]
    readonly limit: number
  }): Promise<{ readonly entries: readonly ActivityEntry[] }>
}

/** More than are shown: not every entry is something to tell. */
const MOST_ENTRIES = 50

/** Lines of the log, or of the sessions where there is none. */
export async function activityOf(
  audit: AccountAudit | undefined,
  session: Session<unknown>,
  { devices }: Overview,
): Promise<readonly ActivityLine[]> {
  if (audit === undefined) return linesOfSessions(devices.filter(isStarted))
  const subject = session.subject!
  const { entries } = await audit.search({ subject, types: TOLD_TYPES, limit: MOST_ENTRIES })
  return linesOf(entries, { subject })
}

/** Whether the log knows a session as this person's. */
export async function isInLog(audit: AccountAudit | undefined, subject: string, id: string): Promise<boolean> {
  if (audit === undefined) return false
  const { entries } = await audit.search({ subject, types: TOLD_TYPES, limit: MOST_ENTRIES })
  return entries.some((entry) => entry.sessionId === id && entry.subject === subject)
}

function isStarted(device: Device): device is Device & { readonly startedAt: number } {
  return device.startedAt !== undefined
}
