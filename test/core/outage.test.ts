import { describe, expect, it } from 'vitest'
import type { OnOutage } from '../../src/core/reading.ts'
import type { ReadOutcome } from '../../src/core/store.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { type FaultyStore, faultyStore } from '../../src/testing/faulty-store.ts'
import { codeOf, type LooseOptions, setUp, signedIn, tokenOf } from './support.ts'

const AWAY = { all: { kind: 'error' } } as const

/** A store that has gone, and the token of somebody who signed in before. */
async function awaySince(signIn: Parameters<typeof signedIn>[1] = {}, options: LooseOptions = {}) {
  const service = setUp(options)
  const token = await signedIn(service.sessions, signIn)
  service.store.setFaults(AWAY)
  const read = (onOutage?: OnOutage) => service.sessions.read(token, { onOutage })
  return { ...service, token, read }
}

/** A store with a cache in front of it that hands out what the test puts in. */
function cached(copies: { fresh?: ReadOutcome | undefined; last?: ReadOutcome | undefined }): FaultyStore {
  const store = faultyStore(memoryStore())
  return Object.assign(store, { copyOf: () => copies.fresh, lastCopyOf: () => copies.last })
}

describe('a request while the store is away', () => {
  it('is rejected, by default and when asked to', async () => {
    const { read } = await awaySince()
    expect([await codeOf(read()), await codeOf(read('reject'))]).toEqual(['ERR_STORE_UNAVAILABLE', 'ERR_STORE_UNAVAILABLE'])
  })

  // A route's function may be asynchronous by mistake, or misspell a word.
  it.each([Promise.resolve('reject'), 'Reject', null, false, ''])('is rejected where the route says %o', async (said) => {
    const { read } = await awaySince()
    expect(await codeOf(read(said as never))).toBe('ERR_STORE_UNAVAILABLE')
  })

  it('without a token is nobody’s as ever, and asks no store', async () => {
    const { sessions } = await awaySince()
    expect((await sessions.read(undefined)).state).toBe('absent')
  })

  it('with a forged token is refused without the store', async () => {
    const { sessions, token } = await awaySince()
    const forged = token.replace(/.(?=.{9}$)/, (letter) => (letter === 'A' ? 'B' : 'A'))
    expect((await sessions.read(forged)).state).toBe('forged')
  })

  it('is let through as nobody’s where the route says so, with an event', async () => {
    const { read, seen } = await awaySince()
    const session = await read('anonymous')
    expect([session.state, session.subject, session.id]).toEqual(['unavailable', undefined, undefined])
    expect(await seen('request.let-through')).toMatchObject([{ as: 'anonymous', sessionId: expect.any(String) }])
  })

  it('leaves the cookie alone when it was let through as nobody’s', async () => {
    const { read } = await awaySince()
    expect(await (await read('anonymous')).commit()).toEqual({ kind: 'none', isLogout: false })
  })

  // A new cookie would push out the token of a session that lives on: a silent sign-out.
  it('cannot start a session over one that is probably alive, not even when the store is back', async () => {
    const { read, store, token, sessions } = await awaySince()
    const [writing, signingIn, signingOut] = [await read('anonymous'), await read('anonymous'), await read('anonymous')]
    store.setFaults({})
    writing.data.a = 1

    const codes = [
      await codeOf(writing.commit()),
      await codeOf(signingIn.signIn({ subject: 'grace', method: 'pwd' })),
      await codeOf(signingOut.signOut()),
    ]

    expect(codes).toEqual(Array(3).fill('ERR_STORE_UNAVAILABLE'))
    expect((await sessions.read(token)).subject).toBe('ada')
  })

  it('that found the session changed meanwhile is not let through on other errors', async () => {
    const { store, sessions, token } = await awaySince()
    store.setFaults({ read: { kind: 'error', error: new TypeError('a mistake in the store') } })
    // Untyped errors of a store are outages; what is not an outage is not let through.
    expect((await sessions.read(token, { onOutage: 'anonymous' })).state).toBe('unavailable')
  })
})

describe('a route that goes on reading', () => {
  const withCopy = async () => {
    const copies: { fresh?: ReadOutcome | undefined; last?: ReadOutcome | undefined } = {}
    const store = cached(copies)
    const service = setUp({ store })
    const token = await signedIn(service.sessions)
    const { id } = await service.sessions.read(token)
    copies.last = await store.read(id!)
    const read = (onOutage: OnOutage = 'readonly') => service.sessions.read(token, { onOutage })
    return { ...service, copies, store, token, id: id!, read }
  }

  it('gets the last copy, and is told so', async () => {
    const { store, read, seen } = await withCopy()
    store.setFaults(AWAY)
    const session = await read()
    expect([session.subject, session.isReadonly]).toEqual(['ada', true])
    expect(await seen('request.let-through')).toMatchObject([{ as: 'readonly' }])
  })

  it('is rejected where there is no copy', async () => {
    const { store, copies, read } = await withCopy()
    store.setFaults(AWAY)
    copies.last = undefined
    expect(await codeOf(read())).toBe('ERR_STORE_UNAVAILABLE')
  })

  it('asks the store while it answers', async () => {
    const { store, id, read } = await withCopy()
    await store.revoke(id, { now: Date.now(), reason: 'logout' })
    expect((await read()).state).toBe('revoked')
  })

  it('writes nothing: no data, no new token, no touch, no other session', async () => {
    const { store, clock, read } = await withCopy()
    store.setFaults(AWAY)
    clock.advance(16 * 60_000)
    const [writing, quiet, signingIn, rotating] = [await read(), await read(), await read(), await read()]
    store.setFaults({})
    const before = store.calls.length
    writing.data.a = 1

    const codes = [
      await codeOf(writing.commit()),
      await codeOf(signingIn.signIn({ subject: 'grace', method: 'pwd' })),
      await codeOf(rotating.rotate()),
      await codeOf(rotating.elevate({ method: 'otp' })),
    ]

    expect(codes).toEqual(Array(4).fill('ERR_STORE_UNAVAILABLE'))
    expect(await quiet.commit()).toEqual({ kind: 'none', isLogout: false })
    expect(store.calls.length).toBe(before)
  })

  it('judges the copy by its deadlines like any record', async () => {
    const { store, clock, read } = await withCopy()
    store.setFaults(AWAY)
    clock.advance(31 * 60_000)
    expect(await codeOf(read())).toBe('ERR_STORE_UNAVAILABLE')
  })
})

describe('a copy that still holds', () => {
  const withFresh = async () => {
    const copies: { fresh?: ReadOutcome | undefined } = {}
    const store = cached(copies)
    const service = setUp({ store })
    const token = await signedIn(service.sessions)
    const id = (await service.sessions.read(token)).id!
    copies.fresh = await store.read(id)
    return { ...service, copies, store, token, id }
  }
  const reads = (store: FaultyStore) => store.calls.filter((call) => call === 'read').length

  it('answers without the store, and without a promise', async () => {
    const { sessions, store, token } = await withFresh()
    const before = reads(store)
    const session = sessions.open(token)
    expect(session).not.toBeInstanceOf(Promise)
    expect([(await session).subject, reads(store)]).toEqual(['ada', before])
  })

  it('is served while the circuit is open', async () => {
    const { sessions, store, token, copies } = await withFresh()
    const { fresh } = copies
    copies.fresh = undefined
    store.setFaults(AWAY)
    for (let i = 0; i < 6; i++) await codeOf(sessions.read(token))
    copies.fresh = fresh
    expect((await sessions.read(token)).subject).toBe('ada')
  })

  // Every refusal on an old copy's word would be a false one: a renewed token looks like theft to it, a touched session expired.
  it('refuses nobody: a token it does not know is asked about', async () => {
    const { sessions, clock, token } = await withFresh()
    clock.advance(16 * 60_000)
    const renewed = await tokenOf(await sessions.read(token))

    const session = await sessions.read(renewed)

    expect([session.state, session.subject]).toEqual(['active', 'ada'])
  })

  it('refuses nobody: a deadline it saw is asked about', async () => {
    const { sessions, clock, token } = await withFresh()
    clock.advance(20 * 60_000)
    await (await sessions.read(token)).touch()
    clock.advance(20 * 60_000)

    expect((await sessions.read(token)).state).toBe('active')
  })

  it('is not written over: a change goes to what is there now', async () => {
    const { sessions, store, token, id, copies } = await withFresh()
    const first = await sessions.read(token)
    first.data.a = 1
    await first.commit()
    const second = await sessions.read(token)
    second.data.b = 2
    await second.commit()

    copies.fresh = undefined
    expect((await sessions.read(token)).data).toEqual({ a: 1, b: 2 })
    expect((await store.read(id))?.kind).toBe('record')
  })
})

describe('a store that fails again and again', () => {
  const PAUSE = 40
  const failing = async () => {
    const service = await awaySince({}, { circuitBreaker: { failures: 3, pause: PAUSE } })
    for (let i = 0; i < 3; i++) await codeOf(service.read())
    return service
  }

  it('is left alone for a moment: callers are refused at once, told when to come back', async () => {
    const { store, read } = await failing()
    const before = store.calls.length
    const error = await read().catch((reason) => reason)
    expect(error).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', status: 503, retryAfter: expect.any(Number) })
    expect(store.calls.length).toBe(before)
  })

  it('is tried again after it, and everybody gets through once it answers', async () => {
    const { store, read, seen } = await failing()
    store.setFaults({})
    await new Promise((resolve) => setTimeout(resolve, 1.2 * PAUSE + 5))
    expect((await read()).subject).toBe('ada')
    const types = (await seen()).map(({ type }) => type).filter((type) => type.startsWith('store.circuit'))
    expect(types).toEqual(['store.circuit-opened', 'store.circuit-closed'])
  })

  it('that says what is wrong is there: a full store opens no circuit', async () => {
    const service = setUp({ circuitBreaker: { failures: 2 }, store: faultyStore(memoryStore({ maxSessions: 1 })) })
    const token = await signedIn(service.sessions)
    for (let i = 0; i < 5; i++)
      expect(await codeOf(service.sessions.signIn({ subject: 'grace', method: 'pwd' }))).toBe('ERR_STORE_FULL')
    expect((await service.sessions.read(token)).subject).toBe('ada')
  })

  it('hears nothing of callers who left by themselves', async () => {
    const { sessions, store, token } = setUpWith()
    const given = AbortSignal.abort()
    for (let i = 0; i < 5; i++) await codeOf(sessions.read(await token, { signal: given }))
    store.setFaults({})
    expect((await sessions.read(await token)).subject).toBe('ada')
  })
})

function setUpWith() {
  const service = setUp({ circuitBreaker: { failures: 2 } })
  return { ...service, token: signedIn(service.sessions) }
}
