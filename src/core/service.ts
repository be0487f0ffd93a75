import type { Carrier } from './carrying.ts'
import type { ResolvedConfig, ResolvedPolicy } from './config.ts'
import type { DataCodec } from './data.ts'
import { ConfigError } from './errors.ts'
import type { CoreEvents } from './events.ts'
import type { SessionRecord } from './record.ts'
import type { Vault } from './sealed-data.ts'
import type { StoredRecord } from './store.ts'
import type { StoreCalls } from './store-calls.ts'
import type { ParsedToken } from './token.ts'

/** What every part of one `createSessions` works with. Two of them in one process share nothing. */
export interface Service {
  readonly config: ResolvedConfig
  readonly calls: StoreCalls
  readonly events: CoreEvents
  readonly codec: DataCodec
  readonly vault: Vault
  /** Seals records into tokens, for a store that keeps none. */
  readonly carrier: Carrier | undefined
  /** `parseToken` under this service's keys; see `token-memo.ts`. */
  readonly parse: (token: string) => ParsedToken | 'malformed' | 'forged'
  /** `decodeRecord` under this service's keys; see `record-memo.ts`. */
  readonly decode: (stored: StoredRecord) => SessionRecord | undefined
  /** Session data opened lately, as long as core remembers its record: opening costs more than all the rest of a request. */
  readonly opened: WeakMap<SessionRecord, Buffer>
  /** Called after a session was created; removes a few expired ones now and then. */
  readonly afterCreate: () => void
}

const SERVICES = new WeakMap<object, Service>()

/** Remembers what an application's `sessions` works with, for `serviceOf`. */
export function registerService(sessions: object, service: Service): void {
  SERVICES.set(sessions, service)
}

/**
 * What `sessions` works with, for layers above core that hold no token: the device's own endpoints, jobs.
 *
 * @throws {ConfigError} `ERR_ARGUMENT_INVALID` - it is not what `createSessions` of this copy of the package gave.
 */
export function serviceOf(sessions: object): Service {
  const service = SERVICES.get(sessions)
  if (service !== undefined) return service
  throw new ConfigError(
    'This is not the service that createSessions gave; hand over that very object. See docs/guide/sign-in.md.',
    {
      code: 'ERR_ARGUMENT_INVALID',
    },
  )
}

/**
 * Until when a revocation that leaves no record behind must be remembered: no session that lives now outlives it. With `policyFor` any
 * session may have any length, and the store's own longest counts.
 *
 * @param record - The one session that ends, where that is known: it may be of a time when the policy, or the clock, was another.
 */
export function keepUntil({ config }: Service, now: number, record?: SessionRecord): number | undefined {
  if (config.policyOf !== undefined) return undefined
  return Math.max(now + config.policy.absoluteTimeout, record?.absoluteDeadline ?? 0)
}

/** The policy that holds for this record now. */
export function policyFor(service: Service, record: Pick<SessionRecord, 'subject' | 'details' | 'isPersistent'>): ResolvedPolicy {
  const { policy, policyOf } = service.config
  if (policyOf === undefined) return policy
  return policyOf({ subject: record.subject, facts: record.details.facts, isPersistent: record.isPersistent })
}
