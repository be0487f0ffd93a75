// ASVS 5.0.0, V9 Self-contained Tokens. The ids are those of docs/reference/conformance.md.
import { seconds } from 'sojourn'
import { expect, it } from 'vitest'
import { realIssuer } from '../../tokens/verify/issuer.ts'
import { outcome, signingKey, startIssuer, verifierOf } from '../../tokens/verify/support.ts'

it('ASVS-9.1.1: nothing of a token is used before its signature is verified, and one bit is enough to refuse it', async () => {
  const issuer = await startIssuer()
  const { verifier, events } = verifierOf(issuer)
  const parts = (await issuer.mint({ sid: 'told-to-nobody' })).split('.')

  for (const part of [0, 1, 2]) {
    const bytes = Buffer.from(parts[part]!, 'base64url')
    for (const at of [1, bytes.length >> 1, bytes.length - 2]) {
      const flipped = Buffer.from(bytes)
      flipped[at]! ^= 4
      const token = parts.with(part, flipped.toString('base64url')).join('.')
      const access = await verifier.verify(token)
      expect(access.state).toBe('refused')
      expect(access).not.toHaveProperty('claims')
    }
  }
  expect(JSON.stringify(events)).not.toContain('told-to-nobody')
})

it('ASVS-9.1.2: a list of algorithms, none of them symmetric or none, and one for each key', async () => {
  const issuer = await startIssuer()
  const { verifier } = verifierOf(issuer)

  for (const alg of ['none', 'None', 'NONE', 'nOnE', 'HS256', 'HS384', 'HS512', 'EdDSA', 'RS256', 'ES384'])
    expect([alg, await outcome(verifier.verify(await issuer.mint({}, { header: { alg } })))]).toEqual([
      alg,
      // An ES256 signature is as long as an EdDSA one; the key is not for it.
      '401 algorithm',
    ])
})

it('ASVS-9.1.3: keys come from the configured place alone', async () => {
  const [issuer, evil] = [await startIssuer(), await startIssuer()]
  const { verifier, called } = verifierOf(issuer)
  const key = evil.keys[0]!
  for (const header of [{ jwk: key.jwk }, { jku: `${evil.url}/.well-known/jwks.json` }, { x5u: evil.url }, {}])
    expect((await verifier.verify(await issuer.mint({}, { key, header }))).state).toBe('refused')

  expect(evil.requests.size).toBe(0)
  expect(called.length).toBeLessThanOrEqual(1)
})

it('ASVS-9.2.1: a token is good within its time and a tolerance that is bounded', async () => {
  const issuer = await startIssuer()
  const { verifier } = verifierOf(issuer, { clockTolerance: seconds(30) })
  const now = issuer.clock() / 1000
  const reasons = async (claims: object) => outcome(verifier.verify(await issuer.mint({ ...claims })))

  expect([
    await reasons({ iat: now - 300, exp: now - 29 }),
    await reasons({ iat: now - 300, exp: now - 30 }),
    await reasons({ nbf: now + 30 }),
    await reasons({ nbf: now + 31 }),
    await reasons({ exp: String(now + 300) }),
  ]).toEqual(['active by none', '401 expired', 'active by none', '401 from-the-future', '401 claims'])
  expect(() => verifierOf(issuer, { clockTolerance: seconds(301) })).toThrow(/clockTolerance/)
})

it('ASVS-9.2.2: what the issuer signs for another purpose is no access token', async () => {
  const issuer = await realIssuer()
  const { verifier } = issuer.service()
  const session = await issuer.signIn()
  const token = await issuer.mint(session)
  const claims = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())

  for (const typ of ['logout+jwt', 'JWT', 'dpop+jwt'])
    expect((await verifier.verify(await issuer.tokens.signer.sign(claims, typ))).state).toBe('refused')
  const { token: sessionToken } = await session.commit()
  expect((await verifier.verify(sessionToken!)).state).toBe('refused')
  expect((await verifier.verify(token)).state).toBe('active')
})

it.each(['ASVS-9.2.3', 'ASVS-10.3.1'])('%s: a token is accepted by the service it is for', async () => {
  const issuer = await startIssuer()
  const [here, there] = [verifierOf(issuer), verifierOf(issuer, { audience: 'https://other.example' })]
  const token = await issuer.mint()

  expect([await outcome(here.verifier.verify(token)), await outcome(there.verifier.verify(token))]).toEqual([
    'active by none',
    '401 audience',
  ])
})

it('ASVS-9.2.4: one key for several services: each token says which, and a dynamic audience is as exact', async () => {
  const issuer = await realIssuer()
  const session = await issuer.signIn()
  const token = await issuer.mint(session, { audience: 'https://orders.example' })
  const { aud } = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())

  expect(aud).toBe('https://orders.example')
  expect(await outcome(issuer.service().verifier.verify(token))).toBe('401 audience')
  await expect(issuer.mint(session, { audience: '' })).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' })
})

it('ASVS-9.1.2: a key of another kind under the same name is no way round', async () => {
  const issuer = await startIssuer()
  const other = await signingKey('key-1', 'EdDSA')

  expect(await outcome(verifierOf(issuer).verifier.verify(await issuer.mint({}, { key: other })))).toBe('401 algorithm')
})
