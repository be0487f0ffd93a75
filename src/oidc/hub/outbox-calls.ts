/** Calls of the outbox with the deadlines of a session store's: one that hangs must not hang a sign-in. */
import { callerOf, type StoreCallOptions } from '../../core/store-calls.ts'
import type { Outbox } from '../outbox.ts'

/** The same outbox; what is not answered in time, or fails, is `ERR_STORE_UNAVAILABLE`. */
export function outboxCalls(outbox: Outbox, options: StoreCallOptions): Outbox {
  const { run } = callerOf({ name: `outbox: ${outbox.name}`, capabilities: { isLocal: false } }, options)
  return {
    name: outbox.name,
    watch: (entry) => run('outbox.watch', undefined, () => outbox.watch(entry)),
    end: (sessionId, given) => run('outbox.end', undefined, () => outbox.end(sessionId, given)),
    hasten: (subject, nextAt) => run('outbox.hasten', undefined, () => outbox.hasten(subject, nextAt)),
    lease: (state, given) => run('outbox.lease', undefined, () => outbox.lease(state, given)),
    settle: (settlements) => run('outbox.settle', undefined, () => outbox.settle(settlements)),
    list: (state, given) => run('outbox.list', undefined, () => outbox.list(state, given)),
    counts: () => run('outbox.counts', undefined, () => outbox.counts()),
    revive: (which, given) => run('outbox.revive', undefined, () => outbox.revive(which, given)),
    purge: (given) => run('outbox.purge', undefined, () => outbox.purge(given)),
    forget: (clientId, given) => run('outbox.forget', undefined, () => outbox.forget(clientId, given)),
    close: () => outbox.close(),
  }
}
