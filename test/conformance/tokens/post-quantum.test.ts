// RFC 9964: ML-DSA in JOSE, as far as signing goes.
import { readFileSync } from 'node:fs'
import { calculateJwkThumbprint, compactVerify, importJWK, type JWK } from 'jose'
import { expect, it } from 'vitest'
import { minting, partsOf } from '../../tokens/support.ts'

/** Public key, signature and seed of FIPS 204, table 2, in bytes; and the names of the keys whose seed is all zeros (RFC 9964, appendix A). */
const SETS = [
  { algorithm: 'ML-DSA-44', publicKey: 1312, signature: 2420, zeroKid: 'T4xl70S7MT6Zeq6r9V9fPJGVn76wfnXJ21-gyo0Gu6o' },
  { algorithm: 'ML-DSA-65', publicKey: 1952, signature: 3309, zeroKid: 'Suiu29qbfuaBaR4Ats-c6XQBePB_OpAxAwcTR_0KXVM' },
] as const

const bytesOf = (text: unknown) => Buffer.from(String(text), 'base64url').length

/** The key of a seed, by this runtime. */
async function keyOfSeed(seed: Uint8Array, algorithm: string): Promise<JWK> {
  const pair = await crypto.subtle.importKey('raw-seed' as 'raw', seed as Uint8Array<ArrayBuffer>, algorithm, true, ['sign'])
  return (await crypto.subtle.exportKey('jwk', pair)) as JWK
}

it.each(SETS)(
  'PQ-01: keys are of type AKP with alg and pub in base64url, and priv is published by nobody: $algorithm',
  async ({ algorithm }) => {
    const { tokens, mint } = minting({ tokens: { algorithm } })
    await mint()

    const [key] = (await tokens.signer.jwks()).keys

    expect(Object.keys(key!).toSorted()).toEqual(['alg', 'kid', 'kty', 'pub', 'use'])
    expect(key).toMatchObject({ kty: 'AKP', alg: algorithm, pub: expect.stringMatching(/^[\w-]+$/) })
  },
)

it.each(SETS)('PQ-02: signatures are pure ML-DSA with an empty context: $algorithm', async ({ algorithm }) => {
  const { tokens, mint } = minting({ tokens: { algorithm } })
  const { accessToken } = await mint()
  const [{ kid: _kid, use: _use, ...jwk }] = (await tokens.signer.jwks()).keys as [Record<string, unknown>]
  const key = await crypto.subtle.importKey('jwk', jwk as JWK as never, algorithm, false, ['verify'])
  const [header, claims, signature] = accessToken.split('.')
  const isGood = (context?: string) => {
    const how = context === undefined ? { name: algorithm } : { name: algorithm, context: Buffer.from(context) }
    return crypto.subtle.verify(how, key, Buffer.from(signature!, 'base64url'), Buffer.from(`${header}.${claims}`))
  }

  expect([await isGood(), await isGood('x')]).toEqual([true, false])
})

it.each(SETS)(
  'PQ-03: public key and signature have the lengths of the set, and the private key is its seed: $algorithm',
  async ({ algorithm, publicKey, signature }) => {
    const { tokens, mint } = minting({ tokens: { algorithm } })
    const { accessToken } = await mint()
    const { makeKeyPair } = await import('../../../src/tokens/signing-keys/key-pair.ts')

    expect(bytesOf((await tokens.signer.jwks()).keys[0]!.pub)).toBe(publicKey)
    expect(bytesOf(accessToken.split('.')[2])).toBe(signature)
    expect(bytesOf((await makeKeyPair(algorithm)).secretJwk.priv)).toBe(32)
  },
)

it.each(SETS)(
  'PQ-04: a key is named by alg, kty and pub in this order, as the published keys of an all-zero seed: $algorithm',
  async ({ algorithm, zeroKid }) => {
    const { tokens, mint } = minting({ tokens: { algorithm } })
    await mint()
    const [key] = (await tokens.signer.jwks()).keys

    expect(await calculateJwkThumbprint(await keyOfSeed(new Uint8Array(32), algorithm))).toBe(zeroKid)
    expect(key!.kid).toBe(await calculateJwkThumbprint(key as JWK))
  },
)

it.each(SETS)('PQ-05: the key’s alg is the header’s: $algorithm', async ({ algorithm }) => {
  const { tokens, mint } = minting({ tokens: { algorithm } })
  const { accessToken } = await mint()

  expect([partsOf(accessToken).header.alg, (await tokens.signer.jwks()).keys[0]!.alg]).toEqual([algorithm, algorithm])
})

/** The two examples of RFC 9964, appendix A: keys whose seed is all zeros, and what they signed. */
const EXAMPLES = JSON.parse(readFileSync(new URL('rfc9964.json', import.meta.url), 'utf8')) as {
  alg: string
  pub: string
  jws: string
}[]

it.each(EXAMPLES)(
  'PQ-02: the example of RFC 9964, appendix A is good, and no other signature is: $alg',
  async ({ alg, pub, jws }) => {
    const key = await importJWK({ kty: 'AKP', alg, pub }, alg)
    const [header, payload, signature] = jws.split('.') as [string, string, string]
    const bytes = Buffer.from(signature, 'base64url')
    bytes[100]! ^= 1
    const ofSeed = await keyOfSeed(new Uint8Array(32), alg)

    expect(await compactVerify(jws, key, { algorithms: [alg] })).toMatchObject({
      protectedHeader: { alg, kid: await calculateJwkThumbprint({ kty: 'AKP', alg, pub }) },
    })
    await expect(compactVerify([header, payload, bytes.toString('base64url')].join('.'), key)).rejects.toThrow()
    await expect(compactVerify([header, `${payload}A`, signature].join('.'), key)).rejects.toThrow()
    expect(ofSeed.pub).toBe(pub)
  },
)
