import { describe, expect, it } from 'vitest'
import { StoreError } from '../../src/core/errors.ts'
import { createEvents, type SojournEvent } from '../../src/core/events.ts'
import type { Store } from '../../src/core/store.ts'
import { storeCalls } from '../../src/core/store-calls.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { codeOf, setUp, signedIn } from './support.ts'

const TIMEOUT = 40
const remote = (changes: Partial<Store>): Store => {
  const base = memoryStore()
  const bound = Object.fromEntries(
    (['create', 'read', 'update', 'revoke', 'revokeSubject', 'list', 'purge', 'close'] as const).map((name) => [
      name,
      base[name].bind(base),
    ]),
  )
  const { ledger, channel } = base
  return {
    ...bound,
    name: 'remote',
    ledger,
    channel,
    capabilities: { ...base.capabilities, isLocal: false },
    ...changes,
  } as Store
}
const callsOf = (changes: Partial<Store>) => {
  const events = createEvents(() => 0)
  const seen: SojournEvent[] = []
  events.on('*', (event) => seen.push(event))
  return {
    calls: storeCalls(remote(changes), {
      timeout: TIMEOUT,
      circuitBreaker: { failures: 5, pause: 1000 },
      random: () => 0,
      events,
    }),
    events,
    seen,
  }
}
const never = () => new Promise<never>(() => {})

describe('storeCalls', () => {
  it.each(['create', 'read', 'update', 'revoke', 'revokeSubject', 'list', 'purge'] as const)(
    'a store that hangs in %s is ERR_STORE_UNAVAILABLE once storeTimeout has passed',
    async (operation) => {
      const { calls } = callsOf({ [operation]: never })
      const call = calls[operation] as (...args: unknown[]) => Promise<unknown>
      const startedAt = performance.now()

      const code = await codeOf(call('id', {}, {}, {}))

      expect(code).toBe('ERR_STORE_UNAVAILABLE')
      expect(performance.now() - startedAt).toBeLessThan(TIMEOUT * 10)
    },
  )

  it('the store is told to stop when its time is up', async () => {
    let given: AbortSignal | undefined
    const { calls } = callsOf({
      read: (_id, options) => {
        given = options?.signal
        return never()
      },
    })

    await codeOf(calls.read('id'))

    expect(given?.aborted).toBe(true)
  })

  it('a caller who stops waiting gets an answer at once', async () => {
    const { calls } = callsOf({ read: never })
    const caller = new AbortController()
    const call = codeOf(calls.read('id', { signal: caller.signal }))
    const startedAt = performance.now()
    caller.abort()

    expect(await call).toBe('ERR_STORE_UNAVAILABLE')
    expect(performance.now() - startedAt).toBeLessThan(TIMEOUT)
  })

  it('a caller who had stopped waiting before gets an answer at once', async () => {
    const { calls } = callsOf({ read: never })
    const startedAt = performance.now()

    const code = await codeOf(calls.read('id', { signal: AbortSignal.abort() }))

    expect(code).toBe('ERR_STORE_UNAVAILABLE')
    expect(performance.now() - startedAt).toBeLessThan(TIMEOUT)
  })

  it('timers and listeners are cleaned up when the store answers', async () => {
    const { calls } = callsOf({})
    const caller = new AbortController()
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    const before = timers()

    await Promise.all(Array.from({ length: 50 }, () => calls.read('id', { signal: caller.signal })))

    expect(timers()).toBeLessThanOrEqual(before)
  })

  it('an untyped error is wrapped, with its cause', async () => {
    const cause = new Error('ECONNREFUSED')
    const { calls } = callsOf({ read: () => Promise.reject(cause) })

    await expect(calls.read('id')).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', status: 503, cause })
  })

  it('an error thrown before any promise is wrapped too', async () => {
    const cause = new Error('not connected')
    const read = () => {
      throw cause
    }

    await expect(callsOf({ read }).calls.read('id')).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', cause })
  })

  it('a typed error passes through', async () => {
    const full = new StoreError('full', { code: 'ERR_STORE_FULL', status: 503 })

    await expect(callsOf({ create: () => Promise.reject(full) }).calls.create({} as never, { now: 0 })).rejects.toBe(full)
  })

  it('each failure is an event with the operation and the code', async () => {
    const { calls, events, seen } = callsOf({ list: () => Promise.reject(new Error('x')) })

    await codeOf(calls.list('ada'))
    await events.drained()

    expect(seen).toEqual([{ type: 'store.failed', operation: 'list', code: 'ERR_STORE_UNAVAILABLE', at: 0 }])
  })

  it('a rejection that comes after the time was up is no unhandled rejection', async () => {
    const unhandled: unknown[] = []
    const note = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', note)
    const late = () => new Promise<never>((_resolve, reject) => setTimeout(reject, TIMEOUT + 10, new Error('late')))

    await codeOf(callsOf({ read: late }).calls.read('id'))
    await new Promise((resolve) => setTimeout(resolve, 40))
    process.off('unhandledRejection', note)

    expect(unhandled).toEqual([])
  })
})

describe('a session whose store is away', () => {
  const broken = async (operation: 'read' | 'create' | 'update' | 'revoke') => {
    const service = setUp()
    const token = await signedIn(service.sessions)
    const session = await service.sessions.read(token)
    service.store.setFaults({ [operation]: { kind: 'error', error: new Error('raw') } })
    return { ...service, token, session }
  }

  it('reading is an error, never "signed out"', async () => {
    const { sessions, token } = await broken('read')

    expect(await codeOf(sessions.read(token))).toBe('ERR_STORE_UNAVAILABLE')
  })

  it('signing in is an error, and nobody is signed in', async () => {
    const { session } = await broken('create')

    expect(await codeOf(session.signIn({ subject: 'grace', method: 'pwd' }))).toBe('ERR_STORE_UNAVAILABLE')
    expect(session.subject).toBe('ada')
  })

  it('a write that failed is an error at commit', async () => {
    const { session } = await broken('update')
    session.data.a = 1

    expect(await codeOf(async () => session.commit())).toBe('ERR_STORE_UNAVAILABLE')
  })

  it('signing out is an error, so that nobody is told they are out', async () => {
    const { session } = await broken('revoke')

    expect(await codeOf(session.signOut())).toBe('ERR_STORE_UNAVAILABLE')
  })

  it('a touch that failed harms nothing', async () => {
    const { clock, sessions, store, token } = await broken('update')
    clock.advance(120_000)
    const session = await sessions.read(token)

    const instruction = session.commit()

    expect([instruction instanceof Promise, store.calls.includes('update')]).toEqual([false, true])
  })

  it('an answer that was lost leaves no half-made state: trying again works', async () => {
    const { store, sessions } = setUp()
    store.setFaults({ create: [{ kind: 'lost-reply' }] })
    await codeOf(sessions.signIn({ subject: 'ada', method: 'pwd' }))

    const token = await signedIn(sessions)

    expect((await sessions.read(token)).subject).toBe('ada')
  })
})
