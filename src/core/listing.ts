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
  /** Issuer of the OpenID Provider that it was signed in with; `undefined` when it was not. */
  readonly provider: string | undefined
  readonly isPersistent: boolean
}

/** Summaries of the records that are alive now. Unreadable ones are left out: they cannot be used either. */
export function summarise(service: Service, stored: readonly StoredRecord[]): SessionSummary[] {
  const now = service.config.clock()
  return stored.flatMap((one) => {
    const record = decodeRecord(one, service.config.keyring)
    if (record === undefined) return []
    const policy = policyFor(service, record)
    if (expiredBy(record, now, policy) !== undefined) return []
    const { id, subject, startedAt, lastSeenAt, isPersistent, details } = record
    const idleDeadline = idleDeadlineOf(record, policy)
    const absoluteDeadline = absoluteDeadlineOf(record, policy)
    const due = dueOf(record)
    return [
      {
        id,
        subject,
        startedAt,
        lastSeenAt,
        idleDeadline,
        absoluteDeadline,
        acr: acrOf(undoubted(details.facts, details.doubtedAt)),
        pending: due === undefined || reaches(details.facts, due) ? undefined : due,
        device: details.device,
        provider: details.provider?.issuer,
        isPersistent,
      },
    ]
  })
}
