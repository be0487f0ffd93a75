// The attacker has: a cookie of the victim, and full control of their own client: its clock and the cookie's Expires.
// The attacker does: keeps the cookie past the idle and the absolute limit, and uses it then.
// The attacker must not obtain: a session past its deadlines; only the server's clock counts.
import { expect, it } from 'vitest'
import { hours, minutes } from '../../src/core/duration.ts'
import { browser, site, subjectOf } from './support.ts'

it.each([
  ['idle', minutes(30)],
  ['absolute', hours(12)],
  ['a year', hours(24 * 365)],
])('past its limit (%s) the cookie is nobody’s, and stays so', async (_limit, later) => {
  const shop = site()
  const victim = browser(shop)
  await victim.visit('/login?as=victim&remember')
  const copy = victim.token()
  shop.clock.advance(later)
  const first = await subjectOf(shop, copy)
  shop.clock.advance(1000)

  expect([first, await subjectOf(shop, copy)]).toEqual([null, null])
})

it('keeping a stolen session busy does not carry it past the absolute limit', async () => {
  const shop = site()
  const thief = browser(shop)
  await thief.visit('/login?as=victim')
  for (let passed = 0; passed < hours(12); passed += minutes(20)) {
    await thief.visit('/me')
    shop.clock.advance(minutes(20))
  }

  expect((await thief.me()).subject).toBeNull()
})

it('rotating it does not either', async () => {
  const shop = site()
  const thief = browser(shop)
  await thief.visit('/login?as=victim')
  for (let passed = 0; passed < hours(12); passed += minutes(20)) {
    await thief.visit('/rotate')
    shop.clock.advance(minutes(20))
  }

  expect((await thief.me()).subject).toBeNull()
})
