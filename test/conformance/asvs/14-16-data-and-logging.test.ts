// OWASP ASVS 5.0.0, V14 and V16: the rows about session data, caching, events and errors.
import { expect, it, vi } from 'vitest'
import { hours } from '../../../src/core/duration.ts'
import { browser, COOKIE, site } from '../../attacks/support.ts'
import { codeOf, setUp, signedIn } from '../../core/support.ts'

it('ASVS-14.2.1: a token in a query or path is ignored, and no response writes one into a URL', async () => {
  const shop = site()
  const ada = browser(shop)
  const { headers } = await ada.visit('/login')
  const response = await shop.answer(`/me?${COOKIE}=${ada.token()}`)

  expect([headers.get('location'), ((await response.json()) as { subject: null }).subject]).toEqual(['/me', null])
})

it('ASVS-14.2.2: a response that used a session is kept by no shared cache', async () => {
  const ada = browser(site())
  await ada.visit('/login')
  const { headers } = await ada.visit('/me')

  expect([headers.get('cache-control'), headers.get('vary')]).toEqual(['no-store', 'Cookie'])
})

it('ASVS-14.2.5: the ending of the path changes nothing about that', async () => {
  const ada = browser(site())
  await ada.visit('/login')
  const { headers } = await ada.visit('/basket?item=/style.css')

  expect(headers.get('cache-control')).toBe('no-store')
})

it('ASVS-14.2.7: ended sessions leave no data, and their tombstones go in time', async () => {
  const { sessions, store, clock } = setUp()
  const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
  session.data.card = '4111'
  const { id } = session
  await session.signOut()
  const tombstone = await store.read(id!)
  clock.advance(hours(37))
  await sessions.purge()

  expect([tombstone?.kind, JSON.stringify(tombstone).includes('body'), await store.read(id!)]).toEqual([
    'tombstone',
    false,
    undefined,
  ])
})

it('ASVS-14.3.1: signing out tells the browser to clear what it kept of the site', async () => {
  const ada = browser(site())
  await ada.visit('/login')

  expect((await ada.visit('/logout')).headers.get('clear-site-data')).toBe('"cache", "storage"')
})

it('ASVS-14.3.2: sensitive responses carry no-store', async () => {
  const ada = browser(site())

  expect((await ada.visit('/login')).headers.get('cache-control')).toBe('no-store')
})

it('ASVS-16.2.1: an event says when, what, which session and who', async () => {
  const { sessions, seen, clock } = setUp()
  const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })

  expect(await seen('session.started')).toEqual([
    {
      type: 'session.started',
      at: clock(),
      sessionId: session.id,
      subject: 'ada',
      methods: ['pwd'],
      replacedSessionId: undefined,
    },
  ])
})

it('ASVS-16.2.3: events go to the listeners given, and nothing is written anywhere else', async () => {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  const writeError = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const { sessions, seen } = setUp()
  await signedIn(sessions)
  await sessions.read('garbage')
  const events = await seen()
  const written = [...write.mock.calls, ...writeError.mock.calls]
  vi.restoreAllMocks()

  expect([events.length, written]).toEqual([2, []])
})

it('ASVS-16.2.5: no event carries a token (test/attacks/canary.test.ts searches all output)', async () => {
  const { sessions, seen } = setUp()
  const token = await signedIn(sessions)
  await sessions.read(`${token.slice(0, -1)}x`)
  await (await sessions.read(token)).signOut()

  expect(JSON.stringify(await seen())).not.toContain(token.slice(26, 60))
})

it('ASVS-16.3.3: forged, unknown, reused and ended tokens are events', async () => {
  const { sessions, seen, clock } = setUp()
  const token = await signedIn(sessions)
  await sessions.read(`sjn1_${'A'.repeat(86)}`)
  const session = await sessions.read(token)
  await session.rotate()
  await sessions.read((await session.commit()).token)
  clock.advance(31_000)
  await sessions.read(token)
  await sessions.read(token)

  expect((await seen()).map(({ type }) => type)).toEqual(
    expect.arrayContaining(['token.refused', 'session.rotated', 'session.reused', 'session.revoked', 'session.used-after-end']),
  )
})

it('ASVS-16.3.4: a store that fails is an event', async () => {
  const { sessions, store, seen } = setUp()
  const token = await signedIn(sessions)
  store.setFaults({ read: { kind: 'error', error: new Error('down') } })
  await codeOf(sessions.read(token))

  expect(await seen('store.failed')).toMatchObject([{ operation: 'read', code: 'ERR_STORE_UNAVAILABLE' }])
})

it('ASVS-16.5.1: an error answer says nothing but its status', async () => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login')
  shop.store.setFaults({ read: { kind: 'error', error: new Error('postgres://user:pw@db') } })

  expect(await (await ada.visit('/me')).text()).toBe('Service Unavailable\n')
})

it('ASVS-16.5.2: with the store away nobody is authenticated, and nobody is told that they are signed out', async () => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login')
  shop.store.setFaults({ read: { kind: 'error' } })

  expect((await ada.visit('/me')).status).toBe(503)
})

it('ASVS-16.5.3: an exception in a policy refuses; it never lets in', async () => {
  const { sessions, store, clock } = setUp()
  const token = await signedIn(sessions)
  const policyFor = () => {
    throw new RangeError('bug')
  }

  await expect(setUp({ store, clock, policyFor }).sessions.read(token)).rejects.toThrow(RangeError)
})
