// The attacker has: an access token that has run out, or the claims of one, and knows every spelling of "none".
// The attacker does: sends it with an algorithm that proves nothing, with its old signature, an empty one, and a blank one.
// The attacker must not get: a request that is served, or a service that asks anybody about it.
import { expect, it } from 'vitest'
import { startIssuer, verifierOf } from '../tokens/verify/support.ts'

const spellings = ['none', 'None', 'NONE', 'nOnE', '', ' ', null, undefined, 0, [], ['none'], {}, 'ES256 none', 'none,ES256']

it.each(spellings)('%j', async (alg) => {
  const issuer = await startIssuer()
  const { verifier, called } = verifierOf(issuer)
  const [, payload, signature] = (await issuer.mint({ sub: 'victim' })).split('.')
  const header = Buffer.from(JSON.stringify({ typ: 'at+jwt', kid: 'key-1', alg })).toString('base64url')
  const blank = Buffer.alloc(64).toString('base64url')

  const outcomes = await Promise.all(['', signature!, blank].map((end) => verifier.verify(`${header}.${payload}.${end}`)))

  expect(outcomes.map(({ state }) => state)).toEqual(['refused', 'refused', 'refused'])
  expect(called).toEqual([])
})
