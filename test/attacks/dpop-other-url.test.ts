// The attacker has: a service of their own that the victim calls with a DPoP-bound token, and so tokens and fresh proofs of the victim's.
// The attacker does: forwards them to another service, another path, another method; writes `Host` and forwarding headers; respells URLs.
// The attacker must not obtain: one request at a place the victim's proof does not name.
import { expect, it } from 'vitest'
import { App } from '../tokens/dpop/app.ts'
import { judge } from '../tokens/dpop/support.ts'

const NOW = 1_800_000_000_000
const accessToken = 'victim.access.token'
const victim = new App()
const at = async (htu: string, url: string, method = 'GET', htm = method) => {
  const proof = victim.proof({ now: NOW, method: htm, url: htu, accessToken })
  const outcome = await judge({ proof, now: NOW, accessToken, jkt: victim.jkt, method, url })
  return outcome.ok ? 'good' : outcome.reason
}

it('what the victim meant is good, however it is spelt', async () => {
  for (const htu of ['https://api.example/orders', 'HTTPS://API.example:443/orders?page=2#top', 'https://api.example/%6Frders'])
    expect(await at(htu, 'https://api.example/orders?page=2')).toBe('good')
})

it.each([
  ['another service', 'https://evil.example/orders'],
  ['a name that ends the same', 'https://evil-api.example/orders'],
  ['a name that begins the same', 'https://api.example.evil.example/orders'],
  ['a user name', 'https://api.example@evil.example/orders'],
  ['a user name that is our host', 'https://evil.example@api.example/orders'],
  ['a backslash', 'https://evil.example\\@api.example/orders'],
  ['our URL in a query', 'https://evil.example/?https://api.example/orders'],
  ['our URL in a fragment', 'https://evil.example/#https://api.example/orders'],
  ['our URL as a path', 'https://evil.example/https://api.example/orders'],
  ['a dot at the end of the name', 'https://api.example./orders'],
  ['another port', 'https://api.example:8443/orders'],
  ['no TLS', 'http://api.example/orders'],
  ['another path', 'https://api.example/orders/1'],
  ['a path that climbs out', 'https://api.example/orders/../admin'],
  ['a path that climbs out, encoded', 'https://api.example/orders/%2e%2e/admin'],
  ['an encoded slash', 'https://api.example/%2Forders'],
  ['a path alone', '/orders'],
  ['nothing', ''],
])('%s', async (_what, htu) => {
  expect(await at(htu, 'https://api.example/orders')).not.toBe('good')
})

it.each([
  ['GET', 'POST'],
  ['POST', 'DELETE'],
  ['get', 'GET'],
  ['GET ', 'GET'],
  ['GET, DELETE', 'DELETE'],
])('a proof for %j is none for %s', async (htm, method) => {
  expect(await at('https://api.example/orders', 'https://api.example/orders', method, htm)).toBe('other-method')
})
