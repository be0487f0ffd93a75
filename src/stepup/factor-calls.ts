/** Calls of the factor store with the deadlines of a session store's: one that hangs must not hang a sign-in. */
import { callerOf, type StoreCallOptions } from '../core/store-calls.ts'
import type { FactorStore } from './factor-store.ts'

/** The same store; what is not answered in time, or fails, is `ERR_STORE_UNAVAILABLE`. */
export function factorCalls(factors: FactorStore, options: StoreCallOptions): FactorStore {
  const { run } = callerOf({ name: `factors: ${factors.name}`, capabilities: { isLocal: false } }, options)
  return {
    name: factors.name,
    list: (subject) => run('factors.list', undefined, () => factors.list(subject)),
    byHandle: (kind, handle) => run('factors.byHandle', undefined, () => factors.byHandle(kind, handle)),
    add: (factor, most) => run('factors.add', undefined, () => factors.add(factor, most)),
    update: (subject, id, version, changes) =>
      run('factors.update', undefined, () => factors.update(subject, id, version, changes)),
    remove: (subject, id) => run('factors.remove', undefined, () => factors.remove(subject, id)),
    removeAll: (subject, kind) => run('factors.removeAll', undefined, () => factors.removeAll(subject, kind)),
    close: () => factors.close(),
  }
}
