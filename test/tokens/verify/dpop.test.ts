import { minutes } from 'sojourn'
import { memoryStore } from 'sojourn/stores/memory'
import { describe, expect, it, test } from 'vitest'
import {
  AUDIENCE,
  CLIENT,
  outcome,
  proofOf,
  type SigningKey,
  signingKey,
  startIssuer,
  type TestIssuer,
  thumbprint,
  verifierOf,
} from './support.ts'

const URL_OF_THING = `${AUDIENCE}/things/7`

async function boundToken(issuer: TestIssuer, device: SigningKey) {
  return issuer.mint({ cnf: { jkt: thumbprint(device.jwk) } })
}

async function setting() {
  const issuer = await startIssuer()
  const device = await signingKey('device')
  const token = await boundToken(issuer, device)
  const proof = (changes: Partial<Parameters<typeof proofOf>[1]> = {}, key = device) =>
    proofOf(key, { method: 'GET', url: URL_OF_THING, accessToken: token, at: issuer.clock(), ...changes })
  return { issuer, device, token, proof }
}

describe('a token bound to a key', () => {
  it('is good with its proof, once', async () => {
    const { issuer, token, proof } = await setting()
    const { verifier } = verifierOf(issuer)
    const request = { scheme: 'DPoP', method: 'GET', url: URL_OF_THING, dpopProof: await proof() } as const

    expect([await outcome(verifier.verify(token, request)), await outcome(verifier.verify(token, request))]).toEqual([
      'active by none',
      '401 proof',
    ])
  })

  it.each([
    ['another method', { method: 'POST' }],
    ['another URL', { url: `${AUDIENCE}/things/8` }],
    ['another host', { url: 'https://other.example/things/7' }],
    ['another token', { accessToken: 'x' }],
    ['long ago', { at: 1_893_456_000_000 - minutes(2) }],
    ['later', { at: 1_893_456_000_000 + minutes(2) }],
  ])('is refused with a proof for %s', async (_, changes) => {
    const { issuer, token, proof } = await setting()
    const { verifier } = verifierOf(issuer)

    const access = await verifier.verify(token, {
      scheme: 'DPoP',
      method: 'GET',
      url: URL_OF_THING,
      dpopProof: await proof(changes),
    })

    expect(access).toMatchObject({ state: 'refused', status: 401, error: 'invalid_dpop_proof' })
  })

  it('is refused with a proof of another key, without one, and with two', async () => {
    const { issuer, token, proof } = await setting()
    const { verifier } = verifierOf(issuer)
    const proofs = [await proof({}, await signingKey('thief')), undefined, `${await proof()}, ${await proof()}`]

    for (const dpopProof of proofs)
      expect(await outcome(verifier.verify(token, { scheme: 'DPoP', method: 'GET', url: URL_OF_THING, dpopProof }))).toBe(
        '401 proof',
      )
  })

  it('is refused as Bearer, with the challenge that says how', async () => {
    const { issuer, token, proof } = await setting()
    const { verifier } = verifierOf(issuer)

    const access = await verifier.verify(token, { method: 'GET', url: URL_OF_THING, dpopProof: await proof() })

    expect(access).toMatchObject({
      status: 401,
      reason: 'binding',
      headers: { 'WWW-Authenticate': 'Bearer error="invalid_token", DPoP algs="ES256 ES384 EdDSA Ed25519"' },
    })
  })

  it('is refused where nobody looks at proofs', async () => {
    const { issuer, token, proof } = await setting()
    const { verifier } = verifierOf(issuer, { dpop: 'off' })
    const request = { scheme: 'DPoP', method: 'GET', url: URL_OF_THING, dpopProof: await proof() } as const

    expect([await outcome(verifier.verify(token, request)), await outcome(verifier.verify(token))]).toEqual([
      '401 binding',
      '401 binding',
    ])
  })
})

test('a token bound to nothing is no DPoP token, whatever proof comes along', async () => {
  const { issuer, device } = await setting()
  const token = await issuer.mint()
  const dpopProof = await proofOf(device, { method: 'GET', url: URL_OF_THING, accessToken: token, at: issuer.clock() })

  expect(
    await outcome(verifierOf(issuer).verifier.verify(token, { scheme: 'DPoP', method: 'GET', url: URL_OF_THING, dpopProof })),
  ).toBe('401 binding')
})

test('where binding is required, other tokens are refused', async () => {
  const { issuer } = await setting()
  const { verifier } = verifierOf(issuer, { dpop: 'required' })

  const access = await verifier.verify(await issuer.mint())

  expect(access).toMatchObject({ status: 401, reason: 'binding' })
  expect((access as { headers: Record<string, string> }).headers['WWW-Authenticate']).toMatch(
    /^DPoP error="invalid_token", algs=/,
  )
})

test('Web requests are judged by the origin of the service, not by the host a client names', async () => {
  const { issuer, token, proof } = await setting()
  const { verifier } = verifierOf(issuer)
  const requestTo = (url: string, dpop: string) => new Request(url, { headers: { Authorization: `DPoP ${token}`, DPoP: dpop } })
  const stolen = await proof({ url: 'https://evil.example/things/7' })

  expect([
    await outcome(verifier.web(requestTo(`${URL_OF_THING}?page=2`, await proof()))),
    await outcome(verifier.web(requestTo('https://evil.example/things/7', stolen))),
    await outcome(verifier.web(requestTo('http://10.0.0.7:8080/things/7', await proof()))),
  ]).toEqual(['active by none', '401 proof', 'active by none'])
})

test('services that share a ledger take a proof once between them', async () => {
  const { issuer, token, proof } = await setting()
  const { ledger } = memoryStore()
  const [one, two] = [verifierOf(issuer, { proofReplay: ledger }), verifierOf(issuer, { proofReplay: ledger })]
  const request = { scheme: 'DPoP', method: 'GET', url: URL_OF_THING, dpopProof: await proof() } as const

  const outcomes = await Promise.all([one, two].map(({ verifier }) => outcome(verifier.verify(token, request))))

  expect(outcomes.sort()).toEqual(['401 proof', 'active by none'])
})

test('a memory of proofs that fails lets nobody in, and signs nobody out', async () => {
  const { issuer, token, proof } = await setting()
  const { verifier } = verifierOf(issuer, { proofReplay: { claim: () => Promise.reject(new Error('away')) } })

  expect(
    await outcome(verifier.verify(token, { scheme: 'DPoP', method: 'GET', url: URL_OF_THING, dpopProof: await proof() })),
  ).toBe('503 unavailable')
})

test('a proof is used up by an answer, not by a 503: whoever was told that nobody knows may come again with it', async () => {
  const { issuer, token, proof } = await setting()
  const { verifier } = verifierOf(issuer, { client: CLIENT, feed: false, revokedWithin: 0 })
  const request = { scheme: 'DPoP', method: 'GET', url: URL_OF_THING, dpopProof: await proof() } as const
  issuer.introspectionStatus = 503
  const away = await outcome(verifier.verify(token, request))
  issuer.introspectionStatus = 200

  expect([away, await outcome(verifier.verify(token, request)), await outcome(verifier.verify(token, request))]).toEqual([
    '503 unavailable',
    'active by introspection',
    '401 proof',
  ])
})

test('a proof that ran out while the issuer was asked is refused: from then on nobody remembers that it was used', async () => {
  const { issuer, token, proof } = await setting()
  const { ledger } = memoryStore()
  const { verifier } = verifierOf(issuer, { client: CLIENT, feed: false, revokedWithin: 0, proofReplay: ledger })
  issuer.introspect = () => {
    issuer.clock.advance(minutes(2))
    return { active: true }
  }

  expect(
    await outcome(verifier.verify(token, { scheme: 'DPoP', method: 'GET', url: URL_OF_THING, dpopProof: await proof() })),
  ).toBe('401 proof')
})
