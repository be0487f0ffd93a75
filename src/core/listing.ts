import { type Acr, acrOf, reaches, undoubted } from './assurance.ts'
import { absoluteDeadlineOf, expiredBy, idleDeadlineOf } from './expiry.ts'
import { decodeRecord, dueOf } from './record.ts'
import { policyFor, type Service } from './service.ts'
import type { StoredRecord } from './store.ts'

/** A live session as its owner or an operator may see it. Nothing in it is secret. */
export interface SessionSummary {
  readonly id: string
  readonly subject: string | undefined
  readonly startedAt: number
  /** Exact to a twentieth of the idle timeout. */
  readonly lastSeenAt: number
  readonly idleDeadline: number
  readonly absoluteDeadline: number
  readonly acr: Acr
  /** Level that is still due: somebody knows the password and has not proved the second factor. `undefined` when nothing is. */
  readonly pending: Acr | undefined
  /** Display name given at sign-in; never trusted. */
  readonly device: string | undefined
  /** Network it was started from, such as `203.0.113.0/24`; `undefined` where it is not known, or not kept (`recordsNetwork`). */
  readonly network: string | undefined
  /** Issuer of the OpenID Provider that it was signed in with; `undefined` when it was not. */
  readonly provider: string | undefined
  readonly isPersistent: boolean
}

/** Summaries of the records that are alive now. Unreadable ones are left out: they cannot be used either. */
export function summarise(service: Service, stored: readonly StoredRecord[]): SessionSummary[] {
  return stored.flatMap((one) => {
    const found = summaryOf(service, one)
    return found === undefined || found.isExpired ? [] : [found.summary]
  })
}

/** A record's summary, and whether it is over; `undefined` for one that no key of the ring made. */
export function summaryOf(
  service: Service,
  stored: StoredRecord,
): { readonly summary: SessionSummary; readonly isExpired: boolean } | undefined {
  const { clock, keyring } = service.config
  const record = decodeRecord(stored, keyring)
  if (record === undefined) return undefined
  const policy = policyFor(service, record)
  const { id, subject, startedAt, lastSeenAt, isPersistent, details } = record
  const due = dueOf(record)
  const summary = {
    id,
    subject,
    startedAt,
    lastSeenAt,
    idleDeadline: idleDeadlineOf(record, policy),
    absoluteDeadline: absoluteDeadlineOf(record, policy),
    acr: acrOf(undoubted(details.facts, details.doubtedAt)),
    pending: due === undefined || reaches(details.facts, due) ? undefined : due,
    device: details.device,
    network: details.network,
    provider: details.provider?.issuer,
    isPersistent,
  }
  return { summary, isExpired: expiredBy(record, clock(), policy) !== undefined }
}
