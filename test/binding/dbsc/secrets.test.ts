import { inspect } from 'node:util'
import { expect, it } from 'vitest'
import { minutes } from '../../../src/core/duration.ts'
import { codeOf } from '../../core/support.ts'
import { Device } from './device.ts'
import { asThief, BindingBrowser, BOUND_COOKIE, boundSite, COOKIE, challengeIn } from './support.ts'

it('no cookie, challenge, proof or key is in an event or an error, from a whole life and its refusals', async () => {
  const site = boundSite()
  const browser = new BindingBrowser(site)
  const challenge = challengeIn(await browser.send('/login'))
  const proof = browser.device.registration(challenge)
  await browser.post('/dbsc/register', { 'secure-session-response': new Device().registration(challenge, { signature: 'AAAA' }) })
  await browser.register(challenge)
  const secrets = [challenge, proof, browser.challenge!, browser.cookie(COOKIE)!, browser.cookie(BOUND_COOKIE)!]
  secrets.push(String(browser.device.jwk.x), String(browser.device.jwk.y))
  site.clock.advance(minutes(10))
  await asThief(site, `${COOKIE}=${browser.cookie(COOKIE)}; ${BOUND_COOKIE}=${secrets[4]}`)
  await browser.refresh()
  secrets.push(browser.cookie(BOUND_COOKIE)!)
  await browser.send('/pay')
  const session = await site.sessions.read(browser.cookie(COOKIE))
  const error = await Promise.resolve()
    .then(() => session.requireBinding())
    .catch((thrown: unknown) => thrown)

  const told = inspect([await site.seen(), error], { depth: 10, showHidden: true })
  expect(await codeOf(() => session.requireBinding())).toBe('ERR_BINDING_REQUIRED')
  expect((await site.seen()).map(({ type }) => type)).toEqual(
    expect.arrayContaining(['binding.registered', 'binding.refused', 'binding.refreshed']),
  )
  expect(secrets.filter((secret) => told.includes(secret))).toEqual([])
})
