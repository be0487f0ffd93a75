// OWASP Web Security Testing Guide, session management: WSTG-SESS-06 to -11, the rows these parts can show.
import { expect, it } from 'vitest'
import { hours, minutes } from '../../../src/core/duration.ts'
import { browser, COOKIE, site, subjectOf } from '../../attacks/support.ts'
import { setUp, signedIn, tokenOf } from '../../core/support.ts'

it('WSTG-SESS-06.2: after logout the restored cookie fails on every page', async () => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login')
  const copy = ada.token()
  await ada.visit('/logout')

  expect(await subjectOf(shop, copy)).toBeNull()
})

it('WSTG-SESS-06.3: a timeout gives the same result as logout', async () => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login')
  const copy = ada.token()
  shop.clock.advance(minutes(30))

  expect(await subjectOf(shop, copy)).toBeNull()
})

it('WSTG-SESS-07.1: the timeout is enforced by the server: a client that edits its cookie’s expiry gains nothing', async () => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login')
  ada.jar.store('https://shop.example', `${COOKIE}=${ada.token()}; Path=/; Secure; Max-Age=34560000`)
  shop.clock.advance(minutes(30))

  expect((await ada.me()).subject).toBeNull()
})

it('WSTG-SESS-07.2: after the timeout the token is unusable and cannot be revived', async () => {
  const { sessions, clock } = setUp()
  const token = await signedIn(sessions)
  clock.advance(hours(12))
  const session = await sessions.read(token)
  await session.touch()
  await session.commit()

  expect([session.data, (await sessions.read(token)).state]).toEqual([{}, 'expired'])
})

it('WSTG-SESS-08.1: who somebody is comes from signing in alone; data of a reset or registration flow does not set it', async () => {
  const { sessions } = setUp()
  const flow = await sessions.start({ data: { resetFor: 'victim', subject: 'victim', userId: 'victim' } })
  const after = await sessions.read(await tokenOf(flow))

  expect([after.subject, after.meets()]).toEqual([undefined, false])
})

it('WSTG-SESS-09.1: a browser never gives the cookie to who can read plain HTTP, and the server takes none from there', async () => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login')
  const overHttp = await shop.answer('http://shop.example/me', { headers: { cookie: `${COOKIE}=${ada.token()}` } })

  expect([ada.jar.header('http://shop.example'), ((await overHttp.json()) as { subject: null }).subject]).toEqual([
    undefined,
    null,
  ])
})

it('WSTG-SESS-11.1: of 100 sign-ins at once no more than the limit stay', async () => {
  const { sessions } = setUp({ policy: { limit: { max: 3, onExceeded: 'evict-oldest' } } })
  await Promise.all(Array.from({ length: 100 }, () => signedIn(sessions)))

  expect((await sessions.list('ada')).length).toBe(3)
})

it('WSTG-SESS-11.3: people can see their sessions with device, start and last use', async () => {
  const { sessions } = setUp()
  await sessions.signIn({ subject: 'ada', method: 'pwd' }, { device: 'Firefox on Linux' })

  expect(await sessions.list('ada')).toMatchObject([
    { device: 'Firefox on Linux', startedAt: expect.any(Number), lastSeenAt: expect.any(Number) },
  ])
})
