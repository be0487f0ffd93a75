/**
 * Calls to the store with a deadline: a store that is away is a typed error at once, never a hang and never "signed out"
 * (design 1, promise 9). Stores in this process cannot wait on a network and are called without a timer.
 */
import { SojournError, StoreError } from './errors.ts'
import type { Events } from './events.ts'
import type { CallOptions, ReadOutcome, Store } from './store.ts'

/** The store's operations, each with deadline, abort signal, typed errors and an event on failure. */
export type StoreCalls = Pick<Store, 'create' | 'read' | 'update' | 'revoke' | 'revokeSubject' | 'list' | 'purge'>

type Call<T> = (signal: AbortSignal | undefined) => Promise<T>

/** Wraps a store. Rejections that are not already typed become `ERR_STORE_UNAVAILABLE`. */
export function storeCalls(store: Store, timeout: number, events: Events): StoreCalls {
  const { isLocal } = store.capabilities
  const run = isLocal ? withoutDeadline : withDeadline

  function failed(operation: string, cause: unknown): never {
    const error =
      cause instanceof SojournError
        ? cause
        : new StoreError(
            `The session store '${store.name}' did not answer '${operation}'. Whether anybody is signed in is not known.`,
            {
              code: 'ERR_STORE_UNAVAILABLE',
              status: 503,
              cause,
            },
          )
    events.emit({ type: 'store.failed', operation, code: error.code })
    throw error
  }

  async function withoutDeadline<T>(operation: string, options: CallOptions | undefined, call: Call<T>): Promise<T> {
    try {
      return await call(options?.signal)
    } catch (cause) {
      return failed(operation, cause)
    }
  }

  /** Without a promise where the store answers without one, and without a closure: every request reads. */
  function readHere(id: string, options: CallOptions | undefined): ReadOutcome | undefined | Promise<ReadOutcome | undefined> {
    try {
      const found = store.read(id, options)
      return found instanceof Promise ? found.catch((cause) => failed('read', cause)) : found
    } catch (cause) {
      return failed('read', cause)
    }
  }

  async function withDeadline<T>(operation: string, options: CallOptions | undefined, call: Call<T>): Promise<T> {
    const controller = new AbortController()
    let giveUp: ((reason: unknown) => void) | undefined
    const deadline = new Promise<never>((_resolve, reject) => {
      giveUp = reject
    })
    // The race abandons whichever promise loses; its rejection is already accounted for.
    deadline.catch(() => {})
    const timer = setTimeout(() => {
      controller.abort()
      giveUp?.(new Error(`no answer within ${timeout} ms`))
    }, timeout)
    const signal = options?.signal ? AbortSignal.any([options.signal, controller.signal]) : controller.signal
    const onAbort = () => giveUp?.(options?.signal?.reason ?? new Error('aborted'))
    if (options?.signal?.aborted) onAbort()
    else options?.signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await Promise.race([call(signal), deadline])
    } catch (cause) {
      return failed(operation, cause)
    } finally {
      clearTimeout(timer)
      options?.signal?.removeEventListener('abort', onAbort)
    }
  }

  return {
    create: (record, options) => run('create', options, (signal) => store.create(record, { ...options, signal })),
    read: isLocal ? readHere : (id, options) => run('read', options, async (signal) => store.read(id, { signal })),
    update: (id, version, changes, options) => run('update', options, (signal) => store.update(id, version, changes, { signal })),
    revoke: (id, options) => run('revoke', options, (signal) => store.revoke(id, { ...options, signal })),
    revokeSubject: (subject, options) =>
      run('revokeSubject', options, (signal) => store.revokeSubject(subject, { ...options, signal })),
    list: (subject, options) => run('list', options, (signal) => store.list(subject, { signal })),
    purge: (options) => run('purge', options, (signal) => store.purge({ ...options, signal })),
  }
}
