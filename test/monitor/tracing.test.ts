import type { Tracer } from '@opentelemetry/api'
import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { type TracerLike, tracedStore } from 'sojourn/monitor/tracing'
import { faultyStore } from 'sojourn/testing'
import { expect, expectTypeOf, it } from 'vitest'
import { memoryStore } from '../../src/stores/memory.ts'
import { setUp, signedIn, thrownBy } from '../core/support.ts'

interface Recorded {
  readonly name: string
  readonly kind: number | undefined
  readonly attributes: Record<string, string>
  status?: number
  isEnded: boolean
}

/** Keeps what it is told, as an SDK would. */
function recorder() {
  const spans: Recorded[] = []
  const tracer: TracerLike = {
    startActiveSpan(name, { kind, attributes = {} }, work) {
      const span: Recorded = { name, kind, attributes: { ...attributes }, isEnded: false }
      spans.push(span)
      return work({
        setAttribute: (key, value) => {
          span.attributes[key] = value
        },
        setStatus: ({ code }) => {
          span.status = code
        },
        end: () => {
          span.isEnded = true
        },
      })
    },
  }
  return { spans, tracer }
}

it('each call of the store is a client span, with the engine and the operation', async () => {
  const { spans, tracer } = recorder()
  const { sessions } = setUp({ store: tracedStore(memoryStore(), tracer) as never })

  await sessions.read(await signedIn(sessions))

  const span = (operation: string) => ({
    name: `${operation} memory`,
    kind: SpanKind.CLIENT,
    attributes: { 'db.system.name': 'memory', 'db.operation.name': operation },
    isEnded: true,
  })
  expect(spans.slice(0, 2)).toEqual([span('create'), span('read')])
})

it('one that fails says the code of the error, and is ended', async () => {
  const { spans, tracer } = recorder()
  const store = faultyStore(memoryStore())
  const { sessions } = setUp({ store: tracedStore(store, tracer) as never })
  const token = await signedIn(sessions)
  store.setFaults({ read: { kind: 'error', error: new Error(`no answer for ${token}`) } })

  await expect(sessions.read(token)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })

  expect(spans.at(-1)).toMatchObject({
    attributes: { 'error.type': 'failed' },
    status: SpanStatusCode.ERROR,
    isEnded: true,
  })
})

it('no token, id or subject is in any span', async () => {
  const { spans, tracer } = recorder()
  const { sessions } = setUp({ store: tracedStore(memoryStore(), tracer) as never })
  const session = await sessions.signIn({ subject: 'ada-lovelace', method: 'pwd' })
  await sessions.list('ada-lovelace')
  await sessions.revoke(session.id!)
  await sessions.revokeSubject('ada-lovelace')

  expect(spans.length).toBeGreaterThan(3)
  expect(JSON.stringify(spans)).not.toMatch(/lovelace|sjn1_/)
  expect(JSON.stringify(spans)).not.toContain(session.id!)
})

it('the tracer is the shape of the real one; what is none is refused', () => {
  expectTypeOf<Tracer>().toExtend<TracerLike>()
  expect(thrownBy(() => tracedStore(memoryStore(), {} as TracerLike)).code).toBe('ERR_CONFIG_INVALID')
})
