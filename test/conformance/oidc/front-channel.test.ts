// OpenID Connect Front-Channel Logout 1.0 and RP-Initiated Logout 1.0, as far as they are a relying party's. Rows FCL-* and RPL-* of the standards page.
import { expect, it } from 'vitest'
import { scriptedProvider } from '../../oidc/support/scripted-provider.ts'
import { alive, ORIGIN, person, type SiteOptions, signedIn, ssoSite } from '../../oidc/support/site.ts'

const FRONT = '/sso/front-channel-logout'

async function visitor(options: SiteOptions = {}) {
  const provider = await scriptedProvider()
  const shop = ssoSite(provider, options)
  return { provider, shop, ada: person(shop) }
}

it('FCL-01: the logout addresses are of the redirect URI’s origin, absolute and without a fragment', async () => {
  const { shop } = await visitor()
  const { registration } = shop.sso

  expect(registration).toMatchObject({
    redirect_uris: [`${ORIGIN}/callback`],
    frontchannel_logout_uri: `${ORIGIN}${FRONT}`,
    frontchannel_logout_session_required: true,
    backchannel_logout_uri: `${ORIGIN}/sso/back-channel-logout`,
    backchannel_logout_session_required: true,
  })
  await expect(visitor({ paths: { frontChannelLogout: 'https://evil.example/x' } })).rejects.toThrow('paths')
  await expect(visitor({ paths: { frontChannelLogout: '/x#y' } })).rejects.toThrow('paths')
})

it.each<[string, (issuer: string) => string]>([
  ['neither iss nor sid', () => ''],
  ['iss alone', (issuer) => `iss=${issuer}`],
  ['sid alone', () => 'sid=login-1'],
  ['an empty sid', (issuer) => `iss=${issuer}&sid=`],
  ['two of sid', (issuer) => `iss=${issuer}&sid=login-1&sid=login-1`],
  ['two of iss', (issuer) => `iss=${issuer}&iss=${issuer}&sid=login-1`],
  ['another iss', () => 'iss=https://evil.example&sid=login-1'],
  ['an iss that only looks alike', (issuer) => `iss=${issuer}/&sid=login-1`],
  ['a sid of 9,000 characters', (issuer) => `iss=${issuer}&sid=${'x'.repeat(9000)}`],
])('FCL-02: a request with %s ends nothing', async (_which, write) => {
  const { shop, provider } = await visitor()
  await signedIn(shop, provider)
  const response = await shop.answer(`${FRONT}?${write(provider.issuer)}`)

  expect([response.status, (await alive(shop)).length]).toEqual([400, 1])
})

it('FCL-03: only the sessions of that login end; one it does not know ends nobody’s', async () => {
  const { shop, provider } = await visitor()
  await signedIn(shop, provider)
  const other = await signedIn(shop, provider, { sid: 'login-2' })
  const query = (sid: string) => `${FRONT}?${new URLSearchParams({ iss: provider.issuer, sid })}`
  const foreign = await shop.answer(query('guessed'))
  const before = (await alive(shop)).length
  const own = await shop.answer(query('login-1'))

  expect([foreign.status, before, own.status, await alive(shop)]).toEqual([200, 2, 200, [other.id]])
})

it('FCL-04: the answer is kept by nobody, framed by the provider alone, and runs nothing', async () => {
  const { shop, provider } = await visitor()
  const { headers } = await shop.answer(`${FRONT}?${new URLSearchParams({ iss: provider.issuer, sid: 'x' })}`)

  expect(headers.get('cache-control')).toBe('no-store')
  expect(headers.get('content-security-policy')).toBe(`default-src 'none'; frame-ancestors ${provider.issuer}`)
  expect([headers.get('x-frame-options'), headers.get('referrer-policy')]).toEqual([null, 'no-referrer'])
})

it('FCL-05: who is signed out already is signed out', async () => {
  const { shop, provider } = await visitor()
  await signedIn(shop, provider)
  const path = `${FRONT}?${new URLSearchParams({ iss: provider.issuer, sid: 'login-1' })}`

  expect([(await shop.answer(path)).status, (await shop.answer(path)).status]).toEqual([200, 200])
})

it('FCL-06: it needs no cookie, which browsers keep from frames of other sites', async () => {
  const { ada, shop, provider } = await visitor()
  await ada.signIn(provider)
  const response = await shop.answer(`${FRONT}?${new URLSearchParams({ iss: provider.issuer, sid: 'login-1' })}`)

  expect([response.status, response.headers.getSetCookie(), (await ada.me()).subject]).toEqual([200, [], null])
})

it('RPL-05: the session here has ended before the provider is asked, which is told by whom, which login, and where to come back', async () => {
  const { ada, shop, provider } = await visitor()
  await ada.signIn(provider)
  const response = await ada.visit('/sign-out', { method: 'POST' })
  const to = new URL(response.headers.get('location')!)
  const hint = to.searchParams.get('id_token_hint')!
  const claims = JSON.parse(Buffer.from(hint.split('.')[1]!, 'base64url').toString()) as { sid: string }

  expect((await ada.me()).subject).toBe(null)
  expect([to.origin + to.pathname, to.searchParams.get('client_id'), claims.sid]).toEqual([
    `${provider.issuer}/end`,
    'shop',
    'login-1',
  ])
  expect(to.searchParams.get('post_logout_redirect_uri')).toBe(`${ORIGIN}/signed-out`)
  const state = to.searchParams.get('state')!
  expect(Buffer.from(state, 'base64url').length).toBe(32)
  expect(JSON.stringify(shop.events)).not.toContain(hint)
})

it('RPL-05: back comes who left, once, by a state nobody can guess', async () => {
  const { ada, shop, provider } = await visitor()
  await ada.signIn(provider)
  const to = new URL((await ada.visit('/sign-out', { method: 'POST' })).headers.get('location')!)
  const path = `/signed-out?state=${to.searchParams.get('state')}`
  const cookie = ada.jar.header(`${ORIGIN}/`)!
  const json = async (response: Promise<Response>) => (await response).json()

  expect(await json(person(shop).visit(path))).toEqual({ ok: false, reason: 'unknown-transaction' })
  expect(await json(ada.visit('/signed-out'))).toEqual({ ok: false, reason: 'unknown-transaction' })
  expect(await json(ada.visit(path))).toEqual({ ok: true, returnTo: '/bye' })
  expect(await json(shop.answer(path, { headers: { cookie } }))).toEqual({ ok: false, reason: 'replayed' })
})

it('RPL-05: a sign-out’s state is none for a sign-in, nor the other way round', async () => {
  const { ada, provider } = await visitor()
  await ada.signIn(provider)
  const out = new URL((await ada.visit('/sign-out', { method: 'POST' })).headers.get('location')!)
  const into = await ada.begin()

  expect(await ada.back({ code: 'c', iss: provider.issuer, state: out.searchParams.get('state')! })).toEqual({
    ok: false,
    reason: 'unknown-transaction',
  })
  expect(await (await ada.visit(`/signed-out?state=${into.searchParams.get('state')}`)).json()).toEqual({
    ok: false,
    reason: 'unknown-transaction',
  })
})

it('RPL-05: the ID token is kept for this alone: sealed, until the session ends, and not at all where that is not wanted', async () => {
  const { ada, provider } = await visitor({ keepIdToken: false })
  await ada.signIn(provider)
  const to = new URL((await ada.visit('/sign-out', { method: 'POST' })).headers.get('location')!)

  expect([to.searchParams.has('id_token_hint'), to.searchParams.get('client_id')]).toEqual([false, 'shop'])
})

it('RPL-06: who is not signed in, or not by this provider, is signed out without it', async () => {
  const { ada } = await visitor()
  const asVisitor = await ada.visit('/sign-out', { method: 'POST' })
  await ada.visit('/local', { method: 'POST' })
  const asLocal = await ada.visit('/sign-out', { method: 'POST' })

  expect([asVisitor.headers.get('location'), asLocal.headers.get('location'), (await ada.me()).subject]).toEqual([
    '/bye',
    '/bye',
    null,
  ])
})

it('RPL-06: a provider that is away, or has no sign-out, keeps nobody signed in here', async () => {
  const { ada, shop, provider } = await visitor()
  await ada.signIn(provider)
  delete provider.metadata.end_session_endpoint
  shop.clock.advance(61 * 60_000)
  const bea = person(shop)
  await bea.signIn(provider, {
    sub: 'bea',
    sid: 'login-9',
    iat: Math.floor(shop.clock() / 1000),
    exp: Math.floor(shop.clock() / 1000) + 60,
    auth_time: undefined,
  })
  await provider.close()
  const response = await bea.visit('/sign-out', { method: 'POST' })

  expect([response.status, response.headers.get('location'), (await bea.me()).subject]).toEqual([303, '/bye', null])
})
