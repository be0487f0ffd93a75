// The attacker has: the victim's session cookie, copied by malware, from a log or out of a backup.
// The attacker does: puts it into a browser of their own, or a tool, and asks.
// The attacker must not obtain: anything; nor may their asking clear the victim's cookie or leave the theft unseen.
import { expect, it } from 'vitest'
import { presets } from '../../src/binding/traits.ts'
import { AGENTS } from '../binding/traits/agents.ts'
import { ask, guardedSite, signIn, thiefsBrowser, victimsBrowser } from './stolen-cookie-support.ts'

const thieves: [string, Record<string, string>][] = [
  ['another browser on another system', thiefsBrowser],
  ['another browser on the same system', { ...thiefsBrowser, 'user-agent': AGENTS.firefoxWindows }],
  ['the same browser on another system', { ...victimsBrowser, 'user-agent': AGENTS.chromeMac, 'sec-ch-ua-platform': '"macOS"' }],
  ['a tool', { ...thiefsBrowser, 'user-agent': AGENTS.curl }],
  [
    'the copied user agent in another browser of Chromium’s family',
    { ...victimsBrowser, 'sec-ch-ua': '"Chromium";v="130", "Brave";v="130"' },
  ],
  ['the copied user agent on another system', { ...victimsBrowser, 'sec-ch-ua-platform': '"Linux"' }],
]

it.each(thieves)('%s gets nothing, and the session is over for whoever holds its cookie', async (_, thief) => {
  const shop = guardedSite()
  const stolen = await signIn(shop)
  const answer = await ask(shop, stolen, thief)

  expect([answer.subject, answer.setCookies]).toEqual([null, []])
  expect((await ask(shop, stolen, victimsBrowser)).subject).toBeNull()
  expect(await shop.seen('traits.drifted')).toMatchObject([{ grade: 'revoke', subject: 'victim' }])
})

it('a tool without a user agent keeps the name and loses every right', async () => {
  const shop = guardedSite()
  const { 'x-from': from } = thiefsBrowser
  const answer = await ask(shop, await signIn(shop), { 'x-from': from! })

  expect([answer.subject, answer.acr]).toEqual(['victim', 'aal0'])
})

it('the thief who asks first gains nothing by it: what they read is the first and last answer, and it is anonymous', async () => {
  const shop = guardedSite()
  const stolen = await signIn(shop)
  const answers = await Promise.all(Array.from({ length: 10 }, () => ask(shop, stolen, thiefsBrowser)))

  expect(answers.filter(({ subject }) => subject !== null)).toEqual([])
})

it('the lenient preset ends nothing: the thief has the name, and no authority', async () => {
  const shop = guardedSite({ policy: presets.lenient })
  const stolen = await signIn(shop)
  const answer = await ask(shop, stolen, thiefsBrowser)

  expect([answer.subject, answer.acr]).toEqual(['victim', 'aal0'])
})

it('shadow mode stops nobody, and says what it would have done', async () => {
  const shop = guardedSite({ shadow: true })
  const answer = await ask(shop, await signIn(shop), thiefsBrowser)

  expect([answer.subject, answer.acr]).toEqual(['victim', 'aal1'])
  expect(await shop.seen('traits.drifted')).toMatchObject([{ grade: 'revoke', isShadow: true }])
})
