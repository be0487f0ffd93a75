// The attacker has: tokens they found, tokens they guess, and perhaps the secret of some service that these tokens are not for.
// The attacker does: asks introspection about them, as nobody, as anybody whose name is known, and as that service.
// The attacker must not obtain: whether a token is good, whose it is, or anything else that is in it.
import { expect, it } from 'vitest'
import { basic, endpointSite, ORDERS, STOCK } from '../tokens/endpoint-site.ts'

const INACTIVE = '{"active":false}'

it('as nobody, or by a name alone, nothing is said of a good token that is not said of a bad one', async () => {
  const site = await endpointSite()
  const { accessToken } = await site.token('ada@example.org')
  const callers: [Record<string, string>, Record<string, string>][] = [
    [{}, {}],
    [{ client_id: 'app' }, {}],
    [{ client_id: 'orders' }, {}],
    [{ client_id: 'orders', client_secret: ORDERS.clientSecret }, {}],
    [{}, basic('orders', '')],
    [{}, { authorization: `Bearer ${accessToken}` }],
    [{}, { cookie: '__Host-sjn=x' }],
  ]
  for (const [form, headers] of callers) {
    const [good, bad] = await Promise.all(
      [accessToken, 'guess'].map(async (token) => {
        const answer = await site.post('/oauth/introspect', { token, ...form }, headers)
        return [answer.status, await answer.text()] as const
      }),
    )

    expect(good).toEqual(bad)
    expect(good![0]).toBeGreaterThanOrEqual(401)
  }
})

it('as a service the tokens are not for, a good one looks like a bad one, whatever the question is dressed as', async () => {
  const site = await endpointSite()
  const { accessToken } = await site.token('ada@example.org')
  const stock = basic('stock', STOCK.clientSecret)
  const forms = [
    { token: accessToken },
    { token: accessToken, audience: 'https://api.shop.example' },
    { token: accessToken, resource: 'https://api.shop.example' },
    { token: accessToken, client_id: 'stock', token_type_hint: 'refresh_token' },
    { token: 'guess' },
  ]
  const answers = await Promise.all(forms.map(async (form) => (await site.post('/oauth/introspect', form, stock)).text()))

  expect(answers).toEqual(forms.map(() => INACTIVE))
})

it('a token that was given back stays so however it is spelt: it is known by its name, not by its letters', async () => {
  const site = await endpointSite()
  const { accessToken } = await site.token()
  await site.post('/oauth/revoke', { token: accessToken, client_id: 'app' })
  const [header, claims, signature] = accessToken.split('.') as [string, string, string]
  const spellings = [
    `${header}.${claims}.${otherSignature(signature)}`,
    `${header}.${claims}.${signature}=`,
    `${header}.${claims}.${signature}==`,
    `${accessToken} `,
    ` ${accessToken}`,
    `${accessToken}\n`,
    `${header}.${claims}.${signature.slice(0, -1)}${neighbour(signature.at(-1)!)}`,
    `Bearer ${accessToken}`,
  ]
  for (const token of spellings) expect(await (await site.introspect(token)).text()).toBe(INACTIVE)
})

/** ES256: (r, n - s) verifies wherever (r, s) does, and anybody can make it. */
function otherSignature(signature: string): string {
  const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')
  const bytes = Buffer.from(signature, 'base64url')
  const other = order - BigInt(`0x${bytes.subarray(32).toString('hex')}`)
  return Buffer.concat([bytes.subarray(0, 32), Buffer.from(other.toString(16).padStart(64, '0'), 'hex')]).toString('base64url')
}

/** The same byte in lax base64url: the last letter of 64 bytes has four bits to spare. */
function neighbour(letter: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return alphabet[alphabet.indexOf(letter) ^ 1]!
}
