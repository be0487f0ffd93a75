// The attacker has: a victim's access token, the thumbprint and the public key it is bound to, and every older proof.
// The attacker does: sends proofs that are signed by nobody, by a secret that is public, or by an algorithm of their own choice.
// The attacker must not obtain: one proof that counts as the victim's key, at the token endpoint or at a service.
import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { ProofAlgorithm } from '../../src/tokens/dpop/key.ts'
import { App, TOKEN_URL } from '../tokens/dpop/app.ts'
import { judge, tokenServer } from '../tokens/dpop/support.ts'

const accessToken = 'header.payload.signature'
const victim = new App()
const { now, verdict } = tokenServer()
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** At both servers. */
async function tried(proof: string): Promise<boolean[]> {
  const atService = await judge({ proof, now: now(), accessToken, jkt: victim.jkt })
  return [(await verdict(proof)) === 'good', atService.ok]
}

describe('a proof without a signature', () => {
  it.each(['none', 'None', 'NONE', 'nOnE', '', ' ', null, undefined, 0, [], ['none'], ['ES256'], {}, 'ES256 none'])(
    'alg %j',
    async (alg) => {
      for (const signature of ['', 'AA', victim.signature('').slice(0, 2), encode('')]) {
        expect(await tried(victim.proof({ now: now(), accessToken }, { header: { alg }, signature }))).toEqual([false, false])
      }
    },
  )

  it('of zeros is none: every good library once took it for one (CVE-2022-21449)', async () => {
    const signature = Buffer.alloc(64).toString('base64url')
    expect(await tried(victim.proof({ now: now(), accessToken }, { signature }))).toEqual([false, false])
  })
})

describe('a shared secret', () => {
  const secrets = [JSON.stringify(victim.jwk), victim.jwk.x!, victim.jkt, 'secret', '']

  it.each(['HS256', 'HS384', 'HS512'])('%s with anything that is public as its secret', async (alg) => {
    for (const jwk of [victim.jwk, { kty: 'oct', k: 'c2VjcmV0' }]) {
      for (const secret of secrets) {
        const signed = victim.proof({ now: now(), accessToken }, { header: { alg, jwk } }).split('.', 2).join('.')
        const mac = createHmac(`sha${alg.slice(2)}`, secret)
          .update(signed)
          .digest('base64url')
        expect(await tried(`${signed}.${mac}`)).toEqual([false, false])
      }
    }
  })
})

describe('an algorithm that is not ours', () => {
  it.each(['RS256', 'PS256'])('%s, whose keys may be of any size', async (alg) => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const jwk = publicKey.export({ format: 'jwk' })
    const payload = { jti: 'a'.repeat(16), htm: 'POST', htu: TOKEN_URL, iat: Math.floor(now() / 1000) }
    const signed = `${encode({ typ: 'dpop+jwt', alg, jwk })}.${encode(payload)}`
    const proof = `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`

    expect(await judge({ proof, now: now() })).toMatchObject({ ok: false, reason: 'algorithm' })
    expect(await judge({ proof, now: now() }, { algorithms: [alg as ProofAlgorithm] })).toMatchObject({ ok: false })
  })

  it('ES384, named over a key of ES256', async () => {
    for (const alg of ['ES384', 'EdDSA', 'Ed25519', 'ML-DSA-44', 'ES256K', '__proto__', 'constructor'])
      expect(await tried(victim.proof({ now: now(), accessToken }, { header: { alg } }))).toEqual([false, false])
  })
})
