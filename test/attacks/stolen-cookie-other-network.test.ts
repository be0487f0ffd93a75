// The attacker has: the victim's session cookie, and a browser of the same family, version and system that sends the same headers.
// The attacker does: uses it from their own network, in the same country or another.
// The attacker must not obtain: a lasting session (standard) or authority of any kind (strict). In the same network nothing tells them apart.
import { expect, it } from 'vitest'
import { presets } from '../../src/binding/traits.ts'
import { minutes, seconds } from '../../src/core/duration.ts'
import { AGENTS, HINTS } from '../binding/traits/agents.ts'
import { ABROAD, AT_HOME, ask, at, guardedSite, NEARBY, signIn, victimsBrowser } from './stolen-cookie-support.ts'

it('standard, in the same country: the thief is let in, and found out by the victim’s next request after the grace', async () => {
  const shop = guardedSite()
  const stolen = await signIn(shop)
  const thief = await ask(shop, stolen, at(NEARBY))
  expect([thief.subject, thief.acr]).toEqual(['victim', 'aal1'])
  await ask(shop, thief.token, at(NEARBY))
  shop.clock.advance(seconds(31))

  expect((await ask(shop, stolen, victimsBrowser)).subject).toBeNull()
  expect((await ask(shop, thief.token, at(NEARBY))).subject).toBeNull()
  expect(await shop.seen('session.reused')).toMatchObject([{ outcome: 'revoked' }])
})

it('standard, from another country: the thief keeps the name and has no authority, and cannot give it to themselves', async () => {
  const shop = guardedSite()
  const stolen = await signIn(shop)
  const thief = await ask(shop, stolen, at(ABROAD))
  shop.clock.advance(minutes(1))
  await ask(shop, thief.token, at(ABROAD), '/rotate')
  const later = await ask(shop, thief.token, at(ABROAD))

  expect([thief.acr, later.acr]).toEqual(['aal0', 'aal0'])
})

it('standard: when the victim proves again, the thief’s token has nothing of it', async () => {
  const shop = guardedSite()
  const stolen = await signIn(shop)
  const thief = await ask(shop, stolen, at(ABROAD))
  shop.clock.advance(seconds(10))
  await shop.answer('/step-up', { headers: { ...victimsBrowser, cookie: `__Host-sjn=${stolen}` } })
  shop.clock.advance(seconds(5))

  expect((await ask(shop, thief.token, at(ABROAD))).acr).toBe('aal0')
})

it('strict: no authority in any other network, and the end of the session in another country', async () => {
  const near = guardedSite({ policy: presets.strict })
  expect((await ask(near, await signIn(near), at(NEARBY))).acr).toBe('aal0')

  const far = guardedSite({ policy: presets.strict })
  expect((await ask(far, await signIn(far), at(ABROAD))).subject).toBeNull()
})

it('a stolen cookie of a phone works in any network of its country under standard: phones move', async () => {
  const phone = { 'user-agent': AGENTS.chromeAndroid, ...HINTS.chromeAndroid, 'x-from': AT_HOME }
  const shop = guardedSite()
  expect((await ask(shop, await signIn(shop, phone), { ...phone, 'x-from': NEARBY })).acr).toBe('aal1')

  const strict = guardedSite({ policy: presets.strict })
  const thief = await ask(strict, await signIn(strict, phone), { ...phone, 'x-from': NEARBY })
  expect([thief.acr, (await strict.seen('session.rotated')).length]).toEqual(['aal1', 1])
})
