// What was ended stays ended, and nothing else ends: the ledger under clocks, races, crashes and held requests.
import { describe, expect, it } from 'vitest'
import type { Ledger } from '../../../src/core/store.ts'
import { hours, minutes } from '../../../src/index.ts'
import { EndedSessions } from '../../../src/stores/cookie/ended-sessions.ts'
import { memoryStore } from '../../../src/stores/memory.ts'
import { sqliteStore } from '../../../src/stores/sqlite.ts'
import { codeOf, signedIn } from '../../core/support.ts'
import { sealedWithLedger, stateOf, tokenAfter } from './support.ts'

const LEDGERS = [
  ['memory', () => memoryStore()],
  ['sqlite', () => sqliteStore(':memory:')],
] as const

describe.each(LEDGERS)('ended sessions in %s', (_name, beneath) => {
  const open = (options = {}) => sealedWithLedger(options, beneath())

  it('a session that was signed out is over, and every earlier cookie of it', async () => {
    const site = open()
    const first = await signedIn(site.sessions)
    const second = await tokenAfter(site, first, (session) => {
      session.data.basket = ['tea']
    })
    await tokenAfter(site, second, (session) => session.signOut())

    expect([await stateOf(site, first), await stateOf(site, second)]).toEqual(['revoked', 'revoked'])
  })

  it('all sessions of a subject end at once, and nobody else’s', async () => {
    const site = open()
    const tokens = [await signedIn(site.sessions), await signedIn(site.sessions)]
    const other = await signedIn(site.sessions, { subject: 'grace' })
    await site.sessions.revokeSubject('ada', { reason: 'password-reset' })

    expect(await Promise.all([...tokens, other].map((token) => stateOf(site, token)))).toEqual(['revoked', 'revoked', 'active'])
  })

  it('who signs in after all sessions ended has a session, however long after', async () => {
    const site = open({ purgeInterval: 0 })
    await site.sessions.revokeSubject('ada')
    const states: string[] = []
    for (const wait of [0, minutes(1), hours(12), minutes(20), hours(24), hours(24)]) {
      site.clock.advance(wait)
      states.push(await stateOf(site, await signedIn(site.sessions)))
    }

    expect(states).toEqual(Array(6).fill('active'))
  })

  it('an entry that is removed ends nobody and brings nobody back', async () => {
    const site = open({ purgeInterval: 0, policy: { idleTimeout: hours(12) } })
    const ended = await signedIn(site.sessions)
    await site.sessions.revokeSubject('ada')
    site.clock.advance(hours(11))
    const later = await signedIn(site.sessions)
    site.clock.advance(hours(1))
    const kept = await tokenAfter(site, later, (session) => session.elevate({ method: 'otp' }))
    site.clock.advance(hours(11.9))
    const removed = await site.sessions.purge()
    // The engine's own day of grace past, by a job whose clock runs ahead.
    await site.store.purge({ before: site.clock() + hours(1), limit: 1000 })

    expect([removed, await stateOf(site, ended), await stateOf(site, kept)]).toEqual([0, 'expired', 'active'])
    expect(await stateOf(site, await signedIn(site.sessions))).toBe('active')
  })

  it('"sign out everywhere else" spares the session that asked, all its cookies, also the second time', async () => {
    const site = open()
    const mine = await signedIn(site.sessions)
    const others = [await signedIn(site.sessions), await signedIn(site.sessions)]
    const later = await tokenAfter(site, mine, (session) => session.revokeOthers())
    const third = await signedIn(site.sessions)
    const latest = await tokenAfter(site, later, async (session) => {
      session.data.note = 'sealed anew'
      await session.revokeOthers()
    })

    const states = await Promise.all([mine, later, latest, ...others, third].map((token) => stateOf(site, token)))
    expect(states).toEqual(['active', 'active', 'active', 'revoked', 'revoked', 'revoked'])
  })

  it('a spared session ends with the next call that does not spare it', async () => {
    const site = open()
    const mine = await signedIn(site.sessions)
    await tokenAfter(site, mine, (session) => session.revokeOthers())
    const second = await tokenAfter(site, mine, (session) => {
      session.data.note = 'sealed anew'
    })
    await site.sessions.revokeSubject('ada')

    expect([await stateOf(site, mine), await stateOf(site, second)]).toEqual(['revoked', 'revoked'])
  })

  it('the first reason stays', async () => {
    const site = open()
    const token = await signedIn(site.sessions)
    const { id } = await site.sessions.read(token)
    const outcomes = [
      await site.sessions.revoke(id!, { reason: 'stolen-laptop' }),
      await site.sessions.revoke(id!, { reason: 'tidying-up' }),
    ]
    await site.sessions.read(token)

    expect([outcomes, await site.seen('session.used-after-end')]).toMatchObject([[true, false], [{ reason: 'stolen-laptop' }]])
  })
})

describe('a session that ended cannot end others to come back', () => {
  it('a held request of it that ends all others spares nobody', async () => {
    const site = sealedWithLedger()
    const [mine, stolen] = [await signedIn(site.sessions), await signedIn(site.sessions)]
    const held = await site.sessions.read(stolen)
    await tokenAfter(site, mine, (session) => session.revokeOthers())
    await held.revokeOthers()

    expect(await stateOf(site, stolen)).toBe('revoked')
  })

  it('nor a second one, once it is not spared any more', async () => {
    const site = sealedWithLedger()
    const stolen = await signedIn(site.sessions)
    await tokenAfter(site, stolen, (session) => session.revokeOthers())
    const held = [await site.sessions.read(stolen), await site.sessions.read(stolen)]
    await site.sessions.revokeSubject('ada')
    for (const session of held) await session.revokeOthers()

    expect(await stateOf(site, stolen)).toBe('revoked')
  })
})

describe('two that end all sessions of a subject at once', () => {
  /** A ledger whose next `put` of a subject's entry waits until it is let go. */
  function held(ledger: Ledger) {
    const gate = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    const slow: Ledger = {
      claim: (...given) => ledger.claim(...given),
      take: (...given) => ledger.take(...given),
      get: (...given) => ledger.get(...given),
      count: (...given) => ledger.count(...given),
      async put(key, ...rest) {
        reached.resolve()
        await gate.promise
        return ledger.put(key, ...rest)
      },
    }
    return { slow, reached: reached.promise, letGo: gate.resolve }
  }
  const ending = { now: 1000, reason: 'test', keepUntil: 1_000_000 }
  const session = (id: string, epoch = 0) => ({
    id,
    version: 1,
    subject: 'ada',
    epoch,
    startedAt: 0,
    deadline: 900_000,
    absoluteDeadline: 900_000,
    body: new Uint8Array(0),
  })
  const kindOf = async (ended: EndedSessions, id: string, epoch = 0) =>
    (await ended.outcomeFor(session(id, epoch), undefined)).kind

  it('each sparing its own: neither is spared by the other', async () => {
    const { ledger } = memoryStore()
    const [one, other] = [new EndedSessions(ledger), new EndedSessions(ledger)]
    await Promise.all([
      one.endSubject('ada', { ...ending, except: 'mine' }),
      other.endSubject('ada', { ...ending, except: 'stolen' }),
    ])

    expect([await kindOf(one, 'mine'), await kindOf(one, 'stolen')]).toEqual(['tombstone', 'tombstone'])
  })

  it('one that is held up in the middle does not undo one that was done meanwhile', async () => {
    const { ledger } = memoryStore()
    const { slow, reached, letGo } = held(ledger)
    const late = new EndedSessions(slow).endSubject('ada', { ...ending, except: 'stolen' })
    await reached
    const ended = new EndedSessions(ledger)
    await ended.endSubject('ada', ending)
    const before = await kindOf(ended, 'stolen')
    letGo()
    await late

    expect([before, await kindOf(ended, 'stolen')]).toEqual(['tombstone', 'tombstone'])
  })

  it('who was held up and spared nobody cannot spare itself by asking again', async () => {
    const { ledger } = memoryStore()
    const { slow, reached, letGo } = held(ledger)
    const late = new EndedSessions(slow).endSubject('ada', { ...ending, except: 'stolen' })
    await reached
    const ended = new EndedSessions(ledger)
    await ended.endSubject('ada', ending)
    letGo()
    await late
    await ended.endSubject('ada', { ...ending, except: 'stolen' })

    expect(await kindOf(ended, 'stolen')).toBe('tombstone')
  })

  it('a crash in the middle ends nobody by itself, and the next call ends all', async () => {
    const { ledger } = memoryStore()
    const crashing: Ledger = { ...held(ledger).slow, put: () => Promise.reject(new Error('gone')) }
    await new EndedSessions(crashing).endSubject('ada', { ...ending, except: 'mine' }).catch(() => {})
    const ended = new EndedSessions(ledger)
    const between = await kindOf(ended, 'mine')
    await ended.endSubject('ada', ending)
    const epoch = await ended.epochOf('ada', undefined)
    await ended.endSubject('ada', { ...ending, except: 'new' })

    expect([between, await kindOf(ended, 'mine'), await kindOf(ended, 'new', epoch)]).toEqual(['record', 'tombstone', 'record'])
  })

  it('twenty at once, of every kind: all are over who are not the last word’s', async () => {
    const site = sealedWithLedger()
    const tokens = await Promise.all(Array.from({ length: 20 }, () => signedIn(site.sessions)))
    const open = await Promise.all(tokens.map((token) => site.sessions.read(token)))
    await Promise.all(open.map((each, i) => (i % 5 === 0 ? site.sessions.revokeSubject('ada') : each.revokeOthers())))
    const states = await Promise.all(tokens.map((token) => stateOf(site, token)))

    expect(states.filter((state) => state === 'active')).toEqual([])
    expect(await stateOf(site, await signedIn(site.sessions))).toBe('active')
  })
})

describe('signing in while all sessions of the subject are ended', () => {
  it('a session made of what was so before it is over', async () => {
    const site = sealedWithLedger()
    // The new session has its epoch; before its cookie is sealed all sessions end.
    const session = site.sessions.anonymous()
    await session.signIn({ subject: 'ada', method: 'pwd' })
    await site.sessions.revokeSubject('ada')
    const { token } = await session.commit()

    expect(await stateOf(site, token!)).toBe('revoked')
  })

  it('fifty at once: each session is over or was made after it, and none is over for good', async () => {
    const site = sealedWithLedger()
    const signIns = Array.from({ length: 50 }, () => signedIn(site.sessions))
    await site.sessions.revokeSubject('ada')
    const during = await Promise.all(signIns)
    await site.sessions.revokeSubject('ada')
    const states = await Promise.all(during.map((token) => stateOf(site, token)))

    expect([new Set(states), await stateOf(site, await signedIn(site.sessions))]).toEqual([new Set(['revoked']), 'active'])
  })
})

describe('how long an end is remembered', () => {
  it('as long as the session could last under the rules it was made under', async () => {
    const beneath = memoryStore()
    const before = sealedWithLedger({ policy: { absoluteTimeout: hours(240), idleTimeout: hours(240) } }, beneath)
    const { clock } = before
    const token = await signedIn(before.sessions)
    // A stricter policy is deployed, the person signs out, and the policy is taken back.
    const stricter = sealedWithLedger({ clock }, beneath)
    await tokenAfter(stricter, token, (session) => session.signOut())
    clock.advance(hours(100))
    await before.sessions.purge()

    expect(await stateOf(before, token)).toBe('revoked')
  })

  it('as long as the longest of all sessions, where each may have its own (policyFor)', async () => {
    const policy = { absoluteTimeout: hours(1), idleTimeout: hours(1), justification: 'a machine' }
    const site = sealedWithLedger({
      policy,
      policyFor: ({ subject }) =>
        subject === 'robot' ? { absoluteTimeout: hours(24 * 300), idleTimeout: hours(24 * 300) } : undefined,
    })
    const tokens = await Promise.all(['robot', 'robot'].map((subject) => signedIn(site.sessions, { subject })))
    await tokenAfter(site, tokens[0]!, (session) => session.signOut())
    await site.sessions.revokeSubject('robot')
    site.clock.advance(hours(24 * 299))
    await site.sessions.purge()

    expect(await Promise.all(tokens.map((token) => stateOf(site, token)))).toEqual(['revoked', 'revoked'])
  })

  it.each([minutes(-10), minutes(10)])('also where the clocks of two nodes are %s ms apart', async (apart) => {
    const beneath = removingAtOnce()
    const one = sealedWithLedger({ policy: { absoluteTimeout: hours(1), idleTimeout: hours(1) } }, beneath.store)
    const other = sealedWithLedger({ policy: { absoluteTimeout: hours(1), idleTimeout: hours(1) } }, beneath.store)
    other.clock.advance(apart)
    const tokens = await Promise.all([signedIn(one.sessions), signedIn(one.sessions, { subject: 'grace' })])
    await tokenAfter(other, tokens[0]!, (session) => session.signOut())
    await other.sessions.revokeSubject('grace')
    const seen = new Set<string>()
    for (let minute = 0; minute < 75; minute++) {
      for (const { clock } of [one, other, beneath]) clock.advance(minutes(1))
      for (const node of [one, other]) for (const token of tokens) seen.add(await stateOf(node, token))
    }

    expect(seen.has('active')).toBe(false)
  })

  /** A ledger such as Redis': what is past its deadline is gone at once, by the engine's own clock. */
  function removingAtOnce() {
    const { clock } = sealedWithLedger()
    const store = memoryStore()
    const { ledger } = store
    const get: Ledger['get'] = (key, options) => ledger.get(key, { ...options, now: clock() })
    return { clock, store: Object.assign(Object.create(store), { ledger: { ...wrapped(ledger), get } }) as typeof store }
  }
  const wrapped = (ledger: Ledger): Ledger => ({
    claim: (...given) => ledger.claim(...given),
    put: (...given) => ledger.put(...given),
    take: (...given) => ledger.take(...given),
    get: (...given) => ledger.get(...given),
    count: (...given) => ledger.count(...given),
  })
})

describe('the ledger away', () => {
  it.each(['ledger.get', 'all'] as const)(
    '%s: reading is 503, never "signed out", and no cookie is cleared',
    async (operation) => {
      const site = sealedWithLedger()
      const token = await signedIn(site.sessions)
      site.ledger.setFaults({ [operation]: { kind: 'error' } })
      const code = await codeOf(site.sessions.read(token))
      site.ledger.setFaults({})

      expect([code, await stateOf(site, token)]).toEqual(['ERR_STORE_UNAVAILABLE', 'active'])
    },
  )

  it('signing out is 503 and clears nothing; asked again, it is done', async () => {
    const site = sealedWithLedger()
    const token = await signedIn(site.sessions)
    const session = await site.sessions.read(token)
    site.ledger.setFaults({ 'ledger.put': { kind: 'error' } })
    const code = await codeOf(session.signOut())
    const instruction = await session.commit()
    site.ledger.setFaults({})
    await tokenAfter(site, token, (again) => again.signOut())

    expect([code, instruction.kind, await stateOf(site, token)]).toEqual(['ERR_STORE_UNAVAILABLE', 'none', 'revoked'])
  })

  it('a sign-out whose second half failed has ended the session all the same', async () => {
    const site = sealedWithLedger()
    const token = await signedIn(site.sessions)
    site.ledger.setFaults({ 'ledger.claim': { kind: 'error' } })
    const code = await codeOf((await site.sessions.read(token)).signOut())

    expect([code, await stateOf(site, token)]).toEqual(['ERR_STORE_UNAVAILABLE', 'revoked'])
  })

  it.each(['ledger.get', 'ledger.put', 'ledger.claim'] as const)('%s away: nobody is signed in', async (operation) => {
    const site = sealedWithLedger()
    const anonymous = await tokenAfter(site, '', (session) => {
      session.data.basket = ['tea']
    })
    const session = await site.sessions.read(anonymous)
    site.ledger.setFaults({ [operation]: { kind: 'error' } })
    const code = await codeOf(session.signIn({ subject: 'ada', method: 'pwd' }))

    expect([code, session.subject, (await session.commit()).kind]).toEqual(['ERR_STORE_UNAVAILABLE', undefined, 'none'])
  })

  it('what nobody can read in it is an outage, not a sign-out', async () => {
    const site = sealedWithLedger()
    const token = await signedIn(site.sessions)
    const { ledger } = site
    await site.sessions.revokeSubject('ada')
    const damaged: Ledger = Object.assign(Object.create(ledger.ledger), {
      get: async () => Buffer.from('{'),
    })
    Object.assign(ledger, { ledger: damaged })
    const again = sealedWithLedger({ clock: site.clock }, ledger)

    expect(await codeOf(again.sessions.read(token))).toBe('ERR_STORE_UNAVAILABLE')
  })
})
