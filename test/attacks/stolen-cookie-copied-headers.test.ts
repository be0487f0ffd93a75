// The attacker has: the victim's session cookie and knows the victim's exact User-Agent.
// The attacker does: sends both with a tool, with and without the client hints that the victim's browser adds.
// The attacker must not obtain: an unseen session without the hints, nor any authority without them from another network.
// What remains: whoever copies every header and sits in the same network is the same client, as far as traits tell.
import { expect, it } from 'vitest'
import { presets } from '../../src/binding/traits.ts'
import { AT_HOME, ask, at, guardedSite, NEARBY, signIn, toolAt, victimsBrowser } from './stolen-cookie-support.ts'

it('the copied user agent alone, elsewhere: no authority', async () => {
  const shop = guardedSite()
  const thief = await ask(shop, await signIn(shop), toolAt(NEARBY))

  expect([thief.subject, thief.acr]).toEqual(['victim', 'aal0'])
  expect(await shop.seen('traits.drifted')).toMatchObject([{ grade: 'step-up', changes: ['network', 'hints-missing'] }])
})

it('the copied user agent alone, in the victim’s network: seen, and only strict does more than note it', async () => {
  const shop = guardedSite()
  expect((await ask(shop, await signIn(shop), toolAt(AT_HOME))).acr).toBe('aal1')
  expect(await shop.seen('traits.drifted')).toMatchObject([{ grade: 'note', changes: ['hints-missing'] }])

  const strict = guardedSite({ policy: presets.strict })
  expect((await ask(strict, await signIn(strict), toolAt(AT_HOME))).acr).toBe('aal0')
})

it('what remains: a tool that calls its request a worker’s is not missed the hints, and every other change still counts', async () => {
  const shop = guardedSite()
  const asWorker = { ...toolAt(NEARBY), 'sec-fetch-dest': 'empty' }
  await ask(shop, await signIn(shop), asWorker)

  expect(await shop.seen('traits.drifted')).toMatchObject([{ grade: 'rotate', changes: ['network'] }])
})

it('what remains: every header copied, from the same network, is the victim’s client, and only a bound key tells them apart', async () => {
  for (const policy of Object.values(presets)) {
    const shop = guardedSite({ policy })
    expect((await ask(shop, await signIn(shop), victimsBrowser)).acr).toBe('aal1')
    expect(await shop.seen('traits.drifted')).toEqual([])
  }
})

it('a forged address header of the thief’s own changes nothing about where the platform saw them', async () => {
  const shop = guardedSite()
  const forged = { ...at(NEARBY), 'x-forwarded-for': AT_HOME, forwarded: `for=${AT_HOME}`, 'x-real-ip': AT_HOME }
  await ask(shop, await signIn(shop), forged)

  expect(await shop.seen('traits.drifted')).toMatchObject([{ changes: ['network'] }])
})
