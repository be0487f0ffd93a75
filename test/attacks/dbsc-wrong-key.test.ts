// The attacker has: every cookie of a bound session, challenges for it, and keys of their own of each kind.
// The attacker does: signs the challenges with them, with the victim's public key as a symmetric one, and with damaged signatures.
// The attacker must not obtain: a bound cookie, nor anything that the next attempt could build on.
import { createHmac } from 'node:crypto'
import { expect, it } from 'vitest'
import { Device } from '../binding/dbsc/device.ts'
import { BindingBrowser, boundSite, challengeIn } from '../binding/dbsc/support.ts'

const own = [new Device(), new Device('RS256')]

it.each<[string, (victim: Device, challenge: string) => string]>([
  ['another EC key', (_victim, challenge) => own[0]!.refresh(challenge)],
  ['an RSA key', (_victim, challenge) => own[1]!.refresh(challenge)],
  ['an RSA key that says ES256', (_victim, challenge) => own[1]!.refresh(challenge, { header: { alg: 'ES256' } })],
  [
    'the public key as an HMAC key',
    (victim, challenge) => {
      const [header, payload] = victim.refresh(challenge, { header: { alg: 'HS256' }, signature: '' }).split('.')
      const tag = createHmac('sha256', JSON.stringify(victim.jwk)).update(`${header}.${payload}`).digest('base64url')
      return `${header}.${payload}.${tag}`
    },
  ],
  ['an empty signature', (victim, challenge) => victim.refresh(challenge, { signature: '' })],
  ['r and s of zero', (victim, challenge) => victim.refresh(challenge, { signature: Buffer.alloc(64).toString('base64url') })],
  ['a signature cut short', (victim, challenge) => victim.refresh(challenge).slice(0, -4)],
  [
    'a true signature under another payload',
    (victim, challenge) => {
      const [header, , signature] = victim.refresh('another challenge').split('.')
      return `${header}.${Buffer.from(JSON.stringify({ jti: challenge })).toString('base64url')}.${signature}`
    },
  ],
])('%s', async (_what, forge) => {
  const site = boundSite()
  const victim = new BindingBrowser(site)
  await victim.signIn('victim')
  const headers = { 'sec-secure-session-id': victim.boundId! }
  const before = await site.noteOf(victim.boundId!)
  let challenge = challengeIn(await site.answer('/dbsc/refresh', { method: 'POST', headers }))

  for (let attempt = 0; attempt < 5; attempt++) {
    const response = await site.answer('/dbsc/refresh', {
      method: 'POST',
      headers: { ...headers, 'secure-session-response': forge(victim.device, challenge) },
    })
    expect([response.status, response.headers.getSetCookie()]).toEqual([403, []])
    challenge = challengeIn(response)
  }

  expect(await site.noteOf(victim.boundId!)).toEqual(before)
  expect((await victim.refresh()).status).toBe(200)
})
