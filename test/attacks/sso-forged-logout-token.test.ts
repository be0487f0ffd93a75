// The attacker has: the provider's public keys, keys of their own, a site, an account at the provider, and logout tokens meant for others or of before.
// The attacker does: posts logout tokens they made, changed, kept or were sent, with headers that say where to find the key.
// The attacker must not obtain: the end of anybody's session, nor a request from our machine to an address they chose.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, exportSPKI } from 'jose'
import { expect, it, onTestFinished } from 'vitest'
import { type ScriptedProvider, scriptedProvider } from '../oidc/support/scripted-provider.ts'
import { alive, keyPair, LOGOUT_TYPE, logoutClaims, type SiteOptions, signedIn, ssoSite } from '../oidc/support/site.ts'

async function victim(options: SiteOptions = {}) {
  const provider = await scriptedProvider()
  const shop = ssoSite(provider, options)
  await signedIn(shop, provider)
  const attempt = async (token: string) => [(await shop.backChannel(token)).status, (await alive(shop)).length]
  return { provider, shop, attempt }
}

const base64 = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const SPARED = [400, 1]

it('a token signed by a key of the attacker’s is refused, wherever it says the key is', async () => {
  const { provider, attempt } = await victim()
  const keys = await keyPair('ES256', { extractable: true })
  const jwk = await exportJWK(keys.publicKey)
  const asked: string[] = []
  const evil = createServer((request, response) => {
    asked.push(request.url!)
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ keys: [{ ...jwk, kid: 'k1', alg: 'ES256' }] }))
  })
  await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void evil.close())
  const at = `http://localhost:${(evil.address() as AddressInfo).port}`
  const headers: Record<string, unknown>[] = [
    {},
    { jwk },
    { jwk, kid: undefined },
    { jku: `${at}/jwks` },
    { x5u: `${at}/cert` },
    { x5c: ['AAAA'] },
    { kid: `${at}/jwks` },
    { kid: '../../dev/null' },
    { kid: "k1' OR '1'='1" },
    { kid: '__proto__' },
    { kid: ['k1'] },
    { iss: at },
  ]
  for (const header of headers) {
    const token = await provider.sign(logoutClaims(provider), { key: keys.privateKey, header: { typ: 'logout+jwt', ...header } })
    expect(await attempt(token)).toEqual(SPARED)
  }
  expect(asked).toEqual([])
})

it('no signature, and the public key as a shared secret, are no signatures', async () => {
  const { provider, attempt } = await victim({ algorithms: ['RS256', 'PS256', 'ES256'] })
  const good = await provider.sign(logoutClaims(provider), LOGOUT_TYPE)
  const [, payload, signature] = good.split('.')
  for (const alg of ['none', 'None', 'NONE', 'nOnE', 'HS256', 'RS256', '']) {
    const header = base64({ alg, typ: 'logout+jwt', kid: 'k1' })
    for (const end of ['', signature, 'AA']) expect(await attempt(`${header}.${payload}.${end}`)).toEqual(SPARED)
  }
  const pem = Buffer.from(await exportSPKI(provider.keys.publicKey))
  for (const secret of [pem, Buffer.from(pem.toString().trim()), Buffer.from(JSON.stringify(provider.jwks.keys[0]))]) {
    const token = await provider.sign(logoutClaims(provider), { key: secret, header: { alg: 'HS256', typ: 'logout+jwt' } })
    expect(await attempt(token)).toEqual(SPARED)
  }
})

it('tokens for another client, of another provider, and of before are refused', async () => {
  const { provider, attempt } = await victim()
  const other: ScriptedProvider = await scriptedProvider()
  const now = Math.floor(Date.now() / 1000)
  const tokens = [
    await provider.sign(logoutClaims(provider, { aud: 'club' }), LOGOUT_TYPE),
    await provider.sign(logoutClaims(provider, { aud: ['club', 'shop'] }), LOGOUT_TYPE),
    await other.sign(logoutClaims(other), LOGOUT_TYPE),
    await other.sign(logoutClaims(provider), LOGOUT_TYPE),
    await provider.sign(logoutClaims(other), LOGOUT_TYPE),
    await provider.sign(logoutClaims(provider, { iat: now - 300, exp: now - 180 }), LOGOUT_TYPE),
  ]
  for (const token of tokens) expect(await attempt(token)).toEqual(SPARED)
})

it('a token that was used ends nothing of a later login, however often it comes', async () => {
  const { provider, shop } = await victim()
  const token = await provider.sign(logoutClaims(provider, { sid: undefined, sub: 'ada' }), LOGOUT_TYPE)
  await shop.backChannel(token)
  const issuedAt = shop.clock() + 2000
  await shop.sessions.signIn({
    subject: 'ada',
    method: 'pwd',
    providerLink: { issuer: provider.issuer, subject: 'ada', sid: 'login-2', issuedAt },
  })
  const statuses = await Promise.all(Array.from({ length: 5 }, async () => (await shop.backChannel(token)).status))

  expect([new Set(statuses), (await alive(shop)).length]).toEqual([new Set([200]), 1])
})

it('a logout token in an address, a header or another body is none', async () => {
  const { provider, shop } = await victim()
  const token = await provider.sign(logoutClaims(provider), LOGOUT_TYPE)
  const path = '/sso/back-channel-logout'
  const tries = [
    await shop.answer(`${path}?logout_token=${token}`),
    await shop.answer(`${path}?logout_token=${token}`, { method: 'POST', body: new URLSearchParams() }),
    await shop.answer(path, { method: 'POST', headers: { authorization: `Bearer ${token}` } }),
    await shop.answer(path, {
      method: 'POST',
      body: JSON.stringify({ logout_token: token }),
      headers: { 'content-type': 'application/json' },
    }),
  ]

  expect([tries.map(({ status }) => status), (await alive(shop)).length]).toEqual([[405, 400, 400, 400], 1])
})

it('garbage costs no request to the provider and no error of ours', async () => {
  const { provider, shop } = await victim()
  await shop.backChannel('x')
  const before = provider.asked.length
  const garbage = [
    '',
    '.',
    '..',
    '...',
    'a.b.c',
    `${base64('{')}.${base64('[]')}.AA`,
    `${base64({ alg: {} })}.${base64(7)}.AA`,
    '\u0000',
    'é'.repeat(5000),
    'x'.repeat(60_000),
  ]
  for (const token of garbage) expect((await shop.backChannel(token)).status).toBe(400)

  expect(provider.asked.length).toBe(before)
})
