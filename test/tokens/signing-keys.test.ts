import { calculateJwkThumbprint, createLocalJWKSet, exportJWK, type JSONWebKeySet, type JWK, jwtVerify } from 'jose'
import { describe, expect, it, vi } from 'vitest'
import { days, hours, minutes, seconds } from '../../src/core/duration.ts'
import type { Ledger } from '../../src/core/store.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import { faultyStore } from '../../src/testing/faulty-store.ts'
import { createKeyMaker } from '../../src/tokens/signing-keys/making.ts'
import { periodAt } from '../../src/tokens/signing-keys/periods.ts'
import { createSigningKeys } from '../../src/tokens/signing-keys.ts'
import { FOREIGN_KEY, KEY, OLDER_KEY } from '../core/support.ts'
import { contextOf } from './context.ts'
import { API, ISSUER, kidOf, minting, partsOf } from './support.ts'

const PERIOD = days(30)
/** The ledger alone: whether a session lives is another question. */
const AWAY = { kind: 'error' } as const
const LEDGER_AWAY = { 'ledger.get': AWAY, 'ledger.put': AWAY, 'ledger.claim': AWAY, 'ledger.take': AWAY, 'ledger.count': AWAY }
/** A clock at the beginning of a period. */
const periodStart = () => fakeClock(PERIOD * 700)
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

/** A ledger whose entries can be looked at, changed and lost. */
function openLedger() {
  const store = memoryStore()
  const entries = new Map<string, Uint8Array>()
  const ledger: Ledger = {
    ...store.ledger,
    claim: (key, how) => store.ledger.claim(key, how),
    take: (key, how) => store.ledger.take(key, how),
    count: (key, how) => store.ledger.count(key, how),
    async put(key, value) {
      entries.set(key, value)
    },
    async get(key) {
      return entries.get(key)
    },
  }
  return { entries, store: { name: 'open', capabilities: store.capabilities, ledger } }
}

/** Whether a service that fetched the key set finds the token good. */
async function isVerified(jwt: string, jwks: unknown, now: number, algorithm = 'ES256'): Promise<boolean> {
  const options = { issuer: ISSUER, audience: API, typ: 'at+jwt', algorithms: [algorithm], currentDate: new Date(now) }
  return jwtVerify(jwt, createLocalJWKSet(jwks as JSONWebKeySet), options).then(
    () => true,
    () => false,
  )
}

describe('a signing key', () => {
  it('is named by its thumbprint, and says its one algorithm and that it signs', async () => {
    const { tokens, mint } = minting()

    const { accessToken } = await mint()
    const [key] = (await tokens.signer.jwks()).keys

    expect(key).toMatchObject({ kid: kidOf(accessToken), alg: 'ES256', use: 'sig', kty: 'EC', crv: 'P-256' })
    expect(await calculateJwkThumbprint(key as JWK)).toBe(key!.kid)
  })

  it.each(['ES256', 'EdDSA', 'ML-DSA-44', 'ML-DSA-65', 'RS256'] as const)(
    '%s: signs what a service verifies; its private part is nowhere',
    async (algorithm) => {
      const { entries, store } = openLedger()
      const how = algorithm === 'RS256' ? { dangerouslyUseRs256: true } : { algorithm }
      const { tokens, mint, clock, seen } = minting({ tokens: { ...how, ledger: store } })

      const { accessToken } = await mint()
      const jwks = await tokens.signer.jwks()
      const outside = JSON.stringify([jwks, await tokens.signingKeys(), await seen(), tokens.signer])
      const kept = [...entries.values()].map((value) => Buffer.from(value).toString('latin1'))

      expect(await isVerified(accessToken, jwks, clock(), algorithm)).toBe(true)
      expect(jwks.keys.flatMap((key) => Object.keys(key)).filter((name) => PRIVATE.includes(name))).toEqual([])
      expect(outside).not.toMatch(/"(?:d|p|q|priv|k)":/)
      expect(kept.filter((value) => value.includes('"kty"') || value.includes('"d"') || value.includes('"priv"'))).toEqual([])
      expect(kept).toHaveLength(1)
    },
  )

  it('cannot be taken out of the memory of a process', async () => {
    const { sessions, clock } = minting()
    const context = contextOf(sessions)

    const { privateKey } = await createKeyMaker(context).ensure(periodAt(clock(), context.settings), false)

    await expect(exportJWK(privateKey)).rejects.toThrow()
  })

  it('is shared: twenty processes that start at once sign with one key, and say once that it was made', async () => {
    const store = faultyStore(memoryStore())
    const clock = fakeClock()
    const processes = Array.from({ length: 20 }, () => minting({ core: { store, clock } }))

    const kids = await Promise.all(processes.map(async ({ mint }) => kidOf((await mint()).accessToken)))
    const added = await Promise.all(processes.map(({ seen }) => seen('signing-key.added')))

    expect(new Set(kids).size).toBe(1)
    expect(added.flat()).toMatchObject([{ kid: kids[0], algorithm: 'ES256', reason: 'missing' }])
  })

  it('is its issuer’s own: two issuers over one store share none', async () => {
    const store = faultyStore(memoryStore())
    const [one, other] = [minting({ core: { store } }), minting({ core: { store }, tokens: { issuer: 'https://other.example' } })]

    expect(await one.kids()).not.toEqual(await other.kids())
  })

  it('is kept in memory: a thousand tokens ask the ledger nothing, and a minute later one look is enough', async () => {
    const { tokens, sessions, store, clock } = minting()
    const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
    const asked = () => store.calls.filter((call) => call.startsWith('ledger.')).length
    await tokens.mint(session)
    await tokens.signer.jwks()

    const before = asked()
    for (let i = 0; i < 1000; i++) await tokens.mint(session)
    const after = asked()
    clock.advance(minutes(1))
    for (let i = 0; i < 1000; i++) await tokens.mint(session)

    expect(after).toBe(before)
    expect(asked() - after).toBeLessThanOrEqual(2)
  })
})

describe('rotation', () => {
  it('publishes the next key a day before it signs, and signs with it from the first instant of its period', async () => {
    const clock = periodStart()
    const { mint, kids } = minting({ core: { clock } })
    const first = kidOf((await mint()).accessToken)
    clock.advance(PERIOD - days(1) - 1)
    const before = await kids()
    clock.advance(minutes(1))
    const ahead = await kids()
    const still = kidOf((await mint()).accessToken)
    clock.set(PERIOD * 701 - 1)
    const last = kidOf((await mint()).accessToken)
    clock.advance(1)
    const next = kidOf((await mint()).accessToken)

    expect(before).toEqual([first])
    expect(ahead).toEqual([next, first])
    expect([still, last]).toEqual([first, first])
    expect(next).not.toBe(first)
  })

  it('needs no ledger at the change, once the next key is there, and no request for the key set to make it', async () => {
    const clock = periodStart()
    const { mint, store, sessions, tokens, seen } = minting({ core: { clock } })
    await mint()
    clock.set(PERIOD * 701 - minutes(5))
    const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
    await tokens.mint(session)
    await vi.waitFor(async () =>
      expect(await seen('signing-key.added')).toMatchObject([{ reason: 'missing' }, { reason: 'due' }]),
    )
    const [, due] = (await seen('signing-key.added')) as { kid: string }[]
    store.setFaults(LEDGER_AWAY)
    clock.set(PERIOD * 701)

    expect(kidOf((await tokens.mint(session)).accessToken)).toBe(due!.kid)
  })

  it('keeps a key published until the last token it signed is over, and then no longer', async () => {
    const clock = periodStart()
    const { mint, kids, tokens } = minting({ core: { clock }, tokens: { accessTokenLifetime: hours(1) } })
    await mint()
    clock.set(PERIOD * 701 - 1)
    const { accessToken, expiresAt } = await mint()
    clock.set(expiresAt - 1)
    const atTheEnd = await isVerified(accessToken, await tokens.signer.jwks(), clock())
    clock.set(PERIOD * 701 + hours(1) + minutes(15) - seconds(30))
    await kids()
    clock.advance(seconds(30))

    expect(atTheEnd).toBe(true)
    expect(await kids()).not.toContain(kidOf(accessToken))
  })

  it('keeps the key that retired for a process that starts afterwards', async () => {
    const clock = periodStart()
    const store = faultyStore(memoryStore())
    const { mint } = minting({ core: { clock, store } })
    await mint()
    clock.set(PERIOD * 701 - 1)
    const old = kidOf((await mint()).accessToken)
    clock.advance(minutes(2))

    expect(await minting({ core: { clock, store } }).kids()).toContain(old)
  })

  it('says once, among all processes, that a key has retired', async () => {
    const clock = periodStart()
    const store = faultyStore(memoryStore())
    const processes = [minting({ core: { clock, store } }), minting({ core: { clock, store } })]
    for (const { kids } of processes) await kids()
    const [retired] = await processes[0]!.kids()
    for (let minute = 0; minute < 3; minute++) {
      clock.set(PERIOD * 701 + minutes(2 * minute))
      for (const { kids } of processes) await kids()
    }
    const said = await Promise.all(processes.map(({ seen }) => seen('signing-key.retired')))

    expect(said.flat()).toMatchObject([{ kid: retired, algorithm: 'ES256' }])
  })

  it('is shown: which key signs, which will, which did, and until when', async () => {
    const clock = periodStart()
    const { mint, tokens } = minting({ core: { clock }, tokens: { keyOverlap: days(7), signingKeyLifetime: days(7) } })
    const start = Math.floor(clock() / days(7)) * days(7)
    await mint()
    clock.set(start + days(7) + minutes(1))
    await mint()

    expect(await tokens.signingKeys()).toMatchObject([
      { state: 'published', algorithm: 'ES256', signsFrom: start + days(14) },
      { state: 'signing', signsFrom: start + days(7), signsUntil: start + days(14) },
      { state: 'retired', signsUntil: start + days(7), publishedUntil: start + days(7) + minutes(75) },
    ])
  })
})

describe('clocks', () => {
  it.each([
    ['back by a day', -days(1)],
    ['back by a year', -days(365)],
    ['ahead by ten years', days(3650)],
  ])('a clock that jumps %s signs on, and what it signs verifies', async (_name, jump) => {
    const { mint, tokens, clock } = minting()
    await mint()
    clock.set(clock() + jump)

    const { accessToken } = await mint()

    expect(await isVerified(accessToken, await tokens.signer.jwks(), clock())).toBe(true)
  })

  it('a clock that went back is no reason to look no more', async () => {
    const { kids, clock, store } = minting()
    await kids()
    const asked = store.calls.length
    clock.advance(-hours(1))
    await kids()

    expect(store.calls.length).toBeGreaterThan(asked)
  })

  it('a clock that was ahead for a moment leaves the key of now as it was', async () => {
    const { mint, clock } = minting()
    const before = kidOf((await mint()).accessToken)
    const now = clock()
    clock.set(now + days(100))
    await mint()
    clock.set(now + seconds(1))

    expect(kidOf((await mint()).accessToken)).toBe(before)
  })
})

describe('a ledger that is away', () => {
  it('is a 503 while there is no key, and no process makes one of its own', async () => {
    const { tokens, sessions, store } = minting()
    const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
    store.setFaults({ 'ledger.get': { kind: 'error' } })

    await expect(tokens.mint(session)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', status: 503 })
    await expect(tokens.signer.jwks()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', status: 503 })
    store.setFaults({})
    expect((await tokens.mint(session)).tokenType).toBe('Bearer')
  })

  it('stops neither minting nor the key set where the key is in memory', async () => {
    const { tokens, sessions, store, clock, kids } = minting()
    const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
    const kid = kidOf((await tokens.mint(session)).accessToken)
    store.setFaults(LEDGER_AWAY)
    clock.advance(minutes(2))

    expect(await kids()).toEqual([kid])
    expect(kidOf((await tokens.mint(session)).accessToken)).toBe(kid)
  })

  it('that lost everything gets the key back from who has it', async () => {
    const { entries, store } = openLedger()
    const core = { clock: fakeClock() }
    const first = minting({ core, tokens: { ledger: store } })
    const kid = kidOf((await first.mint()).accessToken)
    entries.clear()
    // The one who makes a key holds it for ten seconds.
    core.clock.advance(minutes(1))
    await first.kids()

    expect(await minting({ core, tokens: { ledger: store } }).kids()).toEqual([kid])
  })

  it('with another key in the place of ours: that one signs from now on, and ours verifies on for as long as a token of it can be good', async () => {
    const { entries, store } = openLedger()
    const core = { clock: fakeClock() }
    const first = minting({ core, tokens: { ledger: store } })
    const ours = kidOf((await first.mint()).accessToken)
    entries.clear()
    core.clock.advance(seconds(20))
    const theirs = kidOf((await minting({ core, tokens: { ledger: store } }).mint()).accessToken)
    core.clock.advance(minutes(1))
    const kids = await first.kids()

    expect(kidOf((await first.mint()).accessToken)).toBe(theirs)
    expect(kids.toSorted()).toEqual([ours, theirs].toSorted())
    core.clock.advance(minutes(75))
    expect(await first.kids()).toEqual([theirs])
  })

  it('that answered before another process was done: what that one made is taken, and no second key made', async () => {
    const { entries, store } = openLedger()
    const core = { clock: fakeClock() }
    const kid = kidOf((await minting({ core, tokens: { ledger: store } }).mint()).accessToken)
    core.clock.advance(seconds(20))
    let looks = 0
    const ledger: Ledger = { ...store.ledger, get: async (key, how) => (looks++ === 0 ? undefined : store.ledger.get(key, how)) }

    const late = await minting({ core, tokens: { ledger: { ...store, ledger } } }).mint()

    expect([kidOf(late.accessToken), entries.size]).toEqual([kid, 1])
  })

  it('of a maker who died halfway: the others wait, and one of them makes the key once its time is over', async () => {
    const { store, entries } = openLedger()
    const claimed: string[] = []
    const ledger: Ledger = { ...store.ledger, claim: async (key, how) => claimed.push(key) > 0 && store.ledger.claim(key, how) }
    const died = minting({
      tokens: { ledger: { ...store, ledger: { ...ledger, put: () => Promise.reject(new Error('gone')) } } },
    })
    await expect(died.mint()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    const waiting = minting({ core: { clock: died.clock }, tokens: { ledger: { ...store, ledger } } })

    const minted = waiting.mint()
    const looks = claimed.length
    while (claimed.length < looks + 2) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(entries.size).toBe(0)
    died.clock.advance(seconds(10) + 1)

    expect((await minted).tokenType).toBe('Bearer')
    expect(entries.size).toBe(1)
  })
})

describe('the keyring', () => {
  const over = (keys: string[], core: { clock: ReturnType<typeof fakeClock> }, ledger: ReturnType<typeof openLedger>['store']) =>
    minting({ core: { ...core, keys }, tokens: { ledger } })

  it('gains a key and loses the older one: the signing key stays, in every process', async () => {
    const { store } = openLedger()
    const core = { clock: fakeClock() }
    const before = over([OLDER_KEY], core, store)
    const kid = kidOf((await before.mint()).accessToken)
    const both = await over([KEY, OLDER_KEY], core, store).kids()
    const after = await over([KEY], core, store).kids()

    expect([both, after]).toEqual([[kid], [kid]])
    core.clock.advance(minutes(2))
    expect(await before.kids()).toEqual([kid])
  })

  it('is changed while processes start: whatever rings they have in common with each other, they make one key', async () => {
    const { store } = openLedger()
    const core = { clock: fakeClock() }
    const rings = [[OLDER_KEY], [OLDER_KEY, KEY], [KEY, OLDER_KEY], [OLDER_KEY], [KEY, OLDER_KEY]]

    const kids = await Promise.all(rings.map(async (keys) => kidOf((await over(keys, core, store).mint()).accessToken)))

    expect(new Set(kids).size).toBe(1)
  })

  it('is replaced at once: a new key is made, what the old one signed is nobody’s, and neither ring disturbs the other', async () => {
    const { store } = openLedger()
    const core = { clock: fakeClock() }
    const before = over([OLDER_KEY], core, store)
    const old = (await before.mint()).accessToken
    const after = over([FOREIGN_KEY], core, store)
    const fresh = kidOf((await after.mint()).accessToken)
    core.clock.advance(minutes(2))

    expect(await isVerified(old, await after.tokens.signer.jwks(), core.clock())).toBe(false)
    expect([await after.kids(), await before.kids()]).toEqual([[fresh], [kidOf(old)]])
  })

  it.each([
    ['damaged', (value: Uint8Array) => value.map((byte, i) => (i === 80 ? byte ^ 1 : byte))],
    ['cut short', (value: Uint8Array) => value.subarray(0, 20)],
    ['empty', () => new Uint8Array(0)],
    ['named otherwise', (value: Uint8Array) => Buffer.concat([Buffer.alloc(43, 'A'), value.subarray(43)])],
  ])('an entry that was %s is no key: another one is made, and it is said why', async (_name, change) => {
    const { entries, store } = openLedger()
    const core = { clock: fakeClock() }
    const kid = kidOf((await over([KEY], core, store).mint()).accessToken)
    for (const [name, value] of entries) entries.set(name, change(value))
    core.clock.advance(seconds(20))
    const { mint, seen } = over([KEY], core, store)

    expect(kidOf((await mint()).accessToken)).not.toBe(kid)
    expect(await seen('signing-key.added')).toMatchObject([{ reason: 'damaged' }])
  })

  it('the key of another period, put under this one’s name, signs nothing', async () => {
    const { entries, store } = openLedger()
    const core = { clock: periodStart() }
    const { mint } = over([KEY], core, store)
    const old = kidOf((await mint()).accessToken)
    const [[name, value]] = [...entries] as [[string, Uint8Array]]
    entries.clear()
    core.clock.set(PERIOD * 705)
    entries.set(name.replace(':700:', ':705:'), value)

    expect(kidOf((await over([KEY], core, store).mint()).accessToken)).not.toBe(old)
  })
})

describe('names of keys', () => {
  it.each(['', '__proto__', 'constructor', '../../etc/passwd', "' OR 1=1 --", 'x'.repeat(100_000), 'A'.repeat(43)])(
    'a name that none of our keys has finds none: %.20s',
    async (kid) => {
      const { sessions } = minting()

      expect(await createSigningKeys(contextOf(sessions)).publicKey(kid)).toBeUndefined()
    },
  )

  it('signs whatever this issuer says under the type it is given', async () => {
    const { tokens } = minting()

    const jwt = await tokens.signer.sign({ iss: ISSUER, events: {} }, 'logout+jwt')

    expect(partsOf(jwt)).toMatchObject({ header: { alg: 'ES256', typ: 'logout+jwt' }, claims: { iss: ISSUER, events: {} } })
    expect(tokens.signer).toMatchObject({ issuer: ISSUER, algorithm: 'ES256' })
  })
})
