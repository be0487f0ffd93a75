// Has: the addresses of the logout endpoints, which anybody may call. Does: invents logins that ended, logout tokens and key ids, as many as it likes.
// Must not get: a store that is full of them, or an application that asks the provider once for each.
import { memoryStore } from 'sojourn/stores/memory'
import { expect, it, onTestFinished, vi } from 'vitest'
import { seconds } from '../../src/core/duration.ts'
import { scriptedProvider } from '../oidc/support/scripted-provider.ts'
import { alive, LOGOUT_TYPE, logoutClaims, person, type SiteOptions, signedIn, ssoSite } from '../oidc/support/site.ts'

async function victim(options: SiteOptions = {}) {
  const provider = await scriptedProvider()
  const shop = ssoSite(provider, options)
  return { provider, shop, ada: person(shop) }
}

it('logins that nobody has, invented by whoever opens the frame’s address, take no room: the provider’s own word still ends sessions', async () => {
  const { provider, shop } = await victim({ engine: memoryStore({ maxSessions: 20 }) })
  await signedIn(shop, provider)
  const statuses = new Set<number>()
  for (let n = 0; n < 50; n++) {
    const query = new URLSearchParams({ iss: provider.issuer, sid: `invented-${n}` })
    statuses.add((await shop.answer(`/sso/front-channel-logout?${query}`)).status)
  }
  const answer = await shop.backChannel(await provider.sign(logoutClaims(provider), LOGOUT_TYPE))

  expect([[...statuses], answer.status, await alive(shop)]).toEqual([[200], 200, []])
})

it('an invented login that is the name of a later one signs nobody out', async () => {
  const { provider, shop, ada } = await victim()
  await shop.answer(`/sso/front-channel-logout?${new URLSearchParams({ iss: provider.issuer, sid: 'login-1' })}`)

  expect((await ada.signIn(provider)).ok).toBe(true)
})

it('what cannot be a logout token is refused before the provider is asked who it is', async () => {
  const { provider, shop } = await victim()
  const other = await provider.sign(logoutClaims(provider), { header: { typ: 'at+jwt' } })
  const statuses = []
  for (const token of ['x', 'a.b.c', other]) statuses.push((await shop.backChannel(token)).status)

  expect([statuses, provider.asked]).toEqual([[400, 400, 400], []])
})

it('while the provider is away, or its keys are, many forged tokens ask for them a few times', async () => {
  const { provider, shop } = await victim()
  const { metadata } = provider
  const forged = await provider.sign(logoutClaims(provider), { header: { ...LOGOUT_TYPE.header, kid: 'unknown' } })
  const flood = async () => {
    const before = provider.asked.length
    for (let n = 0; n < 20; n++) expect((await shop.backChannel(forged)).status).toBe(503)
    return provider.asked.length - before
  }
  provider.metadata = { ...metadata, issuer: 'https://another.example' }
  const askedWho = await flood()
  shop.clock.advance(seconds(30))
  provider.metadata = metadata
  const { jwks } = provider
  provider.jwks = { keys: 'none' } as never
  const askedForKeys = await flood()
  shop.clock.advance(seconds(30))
  provider.jwks = jwks
  await signedIn(shop, provider)
  const genuine = await shop.backChannel(await provider.sign(logoutClaims(provider, { exp: undefined }), LOGOUT_TYPE))

  expect([askedWho <= 2, askedForKeys <= 3]).toEqual([true, true])
  expect(genuine.status).toBe(400)
})

it('forged key ids, while the keys are away, keep no genuine token out whose key is known', async () => {
  const { provider, shop } = await victim()
  await shop.backChannel(await provider.sign(logoutClaims(provider), LOGOUT_TYPE))
  await signedIn(shop, provider, { sid: 'login-2' })
  // `jose` asks for an unknown key after half a minute at the earliest, by the machine's own clock.
  vi.setSystemTime(Date.now() + 31_000)
  onTestFinished(() => void vi.useRealTimers())
  provider.jwks = { keys: 'none' } as never
  const at = { iat: Math.floor(shop.clock() / 1000), exp: Math.floor(shop.clock() / 1000) + 120 }
  const forged = await provider.sign(logoutClaims(provider, at), { header: { ...LOGOUT_TYPE.header, kid: 'unknown' } })
  const genuine = await provider.sign(logoutClaims(provider, { ...at, sid: 'login-2' }), LOGOUT_TYPE)
  const statuses = []
  for (const token of [forged, forged, genuine]) statuses.push((await shop.backChannel(token)).status)

  expect([statuses, await alive(shop)]).toEqual([[503, 503, 200], []])
})

it('a provider whose keys were away a moment ago is believed again soon', async () => {
  const { provider, shop } = await victim()
  const { jwks } = provider
  provider.jwks = { keys: 'none' } as never
  const token = await provider.sign(logoutClaims(provider), LOGOUT_TYPE)
  await signedIn(shop, provider)
  const during = await shop.backChannel(token)
  provider.jwks = jwks
  shop.clock.advance(seconds(5))
  const after = await shop.backChannel(token)

  expect([during.status, during.headers.get('retry-after'), after.status, await alive(shop)]).toEqual([503, '5', 200, []])
})
