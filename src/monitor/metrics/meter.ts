/**
 * The same for OpenTelemetry, by its API. The meter is the application's, so that this package needs none of OpenTelemetry's; only the shape of what is used of it is here. A test
 * holds it to the real one.
 */
import type { SojournEvent } from '../../core/events.ts'
import type { Measurements } from './measured-store.ts'

type Attributes = Record<string, string>
interface InstrumentOptions {
  description?: string
  unit?: string
  advice?: { explicitBucketBoundaries?: number[] }
}

/** What is used of a `Meter` of `@opentelemetry/api`. */
export interface MeterLike {
  createCounter(name: string, options?: InstrumentOptions): { add(value: number, attributes?: Attributes): void }
  createHistogram(name: string, options?: InstrumentOptions): { record(value: number, attributes?: Attributes): void }
  createObservableCounter(name: string, options?: InstrumentOptions): ObservableLike
  createObservableGauge(name: string, options?: InstrumentOptions): ObservableLike
}

interface ObservableLike {
  addCallback(callback: ObservableCallback): void
  removeCallback(callback: ObservableCallback): void
}
type ObservableCallback = (result: { observe(value: number): void }) => void

/** What the instruments read when they are asked. */
export interface Readings {
  readonly dropped: () => number
  readonly failed: () => number
  readonly isCircuitOpen: () => boolean
}

/** Semantic Conventions, "Database client metrics": `db.client.operation.duration`, with the boundaries they advise. */
const DURATION_BOUNDARIES = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

/** Makes the instruments. What it gives counts one event, and stops. */
export function instruments(meter: MeterLike, measurements: Measurements | undefined, readings: Readings) {
  const events = meter.createCounter('sojourn.events', { unit: '{event}', description: 'Events of the session service.' })
  const observables = [
    observe(
      meter.createObservableCounter('sojourn.events.dropped', {
        unit: '{event}',
        description: 'Events lost because their queue was full.',
      }),
      readings.dropped,
    ),
    observe(
      meter.createObservableCounter('sojourn.listeners.failed', {
        unit: '{call}',
        description: 'Listeners of events that threw.',
      }),
      readings.failed,
    ),
    observe(
      meter.createObservableGauge('sojourn.store.circuit_open', { unit: '1', description: '1 while the store is left alone.' }),
      () => (readings.isCircuitOpen() ? 1 : 0),
    ),
  ]
  const stopDurations = measurements && recordDurations(meter, measurements)
  return {
    count([type, outcome, reason]: readonly [SojournEvent['type'] | string, string, string]): void {
      events.add(1, {
        'sojourn.event.type': type,
        ...(outcome && { 'sojourn.event.outcome': outcome }),
        ...(reason && { 'sojourn.event.reason': reason }),
      })
    },
    stop(): void {
      stopDurations?.()
      for (const stop of observables) stop()
    },
  }
}

function observe(instrument: ObservableLike, read: () => number): () => void {
  const callback: ObservableCallback = (result) => result.observe(read())
  instrument.addCallback(callback)
  return () => instrument.removeCallback(callback)
}

function recordDurations(meter: MeterLike, { system, listeners }: Measurements): () => void {
  const durations = meter.createHistogram('db.client.operation.duration', {
    unit: 's',
    description: 'Duration of database client operations.',
    advice: { explicitBucketBoundaries: [...DURATION_BOUNDARIES] },
  })
  const listener = (seconds: number, operation: string, errorType: string) =>
    durations.record(seconds, {
      'db.system.name': system,
      'db.operation.name': operation,
      ...(errorType && { 'error.type': errorType }),
    })
  listeners.add(listener)
  return () => listeners.delete(listener)
}
