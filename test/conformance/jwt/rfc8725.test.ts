// RFC 8725, JSON Web Token Best Current Practices, at a service. The ids are those of docs/reference/conformance.md.
import { expect, it } from 'vitest'
import { AUDIENCE, outcome, type SigningKey, signed, signingKey, startIssuer, verifierOf } from '../../tokens/verify/support.ts'

it('JWT-01: the service names the algorithms, and each key is used with one', async () => {
  const issuer = await startIssuer()
  issuer.keys = [await signingKey('ec'), await signingKey('ed', 'EdDSA')]
  const { verifier } = verifierOf(issuer, { algorithms: ['EdDSA'] })

  expect([
    await outcome(verifier.verify(await issuer.mint({}, { key: issuer.keys[1]! }))),
    await outcome(verifier.verify(await issuer.mint({}, { key: issuer.keys[0]! }))),
    await outcome(verifier.verify(await issuer.mint({}, { key: issuer.keys[1]!, header: { kid: 'ec' } }))),
  ]).toEqual(['active by none', '401 algorithm', '401 unknown-key'])
})

it('JWT-02: none never counts, RS256 only by name, and the algorithms can be chosen', async () => {
  const issuer = await startIssuer()
  issuer.keys = [await signingKey('rsa', 'RS256')]
  const rsa = await issuer.mint()
  const none = await issuer.mint({}, { header: { alg: 'none' } })

  expect([
    await outcome(verifierOf(issuer).verifier.verify(rsa)),
    await outcome(verifierOf(issuer, { algorithms: ['RS256'] }).verifier.verify(rsa)),
    await outcome(verifierOf(issuer, { algorithms: ['RS256'] }).verifier.verify(none)),
  ]).toEqual(['401 algorithm', 'active by none', '401 algorithm'])
  expect(() => verifierOf(issuer, { algorithms: ['none' as never] })).toThrow(/createTokenVerifier/)
})

it('JWT-03: a token in a token, or an encrypted one, is refused whole', async () => {
  const issuer = await startIssuer()
  const { verifier } = verifierOf(issuer)
  const inner = await issuer.mint()

  expect((await verifier.verify(await issuer.mint({}, { header: { cty: 'JWT' } }))).state).toBe('refused')
  expect((await verifier.verify(await signed(inner, { alg: 'ES256', typ: 'at+jwt', kid: 'key-1' }, issuer.keys[0]!))).state).toBe(
    'refused',
  )
  expect((await verifier.verify(`${inner}.${inner}`)).state).toBe('refused')
})

it('JWT-04: a key that is no point of its curve is no key', async () => {
  const issuer = await startIssuer()
  const { x, ...rest } = issuer.keys[0]!.jwk
  issuer.jwksBody = JSON.stringify({ keys: [{ ...rest, x: Buffer.alloc(32, 7).toString('base64url') }] })

  expect([typeof x, await outcome(verifierOf(issuer).verifier.verify(await issuer.mint()))]).toEqual([
    'string',
    '401 unknown-key',
  ])
})

it('JWT-05: no shared secret ever verifies, weak or strong', async () => {
  const issuer = await startIssuer()
  issuer.jwksBody = JSON.stringify({
    keys: [
      { kty: 'oct', kid: 'key-1', k: Buffer.from('password').toString('base64url'), alg: 'HS256' },
      { kty: 'oct', kid: 'key-2', k: Buffer.alloc(64, 1).toString('base64url'), alg: 'ES256' },
    ],
  })
  const { verifier } = verifierOf(issuer)

  for (const kid of ['key-1', 'key-2'])
    expect(await outcome(verifier.verify(await issuer.mint({}, { header: { kid } })))).toBe('401 unknown-key')
})

it('JWT-06: nothing is unpacked', async () => {
  const issuer = await startIssuer()

  expect((await verifierOf(issuer).verifier.verify(await issuer.mint({}, { header: { zip: 'DEF' } }))).state).toBe('refused')
})

it('JWT-07: what is not UTF-8 is refused, though its signature is good', async () => {
  const issuer = await startIssuer()
  const key = issuer.keys[0] as SigningKey
  const head = Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid: key.kid })).toString('base64url')
  const claims = Buffer.from(JSON.stringify(issuer.claims({ sub: 'ad\u00e9' })), 'latin1').toString('base64url')
  const text = `${head}.${claims}`
  const hash = { name: 'ECDSA', hash: 'SHA-256' }
  const signature = Buffer.from(await crypto.subtle.sign(hash, key.privateKey as never, Buffer.from(text))).toString('base64url')

  expect((await verifierOf(issuer).verifier.verify(`${text}.${signature}`)).state).toBe('refused')
  expect((await verifierOf(issuer).verifier.verify(await issuer.mint({ sub: 'ad\u00e9' }))).state).toBe('active')
})

it('JWT-08: keys are looked up at the issuer alone, and a token says the same issuer and a subject', async () => {
  const [issuer, other] = [await startIssuer(), await startIssuer()]
  const { verifier } = verifierOf(issuer)
  const tokens = [
    await other.mint(),
    await other.mint({ iss: issuer.url }),
    await issuer.mint({ iss: other.url }),
    await issuer.mint({ sub: '' }),
    await issuer.mint({ sub: undefined }),
  ]

  for (const token of tokens) expect((await verifier.verify(token)).state).toBe('refused')
  expect(other.requests.size).toBe(0)
})

it('JWT-09: the audience is this service, or the token is refused', async () => {
  const issuer = await startIssuer()
  const { verifier } = verifierOf(issuer)
  const stateOf = async (aud: unknown) => (await verifier.verify(await issuer.mint({ aud }))).state

  expect(await Promise.all([AUDIENCE, [AUDIENCE, 'x']].map(stateOf))).toEqual(['active', 'active'])
  expect(new Set(await Promise.all(['x', ['x'], [], undefined, null, `${AUDIENCE}/`, [[AUDIENCE]]].map(stateOf)))).toEqual(
    new Set(['refused']),
  )
})

it('JWT-10: a kid is a name and nothing else; jku, x5u and jwk are not followed', async () => {
  const issuer = await startIssuer()
  const { verifier, called } = verifierOf(issuer)
  const key = await signingKey('key-1')
  for (const header of [{ jku: issuer.url }, { x5u: issuer.url }, { jwk: key.jwk }, { kid: '../x' }, { kid: issuer.url }])
    expect((await verifier.verify(await issuer.mint({}, { key, header }))).state).toBe('refused')

  expect(new Set(called)).toEqual(new Set([`${issuer.url}/.well-known/jwks.json`]))
})

it('JWT-11: a token says its type', async () => {
  const issuer = await startIssuer()

  expect(await outcome(verifierOf(issuer).verifier.verify(await issuer.mint({}, { header: { typ: undefined } })))).toBe(
    '401 type',
  )
})

it('JWT-12: no other kind of token passes the rules of this one', async () => {
  const issuer = await startIssuer()
  const { verifier } = verifierOf(issuer)
  const logout = { events: { 'http://schemas.openid.net/event/backchannel-logout': {} }, client_id: undefined }
  const idToken = { nonce: 'n', client_id: undefined }

  for (const claims of [logout, idToken]) expect((await verifier.verify(await issuer.mint(claims))).state).toBe('refused')
})
