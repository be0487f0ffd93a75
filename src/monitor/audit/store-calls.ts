/** Calls of the audit store with deadlines: one that hangs must not hang an administrator's request, nor the queue behind it. */
import { callerOf, type StoreCallOptions } from '../../core/store-calls.ts'
import type { AuditStore } from './audit-store.ts'

/** Names of its operations begin with this in `store.failed`. */
export const OPERATION = 'audit.'

/** The same store; what is not answered in time, or fails, is `ERR_STORE_UNAVAILABLE`. */
export function auditCalls(store: AuditStore, options: StoreCallOptions): Omit<AuditStore, 'close'> {
  const { run } = callerOf({ name: `audit: ${store.name}`, capabilities: { isLocal: store.isLocal } }, options)
  return {
    name: store.name,
    isLocal: store.isLocal,
    append: (decide) => run(`${OPERATION}append`, undefined, () => store.append(decide)),
    state: () => run(`${OPERATION}state`, undefined, () => store.state()),
    entries: (range) => run(`${OPERATION}entries`, undefined, () => store.entries(range)),
    search: (filter, page) => run(`${OPERATION}search`, undefined, () => store.search(filter, page)),
    checkpoints: (range) => run(`${OPERATION}checkpoints`, undefined, () => store.checkpoints(range)),
    lastCheckpoint: (at) => run(`${OPERATION}lastCheckpoint`, undefined, () => store.lastCheckpoint(at)),
    remove: (range) => run(`${OPERATION}remove`, undefined, () => store.remove(range)),
  }
}
