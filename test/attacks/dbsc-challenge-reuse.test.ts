// The attacker has: challenges of every kind: of their own sessions, of the victim's, answered ones, old ones, and of another installation.
// The attacker does: answers them where they were not meant, changes single bits of them, and repeats the victim's answered ones.
// The attacker must not obtain: one accepted answer but to a challenge of this service, this session, this purpose, and this quarter of an hour.
import { expect, it } from 'vitest'
import { minutes } from '../../src/core/duration.ts'
import { BindingBrowser, boundSite, challengeIn } from '../binding/dbsc/support.ts'
import { FOREIGN_KEY } from '../core/support.ts'

async function bound(site = boundSite(), as = 'victim') {
  const browser = new BindingBrowser(site)
  const offered = challengeIn(await browser.send(`/login?as=${as}`))
  await browser.register(offered)
  const id = browser.boundId!
  const post = (headers: Record<string, string> = {}) =>
    site.answer('/dbsc/refresh', { method: 'POST', headers: { 'sec-secure-session-id': id, ...headers } })
  const answer = async (challenge: string) =>
    (await post({ 'secure-session-response': browser.device.refresh(challenge) })).status
  return { site, browser, offered, id, post, answer }
}

it('of another session of the same person and the same key', async () => {
  const first = await bound()
  const second = new BindingBrowser(first.site, { device: first.browser.device })
  await second.signIn('victim')

  expect(await first.answer(second.challenge!)).toBe(403)
  expect(await first.site.reasons()).toEqual(['refresh:challenge-unknown'])
})

it('of registration at refresh', async () => {
  const { answer, offered } = await bound()

  expect(await answer(offered)).toBe(403)
})

it('of an installation with other keys', async () => {
  const { answer } = await bound()
  const elsewhere = await bound(boundSite({}, { keys: FOREIGN_KEY }))

  expect(await answer(elsewhere.browser.challenge!)).toBe(403)
})

it('one that was answered before, and every one from before that', async () => {
  const { site, post, answer } = await bound()
  const challenges: string[] = []
  for (let i = 0; i < 4; i++) {
    site.clock.advance(100)
    challenges.push(challengeIn(await post()))
  }
  const newest = await answer(challenges[3]!)
  site.clock.advance(minutes(1))

  expect([newest, ...(await Promise.all(challenges.map(answer)))]).toEqual([200, 403, 403, 403, 403])
})

it('one of a quarter of an hour ago', async () => {
  const { site, post, answer } = await bound()
  const challenge = challengeIn(await post())
  site.clock.advance(minutes(15))

  expect(await answer(challenge)).toBe(403)
})

it('with any one bit changed', async () => {
  const { post, answer, site } = await bound()
  const bytes = Buffer.from(challengeIn(await post()), 'base64url')
  const accepted: number[] = []
  for (let bit = 0; bit < bytes.length * 8; bit += 7) {
    const changed = Buffer.from(bytes)
    changed[bit >> 3]! ^= 1 << (bit & 7)
    if ((await answer(changed.toString('base64url'))) === 200) accepted.push(bit)
  }

  expect(accepted).toEqual([])
  expect(new Set(await site.reasons())).toEqual(new Set(['refresh:challenge-unknown']))
})
