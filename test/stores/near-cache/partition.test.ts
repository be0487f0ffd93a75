import { nearCache } from 'sojourn/stores/near-cache'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSessions } from '../../../src/core/sessions.ts'
import type { Store } from '../../../src/core/store.ts'
import { KEY, signedIn } from '../../core/support.ts'
import { engineNames, engines } from './engines.ts'
import { MessageProxy } from './message-proxy.ts'
import { NOW, recordOf, someId } from './support.ts'

/** For the test in which it must end a copy; shorter than any store takes to notice by itself that a connection is silent. */
const SHORT_LEASE = 800
/** For those in which something else must. */
const LONG_LEASE = 60_000
const logout = { now: NOW, reason: 'logout' }

describe.each(engineNames)('over %s', (name) => {
  let closers: (() => Promise<void>)[]
  let proxy: MessageProxy
  /** Another process's view: nothing stands between it and the engine. */
  let elsewhere: Store
  /** Behind the proxy. */
  let store: Store
  let here: Store
  let openHere: (maxStaleness: number) => void

  beforeEach(async () => {
    const engine = await engines[name].start()
    proxy = await MessageProxy.start(engine.port)
    const [direct, behind] = [engines[name].open(engine.port), engines[name].open(proxy.port)]
    elsewhere = direct.store
    store = behind.store
    openHere = (maxStaleness) => {
      here = nearCache(store, { maxStaleness })
    }
    closers = [() => here.close(), behind.close, direct.close, () => proxy.stop(), () => engine.stop()]
  })

  afterEach(async () => {
    for (const close of closers) await close()
  })

  const copied = async (): Promise<string> => {
    const id = someId()
    await elsewhere.create(recordOf(id), { now: NOW })
    await copyAgain(id)
    return id
  }
  const copyAgain = (id: string) =>
    expect
      .poll(
        async () => {
          await here.read(id)
          return here.copyOf!(id)?.kind
        },
        { timeout: 10_000 },
      )
      .toBe('record')

  it('a copy whose message is swallowed by a partition is used until its lease ends, and not a moment longer', async () => {
    openHere(SHORT_LEASE)
    const id = await copied()
    expect(proxy.listening).toBeGreaterThan(0)

    await here.read(id)
    const askedBefore = performance.now()
    proxy.silence()
    await elsewhere.revoke(id, logout)
    let lastSeenAt = 0
    for (let lookedAt = performance.now(); here.copyOf!(id); lookedAt = performance.now()) {
      lastSeenAt = lookedAt
      await new Promise((resolve) => setTimeout(resolve, 1))
    }

    // It was there for nearly all of its lease: the partition is real, and nothing else ended the copy.
    expect(lastSeenAt - askedBefore).toBeGreaterThan(SHORT_LEASE / 2)
    expect(lastSeenAt - askedBefore).toBeLessThan(SHORT_LEASE)
    expect((await here.read(id))?.kind).toBe('tombstone')
    expect(here.lastCopyOf!(id)).toBeUndefined()
  })

  it('a broken connection for messages is noticed: no copy is used, the last ones are kept for an outage, and it heals', async () => {
    openHere(LONG_LEASE)
    const [a, b] = [await copied(), await copied()]

    proxy.break()
    await expect.poll(() => here.copyOf!(a)).toBeUndefined()
    await here.read(a)
    expect([here.copyOf!(a), here.lastCopyOf!(a)?.kind]).toEqual([undefined, 'record'])
    await elsewhere.revoke(b, logout)

    proxy.heal()
    await copyAgain(a)
    expect(here.lastCopyOf!(b)).toBeUndefined()
    await elsewhere.revoke(a, logout)
    await expect.poll(() => here.copyOf!(a), { interval: 1 }).toBeUndefined()
  })

  it('a visitor is read from the copy, and is signed out here moments after a logout elsewhere', async () => {
    openHere(LONG_LEASE)
    const sessionsElsewhere = createSessions({ store: elsewhere, keys: KEY })
    const sessionsHere = createSessions({ store: here, keys: KEY })
    const token = await signedIn(sessionsElsewhere)
    const { id } = await sessionsHere.read(token)
    const isActive = async () => (await sessionsHere.read(token)).state === 'active'
    await expect.poll(async () => (await isActive()) && here.copyOf!(id!) !== undefined).toBe(true)

    let reads = 0
    const { read } = store
    store.read = (...given) => {
      reads += 1
      return read.apply(store, given)
    }
    for (let i = 0; i < 20; i++) expect(await isActive()).toBe(true)
    expect(reads).toBe(0)

    await sessionsElsewhere.revoke(id!)
    await expect.poll(isActive, { interval: 1 }).toBe(false)
  })
})
