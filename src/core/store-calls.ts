/**
 * Calls to the store with a deadline and a circuit breaker: a store that is away is a typed error at once, never a hang and never
 * "signed out" (design 1, promise 9). Stores in this process cannot wait on a network and are called directly.
 */
import { CircuitBreaker, type CircuitBreakerOptions } from './circuit-breaker.ts'
import { Deadlines } from './deadlines.ts'
import { isSojournError, SojournError, StoreError } from './errors.ts'
import type { Events } from './events.ts'
import type { CallOptions, ReadOptions, ReadOutcome, Store } from './store.ts'

/** The store's operations, each with deadline, abort signal, typed errors and an event on failure. */
export interface StoreCalls extends Pick<Store, 'create' | 'read' | 'update' | 'revoke' | 'revokeSubject' | 'list' | 'purge'> {
  /** A copy that still holds, as far as anybody knows, from a cache in front of the store. Never waits. */
  copyOf(id: string): ReadOutcome | undefined
  /** The last copy within its lease, for `onOutage: 'readonly'`. Never waits. */
  lastCopyOf(id: string): ReadOutcome | undefined
}

/** What the calls are made with. */
export interface StoreCallOptions {
  /** Longest wait for an answer, in milliseconds. */
  readonly timeout: number
  readonly circuitBreaker: Required<CircuitBreakerOptions>
  /** A number from 0 to 1, for the breaker's jitter. */
  readonly random: () => number
  readonly events: Events
}

type Call<T> = (signal: AbortSignal | undefined) => T | Promise<T>

/** Wraps a store. Rejections that are not already typed become `ERR_STORE_UNAVAILABLE`. */
export function storeCalls(store: Store, options: StoreCallOptions): StoreCalls {
  const { events } = options
  const deadlines = new Deadlines(options.timeout)
  const breaker = new CircuitBreaker(
    options.circuitBreaker,
    {
      opened: (failures, pause) => events.emit({ type: 'store.circuit-opened', failures, pause }),
      closed: () => events.emit({ type: 'store.circuit-closed' }),
    },
    options.random,
  )
  const run = store.capabilities.isLocal ? runHere : runInTime

  function failed(operation: string, cause: unknown): never {
    const error = cause instanceof SojournError ? cause : unavailable(store.name, operation, cause)
    events.emit({ type: 'store.failed', operation, code: error.code })
    throw error
  }

  async function runHere<T>(operation: string, given: CallOptions | undefined, call: Call<T>): Promise<T> {
    try {
      return await call(given?.signal)
    } catch (cause) {
      return failed(operation, cause)
    }
  }

  /** Without a promise where the store answers without one, and without a closure: every request reads. */
  function readHere(id: string, given: ReadOptions | undefined): ReadOutcome | undefined | Promise<ReadOutcome | undefined> {
    try {
      const found = store.read(id, given)
      return found instanceof Promise ? found.catch((cause) => failed('read', cause)) : found
    } catch (cause) {
      return failed('read', cause)
    }
  }

  async function runInTime<T>(operation: string, given: CallOptions | undefined, call: Call<T>): Promise<T> {
    const wait = breaker.admit()
    if (wait > 0) return failed(operation, leftAlone(store.name, wait))
    try {
      const answer = await deadlines.run(call, given?.signal)
      breaker.succeeded()
      return answer
    } catch (cause) {
      // A store that says what is wrong is there; and a caller who left says nothing about the store.
      if (isSojournError(cause) && cause.code !== 'ERR_STORE_UNAVAILABLE') breaker.succeeded()
      else if (given?.signal?.aborted !== true) breaker.failed()
      return failed(operation, cause)
    }
  }

  return {
    copyOf: (id) => store.copyOf?.(id),
    lastCopyOf: (id) => store.lastCopyOf?.(id),
    create: (record, given) => run('create', given, (signal) => store.create(record, { ...given, signal })),
    read: store.capabilities.isLocal
      ? readHere
      : (id, given) => run('read', given, (signal) => store.read(id, { carried: given?.carried, signal })),
    update: (id, version, changes, given) =>
      run('update', given, (signal) => store.update(id, version, changes, { ...given, signal })),
    revoke: (id, given) => run('revoke', given, (signal) => store.revoke(id, { ...given, signal })),
    revokeSubject: (subject, given) =>
      run('revokeSubject', given, (signal) => store.revokeSubject(subject, { ...given, signal })),
    list: (subject, given) => run('list', given, (signal) => store.list(subject, { ...given, signal })),
    purge: (given) => run('purge', given, (signal) => store.purge({ ...given, signal })),
  }
}

function unavailable(name: string, operation: string, cause: unknown): StoreError {
  return new StoreError(`The session store '${name}' did not answer '${operation}'. Whether anybody is signed in is not known.`, {
    code: 'ERR_STORE_UNAVAILABLE',
    status: 503,
    cause,
  })
}

/** Why a store that keeps no records ends nobody's session on the word of one who names its id. */
export function cannotTellWhose(name: string): StoreError {
  return new StoreError(
    `The store '${name}' keeps no records, so that nobody can tell whose session an id is. End all of a subject's sessions, or keep records.`,
    { code: 'ERR_STORE_UNSUPPORTED', status: 501 },
  )
}

/** Why a store that remembers nothing at all ends no session of somebody else's. */
export function cannotEnd(name: string): StoreError {
  return new StoreError(
    `The store '${name}' keeps neither records nor what was ended, so that only whoever has a session's cookie can give it up. Give it a ledger. See docs/stores/cookie.md.`,
    { code: 'ERR_STORE_UNSUPPORTED', status: 501 },
  )
}

function leftAlone(name: string, milliseconds: number): StoreError {
  return new StoreError(
    `The session store '${name}' failed several times in a row and is left alone for a moment. Whether anybody is signed in is not known.`,
    { code: 'ERR_STORE_UNAVAILABLE', status: 503, retryAfter: milliseconds / 1000 },
  )
}
