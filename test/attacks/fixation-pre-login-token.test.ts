// The attacker has: the token the victim had before signing in, read from a shared machine or a log.
// The attacker does: keeps it and uses it after the victim signed in, at once, within any grace, and much later.
// The attacker must not obtain: the victim's authority, nor the data of the session after sign-in.
import { expect, it } from 'vitest'
import { minutes } from '../../src/core/duration.ts'
import { browser, site, withToken } from './support.ts'

it.each([0, 1, 29_000, 31_000, minutes(20)])('used %i ms after sign-in, the token of before is nobody’s', async (later) => {
  const shop = site()
  const victim = browser(shop)
  await victim.visit('/basket?item=tea')
  const before = victim.token()
  await victim.visit('/login?as=victim')
  shop.clock.advance(later)

  expect(await (await withToken(shop, before)).json()).toEqual({ subject: null, id: null, acr: 'aal0', data: {} })
})

it('using it does not end the victim’s session', async () => {
  const shop = site()
  const victim = browser(shop)
  await victim.visit('/basket?item=tea')
  const before = victim.token()
  await victim.visit('/login?as=victim')
  await withToken(shop, before)

  expect(await victim.me()).toMatchObject({ subject: 'victim', data: { basket: ['tea'] } })
})

it('a step-up is no way around it: the token of before keeps what it could do before', async () => {
  const shop = site()
  const victim = browser(shop)
  await victim.visit('/login?as=victim')
  const before = victim.token()
  await victim.visit('/step-up')

  expect(await (await withToken(shop, before)).json()).toMatchObject({ subject: 'victim', acr: 'aal1' })
  expect((await withToken(shop, before, '/rotate')).headers.getSetCookie()).toEqual([])
})
