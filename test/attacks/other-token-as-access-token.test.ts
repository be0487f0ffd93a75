// The attacker has: what the issuer signs for other ends with the same keys: ID tokens, logout tokens, proofs, answers; and access tokens for other services.
// The attacker does: presents each as an access token here, with all claims an access token has.
// The attacker must not get: one of them accepted.
import { expect, it } from 'vitest'
import { startIssuer, verifierOf } from '../tokens/verify/support.ts'

it.each(['JWT', 'logout+jwt', 'dpop+jwt', 'dbsc+jwt', 'secevent+jwt', 'token-introspection+jwt', 'jwt', undefined, '', 'at'])(
  'a token of type %j',
  async (typ) => {
    const issuer = await startIssuer()

    expect(await verifierOf(issuer).verifier.verify(await issuer.mint({}, { header: { typ } }))).toMatchObject({
      state: 'refused',
      error: 'invalid_token',
    })
  },
)

it.each([
  'https://other.example',
  'https://api.example.evil',
  'https://API.example',
  'https://api.example/',
  '*',
  '',
  null,
  true,
])('an access token for %j', async (aud) => {
  const issuer = await startIssuer()

  expect((await verifierOf(issuer).verifier.verify(await issuer.mint({ aud }))).state).toBe('refused')
})

it('an access token of another issuer that publishes under the same names', async () => {
  const [issuer, other] = [await startIssuer(), await startIssuer()]

  expect((await verifierOf(issuer).verifier.verify(await other.mint())).state).toBe('refused')
  expect((await verifierOf(issuer).verifier.verify(await other.mint({ iss: issuer.url }))).state).toBe('refused')
})
