import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { metrics as api, type Meter } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { EVENT_CHANNEL, type MeterLike, measuredStore, metrics } from 'sojourn/monitor/metrics'
import { faultyStore } from 'sojourn/testing'
import { describe, expect, expectTypeOf, it, onTestFinished } from 'vitest'
import { memoryStore } from '../../../src/stores/memory.ts'
import { setUp, signedIn, thrownBy } from '../../core/support.ts'
import { oneOfEach } from '../one-of-each.ts'
import { parseExposition } from './exposition.ts'

function counted() {
  const faulty = faultyStore(memoryStore())
  const store = Object.assign(measuredStore(faulty), { setFaults: faulty.setFaults, calls: faulty.calls }) as never
  const service = setUp({ store })
  const measured = metrics(service.sessions, { store })
  onTestFinished(() => measured.close())
  const samples = () => parseExposition(measured.prometheus().body).samples
  const total = (name: string, labels: Record<string, string> = {}) =>
    samples()
      .filter((sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
      .reduce((sum, { value }) => sum + value, 0)
  return { ...service, setFaults: faulty.setFaults, measured, samples, total }
}

const EVENTS = 'sojourn_events_total'

describe('counting', () => {
  it('events are counted by type, outcome and reason', async () => {
    const { sessions, total } = counted()

    await sessions.signIn({ subject: 'ada', method: 'pwd' })
    await sessions.signIn({ subject: 'ada', method: 'pwd', due: 'aal2' })
    await sessions.start()
    await sessions.read('x')
    await sessions.revoke((await sessions.list('ada'))[0]!.id, { reason: 'disabled' })

    const started = (outcome: string) => total(EVENTS, { type: 'session.started', outcome })
    expect([started('signed-in'), started('pending'), started('anonymous')]).toEqual([1, 1, 1])
    expect(total(EVENTS, { type: 'token.refused', reason: 'malformed' })).toBe(1)
    expect(total(EVENTS, { type: 'session.revoked', reason: 'disabled' })).toBe(1)
  })

  it('none is missed in a flood that overflows the queue of events', () => {
    const { sessions, total } = counted()
    sessions.events.on('*', () => {})

    for (let i = 0; i < 25_000; i++) sessions.events.emit({ type: 'token.refused', state: 'forged' })

    expect(total(EVENTS, { type: 'token.refused' })).toBe(25_000)
    expect(total('sojourn_events_dropped_total')).toBe(15_000)
  })

  it('the circuit of the store shows', () => {
    const { sessions, total } = counted()
    const before = total('sojourn_store_circuit_open')

    sessions.events.emit({ type: 'store.circuit-opened', failures: 5, pause: 1000 })
    const open = total('sojourn_store_circuit_open')
    sessions.events.emit({ type: 'store.circuit-closed' })

    expect([before, open, total('sojourn_store_circuit_open')]).toEqual([0, 1, 0])
  })

  it('labels never hold whose it was, whatever the event', async () => {
    const { sessions, measured } = counted()

    for (const event of oneOfEach)
      sessions.events.emit({
        ...event,
        subject: 'SUBJECT',
        sessionId: 'SESSION',
        ...('actor' in event && { actor: 'ACTOR' }),
      } as never)

    const { body } = measured.prometheus()
    expect(body).not.toMatch(/SUBJECT|SESSION|ACTOR/)
    expect(new Set(parseExposition(body).samples.map(({ labels }) => labels.type)).size).toBeGreaterThan(oneOfEach.length - 1)
  })

  it('whoever chooses a reason makes no more series than there is room for', () => {
    const { sessions, samples, total } = counted()

    for (let i = 0; i < 5000; i++) sessions.events.emit({ type: 'session.revoked', reason: `reason-${i}` })

    expect(samples().filter(({ labels }) => labels.type === 'session.revoked')).toHaveLength(41)
    expect(total(EVENTS, { type: 'session.revoked', reason: 'other' })).toBe(4960)
  })

  it.each(['ada@example.org said so', 'two\nlines', '"quoted"', 'x'.repeat(65), '', '\u202e'])('%j is no reason', (reason) => {
    const { sessions, samples } = counted()

    sessions.events.emit({ type: 'session.revoked', reason })

    expect(samples().find(({ labels }) => labels.type === 'session.revoked')!.labels.reason).toBe('')
  })

  it('stops when closed', () => {
    const { sessions, measured, total } = counted()

    measured.close()
    sessions.events.emit({ type: 'session.expired', reason: 'idle' })

    expect(total(EVENTS)).toBe(0)
  })
})

describe('durations', () => {
  const DURATIONS = 'sojourn_store_operation_duration_seconds'

  it('each call of the store and its ledger is measured', async () => {
    const { sessions, total } = counted()

    await sessions.read(await signedIn(sessions))

    expect(total(`${DURATIONS}_count`, { operation: 'create', store: 'memory', error: '' })).toBe(1)
    expect(total(`${DURATIONS}_count`, { operation: 'read' })).toBe(1)
    expect(total(`${DURATIONS}_sum`, { operation: 'read' })).toBeGreaterThan(0)
  })

  it('failures by the code of the error, never its text', async () => {
    const { sessions, setFaults, total, measured } = counted()
    const token = await signedIn(sessions)
    setFaults({ read: { kind: 'error', error: new Error(`no answer for ${token}`) } })

    await sessions.read(token).catch(() => {})

    expect(total(`${DURATIONS}_count`, { operation: 'read', error: 'failed' })).toBe(1)
    expect(measured.prometheus().body).not.toContain(token.slice(5, 40))
  })

  it('buckets add up', async () => {
    const { sessions, setFaults, samples } = counted()
    setFaults({ create: [{ kind: 'latency', milliseconds: 60 }, undefined] })

    await signedIn(sessions)
    await signedIn(sessions)

    const buckets = samples().filter(({ name, labels }) => name === `${DURATIONS}_bucket` && labels.operation === 'create')
    const atMost = (bound: string) => buckets.find(({ labels }) => labels.le === bound)!.value
    expect([atMost('0.05'), atMost('+Inf')]).toEqual([1, 2])
    expect(buckets.map(({ value }) => value)).toEqual(buckets.map(({ value }) => value).toSorted((a, b) => a - b))
  })

  it('a store that answers without a promise goes on doing so', () => {
    const store = measuredStore(memoryStore())

    expect(store.read('A'.repeat(22))).toBeUndefined()
  })
})

describe('the text', () => {
  it.each([
    ['prometheus', 'text/plain; version=0.0.4; charset=utf-8', /^sojourn_events_total\{/m],
    ['openmetrics', 'application/openmetrics-text; version=1.0.0; charset=utf-8', /# TYPE sojourn_events counter[\s\S]*# EOF\n$/],
  ] as const)('%s: its type, and its form', async (format, contentType, form) => {
    const { sessions, measured } = counted()
    await signedIn(sessions)

    const answer = measured.prometheus({ format })

    expect(answer.contentType).toBe(contentType)
    expect(answer.body).toMatch(form)
    expect(parseExposition(answer.body).problems).toEqual([])
  })

  it('another format is refused', () => {
    const { measured } = counted()

    expect(thrownBy(() => measured.prometheus({ format: 'json' as never })).code).toBe('ERR_ARGUMENT_INVALID')
  })
})

describe('OpenTelemetry', () => {
  it('the meter is the shape of the real one', () => {
    expectTypeOf<Meter>().toExtend<MeterLike>()
    expect(() => metrics(setUp().sessions, { meter: api.getMeter('sojourn') }).close()).not.toThrow()
  })

  it('the real SDK gets the same, by the names of the semantic conventions', async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1e8 })
    const provider = new MeterProvider({ readers: [reader] })
    onTestFinished(() => provider.shutdown())
    const faulty = faultyStore(memoryStore())
    const store = Object.assign(measuredStore(faulty), { setFaults: faulty.setFaults, calls: faulty.calls }) as never
    const { sessions } = setUp({ store })
    metrics(sessions, { store, meter: provider.getMeter('sojourn') })

    const token = await signedIn(sessions)
    faulty.setFaults({ read: { kind: 'error' } })
    await sessions.read(token).catch(() => {})
    sessions.events.emit({ type: 'store.circuit-opened', failures: 5, pause: 1000 })
    await reader.forceFlush()

    const found = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
    const named = (name: string) => found.find(({ descriptor }) => descriptor.name === name) as MetricData
    expect(named('sojourn.events').dataPoints).toContainEqual(
      expect.objectContaining({
        value: 1,
        attributes: { 'sojourn.event.type': 'session.started', 'sojourn.event.outcome': 'signed-in' },
      }),
    )
    const durations = named('db.client.operation.duration')
    expect(durations.descriptor.unit).toBe('s')
    expect(durations.dataPoints.map(({ attributes }) => attributes)).toEqual([
      { 'db.system.name': 'memory', 'db.operation.name': 'create' },
      { 'db.system.name': 'memory', 'db.operation.name': 'read', 'error.type': 'ERR_STORE_UNAVAILABLE' },
    ])
    expect(named('sojourn.store.circuit_open').dataPoints).toMatchObject([{ value: 1 }])
    expect(JSON.stringify(found)).not.toMatch(/ada/)
  })
})

it('each event is published on a diagnostics channel while somebody listens', async () => {
  const { sessions } = counted()
  const heard: unknown[] = []
  const listener = (event: unknown) => void heard.push(event)
  subscribe(EVENT_CHANNEL, listener)
  onTestFinished(() => void unsubscribe(EVENT_CHANNEL, listener))

  await sessions.signIn({ subject: 'ada', method: 'pwd' })

  expect(EVENT_CHANNEL).toBe('sojourn:event')
  expect(heard).toMatchObject([{ type: 'session.started', subject: 'ada' }])
})

it.each<[string, unknown]>([
  ['a store that is not measured', { store: memoryStore() }],
  ['a meter that is none', { meter: {} }],
  ['an option there is not', { mater: undefined }],
])('%s is refused at start-up', (_, options) => {
  expect(thrownBy(() => metrics(setUp().sessions, options as object)).code).toBe('ERR_CONFIG_INVALID')
})
