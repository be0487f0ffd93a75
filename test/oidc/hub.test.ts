import { randomBytes } from 'node:crypto'
import { decodeProtectedHeader } from 'jose'
import { createSessions, isSojournError, type Store } from 'sojourn'
import { memoryOutbox } from 'sojourn/oidc/stores/memory'
import { memoryStore } from 'sojourn/stores/memory'
import { faultyStore } from 'sojourn/testing'
import { describe, expect, it } from 'vitest'
import { ISSUER, startReceiver } from './hub/receiver.ts'
import { clientOf, KEYS, openSite, passing, soon } from './hub/support.ts'

describe('taking part', () => {
  it('an application that takes part knows the session by its public id, and again says the same', async () => {
    const club = await startReceiver()
    const { hub, signIn } = openSite({ clients: [clientOf('club', club)] })
    const session = await signIn()

    expect(await hub.connect(session, 'club')).toBe(session.id)
    expect(await hub.connect(session, 'club')).toBe(session.id)
    expect((await hub.deliveries()).counts).toEqual({ watching: 1, due: 0, delivered: 0, dead: 0 })
  })

  it('pairwise, two applications know one session by different names, each always by the same', async () => {
    const club = await startReceiver()
    const clients = [clientOf('club', club, { sidFor: 'pairwise' }), clientOf('forum', club, { sidFor: 'pairwise' })]
    const { hub, connected } = openSite({ clients })
    const { session, sids } = await connected('ada', 'club', 'forum')

    expect(new Set([session.id, ...sids]).size).toBe(3)
    expect(await hub.connect(session, 'club')).toBe(sids[0])
  })

  it('a pairwise name stays the same when the service’s key is replaced, also in the logout token', async () => {
    const club = await startReceiver()
    const [store, outbox] = [memoryStore(), memoryOutbox()]
    const clients = [clientOf('club', club, { sidFor: 'pairwise' })]
    const before = openSite({ store, outbox, clients, isStarted: false })
    const { session, sids } = await before.connected('ada', 'club')

    const after = openSite({
      store,
      outbox,
      clients,
      clock: before.clock,
      keys: `${randomBytes(32).toString('base64url')},${KEYS}`,
    })
    const again = await after.hub.connect(session, 'club')
    await after.sessions.revoke(session.id!)
    await after.hub.drained()

    expect([again, ...club.sids]).toEqual([sids[0], sids[0]])
  })

  it('nobody takes part in a session that there is not, or that is nobody’s', async () => {
    const club = await startReceiver()
    const { hub, sessions } = openSite({ clients: [clientOf('club', club)] })

    for (const session of [await sessions.read('garbage'), sessions.anonymous(), await sessions.start({ data: { a: 1 } })])
      await expect(hub.connect(session, 'club')).rejects.toMatchObject({ code: 'ERR_SESSION_ENDED', status: 401 })
  })

  it('nor in one that has ended meanwhile, of which the application was told already: nobody would tell it again', async () => {
    const club = await startReceiver()
    const { hub, sessions, connected } = openSite({ clients: [clientOf('club', club), clientOf('forum', club)] })
    // A slow request, which read the session while it lived.
    const { session } = await connected('ada', 'club')
    await sessions.revoke(session.id!)
    await soon(() => club.received.length).toBe(1)

    for (const client of ['club', 'forum'])
      await expect(hub.connect(session, client)).rejects.toMatchObject({ code: 'ERR_SESSION_ENDED', status: 401 })
  })

  it('while the session store is away nobody knows whether it has ended', async () => {
    const club = await startReceiver()
    const store = faultyStore(memoryStore())
    const { hub, signIn } = openSite({ clients: [clientOf('club', club)], store, isStarted: false })
    const session = await signIn()
    store.setFaults({ read: { kind: 'error' } })

    await expect(hub.connect(session, 'club')).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
  })

  it('an application nobody has named cannot take part', async () => {
    const { hub, signIn } = openSite({ clients: [] })
    const session = await signIn()

    for (const id of ['club', '__proto__', 'constructor', ''])
      await expect(hub.connect(session, id)).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' })
  })

  it('while the outbox is away nobody is told that it is noted', async () => {
    const club = await startReceiver()
    const outbox = memoryOutbox()
    const { hub, signIn } = openSite({ clients: [clientOf('club', club)], outbox })
    const session = await signIn()
    await outbox.close()

    await expect(hub.connect(session, 'club')).rejects.toSatisfy((error) => isSojournError(error, 'ERR_STORE_UNAVAILABLE'))
  })
})

describe('what is told', () => {
  it('the logout token is what the specification asks for, and nothing else', async () => {
    const club = await startReceiver()
    const { sessions, connected, hub, clock } = openSite({ clients: [clientOf('club', club)] })
    const { session } = await connected('ada', 'club')
    const sid = session.id

    await session.signOut()
    await hub.drained()

    const [told] = club.received
    const iat = Math.floor(clock() / 1000)
    expect(told).toMatchObject({ method: 'POST', url: '/backchannel-logout' })
    expect(told!.headers['content-type']).toBe('application/x-www-form-urlencoded')
    expect([...new URLSearchParams(told!.body).keys()]).toEqual(['logout_token'])
    expect(decodeProtectedHeader(new URLSearchParams(told!.body).get('logout_token')!).typ).toBe('logout+jwt')
    expect(told!.claims).toEqual({
      iss: ISSUER,
      sub: 'ada',
      aud: 'club',
      iat,
      exp: iat + 120,
      jti: expect.stringMatching(/^[\w-]{22}$/),
      sid,
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    })
    expect(sessions.events.failed).toBe(0)
  })

  it('whoever takes part is told, whoever does not is not', async () => {
    const [club, forum] = [await startReceiver(), await startReceiver()]
    const { hub, connected } = openSite({ clients: [clientOf('club', club), clientOf('forum', forum)] })
    const one = await connected('ada', 'club', 'forum')
    const other = await connected('ada', 'club')
    await connected('ben', 'club', 'forum')

    await one.session.signOut()
    await hub.drained()
    await other.session.signOut()
    await hub.drained()

    expect(club.sids).toEqual([...one.sids.slice(0, 1), ...other.sids])
    expect(forum.sids).toEqual([one.sids[1]])
  })

  it('once it has said that it knows, it is not told again', async () => {
    const club = await startReceiver()
    const { hub, connected, clock } = openSite({ clients: [clientOf('club', club)] })
    const { session } = await connected('ada', 'club')
    await session.signOut()
    await hub.drained()

    clock.advance(3_600_000)
    await hub.sweep()
    await hub.drained()

    expect(club.received).toHaveLength(1)
    const { counts, delivered } = await hub.deliveries()
    expect(counts).toEqual({ watching: 0, due: 0, delivered: 1, dead: 0 })
    expect(delivered).toMatchObject([{ clientId: 'club', subject: 'ada', state: 'delivered', attempts: 1, reason: 'logout' }])
  })

  it('a subject of any kind is told as it is', async () => {
    const club = await startReceiver()
    const { hub, connected } = openSite({ clients: [clientOf('club', club)] })
    const subjects = ['a\0b', '__proto__', '👩‍👩‍👧', '"\\\r\n&logout_token=x', 'x'.repeat(1024)]
    for (const subject of subjects) await (await connected(subject, 'club')).session.signOut()
    await hub.drained()

    expect(club.received.map(({ claims }) => claims.sub).sort()).toEqual(subjects.sort())
  })
})

describe('whatever ends a session, its applications are told at once', () => {
  it.each([
    ['an administrator', async (site) => void (await site.sessions.revoke(site.session.id!, { reason: 'fraud' })), 'fraud'],
    ['the account’s end', async (site) => void (await site.sessions.revokeSubject('ada')), 'subject-revoked'],
    ['another sign-in in its place', (site) => site.session.signIn({ subject: 'ben', method: 'pwd' }), 'signed-in'],
    ['a sign-out', (site) => site.session.signOut(), 'logout'],
  ] satisfies [
    string,
    (
      site: ReturnType<typeof openSite> & { session: Awaited<ReturnType<ReturnType<typeof openSite>['signIn']>> },
    ) => Promise<void>,
    string,
  ][])('%s', async (_name, end) => {
    const club = await startReceiver()
    const site = openSite({ clients: [clientOf('club', club)] })
    const { session, sids } = await site.connected('ada', 'club')

    await end({ ...site, session })
    await site.hub.drained()

    expect(club.sids).toEqual(sids)
  })

  it('all of a person’s sessions but this one: the applications of this one are not told', async () => {
    const club = await startReceiver()
    const { hub, connected } = openSite({ clients: [clientOf('club', club)] })
    const ended = [await connected('ada', 'club'), await connected('ada', 'club')]
    const spared = await connected('ada', 'club')

    await spared.session.revokeOthers()
    await hub.drained()

    expect([...club.sids].sort()).toEqual(ended.flatMap(({ sids }) => sids).sort())
    expect((await hub.deliveries()).counts.watching).toBe(1)
  })

  it('a deadline that passes unseen is found by looking, within the interval', async () => {
    const club = await startReceiver()
    const site = openSite({ clients: [clientOf('club', club)], sweepInterval: 1000 })
    const { sids } = await site.connected('ada', 'club')

    site.clock.advance(31 * 60_000)

    await soon(() => club.sids).toEqual(sids)
    expect(site.events.filter(({ type }) => type === 'session.expired')).toEqual([])
  })

  it('a session that cannot be read holds up no other, however many there are', async () => {
    const club = await startReceiver()
    const memory = memoryStore()
    let unreadable: string | undefined
    const store: Store = new Proxy(memory, {
      get: (target, name) => {
        if (name === 'read')
          return (id: string) => (id === unreadable ? Promise.reject(new Error('something else is there')) : memory.read(id))
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const site = openSite({ store, clients: [clientOf('club', club)], isStarted: false })
    const elsewhere = createSessions({ store: memory, keys: KEYS, clock: site.clock })
    const sessions = []
    for (let n = 0; n < 400; n++) sessions.push((await site.connected('ada', 'club')).session)
    unreadable = sessions[0]!.id
    for (const { id } of sessions.slice(1)) await elsewhere.revoke(id!)
    site.clock.advance(60_000)
    await site.hub.sweep()

    expect((await site.hub.deliveries()).counts).toMatchObject({ watching: 1, due: 399 })
  })

  it('an end in another process, which has no hub, is found by looking', async () => {
    const club = await startReceiver()
    const store = memoryStore()
    const site = openSite({ store, clients: [clientOf('club', club)] })
    const other = openSite({ store, clients: [], isStarted: false, clock: site.clock })
    const { session, sids } = await site.connected('ada', 'club')

    await other.sessions.revoke(session.id!)
    await site.hub.sweep()
    await site.hub.drained()
    const before = [...club.sids]
    site.clock.advance(30_000)
    await site.hub.sweep()
    await site.hub.drained()

    expect([before, club.sids]).toEqual([[], sids])
  })

  it('a session that lives is left alone, however often it is looked at', async () => {
    const club = await startReceiver()
    const { hub, connected, clock } = openSite({ clients: [clientOf('club', club)] })
    await connected('ada', 'club')

    for (let i = 0; i < 50; i++) {
      clock.advance(30_000)
      await hub.sweep()
    }
    await hub.drained()

    expect(club.received).toEqual([])
  })
})

it('where a store only counts a subject’s epochs, a record that is behind has ended', async () => {
  const club = await startReceiver()
  const store = memoryStore()
  const site = openSite({ store, clients: [clientOf('club', club)], isStarted: false })
  const { sids } = await site.connected('ada', 'club')
  const read = store.read.bind(store)
  store.read = async (id) => {
    const found = await read(id)
    return found?.kind === 'record' ? { ...found, subjectEpoch: found.subjectEpoch + 1 } : found
  }

  site.clock.advance(30_000)
  await site.hub.sweep()
  await site.hub.drained()

  expect(club.sids).toEqual(sids)
})

describe('what is not known', () => {
  it('a record that this process cannot read has not ended before its deadline: a missing key signs nobody out', async () => {
    const club = await startReceiver()
    const [store, outbox] = [memoryStore(), memoryOutbox()]
    const clients = [clientOf('club', club)]
    const site = openSite({ store, outbox, clients, isStarted: false })
    const { sids } = await site.connected('ada', 'club')
    const other = openSite({
      store,
      outbox,
      clients,
      clock: site.clock,
      keys: randomBytes(32).toString('base64url'),
      isStarted: false,
    })

    site.clock.advance(29 * 60_000)
    await other.hub.sweep()
    await other.hub.drained()
    const before = club.received.length
    site.clock.advance(2 * 60_000)
    await other.hub.sweep()
    await other.hub.drained()

    expect([before, club.sids]).toEqual([0, sids])
  })

  it('an end that could not be written to the outbox is found by looking', async () => {
    const club = await startReceiver()
    const outbox = memoryOutbox()
    const site = openSite({ outbox, clients: [clientOf('club', club)] })
    const { session, sids } = await site.connected('ada', 'club')
    const { end } = outbox
    outbox.end = () => Promise.reject(new Error('away'))

    await session.signOut()
    await site.hub.drained()
    outbox.end = end
    const before = club.received.length
    await passing(site, 10_000, () => club.received.length > 0)

    expect([before, club.sids]).toEqual([0, sids])
  })

  it('what an application said is written down once the outbox is back: it is not told again', async () => {
    const club = await startReceiver()
    const outbox = memoryOutbox()
    const site = openSite({ outbox, clients: [clientOf('club', club)] })
    const { session, sids } = await site.connected('ada', 'club')
    const { settle } = outbox
    let failures = 0
    outbox.settle = (given) => (failures++ === 0 ? Promise.reject(new Error('away')) : settle.call(outbox, given))

    await session.signOut()
    await site.hub.drained()
    await passing(site, 30_000, () => site.clock() > 1_893_456_000_000 + 600_000)

    expect(failures).toBe(2)
    expect(club.sids).toEqual(sids)
    expect((await site.hub.deliveries()).counts).toMatchObject({ delivered: 1, due: 0 })
  })

  it('what is leased for less than a try may take is left to whoever takes it next: two must not tell at once', async () => {
    const club = await startReceiver()
    const outbox = memoryOutbox()
    const site = openSite({ outbox, clients: [clientOf('club', club)] })
    const { session, sids } = await site.connected('ada', 'club')
    const { lease } = outbox
    outbox.lease = (state, options) => lease.call(outbox, state, { ...options, until: options.now + 9_000 })

    await session.signOut()
    await site.hub.drained()
    const before = club.received.length
    outbox.lease = lease
    site.clock.advance(9_000)
    await site.hub.drained()

    expect([before, club.sids]).toEqual([0, sids])
  })

  it('what comes due while the outbox is being asked is not left until the next look', async () => {
    const club = await startReceiver()
    const outbox = memoryOutbox()
    const site = openSite({ outbox, clients: [clientOf('club', club)], pollInterval: 60_000 })
    const { session, sids } = await site.connected('ada', 'club')
    await site.hub.drained()
    const { lease } = outbox
    let isHeld = false
    outbox.lease = async (state, options) => {
      const leased = await lease.call(outbox, state, options)
      if (state === 'due' && !isHeld) {
        isHeld = true
        await session.signOut()
        await soon(async () => (await outbox.list('due', { limit: 1 })).length).toBe(1)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      return leased
    }

    await site.hub.retry()

    await soon(() => club.sids).toEqual(sids)
  })
})

describe('several processes over one outbox', () => {
  it('share the work: each session is told once', async () => {
    const club = await startReceiver()
    const [store, outbox] = [memoryStore(), memoryOutbox()]
    const clients = [clientOf('club', club)]
    const site = openSite({ store, outbox, clients, isStarted: false })
    const ended: string[] = []
    for (let i = 0; i < 300; i++) ended.push((await site.connected('ada', 'club')).sids[0]!)
    await site.sessions.revokeSubject('ada')
    site.clock.advance(30_000)

    const others = [1, 2, 3].map(() => openSite({ store, outbox, clients, clock: site.clock }))
    await soon(() => club.received.length).toBe(300)
    await Promise.all(others.map(({ hub }) => hub.drained()))

    expect([...club.sids].sort()).toEqual(ended.sort())
  })
})

describe('watching over deliveries', () => {
  it('an application that is no more shows as unknown, and can be forgotten', async () => {
    const club = await startReceiver()
    const [store, outbox] = [memoryStore(), memoryOutbox()]
    const site = openSite({ store, outbox, clients: [clientOf('club', club, { name: 'The Club' }), clientOf('old', club)] })
    await site.connected('ada', 'club', 'old')
    const later = openSite({ store, outbox, clients: [clientOf('club', club, { name: 'The Club' })] })

    const { clients } = await later.hub.deliveries()
    const forgotten = await later.hub.forget('old')

    expect(clients.map(({ id, name, isKnown }) => [id, name, isKnown])).toEqual([
      ['club', 'The Club', true],
      ['old', undefined, false],
    ])
    expect(forgotten).toBe(1)
    expect((await later.hub.deliveries()).clients).toHaveLength(1)
  })

  it('what was delivered is kept for a week, and then removed', async () => {
    const club = await startReceiver()
    const site = openSite({ clients: [clientOf('club', club)] })
    await (await site.connected('ada', 'club')).session.signOut()
    await site.hub.drained()

    site.clock.advance(7 * 86_400_000)
    await site.hub.sweep()
    const within = (await site.hub.deliveries()).counts.delivered
    site.clock.advance(1)
    await site.hub.sweep()

    expect([within, (await site.hub.deliveries()).counts.delivered]).toEqual([1, 0])
  })

  it('a limit out of bounds is refused', async () => {
    const { hub } = openSite({ clients: [] })

    for (const limit of [0, 1001, 1.5, Number.NaN])
      await expect(hub.deliveries({ limit })).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' })
  })
})

describe('closing', () => {
  it('a hub that is closed tells nobody, and what was due is the next one’s', async () => {
    const club = await startReceiver()
    const [store, outbox] = [memoryStore(), memoryOutbox()]
    const clients = [clientOf('club', club)]
    const site = openSite({ store, outbox, clients })
    const { session, sids } = await site.connected('ada', 'club')
    await site.hub.close()
    await session.signOut()
    await site.hub.sweep()
    const before = club.received.length

    const next = openSite({ store, outbox, clients, clock: site.clock })
    await passing(next, 30_000, () => club.received.length > 0)

    expect(before).toBe(0)
    expect(club.sids).toEqual(sids)
  })
})

describe('a clock that was ten hours ahead, and is put right', () => {
  const TEN_HOURS = 36_000_000

  it('puts nobody off for ten hours who is to be told', async () => {
    const club = await startReceiver()
    club.answer = (response) => void response.writeHead(503).end()
    const site = openSite({ clients: [clientOf('club', club)] })
    site.clock.advance(TEN_HOURS)
    const { session } = await site.connected('ada', 'club')
    await site.sessions.revoke(session.id!)
    await soon(() => club.received.length).toBe(1)
    await site.hub.drained()
    club.answer = (response) => void response.writeHead(200).end()
    site.clock.advance(-TEN_HOURS)
    await site.hub.sweep()
    await site.hub.drained()

    expect((await site.hub.deliveries()).counts).toMatchObject({ due: 0, delivered: 1 })
  })

  it('nor leaves a session unwatched for as long', async () => {
    const club = await startReceiver()
    const store = memoryStore()
    const site = openSite({ store, clients: [clientOf('club', club)], isStarted: false })
    site.clock.advance(TEN_HOURS)
    const { session } = await site.connected('ada', 'club')
    site.clock.advance(-TEN_HOURS)
    const elsewhere = createSessions({ store, keys: KEYS, clock: site.clock })
    await elsewhere.revoke(session.id!)
    await site.hub.sweep()
    await site.hub.drained()

    expect(club.sids).toEqual([session.id])
  })
})
