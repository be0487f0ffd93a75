/**
 * Traces: a span about each call to the store, by the application's tracer of OpenTelemetry's API, so that a slow request says where its time went. Spans hold the engine and the
 * operation; no key, no id, no subject.
 */
import { ConfigError } from '../core/errors.ts'
import type { Store } from '../core/store.ts'
import { aroundStore, errorTypeOf, systemNameOf } from './store-wrapping.ts'

/** What is used of a `Span` of `@opentelemetry/api`. */
export interface SpanLike {
  setAttribute(key: string, value: string): unknown
  setStatus(status: { code: number; message?: string }): unknown
  end(): void
}

/** What is used of a `Tracer` of `@opentelemetry/api`. */
export interface TracerLike {
  startActiveSpan<T>(
    name: string,
    options: { kind?: number; attributes?: Record<string, string> },
    work: (span: SpanLike) => T,
  ): T
}

/** `SpanKind.CLIENT` and `SpanStatusCode.ERROR`. */
const CLIENT = 2
const ERROR = 2

/**
 * A store whose calls are spans: named after the operation, of kind CLIENT, with `db.system.name`, `db.operation.name`, and `error.type` where one failed. Spans of the engine's own
 * instrumentation become its children.
 *
 * @param store - Any store; hand what comes back to `createSessions`. What it has beside the contract stays with the original.
 * @param tracer - `trace.getTracer('sojourn')` of `@opentelemetry/api` 1.x.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up, when the tracer is none.
 * @see OpenTelemetry Semantic Conventions, database client spans
 * @example
 * const sessions = createSessions({ store: tracedStore(redisStore(client), trace.getTracer('sojourn')), keys })
 */
export function tracedStore(store: Store, tracer: TracerLike): Store {
  if (typeof tracer?.startActiveSpan !== 'function')
    throw new ConfigError(
      "tracedStore: tracer is none; expected one such as trace.getTracer('sojourn') of @opentelemetry/api. See docs/guide/metrics.md.",
      { code: 'ERR_CONFIG_INVALID' },
    )
  const system = systemNameOf(store)
  return aroundStore(store, (operation, call) => {
    const attributes = { 'db.system.name': system, 'db.operation.name': operation }
    return tracer.startActiveSpan(`${operation} ${system}`, { kind: CLIENT, attributes }, (span) => {
      try {
        const result = call()
        if (!(result instanceof Promise)) {
          span.end()
          return result
        }
        return result.then(
          (answer) => {
            span.end()
            return answer
          },
          (error) => {
            fail(span, error)
            throw error
          },
        ) as typeof result
      } catch (error) {
        fail(span, error)
        throw error
      }
    })
  })
}

/** The error's code alone: `recordException` would put its message into the trace, which may quote what was asked for. */
function fail(span: SpanLike, error: unknown): void {
  span.setAttribute('error.type', errorTypeOf(error))
  span.setStatus({ code: ERROR })
  span.end()
}
