// The attacker has: a token of the victim from before one or more rotations.
// The attacker does: replays it, first within the grace, then after it; or uses it first and lets the victim come second.
// The attacker must not obtain: a lasting session. Once both have acted, neither has one, and an event says so.
import { expect, it } from 'vitest'
import { minutes, seconds } from '../../src/core/duration.ts'
import { browser, site, subjectOf } from './support.ts'

it('after the grace the replay ends the session for both, with reason `reuse`', async () => {
  const shop = site()
  const victim = browser(shop)
  await victim.visit('/login?as=victim')
  const stolen = victim.token()
  await victim.visit('/rotate')
  await victim.me()
  shop.clock.advance(seconds(31))

  expect([await subjectOf(shop, stolen), (await victim.me()).subject]).toEqual([null, null])
  expect(await shop.seen('session.reused')).toMatchObject([{ outcome: 'revoked' }])
})

it('a thief who is first is found out when the victim comes back', async () => {
  const shop = site()
  const victim = browser(shop)
  await victim.visit('/login?as=victim')
  const thief = browser(shop)
  thief.jar.store('https://shop.example', `__Host-sjn=${victim.token()}; Path=/; Secure`)
  shop.clock.advance(minutes(16))
  await thief.visit('/me')
  shop.clock.advance(minutes(1))
  await thief.visit('/me')
  shop.clock.advance(minutes(1))

  expect([(await victim.me()).subject, (await thief.me()).subject]).toEqual([null, null])
})

it('within the grace the replay gives no newer token once the victim has used theirs', async () => {
  const shop = site()
  const victim = browser(shop)
  await victim.visit('/login?as=victim')
  const thief = browser(shop)
  thief.jar.store('https://shop.example', `__Host-sjn=${victim.token()}; Path=/; Secure`)
  await victim.visit('/rotate')
  await victim.me()
  const response = await thief.visit('/rotate')

  expect(response.headers.getSetCookie()).toEqual([])
})
