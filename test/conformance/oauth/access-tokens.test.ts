// RFC 9068, 4, RFC 6750 and RFC 7662 at a service. The ids are those of docs/reference/conformance.md.
import { seconds } from 'sojourn'
import { expect, it } from 'vitest'
import { realIssuer } from '../../tokens/verify/issuer.ts'
import { AUDIENCE, CLIENT, outcome, signingKey, startIssuer, verifierOf } from '../../tokens/verify/support.ts'

it('AT-01: the type is at+jwt or application/at+jwt, as media types compare, and nothing else', async () => {
  const issuer = await startIssuer()
  const { verifier } = verifierOf(issuer)
  const stateOf = async (typ: unknown) => (await verifier.verify(await issuer.mint({}, { header: { typ } }))).state

  for (const typ of ['at+jwt', 'application/at+jwt', 'AT+JWT', 'Application/AT+jwt']) expect(await stateOf(typ)).toBe('active')
  for (const typ of ['JWT', 'logout+jwt', 'application/jwt', 'at+jwt;v=1', ' at+jwt', undefined, null, 7])
    expect([typ, await stateOf(typ)]).toEqual([typ, 'refused'])
})

it('AT-02: every required claim is in the issuer’s tokens, and missed by the service', async () => {
  const real = await realIssuer()
  const token = await real.mint(await real.signIn())
  const claims = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())
  const issuer = await startIssuer()
  const { verifier } = verifierOf(issuer)

  for (const name of ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti']) {
    expect(claims).toHaveProperty(name)
    expect([name, (await verifier.verify(await issuer.mint({ [name]: undefined }))).state]).toEqual([name, 'refused'])
  }
})

it('AT-03: issuer, audience, signature, algorithm and end are all right, or it is refused', async () => {
  const issuer = await startIssuer()
  const { verifier } = verifierOf(issuer, { clockTolerance: 0 })
  const foreign = await signingKey('key-1')
  const tokens = [
    await issuer.mint(),
    await issuer.mint({ iss: `${issuer.url}/` }),
    await issuer.mint({ aud: 'https://other.example' }),
    await issuer.mint({}, { key: foreign }),
    await issuer.mint({}, { header: { alg: 'none' } }),
    await issuer.mint({ exp: issuer.clock() / 1000 }),
  ]

  const outcomes = await Promise.all(tokens.map((token) => outcome(verifier.verify(token))))

  expect(outcomes).toEqual(['active by none', '401 issuer', '401 audience', '401 signature', '401 algorithm', '401 expired'])
})

it('AT-04: whatever is wrong with a token, the answer is 401 with invalid_token', async () => {
  const issuer = await startIssuer()
  const { verifier } = verifierOf(issuer, { dpop: 'off' })
  const tokens = [
    'garbage',
    await issuer.mint({ exp: 1 }),
    await issuer.mint({ aud: 'x' }),
    await issuer.mint({}, { header: { typ: 'JWT' } }),
    await issuer.mint({}, { header: { kid: 'unknown' } }),
  ]

  for (const token of tokens) {
    const access = await verifier.web(new Request(AUDIENCE, { headers: { Authorization: `Bearer ${token}` } }))
    expect(access).toMatchObject({ status: 401, headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"' } })
  }
})

it('AT-05: a token for one resource is none for another', async () => {
  const issuer = await realIssuer()
  const orders = issuer.service({ audience: 'https://orders.example', feed: false })
  const stock = issuer.service({ audience: 'https://stock.example', feed: false })
  const token = await issuer.mint(await issuer.signIn(), { audience: 'https://orders.example' })

  expect(await outcome(stock.verifier.verify(token))).toBe('401 audience')
  // The client that may ask has no audience in common with this token: neither can it be asked about.
  expect((await orders.verifier.verify(token)).state).toBe('refused')
  const own = issuer.service()
  expect((await own.verifier.verify(await issuer.mint(await issuer.signIn()))).state).toBe('active')
})

it('INTRO-04: an answer is kept for the budget at most, and never used past exp', async () => {
  const issuer = await startIssuer()
  const options = { client: CLIENT, feed: false, revokedWithin: seconds(60), clockTolerance: 0 } as const
  const { verifier } = verifierOf(issuer, options)
  const token = await issuer.mint()
  await verifier.verify(token)
  await verifier.verify(token)
  issuer.clock.advance(seconds(300))

  expect(await outcome(verifier.verify(token))).toBe('401 expired')
  expect(issuer.asked('/oauth/introspect')).toBe(1)
})
