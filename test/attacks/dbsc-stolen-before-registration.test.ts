// The attacker has: the session cookie, copied between the victim's sign-in and the end of the browser's registration.
// The attacker does: uses it at once, tries to register a key of their own, and uses it after the victim's browser has registered.
// The attacker must not obtain: what needs a device, a binding of their own, or anything once the victim's browser is bound.
import { expect, it } from 'vitest'
import { minutes, seconds } from '../../src/core/duration.ts'
import { Device } from '../binding/dbsc/device.ts'
import { asThief, BindingBrowser, boundSite, COOKIE, challengeIn } from '../binding/dbsc/support.ts'

async function stolenEarly(options = {}) {
  const site = boundSite(options)
  const victim = new BindingBrowser(site)
  const challenge = challengeIn(await victim.send('/login?as=victim'))
  return { site, victim, challenge, cookie: `${COOKIE}=${victim.cookie(COOKIE)}` }
}

it('what needs a device is out of reach from the start, and everything soon after', async () => {
  const { site, victim, challenge, cookie } = await stolenEarly()

  const pay = await site.answer('/pay', { headers: { cookie } })
  await victim.register(challenge)
  site.clock.advance(seconds(10))
  const after = await asThief(site, cookie)

  expect(pay.status).toBe(403)
  expect(after).toMatchObject({ subject: null, state: 'unproven' })
  expect((await victim.me()).subject).toBe('victim')
})

it('the cookie alone registers nothing: the challenge was in the answer to the victim', async () => {
  const { site, victim, challenge, cookie } = await stolenEarly()
  const own = new Device()
  const mallory = new BindingBrowser(site)
  const others = challengeIn(await mallory.send('/login?as=mallory'))

  for (const guessed of ['', 'A'.repeat(74), others, `${challenge[0] === 'A' ? 'B' : 'A'}${challenge.slice(1)}`]) {
    const headers = { cookie, 'secure-session-response': own.registration(guessed) }
    expect((await site.answer('/dbsc/register', { method: 'POST', headers })).status).toBe(403)
  }
  await victim.register(challenge)
  expect((await victim.me()).binding).toEqual({ state: 'bound' })
})

it('under `required` a browser that never registers leaves the thief nothing either', async () => {
  const { site, cookie } = await stolenEarly({ mode: 'required' })
  site.clock.advance(minutes(1))

  expect((await asThief(site, cookie)).subject).toBeNull()
})
