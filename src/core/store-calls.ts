/**
 * Calls to the store with a deadline and a circuit breaker: a store that is away is a typed error at once, never a hang and never
 * "signed out" (design 1, promise 9). Stores in this process cannot wait on a network and are called directly.
 */
import { CircuitBreaker, type CircuitBreakerOptions } from './circuit-breaker.ts'
import { Deadlines } from './deadlines.ts'
import { isSojournError, SojournError, StoreError } from './errors.ts'
import type { Events } from './events.ts'
import type {
  CallOptions,
  CountOptions,
  EndedRecord,
  FoundRecords,
  Ledger,
  QueryOptions,
  ReadOptions,
  ReadOutcome,
  RecordCount,
  RecordFilter,
  RevokeLinkedOptions,
  Store,
} from './store.ts'

/** The store's operations, each with deadline, abort signal, typed errors and an event on failure. */
export interface StoreCalls extends Pick<Store, 'create' | 'read' | 'update' | 'revoke' | 'revokeSubject' | 'list' | 'purge'> {
  /** Rejects with `ERR_STORE_UNSUPPORTED` where the store keeps no links. */
  revokeLinked(key: string, given: RevokeLinkedOptions): Promise<readonly EndedRecord[]>
  /** Rejects with `ERR_STORE_UNSUPPORTED` where the store cannot search. */
  query(filter: RecordFilter, given: QueryOptions): Promise<FoundRecords>
  /** As `query`. */
  count(filter: RecordFilter, given: CountOptions): Promise<RecordCount>
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

/** Makes calls with everything above; `failed` reports and throws what a call outside of them failed with. */
export interface Caller {
  run<T>(operation: string, given: CallOptions | undefined, call: Call<T>): Promise<T>
  failed(operation: string, cause: unknown): never
}

/** Also for what a layer above core keeps in an engine of its own. */
export function callerOf(
  store: { readonly name: string; readonly capabilities: { readonly isLocal: boolean } },
  options: StoreCallOptions,
): Caller {
  const { events } = options

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

  if (store.capabilities.isLocal) return { run: runHere, failed }
  const deadlines = new Deadlines(options.timeout)
  const breaker = new CircuitBreaker(
    options.circuitBreaker,
    {
      opened: (failures, pause) => events.emit({ type: 'store.circuit-opened', failures, pause }),
      closed: () => events.emit({ type: 'store.circuit-closed' }),
    },
    options.random,
  )

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

  return { run: runInTime, failed }
}

/** Wraps a store. Rejections that are not already typed become `ERR_STORE_UNAVAILABLE`. */
export function storeCalls(store: Store, options: StoreCallOptions): StoreCalls {
  const { run, failed } = callerOf(store, options)

  /** Without a promise where the store answers without one, and without a closure: every request reads. */
  function readHere(id: string, given: ReadOptions | undefined): ReadOutcome | undefined | Promise<ReadOutcome | undefined> {
    try {
      const found = store.read(id, given)
      return found instanceof Promise ? found.catch((cause) => failed('read', cause)) : found
    } catch (cause) {
      return failed('read', cause)
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
    async revokeLinked(key, given) {
      if (store.capabilities.revokesLinked !== true || store.revokeLinked === undefined) throw cannotFindLinked(store.name)
      return run('revokeLinked', given, (signal) => store.revokeLinked!(key, { ...given, signal }))
    },
    async query(filter, given) {
      if (store.capabilities.queries !== true || store.query === undefined) throw cannotSearch(store.name)
      return run('query', given, (signal) => store.query!(filter, { ...given, signal }))
    },
    async count(filter, given) {
      if (store.capabilities.queries !== true || store.count === undefined) throw cannotSearch(store.name)
      return run('count', given, (signal) => store.count!(filter, { ...given, signal }))
    },
    list: (subject, given) => run('list', given, (signal) => store.list(subject, { ...given, signal })),
    purge: (given) => run('purge', given, (signal) => store.purge({ ...given, signal })),
  }
}

/**
 * The same for a store's ledger, for layers above core: whether a code was used already is not known while the ledger is away, and a request
 * that waits for it must not hang.
 */
export function ledgerCalls(store: Pick<Store, 'name' | 'capabilities' | 'ledger'>, options: StoreCallOptions): Ledger {
  const { run } = callerOf(store, options)
  const { ledger } = store
  return {
    claim: (key, given) => run('ledger.claim', given, (signal) => ledger.claim(key, { ...given, signal })),
    put: (key, value, given) => run('ledger.put', given, (signal) => ledger.put(key, value, { ...given, signal })),
    take: (key, given) => run('ledger.take', given, (signal) => ledger.take(key, { ...given, signal })),
    get: (key, given) => run('ledger.get', given, (signal) => ledger.get(key, { ...given, signal })),
    count: (key, given) => run('ledger.count', given, (signal) => ledger.count(key, { ...given, signal })),
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

/** Why a provider's logout ends no session in a store without an index of links. */
export function cannotFindLinked(name: string): StoreError {
  return new StoreError(
    `The store '${name}' cannot find sessions by the login they came of, so that a provider's logout would end none. Keep records in memory, sqlite, redis or postgres.`,
    { code: 'ERR_STORE_UNSUPPORTED', status: 501 },
  )
}

/** Why nobody is shown a list of all sessions of a store that finds them by id and subject alone. */
function cannotSearch(name: string): StoreError {
  return new StoreError(
    `The store '${name}' cannot search sessions; it finds them by id, and by subject where it lists subjects. Keep records in memory, sqlite or postgres.`,
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
