import type { Store } from '../../core/store.ts'
import { aroundStore, errorTypeOf, systemNameOf } from '../store-wrapping.ts'
import { Histogram } from './registry.ts'

/** Hears how long a call took, in seconds; `errorType` is empty for one that succeeded. */
export type DurationListener = (seconds: number, operation: string, errorType: string) => void

/** A store whose calls are measured. Hand it to `createSessions`, and to `metrics`. */
export type MeasuredStore = Store

/** What is measured, for `metrics`. */
export interface Measurements {
  readonly system: string
  readonly durations: Histogram
  readonly listeners: Set<DurationListener>
}

const MEASUREMENTS = new WeakMap<object, Measurements>()

/** In seconds: from a store in this process to one that is hardly there. */
const BOUNDS = [0.00001, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

/**
 * Measures how long each call to a store takes, in this process.
 *
 * Wrap the store that `createSessions` is given; with a near cache, wrap the cache for what requests wait for, and the store behind it for what the engine takes. It costs well under
 * a microsecond a call. What the store has beside the contract, such as `migrate`, stays with the original.
 *
 * @example
 * const store = measuredStore(redisStore(client))
 * const sessions = createSessions({ store, keys })
 * const { prometheus } = metrics(sessions, { store })
 */
export function measuredStore(store: Store): MeasuredStore {
  const system = systemNameOf(store)
  const durations = new Histogram(
    'sojourn_store_operation_duration_seconds',
    'How long calls to the session store took.',
    ['store', 'operation', 'error'],
    BOUNDS,
  )
  const listeners = new Set<DurationListener>()

  function note(since: number, operation: string, errorType: string): void {
    const seconds = (performance.now() - since) / 1000
    durations.observe(seconds, [system, operation, errorType])
    for (const listener of listeners) {
      try {
        listener(seconds, operation, errorType)
      } catch {
        // An exporter that fails is no reason for a request to.
      }
    }
  }

  const measured = aroundStore(store, (operation, call) => {
    const since = performance.now()
    try {
      const result = call()
      if (!(result instanceof Promise)) {
        note(since, operation, '')
        return result
      }
      return result.then(
        (answer) => {
          note(since, operation, '')
          return answer
        },
        (error) => {
          note(since, operation, errorTypeOf(error))
          throw error
        },
      ) as typeof result
    } catch (error) {
      note(since, operation, errorTypeOf(error))
      throw error
    }
  })
  MEASUREMENTS.set(measured, { system, durations, listeners })
  return measured
}

/** What a store was measured to be; `undefined` for one that `measuredStore` did not make. */
export const measurementsOf = (store: object): Measurements | undefined => MEASUREMENTS.get(store)
