// OWASP Session Management Cheat Sheet: renewal, expiration, detection, simultaneous sessions.
import { expect, it } from 'vitest'
import { hours, minutes, seconds } from '../../../src/core/duration.ts'
import { policies } from '../../../src/core/policies.ts'
import { browser, COOKIE, site } from '../../attacks/support.ts'
import { policyOf, setUp, signedIn, thrownBy, tokenOf } from '../../core/support.ts'

it.each(['signIn', 'elevate', 'rotate'] as const)(
  'SMCS-27: %s gives a new token, for a change of privilege',
  async (operation) => {
    const { sessions } = setUp()
    const token = await signedIn(sessions)
    const session = await sessions.read(token)
    await session[operation]({ subject: 'ada', method: 'otp', isPrivilegeChange: true })

    expect(await tokenOf(session)).not.toBe(token)
  },
)

it('SMCS-27: after signing in the old token is refused at once', async () => {
  const { sessions } = setUp()
  const token = await tokenOf(await sessions.start({ data: { a: 1 } }))
  await (await sessions.read(token)).signIn({ subject: 'ada', method: 'pwd' })

  expect((await sessions.read(token)).state).toBe('revoked')
})

it('SMCS-29: re-authentication can be asked for at any moment, by level and age', async () => {
  const { sessions, clock } = setUp()
  const token = await signedIn(sessions)
  clock.advance(minutes(10))
  const session = await sessions.read(token)
  const before = session.meets({ maxAge: minutes(5) })
  await session.elevate({ method: 'pwd' })

  expect([before, session.meets({ maxAge: minutes(5) })]).toEqual([false, true])
})

it('SMCS-32: no session is without limits, and presets follow the ranges', () => {
  expect([policies.high.idleTimeout, policies.low.idleTimeout, policies.moderate.absoluteTimeout]).toEqual([
    minutes(5),
    minutes(30),
    hours(8),
  ])
  expect(thrownBy(() => policyOf({ idleTimeout: Number.POSITIVE_INFINITY })).code).toBe('ERR_CONFIG_INVALID')
})

it('SMCS-33: signing out invalidates the session on the server and clears the cookie in one response', async () => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login')
  const response = await ada.visit('/logout')

  expect([await shop.sessions.list('ada'), ada.token(), response.headers.getSetCookie().length]).toEqual([[], undefined, 1])
})

it('SMCS-34: the cookie is cleared by an empty value and both kinds of past expiry, with the same attributes', async () => {
  const ada = browser(site())
  await ada.visit('/login')
  const [line] = (await ada.visit('/logout')).headers.getSetCookie()

  expect(line).toBe(`${COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT`)
})

it('SMCS-35: the idle timeout counts from the last request, by the server’s clock', async () => {
  const { sessions, clock } = setUp()
  const token = await signedIn(sessions)
  clock.advance(minutes(20))
  await (await sessions.read(token)).touch()
  clock.advance(minutes(30) - 1)
  const before = (await sessions.read(token, { isActivity: false })).state
  clock.advance(1)

  expect([before, (await sessions.read(token)).state]).toEqual(['active', 'expired'])
})

it('SMCS-36: the absolute timeout ends a session in constant use', async () => {
  const { sessions, clock } = setUp({ policy: { idleTimeout: hours(1), absoluteTimeout: hours(1) } })
  const token = await signedIn(sessions)
  clock.advance(hours(1) - 1)
  await (await sessions.read(token)).touch()
  clock.advance(1)

  expect(await sessions.read(token)).toMatchObject({ state: 'expired', stateReason: 'absolute' })
})

it('SMCS-37: a renewed token’s predecessor works for the grace after the new one was used, and then is reuse', async () => {
  const { sessions, clock } = setUp()
  const token = await signedIn(sessions)
  clock.advance(minutes(15))
  const tabs = await Promise.all([sessions.read(token), sessions.read(token)])
  const tokens = await Promise.all(tabs.map(tokenOf))
  await sessions.read(tokens[0])
  clock.advance(seconds(29))
  const within = (await sessions.read(token)).state
  clock.advance(seconds(1))

  expect([tokens[0] === tokens[1], within, (await sessions.read(token)).state]).toEqual([true, 'active', 'reused'])
})

it('SMCS-38: when a thief renews first, the owner’s next request ends the session and is an event', async () => {
  const { sessions, clock, seen } = setUp()
  const token = await signedIn(sessions)
  const thief = await sessions.read(token)
  await thief.rotate()
  const stolen = await tokenOf(thief)
  await sessions.read(stolen)
  clock.advance(seconds(31))

  expect([(await sessions.read(token)).state, (await sessions.read(stolen)).state]).toEqual(['reused', 'revoked'])
  expect((await seen('session.reused')).length).toBe(1)
})

it('SMCS-39: signing out is one call that ends the session on the server', async () => {
  const { sessions } = setUp()
  const token = await signedIn(sessions)
  await (await sessions.read(token)).signOut()

  expect((await sessions.read(token)).state).toBe('revoked')
})

it('SMCS-40: every response with a Set-Cookie of ours has Cache-Control: no-store', async () => {
  const ada = browser(site())
  const paths = ['/basket?item=tea', '/login', '/rotate', '/step-up', '/logout']
  const directives: (string | null)[] = []
  for (const path of paths) directives.push((await ada.visit(path)).headers.get('cache-control'))

  expect(directives).toEqual(paths.map(() => 'no-store'))
})

it('SMCS-41: signing out sends Clear-Site-Data, quoted', async () => {
  const ada = browser(site({}, { clearSiteData: ['cache', 'cookies', 'storage'] }))
  await ada.visit('/login')

  expect((await ada.visit('/logout')).headers.get('clear-site-data')).toBe('"cache", "cookies", "storage"')
})

it('SMCS-42: an anonymous session can have a shorter life than a signed-in one', async () => {
  const { sessions, clock } = setUp({
    policyFor: ({ subject }) => (subject === undefined ? { absoluteTimeout: minutes(10) } : undefined),
  })
  const token = await tokenOf(await sessions.start({ data: { a: 1 } }))
  clock.advance(minutes(10))

  expect((await sessions.read(token)).state).toBe('expired')
})

it('SMCS-44: guesses are events that a counter can hear', async () => {
  const { sessions, seen } = setUp()
  for (let i = 0; i < 10; i++) await sessions.read(`sjn1_${Buffer.alloc(64, i).toString('base64url')}`)

  expect((await seen('token.refused')).length).toBe(10)
})

it('SMCS-47: each step of a life is an event', async () => {
  const { sessions, seen, clock } = setUp()
  const token = await signedIn(sessions)
  const session = await sessions.read(token)
  await session.elevate({ method: 'otp' })
  await session.signOut()
  await sessions.read(token)
  const other = await signedIn(sessions)
  clock.advance(hours(12))
  await sessions.read(other)

  expect((await seen()).map(({ type }) => type)).toEqual([
    'session.started',
    'session.rotated',
    'session.elevated',
    'session.revoked',
    'session.used-after-end',
    'session.started',
    'session.expired',
  ])
})

it('SMCS-48: events carry the public id, which is no token and not what the store holds of one', async () => {
  const { sessions, seen } = setUp()
  const token = await signedIn(sessions)
  const [event] = await seen('session.started')

  expect([(await sessions.read(event!.sessionId)).state, JSON.stringify(event).includes(token.slice(26, 60))]).toEqual([
    'malformed',
    false,
  ])
})

it('SMCS-50: an automatic revocation is an event', async () => {
  const { sessions, seen } = setUp({ policy: { limit: { max: 1, onExceeded: 'evict-oldest' } } })
  await signedIn(sessions)
  await signedIn(sessions)

  expect(await seen('session.revoked')).toMatchObject([{ reason: 'evicted' }])
})

it.each([
  ['reject', 2],
  ['evict-oldest', 2],
] as const)('SMCS-51: parallel sign-ins under %s leave no more than the limit', async (onExceeded, max) => {
  const { sessions } = setUp({ policy: { limit: { max, onExceeded } } })
  await Promise.allSettled(Array.from({ length: 20 }, () => signedIn(sessions)))

  expect((await sessions.list('ada')).length).toBe(max)
})

it('SMCS-52: people see their sessions and end one from another device; a new one is an event', async () => {
  const { sessions, seen } = setUp()
  const [phone, desk] = [await signedIn(sessions), await signedIn(sessions)]
  const session = await sessions.read(phone)
  const other = (await session.list()).find(({ isCurrent }) => !isCurrent)!
  await session.revoke(other.id)

  expect([(await sessions.read(desk)).state, (await seen('session.started')).length]).toEqual(['revoked', 2])
})
