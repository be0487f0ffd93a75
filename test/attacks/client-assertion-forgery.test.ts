// The attacker has: the public keys of a service that signs its calls, a key and a server of their own, and every id there is.
// The attacker does: sends assertions signed by nobody, by what is public, or by their own key, and names that key in every way a header can.
// The attacker must not obtain: one call that counts as the service's, nor a request from our server to theirs.
import { createHmac, createPublicKey, sign } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { asserted, assertion, clientKey, endpointSite, ISSUER, REPORTS_KEY } from '../tokens/endpoint-site.ts'

const evil = clientKey('reports-1')
const rsa = clientKey('rsa-1', 'rsa')
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
let fetched = 0
const server = createServer((_request, response) => {
  fetched++
  response.end(JSON.stringify({ keys: [evil.jwk] }))
})
let theirs: string

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  theirs = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
})
afterAll(() => new Promise((resolve) => server.close(resolve)))

const site = () =>
  endpointSite({
    tokens: {
      clients: [
        { id: 'reports', authentication: { jwks: { keys: [REPORTS_KEY.jwk] } }, may: ['introspect'] },
        { id: 'legacy', authentication: { jwks: { keys: [rsa.jwk] } }, may: ['introspect'] },
      ],
    },
  })
const statusOf = async (target: Awaited<ReturnType<typeof site>>, jwt: string) =>
  (await target.post('/oauth/introspect', { token: 'x', ...asserted(jwt) })).status

it('the genuine one passes, so that the rest is refused for what is wrong with it', async () => {
  const target = await site()

  expect(await statusOf(target, assertion(target))).toBe(200)
})

it.each(['none', 'None', 'NONE', '', 'ES256 none', 'HS256', 'RS256', 'ES256K', 'ES384', null, 0, [], {}])(
  'with the algorithm %j and no signature, or another’s',
  async (alg) => {
    const target = await site()
    const [, claims, signature] = assertion(target).split('.')
    const unsigned = `${encode({ alg, kid: 'reports-1' })}.${claims}`

    expect(await Promise.all([`${unsigned}.`, `${unsigned}.${signature}`].map((jwt) => statusOf(target, jwt)))).toEqual([
      401, 401,
    ])
  },
)

it.each(['pem', 'der', 'jwk', 'modulus'])('with the public key as the secret of an HMAC, spelt as %s', async (spelling) => {
  const target = await site()
  const key = createPublicKey({ key: rsa.jwk, format: 'jwk' })
  const secret = {
    pem: key.export({ type: 'spki', format: 'pem' }),
    der: key.export({ type: 'spki', format: 'der' }),
    jwk: JSON.stringify(rsa.jwk),
    modulus: Buffer.from(String((rsa.jwk as { n?: string }).n), 'base64url'),
  }[spelling]!
  for (const alg of ['HS256', 'PS256']) {
    const body = assertion(target, { key: rsa, header: { alg }, claims: { iss: 'legacy', sub: 'legacy' } }).split('.')
    const mac = createHmac('sha256', secret).update(`${body[0]}.${body[1]}`).digest('base64url')

    expect(await statusOf(target, `${body[0]}.${body[1]}.${mac}`)).toBe(401)
  }
})

it('with the service’s own RSA key in the padding of PKCS #1 v1.5, which it does not use', async () => {
  const target = await site()
  const [header, claims] = assertion(target, {
    key: rsa,
    header: { alg: 'RS256' },
    claims: { iss: 'legacy', sub: 'legacy' },
  }).split('.')
  const signature = sign('sha256', Buffer.from(`${header}.${claims}`), rsa.privateKey).toString('base64url')

  expect(await statusOf(target, `${header}.${claims}.${signature}`)).toBe(401)
})

it('signed by their own key, named in every way a header can', async () => {
  const target = await site()
  const headers = [
    {},
    { kid: undefined },
    { jwk: evil.jwk },
    { jwk: evil.jwk, kid: undefined },
    { jku: theirs },
    { x5u: theirs },
    { x5c: ['MIIB'] },
    { kid: theirs },
    { kid: '/dev/null' },
    { kid: "' OR 1=1 --" },
    { kid: '__proto__' },
    { jku: `${ISSUER}/.well-known/jwks.json`, kid: 'reports-1' },
  ]
  const answers = await Promise.all(headers.map((header) => statusOf(target, assertion(target, { key: evil, header }))))
  const genuineWithKey = await statusOf(target, assertion(target, { header: { jku: theirs } }))

  expect([...answers, genuineWithKey]).toEqual([...headers, 0].map(() => 401))
  expect(fetched).toBe(0)
})

it('signed by one service in the name of another', async () => {
  const target = await site()
  const inAnothersName = assertion(target, { key: rsa, claims: { iss: 'reports', sub: 'reports' } })
  const nameInForm = await target.post('/oauth/introspect', {
    token: 'x',
    client_id: 'reports',
    ...asserted(assertion(target, { key: rsa, claims: { iss: 'legacy', sub: 'legacy' } })),
  })

  expect([await statusOf(target, inAnothersName), nameInForm.status]).toEqual([401, 401])
})

it('taken from another server, which had the service sign for it', async () => {
  const target = await site()
  for (const aud of [
    'https://evil.example',
    `${ISSUER}/`,
    `${ISSUER}/oauth/introspect`,
    [ISSUER, 'https://evil.example'],
    ISSUER.toUpperCase(),
  ]) {
    expect(await statusOf(target, assertion(target, { claims: { aud } }))).toBe(401)
  }
})
