// What is done about a client that is not what it was: which changes are which, and what each grade does.
import { describe, expect, it } from 'vitest'
import { type Change, type Grade, presets, type TraitOptions, traitChecks, traitsOf } from '../../../src/binding/traits.ts'
import { minutes, seconds } from '../../../src/core/duration.ts'
import type { ReadOutcome } from '../../../src/core/store.ts'
import { memoryStore } from '../../../src/stores/memory.ts'
import { faultyStore } from '../../../src/testing/faulty-store.ts'
import { codeOf } from '../../core/support.ts'
import { AGENTS, HINTS, PLAYERS } from './agents.ts'
import { type Client, guarded, requestOf } from './harness.ts'
import { mmdb } from './mmdb.ts'

const windows: Client = { agent: AGENTS.chromeWindows, hints: HINTS.chromeWindows, address: '198.51.100.7' }
const phone: Client = { agent: AGENTS.chromeAndroid, hints: HINTS.chromeAndroid, address: '198.51.100.7' }
const firefox: Client = { agent: AGENTS.firefoxLinux, address: '198.51.100.7' }
const networks = {
  '198.51.100.0/24': ['NL', 64_500],
  '203.0.113.0/24': ['NL', 64_501],
  '192.0.2.0/24': ['FR', 64_502],
  '198.18.0.0/24': ['NL', 64_500],
} as const
const geo = {
  asn: mmdb(
    'ASN',
    Object.fromEntries(Object.entries(networks).map(([net, [, asn]]) => [net, { autonomous_system_number: asn }])),
  ),
  country: mmdb(
    'Country',
    Object.fromEntries(Object.entries(networks).map(([net, [code]]) => [net, { country: { iso_code: code } }])),
  ),
}

/** Every change notes itself, so that events name them all. */
const NOTE_ALL: TraitOptions = {
  policy: { ...(Object.fromEntries(Object.keys(presets.standard).map((change) => [change, 'note'])) as object), together: [] },
  geo,
}

describe('which change it is', () => {
  const cases: [string, Client, Client, Change[]][] = [
    ['nothing', windows, windows, []],
    ['another host of the network', windows, { ...windows, address: '198.51.100.200' }, []],
    ['the same address as IPv6 sockets show it', windows, { ...windows, address: '::ffff:198.51.100.7' }, []],
    [
      'a later Chrome',
      windows,
      { ...windows, agent: AGENTS.chromeWindowsNext, hints: HINTS.chromeWindowsNext },
      ['browser-update'],
    ],
    ['an earlier Chrome', { ...windows, agent: AGENTS.chromeWindowsNext }, windows, ['browser-downgrade']],
    [
      'Firefox for Chrome',
      { ...firefox, agent: AGENTS.firefoxWindows },
      { ...firefox, agent: AGENTS.chromeWindows },
      ['browser'],
    ],
    ['Edge for Chrome', windows, { ...windows, agent: AGENTS.edgeWindows, hints: HINTS.edgeWindows }, ['browser']],
    ['Chrome’s user agent in Edge', windows, { ...windows, hints: HINTS.edgeWindows }, ['browser']],
    ['macOS for Windows', { ...windows, hints: undefined }, { ...windows, hints: undefined, agent: AGENTS.chromeMac }, ['os']],
    [
      'a copied user agent over another system',
      windows,
      { ...windows, hints: { ...HINTS.chromeWindows, 'sec-ch-ua-platform': '"macOS"' } },
      ['os'],
    ],
    ['a copied user agent over a phone', windows, { ...windows, hints: HINTS.chromeAndroid }, ['os']],
    [
      'another brand on another system',
      phone,
      { ...phone, hints: { ...HINTS.edgeWindows, 'sec-ch-ua-platform': '"Linux"' } },
      ['browser', 'os'],
    ],
    ['Safari on macOS for Firefox on Linux', firefox, { ...firefox, agent: AGENTS.safariMac }, ['browser', 'os']],
    ['curl for Chrome', windows, { agent: AGENTS.curl, address: windows.address }, ['browser', 'os', 'hints-missing']],
    [
      'the desktop site on Android',
      { ...phone, hints: undefined },
      { agent: AGENTS.chromeLinux, address: phone.address },
      ['layout'],
    ],
    ['the mobile site on an iPad', { agent: AGENTS.safariMac }, { agent: AGENTS.safariIpad }, ['layout']],
    [
      'Chrome on Linux for Firefox on Android',
      { agent: AGENTS.firefoxAndroid },
      { agent: AGENTS.chromeLinux },
      ['browser', 'os'],
    ],
    ['the mobile flag alone', phone, { ...phone, hints: { ...HINTS.chromeAndroid, 'sec-ch-ua-mobile': '?0' } }, ['layout']],
    ['the iPhone’s own player, for a page of Safari', { agent: AGENTS.safariIphone }, { agent: PLAYERS.iphone }, []],
    ['the same for Chrome on an iPhone', { agent: AGENTS.chromeIphone }, { agent: PLAYERS.iphone }, []],
    ['an iPad’s player, for Safari that calls itself a Mac’s', { agent: AGENTS.safariMac }, { agent: PLAYERS.iphone }, []],
    ['a Mac’s player, for Safari', { agent: AGENTS.safariMac }, { agent: PLAYERS.mac }, []],
    ['a Mac’s player, for a browser that has its own', { agent: AGENTS.firefoxMac }, { agent: PLAYERS.mac }, ['browser']],
    ['an iPhone’s player, for Windows', windows, { ...windows, agent: PLAYERS.iphone }, ['browser', 'os']],
    ['no user agent any more', firefox, { address: firefox.address }, ['agent-missing']],
    ['a user agent where there was none', { address: firefox.address }, firefox, ['browser']],
    ['no hints any more', windows, { ...windows, hints: undefined }, ['hints-missing']],
    ['hints where there were none', { ...windows, hints: undefined }, windows, ['hints-new']],
    ['a WebSocket, which has no hints', windows, { ...windows, hints: undefined, isSocket: true }, []],
    [
      'a tool that only says it opens a WebSocket',
      windows,
      { ...windows, hints: { upgrade: 'websocket', connection: 'upgrade' } },
      ['hints-missing'],
    ],
    ['a worker’s request, which has none', windows, { ...windows, hints: { 'sec-fetch-dest': 'empty' } }, []],
    ['a script that a worker imports', windows, { ...windows, hints: { 'sec-fetch-dest': 'script' } }, []],
    ['a page without hints', windows, { ...windows, hints: { 'sec-fetch-dest': 'document' } }, ['hints-missing']],
    ['hints after a sign-in from a worker', { ...windows, hints: { 'sec-fetch-dest': 'empty' } }, windows, []],
    ['hints after a session that began with a WebSocket', { ...windows, hints: undefined, isSocket: true }, windows, []],
    ['another network of the same operator', windows, { ...windows, address: '198.18.0.1' }, ['network']],
    ['another operator', windows, { ...windows, address: '203.0.113.9' }, ['network', 'asn']],
    ['another country', windows, { ...windows, address: '192.0.2.1' }, ['network', 'asn', 'country']],
    ['a network that no database knows', windows, { ...windows, address: '233.252.0.1' }, ['network']],
    ['a phone in another network', phone, { ...phone, address: '203.0.113.9' }, ['phone-network']],
    ['a phone abroad', phone, { ...phone, address: '192.0.2.1' }, ['phone-network', 'country']],
    ['an address that is hidden', windows, { ...windows, address: undefined }, []],
    ['an address that is none', windows, { ...windows, address: 'unknown' }, []],
    ['an address after none', { ...windows, address: undefined }, windows, []],
    ['IPv6 after IPv4', windows, { ...windows, address: '2001:db8::1' }, ['network']],
  ]

  it.each(cases)('%s', async (_, before, after, changes) => {
    const { signIn, visit, drifts } = guarded(NOTE_ALL)
    await visit(await signIn(before), after)

    expect((await drifts()).map((event) => 'changes' in event && event.changes)).toEqual(changes.length === 0 ? [] : [changes])
  })

  it.each([
    ['user agent', { ...windows, agent: AGENTS.firefoxLinux }],
    ['brands', { ...windows, hints: HINTS.edgeWindows }],
    ['platform', { ...windows, hints: { ...HINTS.chromeWindows, 'sec-ch-ua-platform': '"Linux"' } }],
    ['mobile flag', { ...windows, hints: { ...HINTS.chromeWindows, 'sec-ch-ua-mobile': '?1' } }],
    ['address', { ...windows, address: '203.0.113.9' }],
  ] as [string, Client][])('however often the same client came before, another %s is seen', async (_, other) => {
    const { signIn, visit, drifts } = guarded(NOTE_ALL)
    const token = await signIn(windows)
    for (let i = 0; i < 5; i++) await visit(token, windows)
    await visit(token, other)

    expect(await drifts()).toHaveLength(1)
  })

  it('sound in a page of Safari neither signs out nor is remembered as a browser, and curl after it is seen', async () => {
    const { signIn, visit, drifts } = guarded()
    const safari = { agent: AGENTS.safariIphone, address: windows.address }
    const token = await signIn(safari)
    for (const agent of [PLAYERS.iphone, AGENTS.safariIphone, PLAYERS.iphone]) {
      expect(await visit(token, { ...safari, agent })).toMatchObject({ token })
    }
    expect(await drifts()).toEqual([])

    await visit(token, { ...safari, agent: AGENTS.curl })
    expect(await drifts()).toMatchObject([{ grade: 'revoke' }])
  })

  it('a tool is not taken for the worker that came before it without hints', async () => {
    const { signIn, visit, drifts } = guarded(NOTE_ALL)
    const token = await signIn(windows)
    for (let i = 0; i < 5; i++) await visit(token, { ...windows, hints: { 'sec-fetch-dest': 'empty' } })
    expect(await drifts()).toEqual([])
    await visit(token, { ...windows, hints: undefined })

    expect(await drifts()).toMatchObject([{ changes: ['hints-missing'] }])
  })

  it('each is told once: the new value is the known one from then on', async () => {
    const { signIn, visit, drifts, writes } = guarded(NOTE_ALL)
    for (const [, before, after, changes] of cases.filter(([, , , list]) => list.length > 0)) {
      const told = (await drifts()).length
      const token = await signIn(before)
      const written = writes()
      for (let i = 0; i < 3; i++) await visit(token, after)
      expect([changes, (await drifts()).length - told, writes() - written]).toEqual([changes, 1, 1])
    }
  })

  it('a line with both IP versions, or a laptop between two places, is told of the second once', async () => {
    const { signIn, visit, drifts, writes } = guarded(NOTE_ALL)
    const token = await signIn(windows)
    for (let i = 0; i < 4; i++) {
      await visit(token, { ...windows, address: '2001:db8::1' })
      await visit(token, windows)
    }

    expect([(await drifts()).length, writes()]).toEqual([1, 1])
  })

  it('no more than four networks are known at a time', async () => {
    const { signIn, visit, drifts, noteOf } = guarded(NOTE_ALL)
    const token = await signIn(windows)
    for (let net = 1; net <= 6; net++) await visit(token, { ...windows, address: `10.0.${net}.1` })
    await visit(token, windows)

    expect([(await drifts()).length, ((await noteOf(token)) as { n: string[] }).n.length]).toEqual([7, 4])
  })
})

describe('what each grade does', () => {
  const all = (grade: Grade): TraitOptions => ({ policy: { network: grade } })
  const elsewhere = { ...windows, address: '203.0.113.9' }

  it('allow: nothing but one write', async () => {
    const { signIn, visit, seen, writes } = guarded(all('allow'))
    const token = await signIn(windows)
    const { session, kind } = await visit(token, elsewhere)
    await visit(token, elsewhere)

    expect([session.meets(), kind, writes(), (await seen()).map(({ type }) => type)]).toEqual([
      true,
      'none',
      1,
      ['session.started'],
    ])
  })

  it('note: an event with the reason, and nothing of the client in it', async () => {
    const { signIn, visit, drifts, clock } = guarded({ ...all('note'), geo })
    const { session } = await visit(await signIn(windows), elsewhere)

    expect(session.meets()).toBe(true)
    expect(await drifts()).toEqual([
      {
        type: 'traits.drifted',
        at: clock(),
        sessionId: session.id,
        subject: 'ada',
        grade: 'note',
        isShadow: false,
        changes: ['network', 'asn'],
        reason: 'The network changed. The new network belongs to another operator.',
      },
    ])
  })

  it('rotate: a new token, by renewal, so that the old one goes on for the grace', async () => {
    const { signIn, visit, seen, clock } = guarded(all('rotate'))
    const old = await signIn(windows)
    const { token, kind } = await visit(old, elsewhere)
    clock.advance(seconds(1))
    const other = await visit(old, elsewhere)

    expect([kind, token === old, other.session.meets(), other.token]).toEqual(['set', false, true, token])
    expect(await seen('session.rotated')).toMatchObject([{ kind: 'renewal', reason: 'drift' }])
  })

  it('rotate: of two who hold the old token, the later is found out', async () => {
    const { signIn, visit, seen, clock } = guarded(all('rotate'))
    const stolen = await signIn(windows)
    const thief = await visit(stolen, elsewhere)
    await visit(thief.token, elsewhere)
    clock.advance(minutes(1))
    const victim = await visit(stolen, windows)

    expect([victim.session.state, (await visit(thief.token, elsewhere)).session.state]).toEqual(['reused', 'revoked'])
    expect(await seen('session.reused')).toHaveLength(1)
  })

  it('step-up: the subject stays, nothing proved before counts, and a new proof lifts it', async () => {
    const { signIn, visit, drifts, clock } = guarded(all('step-up'))
    const token = await signIn(windows)
    clock.advance(minutes(5))
    const { session } = await visit(token, elsewhere)
    expect([session.subject, session.meets(), session.acr, session.doubtedAt]).toEqual(['ada', false, 'aal0', clock()])

    const later = await visit(token, elsewhere)
    expect(later.session.meets()).toBe(false)
    const proved = await visit(token, elsewhere, (mine) => mine.elevate({ method: 'pwd' }))
    const after = await visit(proved.token, elsewhere)
    expect([after.session.meets(), after.session.acr, after.session.doubtedAt, (await drifts()).length]).toEqual([
      true,
      'aal1',
      undefined,
      1,
    ])
  })

  it('step-up: an anonymous visitor has nothing to prove, and keeps the basket', async () => {
    const { sessions, guard, visit, drifts } = guarded(all('step-up'))
    const context = { notesAtStart: () => ({ traits: guard.notesAtStart!(requestOf(windows), undefined)! }) }
    const visitor = await sessions.start({ data: { basket: ['tea'] }, context })
    const { session } = await visit((await visitor.commit()).token!, elsewhere)

    expect([session.state, session.data, session.doubtedAt, (await drifts()).length]).toEqual([
      'active',
      { basket: ['tea'] },
      undefined,
      1,
    ])
  })

  it('revoke: the session ends everywhere, and the cookie is left alone', async () => {
    const { signIn, visit, seen } = guarded(all('revoke'))
    const token = await signIn(windows)
    const { session, kind } = await visit(token, elsewhere)

    expect([session.state, session.stateReason, session.subject, kind]).toEqual(['revoked', 'drift', undefined, 'none'])
    expect((await visit(token, windows)).session.state).toBe('revoked')
    expect(await seen('session.revoked')).toMatchObject([{ reason: 'drift', actor: undefined, subject: 'ada' }])
    expect(await seen('traits.drifted')).toMatchObject([{ grade: 'revoke', subject: 'ada', isShadow: false }])
  })

  it('data and deadlines stay as they are, whatever happens short of the end', async () => {
    for (const grade of ['allow', 'note', 'rotate', 'step-up'] as const) {
      const { signIn, visit } = guarded(all(grade))
      const first = await visit(await signIn(windows), windows, (session) => {
        session.data.basket = ['tea']
      })
      const { session } = await visit(first.token, elsewhere)
      expect([session.data, session.id, session.absoluteDeadline]).toEqual([
        { basket: ['tea'] },
        first.session.id,
        first.session.absoluteDeadline,
      ])
    }
  })
})

describe('shadow', () => {
  it.each(['note', 'rotate', 'step-up', 'revoke'] as const)('%s is reported once, and not done', async (grade) => {
    const { signIn, visit, seen } = guarded({ policy: { network: grade }, shadow: true })
    const token = await signIn(windows)
    const elsewhere = { ...windows, address: '203.0.113.9' }
    const { session, kind } = await visit(token, elsewhere)
    await visit(token, elsewhere)

    expect([session.meets(), session.doubtedAt, kind]).toEqual([true, undefined, 'none'])
    expect((await seen()).filter(({ type }) => type !== 'session.started')).toMatchObject([
      { type: 'traits.drifted', grade, isShadow: true },
    ])
  })
})

describe('a session of before the checks', () => {
  it('is taken as it is at first sight, with one write and no event', async () => {
    const { sessions, visit, drifts, writes } = guarded()
    const token = (await (await sessions.signIn({ subject: 'ada', method: 'pwd' })).commit()).token!
    await visit(token, firefox)
    await visit(token, firefox)
    expect([writes(), await drifts()]).toEqual([1, []])

    expect((await visit(token, windows)).session.state).toBe('revoked')
  })

  it('is looked at by a guard that knows of more, whatever another one has seen', async () => {
    const { signIn, visit, sessions, drifts, noteOf } = guarded()
    const token = await signIn(windows)
    for (let i = 0; i < 4; i++) await visit(token, windows)
    const other = traitChecks({ geo })
    other.attach({ sessions, isSecure: () => true } as never)
    const session = await sessions.read(token)
    await other.inspect(session, requestOf(windows))

    expect([await drifts(), Object.keys((await noteOf(token))!).filter((name) => name === 'a' || name === 'c')]).toEqual([
      [],
      ['a', 'c'],
    ])
  })

  it('learns the country once a database is given, without taking it for a move', async () => {
    const store = faultyStore(memoryStore())
    const before = guarded({}, { store })
    const token = await before.signIn(windows)
    const after = guarded({ geo }, { store, clock: before.clock })
    await after.visit(token, windows)
    expect(await after.drifts()).toEqual([])

    const mover = await before.signIn(windows)
    await after.visit(mover, { ...windows, address: '192.0.2.1' })
    expect(await after.drifts()).toMatchObject([{ changes: ['network'] }])
    await after.visit(token, { ...windows, address: '192.0.2.1' })
    expect((await after.drifts()).slice(1)).toMatchObject([{ changes: ['network', 'asn', 'country'], grade: 'step-up' }])
  })
})

describe('at the same time', () => {
  const elsewhere = { ...windows, address: '203.0.113.9' }

  it.each(['note', 'rotate', 'step-up', 'revoke'] as const)(
    'eight requests with the same drift: %s is done and told once',
    async (grade) => {
      const { signIn, visit, drifts, seen } = guarded({ policy: { network: grade } })
      const token = await signIn(windows)
      const visits = await Promise.all(Array.from({ length: 8 }, () => visit(token, elsewhere)))

      expect(await drifts()).toHaveLength(1)
      expect((await seen('session.rotated')).length).toBe(grade === 'rotate' ? 1 : 0)
      expect((await seen('session.revoked')).length).toBe(grade === 'revoke' ? 1 : 0)
      expect(visits.map(({ session }) => session.meets())).toEqual(Array(8).fill(grade === 'note' || grade === 'rotate'))
      const isSomebody = grade !== 'revoke'
      expect(visits.map(({ session }) => session.subject === 'ada')).toEqual(Array(8).fill(isSomebody))
    },
  )

  it('rotated tabs end with one token, and none is signed out', async () => {
    const { signIn, visit, clock } = guarded({ policy: { network: 'rotate' } })
    const token = await signIn(windows)
    const tabs = await Promise.all(Array.from({ length: 8 }, () => visit(token, elsewhere)))
    const tokens = new Set(tabs.map((tab) => tab.token).filter((each) => each !== token))
    expect(tokens.size).toBe(1)

    clock.advance(seconds(10))
    const states = await Promise.all([...tokens, token].map(async (each) => (await visit(each, elsewhere)).session.meets()))
    expect(states).toEqual([true, true])
  })

  it('two changes seen by two requests are both kept', async () => {
    const { signIn, visit, drifts, noteOf } = guarded(NOTE_ALL)
    const token = await signIn(windows)
    await Promise.all([visit(token, elsewhere), visit(token, { ...windows, address: '192.0.2.1' })])

    expect([(await drifts()).length, ((await noteOf(token)) as { n: string[] }).n.length]).toEqual([2, 3])
  })

  it('a session that ended while the request was on its way is nobody’s, without an event of ours', async () => {
    for (const grade of ['note', 'rotate', 'step-up', 'revoke'] as const) {
      const { signIn, sessions, guard, drifts } = guarded({ policy: { network: grade } })
      const session = await sessions.read(await signIn(windows))
      await sessions.revoke(session.id!)
      await guard.inspect(session, requestOf(elsewhere))

      expect([session.state, await drifts()]).toEqual(['revoked', []])
    }
  })

  it('a session that is signed out beside it stays signed out', async () => {
    const { signIn, visit, sessions } = guarded(NOTE_ALL)
    const token = await signIn(windows)
    await Promise.all([visit(token, elsewhere), sessions.revoke((await sessions.read(token)).id!)])

    expect((await visit(token, elsewhere)).session.state).toBe('revoked')
  })
})

describe('when the store fails', () => {
  const elsewhere = { ...windows, address: '203.0.113.9' }

  it.each([
    ['allow', undefined],
    ['note', undefined],
    ['rotate', 'ERR_STORE_UNAVAILABLE'],
    ['step-up', 'ERR_STORE_UNAVAILABLE'],
    ['revoke', 'ERR_STORE_UNAVAILABLE'],
  ] as const)('a write that %s needs: the request goes on only where it changes nothing (%s)', async (grade, code) => {
    const { signIn, visit, store } = guarded({ policy: { network: grade } })
    const token = await signIn(windows)
    store.setFaults({ update: { kind: 'error' }, revoke: { kind: 'error' } })

    expect(await codeOf(visit(token, elsewhere))).toBe(code)
  })

  it('a copy that is read while the store is away: nothing is written, and nobody is let in where it matters', async () => {
    for (const [grade, state] of [
      ['allow', 'active'],
      ['note', 'active'],
      ['rotate', 'active'],
      ['step-up', 'unproven'],
      ['revoke', 'unproven'],
    ] as const) {
      const store = faultyStore(memoryStore())
      const copies = new Map<string, ReadOutcome>()
      const lasting = Object.assign(Object.create(store), { lastCopyOf: (id: string) => copies.get(id) }) as typeof store
      const { signIn, sessions, guard, drifts } = guarded({ policy: { network: grade } }, { store: lasting })
      const token = await signIn(windows)
      const { id } = await sessions.read(token)
      copies.set(id!, (await store.read(id!))!)
      store.setFaults({ all: { kind: 'error' } })
      const session = await sessions.read(token, { onOutage: 'readonly' })
      await guard.inspect(session, requestOf(elsewhere))

      expect([session.state, (await drifts()).length]).toEqual([state, grade === 'allow' ? 0 : 1])
    }
  })

  it('a note that could not be written is made at the next request, however often the client came before', async () => {
    const { signIn, visit, store, writes } = guarded({ policy: { network: 'note' } })
    const token = await signIn(windows)
    for (let i = 0; i < 4; i++) await visit(token, windows)
    store.setFaults({ update: [{ kind: 'error' }] })
    await visit(token, elsewhere)
    expect(writes()).toBe(1)
    await visit(token, elsewhere)
    await visit(token, elsewhere)

    expect(writes()).toBe(2)
  })

  it('what could not be written is done at the next request', async () => {
    const { signIn, visit, store, drifts } = guarded({ policy: { network: 'step-up' } })
    const token = await signIn(windows)
    store.setFaults({ update: [{ kind: 'error' }] })
    await codeOf(visit(token, elsewhere))

    expect([(await visit(token, elsewhere)).session.meets(), (await drifts()).length]).toEqual([false, 1])
  })
})

describe('the clock', () => {
  it('set back or forth, drifts are the same', async () => {
    for (const jump of [-minutes(10), minutes(10)]) {
      const { signIn, visit, clock } = guarded()
      const token = await signIn(windows)
      clock.advance(jump)
      expect((await visit(token, windows)).session.meets()).toBe(true)
      expect((await visit(token, firefox)).session.state).toBe('revoked')
    }
  })

  it('set back after the sign-in, what was proved there counts no more all the same', async () => {
    const { signIn, visit, clock } = guarded({ policy: { network: 'step-up' } })
    const token = await signIn(windows)
    clock.advance(-seconds(30))

    expect((await visit(token, { ...windows, address: '203.0.113.9' })).session.meets()).toBe(false)
  })

  it('set back after a step-up was asked for, the new proof counts', async () => {
    const { signIn, visit, clock } = guarded({ policy: { network: 'step-up' } })
    const token = await signIn(windows)
    clock.advance(minutes(1))
    const elsewhere = { ...windows, address: '203.0.113.9' }
    await visit(token, elsewhere)
    clock.advance(-seconds(30))
    const proved = await visit(token, elsewhere, (session) => session.elevate({ method: 'pwd' }))

    expect((await visit(proved.token, elsewhere)).session.meets()).toBe(true)
  })
})

describe('what a page may show', () => {
  it('what is seen now, in words of fixed lists', async () => {
    const { signIn, visit } = guarded({ geo })
    const { session } = await visit(await signIn(windows), windows)

    expect(traitsOf(session)).toEqual({
      seen: { browser: 'Chrome', version: 130, os: 'Windows', country: 'NL' },
      drift: undefined,
      address: undefined,
    })
  })

  it('nothing that the client wrote itself', async () => {
    const { signIn, visit } = guarded()
    const client = { agent: '<script>alert(1)</script>/7', hints: { 'sec-ch-ua-platform': '"<b>"' } }
    const { session } = await visit(await signIn(client), client)

    expect(traitsOf(session).seen).toEqual({ browser: undefined, version: undefined, os: undefined, country: undefined })
  })

  it('the last drift, with its reason', async () => {
    const { signIn, visit, clock } = guarded({ geo })
    const { session } = await visit(await signIn(windows), { ...windows, address: '192.0.2.1' })
    const reason = 'The network changed. The new network belongs to another operator. The country changed.'

    expect(traitsOf(session).drift).toEqual({
      at: clock(),
      grade: 'step-up',
      changes: ['network', 'asn', 'country'],
      isShadow: false,
      reason,
    })
    expect(traitsOf(session).seen?.country).toBe('FR')
  })

  it('the last drift stays what it is when something that is allowed changes later', async () => {
    const { signIn, visit } = guarded({ policy: { network: 'note', 'browser-update': 'allow' } })
    const token = await signIn({ ...firefox, agent: AGENTS.firefoxLinux })
    const moved = { ...firefox, address: '203.0.113.9' }
    await visit(token, moved)
    const { session } = await visit(token, { ...moved, agent: AGENTS.firefoxLinux.replaceAll('132', '133') })

    expect(traitsOf(session).drift).toMatchObject({ grade: 'note', changes: ['network'] })
  })

  it('the session that has just begun shows its client too', async () => {
    const { sessions, guard } = guarded()
    const context = { notesAtStart: () => ({ traits: guard.notesAtStart!(requestOf(windows), undefined)! }) }

    expect(traitsOf(await sessions.signIn({ subject: 'ada', method: 'pwd' }, context)).seen?.browser).toBe('Chrome')
  })

  it('nothing for a visitor whom nobody looked at', () => {
    const { sessions } = guarded()

    expect(traitsOf(sessions.anonymous())).toEqual({ seen: undefined, drift: undefined, address: undefined })
  })
})
