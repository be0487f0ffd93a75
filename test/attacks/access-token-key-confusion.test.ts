// The attacker has: the issuer's public keys, which are published.
// The attacker does: signs with them as if they were a shared secret, in every form a verifier might hold them; and names another algorithm than a key is for.
// The attacker must not get: one such token accepted.
import { createHmac, createPublicKey } from 'node:crypto'
import { expect, it } from 'vitest'
import { signingKey, startIssuer, verifierOf } from '../tokens/verify/support.ts'

it('a public key is no shared secret, whatever it is written as', async () => {
  const issuer = await startIssuer()
  const { verifier } = verifierOf(issuer)
  const { kty, crv, x, y } = issuer.keys[0]!.jwk
  const key = createPublicKey({ key: { kty, crv, x, y } as never, format: 'jwk' })
  const pem = key.export({ type: 'spki', format: 'pem' })
  const secrets = [pem, `${pem}`.trim(), key.export({ type: 'spki', format: 'der' }), JSON.stringify(issuer.keys[0]!.jwk), x, '']

  for (const secret of secrets) {
    for (const [alg, hash] of [
      ['HS256', 'sha256'],
      ['HS384', 'sha384'],
      ['HS512', 'sha512'],
      // What the list allows, over a MAC.
      ['ES256', 'sha512'],
    ] as const) {
      const parts = [{ alg, typ: 'at+jwt', kid: 'key-1' }, issuer.claims({ sub: 'victim' })]
      const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
      const mac = createHmac(hash, secret as string)
        .update(text)
        .digest('base64url')
      expect((await verifier.verify(`${text}.${mac}`)).state).toBe('refused')
    }
  }
})

it('a key is used with its own algorithm, whatever a token names', async () => {
  const issuer = await startIssuer()
  issuer.keys = [await signingKey('ec'), await signingKey('ed', 'EdDSA'), await signingKey('rsa', 'RS256')]
  const { verifier } = verifierOf(issuer, { algorithms: ['ES256', 'EdDSA', 'RS256'] })

  for (const key of issuer.keys) {
    for (const alg of ['ES256', 'EdDSA', 'RS256']) {
      const { state } = await verifier.verify(await issuer.mint({}, { key, header: { alg } }))
      expect([key.algorithm, alg, state]).toEqual([key.algorithm, alg, alg === key.algorithm ? 'active' : 'refused'])
    }
  }
})
