// The attacker has: a key pair of their own, and a server that publishes it.
// The attacker does: signs a token and names the key in its header: inside it, by URL, by certificate, by a hostile kid.
// The attacker must not get: that token accepted, or one request from the service to any place but the issuer's key set.
import { expect, it } from 'vitest'
import { signingKey, startIssuer, verifierOf } from '../tokens/verify/support.ts'

it('no header of a token says what to verify it with', async () => {
  const [issuer, evil] = [await startIssuer(), await startIssuer()]
  const { verifier, called } = verifierOf(issuer)
  const key = await signingKey('key-1')
  evil.keys = [key]
  const url = `${evil.url}/.well-known/jwks.json`
  const injections: readonly Record<string, unknown>[] = [
    { jwk: key.jwk },
    { jku: url },
    { x5u: url },
    { x5c: ['AAAA'] },
    { x5t: 'AAAA' },
    { jwk: key.jwk, jku: url, kid: 'unknown' },
    { kid: url },
    { kid: '../../../dev/null' },
    { kid: "key-1' UNION SELECT 'x" },
    { kid: '__proto__' },
    { kid: ['key-1'] },
    { kid: { toString: 'key-1' } },
    { crit: ['jwk'], jwk: key.jwk },
    {},
  ]

  for (const header of injections) {
    const access = await verifier.verify(await issuer.mint({ sub: 'victim' }, { key, header }))
    expect([header, access.state]).toEqual([header, 'refused'])
  }
  expect(new Set(called)).toEqual(new Set([`${issuer.url}/.well-known/jwks.json`]))
  expect(evil.requests.size).toBe(0)
})

it('hostile kids cannot make the service ask for keys again and again', async () => {
  const issuer = await startIssuer()
  const { verifier } = verifierOf(issuer)
  const tokens = await Promise.all(Array.from({ length: 1000 }, (_, i) => issuer.mint({}, { header: { kid: `k${i}` } })))

  for (const token of tokens.slice(0, 100)) await verifier.verify(token)
  await Promise.all(tokens.map((token) => verifier.verify(token)))

  expect(issuer.asked('/.well-known/jwks.json')).toBeLessThanOrEqual(2)
  expect((await verifier.verify(await issuer.mint())).state).toBe('active')
})
