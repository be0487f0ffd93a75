import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { abortedError, throwIfAborted } from '../internal/abort.ts'
import { isBusy, storeError, toStoreError } from './faults.ts'
import { rollBack } from './open.ts'

/** How a piece of work runs. */
export interface WorkOptions {
  readonly signal?: AbortSignal | undefined
  /** Flushed to disk before it is acknowledged. Default false: a crash of the process loses nothing, a power cut the last moments. */
  readonly isDurable?: boolean
}

const LONGEST_PAUSE = 16
/** Writes until the log is worth moving into the file; each adds three or four pages of 4 KiB to it. */
const MANY_WRITES = 200

/**
 * Runs work against the database: one transaction each, nothing in between. SQLite in this process is synchronous, so work is
 * never interleaved with other work of this handle; other handles and processes are kept out by the transaction.
 *
 * A lock held elsewhere is waited for with pauses of the event loop, up to `busyTimeout`. SQLite's own waiting would stop the
 * whole process for as long, and a locked file must cost other requests nothing.
 */
export class Engine {
  readonly database: DatabaseSync
  readonly busyTimeout: number
  /** Called now and then, when the write-ahead log has grown. */
  onManyWrites: (() => void) | undefined
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  #isClosed = false
  #writes = 0

  constructor(database: DatabaseSync, busyTimeout: number) {
    this.database = database
    this.busyTimeout = busyTimeout
    // IMMEDIATE takes the write lock first, so that what the work reads is still true when it writes.
    this.#begin = database.prepare('BEGIN IMMEDIATE')
    this.#commit = database.prepare('COMMIT')
  }

  /** Rejects everything from now on. */
  close(): void {
    this.#isClosed = true
  }

  /** Runs work in one transaction. It may run again after a lock, so it does nothing but ask the database. */
  async write<T>(work: () => T, options: WorkOptions = {}): Promise<T> {
    throwIfAborted(options.signal)
    const attempt = () => this.#transact(work, options.isDurable ?? false)
    try {
      return this.#attempt(attempt)
    } catch (error) {
      return this.retry(attempt, error, options.signal)
    }
  }

  /** Runs a single reading statement, which sees what every process has committed. */
  async read<T>(work: () => T, signal?: AbortSignal): Promise<T> {
    throwIfAborted(signal)
    try {
      return this.#attempt(work)
    } catch (error) {
      return this.retry(work, error, signal)
    }
  }

  /** Goes on after a first attempt that failed: again while the database is locked, up to the busy timeout, else as a rejection. */
  async retry<T>(attempt: () => T, firstError: unknown, signal?: AbortSignal): Promise<T> {
    let error = firstError
    let isTooLate = this.busyTimeout <= 0
    const timeout = setTimeout(() => {
      isTooLate = true
    }, this.busyTimeout)
    try {
      for (let milliseconds = 1; isBusy(error) && !isTooLate; milliseconds = Math.min(2 * milliseconds, LONGEST_PAUSE)) {
        await pause(milliseconds, signal)
        try {
          return this.#attempt(attempt)
        } catch (next) {
          error = next
        }
      }
    } finally {
      clearTimeout(timeout)
    }
    throw toStoreError(error)
  }

  #attempt<T>(attempt: () => T): T {
    if (this.#isClosed) throw storeError('ERR_STORE_UNAVAILABLE', 'The session store is closed.')
    return attempt()
  }

  #transact<T>(work: () => T, isDurable: boolean): T {
    // In WAL mode, NORMAL leaves flushing to the next checkpoint and FULL flushes at this commit, and with it all that came
    // before (https://sqlite.org/pragma.html#pragma_synchronous). Costs 0.4 us to switch; only possible between transactions.
    if (isDurable) this.database.exec('PRAGMA synchronous = FULL')
    try {
      this.#begin.run()
      try {
        const result = work()
        this.#commit.run()
        if (++this.#writes % MANY_WRITES === 0) this.onManyWrites?.()
        return result
      } catch (error) {
        rollBack(this.database)
        throw error
      }
    } finally {
      if (isDurable) this.database.exec('PRAGMA synchronous = NORMAL')
    }
  }
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer)
      reject(abortedError(signal!))
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, milliseconds)
    if (signal?.aborted) onAbort()
    else signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** Lets requests that are waiting go first. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
