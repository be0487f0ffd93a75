import { StoreError } from '../core/errors.ts'
import type { CallOptions, Channel, Ledger, ReadOutcome, Store } from '../core/store.ts'

/**
 * What goes wrong with one call.
 *
 * - `latency`: it takes `milliseconds` longer, or rejects once the caller stops waiting.
 * - `error`: it rejects with `error` (default: `ERR_STORE_UNAVAILABLE`) and nothing happened.
 * - `partition`: no answer, ever; it rejects only when the caller's `AbortSignal` aborts. Nothing happened.
 * - `lost-reply`: it happened, but rejects with `ERR_STORE_UNAVAILABLE`, as when the connection breaks on the way back.
 * - `duplicate`: it happened twice, as when a network or client sends again; the caller sees the first answer.
 */
export type Fault =
  | { readonly kind: 'latency'; readonly milliseconds: number }
  | { readonly kind: 'error'; readonly error?: unknown }
  | { readonly kind: 'partition' }
  | { readonly kind: 'lost-reply' }
  | { readonly kind: 'duplicate' }

/** An operation of a store or of its companions. */
export type FaultyOperation =
  | 'create'
  | 'read'
  | 'update'
  | 'revoke'
  | 'revokeSubject'
  | 'revokeLinked'
  | 'list'
  | 'query'
  | 'count'
  | 'purge'
  | `ledger.${keyof Ledger}`
  | `channel.${keyof Channel}`

/**
 * Faults by operation; `all` is for every operation not named. One fault lasts until the script changes; a list is used up call
 * by call, `undefined` in it being a call that works, and what comes after it works.
 */
export type FaultScript = { readonly [operation in FaultyOperation | 'all']?: Fault | readonly (Fault | undefined)[] }

/** A store that fails as told. */
export interface FaultyStore extends Store {
  /** Always a promise, whatever the store gives: what can fail on the way is never there at once. */
  read(...given: Parameters<Store['read']>): Promise<ReadOutcome | undefined>
  /** Replaces the whole script; `{}` heals the store. */
  setFaults(script: FaultScript): void
  /** Every operation that was called so far, in order, those that failed included. */
  readonly calls: readonly FaultyOperation[]
}

/**
 * Wraps a store so that chosen operations are slow, fail, hang, lose their answer or happen twice.
 *
 * Use it to show what an application does when its store is away; `close`, `changes` and the copies of a cache are never faulty.
 *
 * @param store - The store that does the work. Its own outcomes and errors pass through.
 * @param script - The faults to begin with; default none. `setFaults` changes them.
 * @example
 * const store = faultyStore(memoryStore(), { read: { kind: 'error' }, update: [{ kind: 'lost-reply' }] })
 * // ... the application answers 503, and the retried update is not applied twice
 * store.setFaults({})
 */
export function faultyStore(store: Store, script: FaultScript = {}): FaultyStore {
  const calls: FaultyOperation[] = []
  let faults = new FaultQueue(script)

  const run = async <T>(operation: FaultyOperation, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> => {
    calls.push(operation)
    const fault = faults.next(operation)
    switch (fault?.kind) {
      case undefined:
        return work()
      case 'latency':
        await pause(fault.milliseconds, signal)
        return work()
      case 'error':
        throw fault.error ?? unavailable('The store failed, as the test asked.')
      case 'partition':
        return pause(undefined, signal) as Promise<never>
      case 'lost-reply':
        await work()
        throw unavailable('The answer of the store was lost, as the test asked.')
      case 'duplicate': {
        const first = await work()
        await work()
        return first
      }
    }
  }

  const { ledger, channel } = store
  return {
    name: store.name,
    // Behind a network that fails, nothing is local: core must set deadlines of its own.
    capabilities: { ...store.capabilities, isLocal: false },
    calls,
    setFaults: (next) => {
      faults = new FaultQueue(next)
    },
    create: (record, options) => run('create', options.signal, () => store.create(record, options)),
    read: (id, options) => run('read', options?.signal, async () => store.read(id, options)),
    update: (id, version, changes, options) => run('update', options?.signal, () => store.update(id, version, changes, options)),
    revoke: (id, options) => run('revoke', options.signal, () => store.revoke(id, options)),
    revokeSubject: (subject, options) => run('revokeSubject', options.signal, () => store.revokeSubject(subject, options)),
    ...(store.revokeLinked && {
      revokeLinked: (key, options) => run('revokeLinked', options.signal, () => store.revokeLinked!(key, options)),
    }),
    list: (subject, options) => run('list', options?.signal, () => store.list(subject, options)),
    ...(store.query && { query: (filter, options) => run('query', options.signal, () => store.query!(filter, options)) }),
    ...(store.count && { count: (filter, options) => run('count', options.signal, () => store.count!(filter, options)) }),
    purge: (options) => run('purge', options.signal, () => store.purge(options)),
    close: () => store.close(),
    changes: store.changes,
    // A cache's copies are in this process: no fault on the way to the engine reaches them.
    ...(store.copyOf && { copyOf: (id) => store.copyOf?.(id) }),
    ...(store.lastCopyOf && { lastCopyOf: (id) => store.lastCopyOf?.(id) }),
    ledger: {
      claim: (key, options) => run('ledger.claim', options.signal, () => ledger.claim(key, options)),
      put: (key, value, options) => run('ledger.put', options.signal, () => ledger.put(key, value, options)),
      take: (key, options) => run('ledger.take', options.signal, () => ledger.take(key, options)),
      get: (key, options) => run('ledger.get', options.signal, () => ledger.get(key, options)),
      count: (key, options) => run('ledger.count', options.signal, () => ledger.count(key, options)),
    },
    channel: {
      publish: (topic, message, options?: CallOptions) =>
        run('channel.publish', options?.signal, () => channel.publish(topic, message, options)),
      subscribe: (topic, listener) => run('channel.subscribe', undefined, () => channel.subscribe(topic, listener)),
    },
  }
}

class FaultQueue {
  readonly #script: FaultScript
  readonly #used = new Map<string, number>()

  constructor(script: FaultScript) {
    this.#script = script
  }

  next(operation: FaultyOperation): Fault | undefined {
    const key = this.#script[operation] === undefined ? 'all' : operation
    const planned = this.#script[key]
    if (!isList(planned)) return planned
    const used = this.#used.get(key) ?? 0
    this.#used.set(key, used + 1)
    return planned[used]
  }
}

const isList = (planned: FaultScript['all']): planned is readonly (Fault | undefined)[] => Array.isArray(planned)

const unavailable = (message: string, cause?: unknown) =>
  new StoreError(message, { code: 'ERR_STORE_UNAVAILABLE', status: 503, cause })

/** Waits `milliseconds`, or for ever if `undefined`; rejects when the signal aborts. */
function pause(milliseconds: number | undefined, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = milliseconds === undefined ? undefined : setTimeout(finish, milliseconds)
    const onAbort = () => {
      clearTimeout(timer)
      reject(unavailable('The caller stopped waiting for the store.', signal?.reason))
    }
    function finish() {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }
    if (signal?.aborted) onAbort()
    else signal?.addEventListener('abort', onAbort, { once: true })
  })
}
