import { describe, expect, it } from 'vitest'
import { hours } from '../../src/core/duration.ts'
import type { ProviderLink, ProviderLogout } from '../../src/core/provider-link.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import { faultyStore } from '../../src/testing/faulty-store.ts'
import { codeOf, setUp, signedIn } from './support.ts'

const issuer = 'https://login.example'

/** A service, and links of now. */
const world = () => {
  const { clock, ...rest } = setUp()
  const linkTo = (parts: Partial<ProviderLink> = {}): ProviderLink => ({
    issuer,
    subject: 'p-1',
    sid: 's-1',
    issuedAt: clock(),
    ...parts,
  })
  return { clock, linkTo, ...rest }
}

describe('a session that came of a login at a provider', () => {
  it('knows it, after writes and rotations too, and its summary and event name the provider', async () => {
    const { sessions, linkTo, seen, clock } = world()
    const link = linkTo()
    const token = await signedIn(sessions, { providerLink: link })
    const session = await sessions.read(token)
    await session.elevate({ method: 'otp' })
    session.data.basket = 'full'
    const next = (await session.commit()).token!
    clock.advance(1000)

    const again = await sessions.read(next)

    expect([again.providerLink, again.data.basket]).toEqual([link, 'full'])
    expect(await sessions.list('ada')).toMatchObject([{ provider: issuer }])
    expect(await seen('session.started')).toMatchObject([{ provider: issuer }])
    expect(JSON.stringify(await seen())).not.toContain('p-1')
  })

  it('and one that came of none says so', async () => {
    const { sessions, seen } = world()
    const session = await sessions.read(await signedIn(sessions))

    expect(session.providerLink).toBeUndefined()
    expect((await session.list())[0]!.provider).toBeUndefined()
    expect((await seen('session.started'))[0]).toMatchObject({ provider: undefined })
    expect(sessions.anonymous().providerLink).toBeUndefined()
  })

  it('is another session after the next sign-in, whose link alone counts', async () => {
    const { sessions, linkTo } = world()
    const session = await sessions.read(await signedIn(sessions, { providerLink: linkTo() }))
    await session.signIn({ subject: 'ada', method: 'pwd' })

    expect(session.providerLink).toBeUndefined()
    expect(await sessions.revokeLinked({ issuer, sid: 's-1' })).toBe(0)
    expect(session.state).toBe('active')
  })
})

describe('revokeLinked', () => {
  const logouts: [string, ProviderLogout, boolean[]][] = [
    ['a login’s', { issuer, sid: 's-1' }, [false, true, true, true, true]],
    ['a person’s', { issuer, subject: 'p-1' }, [false, false, true, true, false]],
    ['a login’s of a person', { issuer, sid: 's-1', subject: 'p-1' }, [false, true, true, true, true]],
    ['a login’s of somebody else', { issuer, sid: 's-1', subject: 'p-2' }, [true, true, true, true, true]],
    ['a login’s at another provider', { issuer: `${issuer}/`, sid: 's-1' }, [true, true, true, false, true]],
    ['a sid that is a subject', { issuer, sid: 'p-1' }, [true, true, true, true, true]],
  ]
  it.each(logouts)('%s sessions end, and no other', async (_name, logout, expected) => {
    const { sessions, linkTo } = world()
    const links = [
      linkTo(),
      linkTo({ sid: 's-2' }),
      linkTo({ sid: 's-3', subject: 'p-2' }),
      linkTo({ issuer: `${issuer}/` }),
      linkTo({ sid: undefined }),
    ]
    const tokens: string[] = []
    for (const providerLink of links) tokens.push(await signedIn(sessions, { providerLink }))
    const unlinked = await signedIn(sessions)

    const count = await sessions.revokeLinked(logout)

    const states = await Promise.all(tokens.map(async (token) => (await sessions.read(token)).state))
    expect(states.map((state) => state === 'active')).toEqual(expected)
    expect(count).toBe(expected.filter((isAlive) => !isAlive).length)
    expect((await sessions.read(unlinked)).state).toBe('active')
  })

  it('ends for good, with a reason and an event for each', async () => {
    const { sessions, linkTo, seen } = world()
    const token = await signedIn(sessions, { providerLink: linkTo() })
    const { id } = await sessions.read(token)

    await sessions.revokeLinked({ issuer, sid: 's-1' }, { actor: issuer })
    const again = await sessions.revokeLinked({ issuer, sid: 's-1' })

    const session = await sessions.read(token)
    expect([session.state, session.stateReason, again]).toEqual(['revoked', 'provider-logout', 0])
    const expected = { sessionId: id, subject: 'ada', reason: 'provider-logout', actor: issuer }
    expect(await seen('session.revoked')).toMatchObject([expected])
  })

  it('a sign-in that comes after the logout of its login is refused, and leaves the visitor who they were', async () => {
    const { sessions, linkTo } = world()
    const visitor = await sessions.start({ data: { basket: 'full' } })
    const before = visitor.id
    await sessions.revokeLinked({ issuer, subject: 'p-1' })

    const rejection = visitor.signIn({ subject: 'ada', method: 'fed', providerLink: linkTo() })

    await expect(rejection).rejects.toMatchObject({ name: 'SessionStateError', code: 'ERR_SIGN_IN_SEVERED', status: 401 })
    expect([visitor.id, visitor.state, await sessions.list('ada')]).toEqual([before, 'active', []])
  })

  it('a login of after the logout is let in, and an old logout that comes late spares it', async () => {
    const { sessions, linkTo, clock } = world()
    const saidAt = clock()
    await sessions.revokeLinked({ issuer, subject: 'p-1' })
    clock.advance(1000)
    const token = await signedIn(sessions, { providerLink: linkTo() })
    clock.advance(1000)

    expect(await sessions.revokeLinked({ issuer, subject: 'p-1' }, { at: saidAt })).toBe(0)
    expect((await sessions.read(token)).state).toBe('active')
  })

  it('a login cannot be used so late that its logout may be forgotten', async () => {
    const { sessions, linkTo, clock } = world()
    const old = linkTo()
    await sessions.revokeLinked({ issuer, sid: 's-1' })
    clock.advance(hours(24))
    for (let removed = 1000; removed === 1000; ) removed = await sessions.purge()
    expect(await codeOf(signedIn(sessions, { providerLink: old }))).toBe('ERR_SIGN_IN_SEVERED')
    clock.advance(1)

    expect(await codeOf(signedIn(sessions, { providerLink: old }))).toBe('ERR_ARGUMENT_INVALID')
  })

  it('a store that is away is an outage, and the logout is said again', async () => {
    const { sessions, store, linkTo, seen } = world()
    const token = await signedIn(sessions, { providerLink: linkTo() })
    store.setFaults({ revokeLinked: [{ kind: 'error' }, { kind: 'lost-reply' }] })

    expect(await codeOf(sessions.revokeLinked({ issuer, sid: 's-1' }))).toBe('ERR_STORE_UNAVAILABLE')
    expect((await sessions.read(token)).state).toBe('active')
    expect(await codeOf(sessions.revokeLinked({ issuer, sid: 's-1' }))).toBe('ERR_STORE_UNAVAILABLE')
    expect((await sessions.read(token)).state).toBe('revoked')
    expect(await sessions.revokeLinked({ issuer, sid: 's-1' })).toBe(0)
    expect(await seen('store.failed')).toMatchObject([{ operation: 'revokeLinked' }, { operation: 'revokeLinked' }])
  })

  it('a store without the index keeps the link, and refuses the logout rather than ending none', async () => {
    const { revokeLinked: _, ...rest } = faultyStore(memoryStore())
    const store = { ...rest, capabilities: { ...rest.capabilities, revokesLinked: false } }
    const clock = fakeClock()
    const { sessions } = setUp({ store, clock })
    const providerLink = { issuer, subject: 'p-1', issuedAt: clock() }
    const token = await signedIn(sessions, { providerLink })

    expect(await codeOf(sessions.revokeLinked({ issuer, subject: 'p-1' }))).toBe('ERR_STORE_UNSUPPORTED')
    expect((await sessions.read(token)).providerLink).toEqual({ ...providerLink, sid: undefined })
  })
})

describe('hostile values', () => {
  const hostile: unknown[] = ['', 'x'.repeat(1025), 'é'.repeat(513), '\ud800', 7, null, {}, ['s-1'], Symbol('s')]

  it.each(hostile)('%j is no issuer, subject or sid', async (value) => {
    const { sessions, store, linkTo } = world()
    const before = store.calls.length
    for (const name of ['issuer', 'subject', 'sid']) {
      const providerLink = { ...linkTo(), [name]: value } as ProviderLink
      const logout = { issuer, sid: 's-1', [name]: value } as ProviderLogout
      expect(await codeOf(signedIn(sessions, { providerLink }))).toBe('ERR_ARGUMENT_INVALID')
      expect(await codeOf(sessions.revokeLinked(logout))).toBe('ERR_ARGUMENT_INVALID')
    }
    expect(store.calls.length).toBe(before)
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1, 0, '1893456000000', undefined, null, 1_893_456_000])(
    '%j is no instant of a login, and none of a logout',
    async (instant) => {
      const { sessions, linkTo } = world()
      const issuedAt = instant as number

      expect(await codeOf(signedIn(sessions, { providerLink: { ...linkTo(), issuedAt } }))).toBe('ERR_ARGUMENT_INVALID')
      if (instant === undefined || instant === null) return
      expect(await codeOf(sessions.revokeLinked({ issuer, sid: 's-1' }, { at: issuedAt }))).toBe('ERR_ARGUMENT_INVALID')
    },
  )

  it.each([null, 'link', 7, []])('%j is no link, and no logout', async (value) => {
    const { sessions } = world()

    expect(await codeOf(signedIn(sessions, { providerLink: value as never }))).toBe('ERR_ARGUMENT_INVALID')
    expect(await codeOf(sessions.revokeLinked(value as never))).toBe('ERR_ARGUMENT_INVALID')
  })

  it('a logout of nobody is refused, and a reason that is no word', async () => {
    const { sessions } = world()

    expect(await codeOf(sessions.revokeLinked({ issuer } as never))).toBe('ERR_ARGUMENT_INVALID')
    expect(await codeOf(sessions.revokeLinked({ issuer, sid: 's' }, { reason: 'a\r\nb' }))).toBe('ERR_ARGUMENT_INVALID')
  })

  it.each([
    ['a","b', 'c'],
    ['a', 'b","c'],
    ['__proto__', 'constructor'],
    ['x'.repeat(1024), '👾'.repeat(256)],
    ['\0', '\r\n{tag}:*'],
  ])('names of any characters are kept and told apart: %j, %j', async (subject, sid) => {
    const { sessions, linkTo } = world()
    const token = await signedIn(sessions, { providerLink: linkTo({ subject, sid }) })

    expect(await sessions.revokeLinked({ issuer, subject: sid })).toBe(0)
    expect((await sessions.read(token)).providerLink).toMatchObject({ subject, sid })
    expect(await sessions.revokeLinked({ issuer, subject, sid })).toBe(1)
  })
})
