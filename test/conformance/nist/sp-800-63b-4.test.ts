// NIST SP 800-63B-4: session secrets (5.1), re-authentication (5.2), timeouts (2.1.3, 2.2.3, 2.3.3).
import { expect, it } from 'vitest'
import { days, hours, minutes } from '../../../src/core/duration.ts'
import { type PresetName, policies } from '../../../src/core/policies.ts'
import { browser, COOKIE, site, subjectOf } from '../../attacks/support.ts'
import { policyOf, setUp, signedIn, thrownBy, tokenOf } from '../../core/support.ts'

it.each<[string, PresetName, number, number]>([
  ['NIST-2.1.3', 'aal1', days(30), days(30)],
  ['NIST-2.2.3', 'aal2', hours(24), hours(1)],
  ['NIST-2.3.3', 'aal3', hours(12), minutes(15)],
])('%s: %s ends a session at %i ms in any case, and after %i ms without use', async (_id, name, absolute, idle) => {
  const { sessions, clock } = setUp({ policy: policies[name] })
  const token = await signedIn(sessions)
  clock.advance(idle - 1000)
  const before = (await sessions.read(token, { isActivity: false })).state
  clock.advance(1000)
  const at = (await sessions.read(token)).state

  expect([before, at, policyOf(policies[name]).absoluteTimeout]).toEqual(['active', 'expired', absolute])
})

it('NIST-2.3.3: the 12 hours of AAL3 cannot be raised, whatever the justification', () => {
  const policy = { ...policies.aal3, absoluteTimeout: hours(12) + 1000, justification: 'needed' }

  expect(thrownBy(() => policyOf(policy)).code).toBe('ERR_POLICY_UNJUSTIFIED')
})

it('NIST-2.2.3: a longer timeout at AAL2 needs a recorded justification', () => {
  expect(thrownBy(() => policyOf({ ...policies.aal2, absoluteTimeout: hours(25) })).code).toBe('ERR_POLICY_UNJUSTIFIED')
})

it('NIST-SB-1/2/3: a session rests on a secret that the host issued at authentication', async () => {
  const { sessions } = setUp()
  const token = await signedIn(sessions)
  const { id } = await sessions.read(token)

  expect([(await sessions.read(token)).subject, (await sessions.read(id)).subject]).toEqual(['ada', undefined])
})

it('NIST-SB-4: a persistent cookie is no authentication: once the session ended it signs nobody in', async () => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login?remember')
  const cookie = ada.token()
  shop.clock.advance(minutes(30))

  expect(await subjectOf(shop, cookie)).toBeNull()
})

it('NIST-SB-5: an expired session with the right secret is refused', async () => {
  const { sessions, clock } = setUp()
  const token = await signedIn(sessions)
  clock.advance(minutes(30))

  expect((await sessions.read(token)).state).toBe('expired')
})

it('NIST-SB-6/8: a signed-in secret is made by signing in, and by nothing else', async () => {
  const { sessions } = setUp()
  const visitor = await sessions.start({ data: { subject: 'ada' } })
  await visitor.rotate()

  expect((await sessions.read(await tokenOf(visitor))).subject).toBeUndefined()
})

it('NIST-SB-7: the level is never above what was proved, and rises by a new proof only', async () => {
  const { sessions } = setUp()
  const session = await sessions.read(await signedIn(sessions))
  const before = session.acr
  await session.rotate({ isPrivilegeChange: true })
  const rotated = session.acr
  await session.elevate({ method: 'otp' })

  expect([before, rotated, session.acr]).toEqual(['aal1', 'aal1', 'aal2'])
})

it('NIST-SB-8.1: the secret is 256 bits of the random source', async () => {
  const asked: number[] = []
  const random = (size: number) => {
    asked.push(size)
    return crypto.getRandomValues(new Uint8Array(size))
  }
  await signedIn(setUp({ random }).sessions)

  expect(asked).toContain(32)
})

it('NIST-SB-8.2: signing out erases it at both ends', async () => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login')
  const copy = ada.token()
  await ada.visit('/logout')

  expect([ada.token(), await subjectOf(shop, copy)]).toEqual([undefined, null])
})

it('NIST-SB-8.3/8.5: it is sent over TLS only and stands in no URL', async () => {
  const ada = browser(site())
  const response = await ada.visit('/login')

  expect([ada.jar.header('http://shop.example'), response.headers.get('location')]).toEqual([undefined, '/me'])
})

it('NIST-SB-8.4: it times out by the level’s policy', async () => {
  const { sessions, clock } = setUp({
    policy: policies.aal2,
    policyFor: ({ facts }) =>
      facts.some(({ strength }) => strength === 3) ? { idleTimeout: minutes(15), absoluteTimeout: hours(12) } : undefined,
  })
  const [aal1, aal3] = [await signedIn(sessions), await signedIn(sessions, { method: 'hwk', strength: 3 })]
  clock.advance(minutes(15))

  expect([(await sessions.read(aal1)).state, (await sessions.read(aal3)).state]).toEqual(['active', 'expired'])
})

it('NIST-SB-9: after authentication nothing falls back to http', async () => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login')
  const response = await shop.answer('http://shop.example/me', { headers: { cookie: `${COOKIE}=${ada.token()}` } })

  expect(await response.json()).toMatchObject({ subject: null })
})

it('NIST-5.1-a: by default the secret does not survive the browser’s end', async () => {
  expect((await browser(site()).visit('/login')).headers.getSetCookie()[0]).not.toMatch(/Max-Age|Expires/)
})

it('NIST-5.1-b: signing out clears the cookie, and no script can read it before', async () => {
  const ada = browser(site())
  await ada.visit('/login')
  const { isHttpOnly } = ada.jar.cookies('https://shop.example')[0]!
  await ada.visit('/logout')

  expect([isHttpOnly, ada.jar.cookies('https://shop.example')]).toEqual([true, []])
})

it.each([
  ['NIST-COOK-1', 'Secure', /; Secure(;|$)/],
  ['NIST-COOK-2', 'one host', /^(?!.*Domain)/],
  ['NIST-COOK-3', 'HttpOnly', /; HttpOnly(;|$)/],
  ['NIST-COOK-5', '__Host- and Path=/', /^__Host-[^;]+; Path=\/;/],
  ['NIST-COOK-6', 'SameSite Lax', /; SameSite=Lax(;|$)/],
  ['NIST-COOK-7', 'an opaque value', /^[^=]+=sjn1_[\w-]{86};/],
])('%s: the cookie has %s', async (_id, _what, pattern) => {
  expect((await browser(site()).visit('/login')).headers.getSetCookie()[0]).toMatch(pattern)
})

it('NIST-COOK-4: a persistent cookie ends with its session, and the server does not rely on it', async () => {
  const shop = site()
  const ada = browser(shop)
  const [line] = (await ada.visit('/login?remember')).headers.getSetCookie()
  ada.jar.store('https://shop.example', `${COOKIE}=${ada.token()}; Path=/; Secure; Max-Age=34560000`)
  shop.clock.advance(hours(12))

  expect([/Max-Age=43200/.test(line!), (await ada.me()).subject]).toEqual([true, null])
})

it('NIST-REAUTH-1: no session goes on without re-authentication for ever', () => {
  expect(Object.values(policies).every(({ absoluteTimeout }) => absoluteTimeout <= days(30))).toBe(true)
})

it.each([
  ['inactivity', minutes(30), 'idle'],
  ['overall', hours(12), 'absolute'],
])('NIST-REAUTH-2: the session ends when the %s timeout expires', async (_which, later, stateReason) => {
  const { sessions, clock } = setUp()
  const token = await signedIn(sessions)
  clock.advance(later)

  expect(await sessions.read(token)).toMatchObject({ state: 'expired', stateReason })
})

it('NIST-REAUTH-3: activity resets the inactivity timeout alone, re-authentication both', async () => {
  const { sessions, clock } = setUp()
  const session = await sessions.read(await signedIn(sessions))
  const overall = session.absoluteDeadline
  clock.advance(minutes(20))
  await session.touch()
  const touched = [session.idleDeadline! - clock(), session.absoluteDeadline]
  await session.elevate({ method: 'pwd' })

  expect([touched, session.absoluteDeadline! - clock()]).toEqual([[minutes(30), overall], hours(12)])
})

it('NIST-5.2-a: the time left can be read without counting as activity', async () => {
  const { sessions, clock } = setUp()
  const token = await signedIn(sessions)
  clock.advance(minutes(20))
  const session = await sessions.read(token, { isActivity: false })
  await session.commit()

  expect([session.idleDeadline! - clock(), (await sessions.read(token, { isActivity: false })).lastSeenAt]).toEqual([
    minutes(10),
    session.startedAt,
  ])
})

it('NIST-REAUTH-4: the limits in force are exported for the documentation', () => {
  expect(setUp({ policy: policies.aal2 }).sessions.describePolicy()).toMatchObject({
    idleTimeout: hours(1),
    absoluteTimeout: hours(24),
  })
})
