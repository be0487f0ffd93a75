import type { ResolvedConfig, ResolvedPolicy } from './config.ts'
import type { DataCodec } from './data.ts'
import type { Events } from './events.ts'
import type { SessionRecord } from './record.ts'
import type { StoredRecord } from './store.ts'
import type { StoreCalls } from './store-calls.ts'

/** What every part of one `createSessions` works with. Two of them in one process share nothing. */
export interface Service {
  readonly config: ResolvedConfig
  readonly calls: StoreCalls
  readonly events: Events
  readonly codec: DataCodec
  /** `decodeRecord` under this service's keys; see `record-memo.ts`. */
  readonly decode: (stored: StoredRecord) => SessionRecord | undefined
  /** Session data opened lately, as long as core remembers its record: opening costs more than all the rest of a request. */
  readonly opened: WeakMap<SessionRecord, Buffer>
  /** Called after a session was created; removes a few expired ones now and then. */
  readonly afterCreate: () => void
}

/** The policy that holds for this record now. */
export function policyFor(service: Service, record: Pick<SessionRecord, 'subject' | 'details' | 'isPersistent'>): ResolvedPolicy {
  const { policy, policyOf } = service.config
  if (policyOf === undefined) return policy
  return policyOf({ subject: record.subject, facts: record.details.facts, isPersistent: record.isPersistent })
}
