import { inspect } from 'node:util'
import { createSessions, type Store } from 'sojourn'
import { type RelyingPartyOptions, relyingParty } from 'sojourn/oidc'
import { cookieStore } from 'sojourn/stores/cookie'
import { memoryStore } from 'sojourn/stores/memory'
import { describe, expect, it } from 'vitest'
import { hours, seconds } from '../../src/core/duration.ts'
import { testKey } from '../http/support/keys.ts'
import { scriptedProvider } from './support/scripted-provider.ts'
import { answerCodes, callbackOf, idClaims, keyPair, ORIGIN, person, ssoSite } from './support/site.ts'

const GOOD = {
  issuer: 'https://login.example',
  clientId: 'shop',
  clientSecret: 'secret',
  redirectUri: 'https://shop.example/signed-in',
} satisfies RelyingPartyOptions

function made(options: Partial<Record<keyof RelyingPartyOptions, unknown>>, store: Store = memoryStore()) {
  return relyingParty(createSessions({ store, keys: testKey() }), { ...GOOD, ...options } as RelyingPartyOptions)
}

describe('start-up refuses', () => {
  it.each<[string, Partial<Record<keyof RelyingPartyOptions, unknown>>]>([
    ['an issuer over plain HTTP', { issuer: 'http://login.example' }],
    ['the same with the option for this machine alone', { issuer: 'http://login.example', dangerouslyAllowHttp: true }],
    ['an issuer with a query', { issuer: 'https://login.example?x' }],
    ['an issuer that is no URL', { issuer: 'login.example' }],
    ['an issuer with a password in it', { issuer: 'https://a:b@login.example' }],
    ['a redirect URI with a fragment', { redirectUri: 'https://shop.example/#x' }],
    ['a relative redirect URI', { redirectUri: '/signed-in' }],
    ['a client that proves nothing', { clientSecret: undefined }],
    ['an empty secret', { clientSecret: '' }],
    ['two ways to prove itself', { clientKey: { key: {} } }],
    ['no client id', { clientId: '' }],
    ['a scope without openid', { scope: 'email' }],
    ['no signature', { algorithms: ['none'] }],
    ['a shared secret as signature', { algorithms: ['HS256'] }],
    ['no algorithm', { algorithms: [] }],
    ['a name that is no word', { name: 'a b' }],
    ['the name that refresh tokens are noted under', { name: 'tokens' }],
    ['paths that are one', { paths: { backChannelLogout: '/x', frontChannelLogout: '/x' } }],
    ['a maximum age in seconds', { maxAuthAge: 3600 }],
    ['a timeout in seconds', { timeout: 5 }],
    ['half a logout', { logout: 'back' }],
    ['levels with blanks', { acrValues: ['a b'] }],
  ])('%s', (_which, options) => {
    expect(() => made(options)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }))
  })

  it('says no secret in its message', () => {
    expect(() => made({ clientSecret: undefined, clientKey: undefined })).not.toThrow(/secret-/)
    expect(() => made({ issuer: 'https://ada:hunter2@login.example' })).toThrow(/^(?!.*hunter2)/)
  })

  it('a store that cannot end sessions by their login, unless nothing is to end them; and that is reported', async () => {
    const memory = memoryStore()
    const store = new Proxy(memory, {
      get: (target, name) =>
        name === 'capabilities'
          ? { ...memory.capabilities, revokesLinked: false }
          : (Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name)),
    })
    const lowered: unknown[] = []
    const sessions = createSessions({ store, keys: testKey(), onEvent: (event) => lowered.push(event) })

    expect(() => relyingParty(sessions, GOOD)).toThrow('finds no sessions by their login')
    const sso = relyingParty(sessions, { ...GOOD, logout: 'none' })
    await sessions.events.drained()
    expect(await sso.web(new Request('https://shop.example/sso/back-channel-logout', { method: 'POST' }))).toBe(undefined)
    expect(lowered).toContainEqual(expect.objectContaining({ type: 'safety.lowered', option: 'relyingParty.logout' }))
  })
})

it('the provider is asked when it is first needed, once for all who need it, and again after an hour', async () => {
  const provider = await scriptedProvider()
  const shop = ssoSite(provider)
  const asked = () => provider.asked.filter((path) => path.endsWith('openid-configuration')).length
  const before = asked()
  await Promise.all([1, 2, 3, 4].map(() => person(shop).begin()))
  const first = asked()
  shop.clock.advance(hours(1))
  await person(shop).begin()

  expect([before, first, asked()]).toEqual([0, 1, 2])
})

it('a provider that was known and is away since still lets people begin, with what is known of it', async () => {
  const provider = await scriptedProvider()
  const shop = ssoSite(provider)
  await person(shop).begin()
  await provider.close()
  shop.clock.advance(hours(2))

  expect((await person(shop).begin()).pathname).toBe('/auth')
})

it('and is asked again once in half a minute, so that not everybody waits for it', async () => {
  const provider = await scriptedProvider()
  const shop = ssoSite(provider)
  await person(shop).begin()
  provider.metadata = { ...provider.metadata, issuer: 'https://another.example' }
  shop.clock.advance(hours(2))
  const before = provider.asked.length
  const paths = []
  for (let n = 0; n < 4; n++) paths.push((await person(shop).begin()).pathname)
  const during = provider.asked.length - before
  shop.clock.advance(seconds(30))
  await person(shop).begin()

  expect([paths, during, provider.asked.length - before]).toEqual([['/auth', '/auth', '/auth', '/auth'], 1, 2])
})

it('a provider that failed is left alone for a moment, and asked again by the next who needs it', async () => {
  const provider = await scriptedProvider()
  const { metadata } = provider
  const shop = ssoSite(provider)
  provider.metadata = { ...metadata, jwks_uri: 'ftp://x' }
  const failed = await person(shop).visit('/sign-in', { method: 'POST', body: '{}' })
  provider.metadata = metadata
  shop.clock.advance(seconds(2))

  expect([failed.status, failed.headers.get('retry-after'), (await person(shop).begin()).pathname]).toEqual([503, '5', '/auth'])
})

it('a client with a key signs an assertion and shares no secret', async () => {
  const provider = await scriptedProvider()
  const { privateKey } = await keyPair('ES256')
  const shop = ssoSite(provider, { clientKey: { key: privateKey, kid: 'c1' } })
  const ada = person(shop)
  const to = await ada.begin()
  await answerCodes(provider, to)
  const answer = provider.token
  let form = new URLSearchParams()
  provider.token = (posted) => {
    form = posted
    return answer(posted)
  }

  expect((await ada.back(callbackOf(provider, to))).ok).toBe(true)
  expect(form.get('client_assertion_type')).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
  expect([form.get('redirect_uri'), form.get('code'), form.has('client_secret')]).toEqual([
    `${ORIGIN}/callback`,
    'the-code',
    false,
  ])
})

it('a token endpoint that is out of order puts no token into what is logged of it', async () => {
  const provider = await scriptedProvider()
  const shop = ssoSite(provider)
  const ada = person(shop)
  const to = await ada.begin()
  const idToken = await provider.sign(idClaims(provider, to))
  provider.token = () => ({ status: 200, body: { access_token: 'secret-access', token_type: 'mac', id_token: idToken } })
  const { status } = await ada.visit(`/callback?${new URLSearchParams(callbackOf(provider, to))}`)

  expect([status, inspect(shop.faults, { depth: 9, showHidden: true }).match(/secret-\w+/g)]).toEqual([503, null])
})

it('a code that the provider does not take signs nobody in; a provider that does not take the client is a fault', async () => {
  const provider = await scriptedProvider()
  const ada = person(ssoSite(provider))
  const refused = await ada.back(callbackOf(provider, await ada.begin()))
  provider.token = () => ({ status: 401, body: { error: 'invalid_client' } })
  const to = await ada.begin()
  const fault = await ada.visit(`/callback?${new URLSearchParams(callbackOf(provider, to))}`)

  expect([refused, fault.status]).toEqual([{ ok: false, reason: 'code' }, 503])
})

it.each([
  ['no JSON', 'text'],
  ['no ID token', { access_token: 'x', token_type: 'Bearer' }],
  ['an ID token that is none', { access_token: 'x', token_type: 'Bearer', id_token: 'x' }],
  ['an ID token of another type', { access_token: 'x', token_type: 'Bearer', id_token: 7 }],
  ['a list', []],
])('a token endpoint that answers %s signs nobody in', async (_which, body) => {
  const provider = await scriptedProvider()
  const ada = person(ssoSite(provider))
  const to = await ada.begin()
  provider.token = () => ({ status: 200, body })
  const response = await ada.visit(`/callback?${new URLSearchParams(callbackOf(provider, to))}`)

  expect([200, 503]).toContain(response.status)
  expect((await ada.me()).subject).toBe(null)
})

it('while the store is away nobody is signed in, and the same callback works when it is back', async () => {
  const provider = await scriptedProvider()
  const shop = ssoSite(provider)
  const ada = person(shop)
  const to = await ada.begin()
  await answerCodes(provider, to)
  shop.store.setFaults({ 'ledger.claim': { kind: 'error' } })
  const during = await ada.visit(`/callback?${new URLSearchParams(callbackOf(provider, to))}`)
  shop.store.setFaults({})

  expect(during.status).toBe(503)
  expect((await ada.back(callbackOf(provider, to))).ok).toBe(true)
})

it('a visitor who only begins has no session, and no row is written', async () => {
  const provider = await scriptedProvider()
  const shop = ssoSite(provider)
  const ada = person(shop)
  await ada.begin()

  expect([shop.store.calls, ada.jar.cookies(`${ORIGIN}/`).some(({ name }) => name === '__Host-sjn')]).toEqual([[], false])
})

it('it works in the adapter it was given to, and says so where it was given to none', async () => {
  const provider = await scriptedProvider()
  const shop = ssoSite(provider)
  const session = await shop.sessions.signIn({ subject: 'ada', method: 'pwd' })

  await expect(shop.sso.start(session)).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' })
})

it('what makes room by forgetting, or keeps nothing, remembers no sign-in: another store must', () => {
  const forgetful = (capability: object): Store => {
    const memory = memoryStore()
    return { ...memory, name: 'forgetful', capabilities: { ...memory.capabilities, ...capability }, ledger: memory.ledger }
  }
  for (const store of [forgetful({ evicts: true }), forgetful({ carries: { maxLength: 7500, deflates: true } })]) {
    expect(() => made({ logout: 'none', ledger: store })).toThrow('expected the option ledger')
    expect(() => made({ ledger: {} as Store })).toThrow('ledger is no store')
  }
  const sessions = createSessions({ store: cookieStore(), keys: testKey() })
  expect(() => relyingParty(sessions, { ...GOOD, logout: 'none' })).toThrow('keeps nothing')
  expect(relyingParty(sessions, { ...GOOD, logout: 'none', ledger: memoryStore() }).name).toBe('sso')
})
