// The attacker has: every cookie of a bound session, the challenge its sign-in was answered with, and a key of their own.
// The attacker does: registers that key for the session; sends it along with a refresh, in every header that can name a key.
// The attacker must not obtain: a session bound to their key, nor one refresh with it.
import { expect, it } from 'vitest'
import { Device } from '../binding/dbsc/device.ts'
import { BindingBrowser, boundSite, challengeIn } from '../binding/dbsc/support.ts'

const own = new Device()

it('a bound session takes no second key', async () => {
  const site = boundSite()
  const victim = new BindingBrowser(site)
  const challenge = challengeIn(await victim.send('/login?as=victim'))
  await victim.register(challenge)
  const before = await site.noteOf(victim.boundId!)

  const { status } = await site.answer('/dbsc/register', {
    method: 'POST',
    headers: { 'secure-session-response': own.registration(challenge) },
  })

  expect(status).toBe(403)
  expect(await site.noteOf(victim.boundId!)).toEqual(before)
  expect(await site.reasons()).toEqual(['registration:already-bound'])
})

it.each<[string, (challenge: string) => string]>([
  ['jwk', (challenge) => own.refresh(challenge, { header: { jwk: own.jwk } })],
  ['jku', (challenge) => own.refresh(challenge, { header: { jku: 'https://attacker.example/keys' } })],
  ['x5u', (challenge) => own.refresh(challenge, { header: { x5u: 'https://attacker.example/chain' } })],
  ['x5c', (challenge) => own.refresh(challenge, { header: { x5c: ['AAAA'] } })],
  ['kid', (challenge) => own.refresh(challenge, { header: { kid: '../../dev/null' } })],
  ['a key in the payload', (challenge) => own.refresh(challenge, { payload: { jwk: own.jwk, key: own.jwk, sub_jwk: own.jwk } })],
])('a refresh that brings a key by %s', async (_header, forge) => {
  const site = boundSite()
  const victim = new BindingBrowser(site)
  await victim.signIn('victim')
  const headers = { 'sec-secure-session-id': victim.boundId! }
  const challenge = challengeIn(await site.answer('/dbsc/refresh', { method: 'POST', headers }))

  const response = await site.answer('/dbsc/refresh', {
    method: 'POST',
    headers: { ...headers, 'secure-session-response': forge(challenge) },
  })

  expect([response.status, response.headers.getSetCookie()]).toEqual([403, []])
})
