import { StoreError } from '../../core/errors.ts'

/** The rejection of an operation whose caller stopped waiting. It may have happened all the same. */
export function abortedError(signal: AbortSignal): StoreError {
  return new StoreError('The caller stopped waiting for the session store.', {
    code: 'ERR_STORE_UNAVAILABLE',
    status: 503,
    cause: signal.reason,
  })
}

/** Stops an operation before it begins if its caller has stopped waiting. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortedError(signal)
}
