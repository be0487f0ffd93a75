/**
 * Metrics: how often what happens, how long the store takes. For Prometheus as text, for OpenTelemetry by the application's meter, and for anything that listens to Node's
 * diagnostics channels.
 */
import { channel } from 'node:diagnostics_channel'
import { ConfigError } from '../core/errors.ts'
import { serviceOf } from '../core/service.ts'
import type { Sessions } from '../core/sessions.ts'
import { CONTENT_TYPES, type ExpositionFormat, exposition } from './metrics/exposition.ts'
import { labeller } from './metrics/labels.ts'
import { type MeasuredStore, measurementsOf } from './metrics/measured-store.ts'
import { instruments, type MeterLike } from './metrics/meter.ts'
import { Counter, type Family, observed } from './metrics/registry.ts'

export type { ExpositionFormat } from './metrics/exposition.ts'
export { type MeasuredStore, measuredStore } from './metrics/measured-store.ts'
export type { MeterLike } from './metrics/meter.ts'

/** Options of `metrics`. */
export interface MetricsOptions {
  /** The store that `measuredStore` gave, for the durations of its calls. Default: none are shown. */
  readonly store?: MeasuredStore
  /** A meter of OpenTelemetry's API (`metrics.getMeter('sojourn')` of `@opentelemetry/api` 1.x). Default: none; Prometheus needs none. */
  readonly meter?: MeterLike
}

/** Metrics at work. */
export interface Metrics {
  /**
   * What Prometheus reads, as it is now. Answer it on an address that only Prometheus reaches: it says how many sign in, and how many are attacked.
   *
   * @param options.format - `prometheus` (text 0.0.4, the default) or `openmetrics` (1.0).
   * @returns The body and its content type.
   * @example
   * app.get('/metrics', (req, res) => {
   *   const { contentType, body } = prometheus()
   *   res.type(contentType).send(body)
   * })
   */
  prometheus(options?: { readonly format?: ExpositionFormat }): { readonly contentType: string; readonly body: string }
  /** Stops counting. */
  close(): void
}

/** Node's diagnostics channel on which each event is published, the event itself being the message. */
export const EVENT_CHANNEL = 'sojourn:event'
const KNOWN: ReadonlySet<string> = new Set(['store', 'meter'] satisfies (keyof MetricsOptions)[])

/**
 * Counts the events of a service by type, outcome and reason, and publishes each on the diagnostics channel `sojourn:event`.
 *
 * Events are counted as they happen, so none is missed in a flood; labels never hold whose they were, and are bounded in number.
 *
 * @param sessions - What `createSessions` gave.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up: what was given, what was expected, why.
 * @see Prometheus text format 0.0.4; OpenMetrics 1.0; OpenTelemetry Semantic Conventions, database client metrics
 * @example
 * const { prometheus } = metrics(sessions)
 */
export function metrics<Data>(sessions: Sessions<Data>, options: MetricsOptions = {}): Metrics {
  const { events } = serviceOf(sessions)
  check(options)
  const { store, meter } = options
  const measurements = store && measurementsOf(store)
  const labelsOf = labeller()
  const published = channel(EVENT_CHANNEL)
  let isCircuitOpen = false

  const counter = new Counter('sojourn_events_total', 'Events of the session service.', ['type', 'outcome', 'reason'])
  const readings = { dropped: () => events.dropped, failed: () => events.failed, isCircuitOpen: () => isCircuitOpen }
  const families: Family[] = [
    counter,
    observed('counter', 'sojourn_events_dropped_total', 'Events lost because their queue was full.', readings.dropped),
    observed('counter', 'sojourn_listeners_failed_total', 'Listeners of events that threw.', readings.failed),
    observed('gauge', 'sojourn_store_circuit_open', '1 while the store is left alone.', () => (isCircuitOpen ? 1 : 0)),
    ...(measurements === undefined ? [] : [measurements.durations]),
  ]
  const forMeter = meter && instruments(meter, measurements, readings)

  const stop = events.tap((event) => {
    if (event.type === 'store.circuit-opened') isCircuitOpen = true
    if (event.type === 'store.circuit-closed') isCircuitOpen = false
    const labels = labelsOf(event)
    counter.add(labels)
    forMeter?.count(labels)
    if (published.hasSubscribers) published.publish(event)
  })

  return {
    prometheus({ format = 'prometheus' } = {}) {
      if (!Object.hasOwn(CONTENT_TYPES, format))
        throw new ConfigError("metrics: format is none; expected 'prometheus' or 'openmetrics'. See docs/guide/metrics.md.", {
          code: 'ERR_ARGUMENT_INVALID',
        })
      return { contentType: CONTENT_TYPES[format], body: exposition(families, format) }
    },
    close() {
      stop()
      forMeter?.stop()
    },
  }
}

function check(options: MetricsOptions): void {
  if (typeof options !== 'object' || options === null || !Object.keys(options).every((key) => KNOWN.has(key)))
    throw invalid('there is an option it does not have, or no options', [...KNOWN].join(', '))
  const { store, meter } = options
  if (store !== undefined && (typeof store !== 'object' || store === null || measurementsOf(store) === undefined))
    throw invalid('store is not measured', 'what measuredStore gave, the same that createSessions was given')
  if (meter !== undefined && typeof meter?.createCounter !== 'function')
    throw invalid('meter is none', "one such as metrics.getMeter('sojourn') of @opentelemetry/api")
}

function invalid(given: string, expected: string): ConfigError {
  return new ConfigError(`metrics: ${given}; expected ${expected}. See docs/guide/metrics.md.`, { code: 'ERR_CONFIG_INVALID' })
}
