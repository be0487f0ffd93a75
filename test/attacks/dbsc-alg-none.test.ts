// The attacker has: every cookie of a victim, challenges for the victim's session, and the draft, which knows proofs without a signature.
// The attacker does: sends proofs with `alg: none` in every spelling, to both endpoints.
// The attacker must not obtain: a binding without a key, or a bound cookie without a signature.
import { expect, it } from 'vitest'
import { BindingBrowser, boundSite, challengeIn } from '../binding/dbsc/support.ts'

const spellings = ['none', 'None', 'NONE', 'nOnE', '', ' ', null, undefined, 0, [], ['none'], {}, 'ES256 none']

it.each(spellings)('%j', async (alg) => {
  const site = boundSite()
  const victim = new BindingBrowser(site)
  const offered = challengeIn(await victim.send('/login?as=victim'))
  const unsigned = { header: { alg }, signature: '' }

  const registered = [
    await site.answer('/dbsc/register', {
      method: 'POST',
      headers: { 'secure-session-response': victim.device.registration(offered, unsigned) },
    }),
    await site.answer('/dbsc/register', {
      method: 'POST',
      headers: { 'secure-session-response': victim.device.refresh(offered, unsigned) },
    }),
  ]
  await victim.register(offered)
  const headers = { 'sec-secure-session-id': victim.boundId! }
  const challenge = challengeIn(await site.answer('/dbsc/refresh', { method: 'POST', headers }))
  const refreshed = await site.answer('/dbsc/refresh', {
    method: 'POST',
    headers: { ...headers, 'secure-session-response': victim.device.refresh(challenge, unsigned) },
  })

  expect([...registered, refreshed].map(({ status }) => status)).toEqual([403, 403, 403])
  expect([...registered, refreshed].flatMap((response) => response.headers.getSetCookie())).toEqual([])
})
