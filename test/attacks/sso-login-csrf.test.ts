// The attacker has: an account of their own at the provider, another provider the victim's browser may visit, and a page the victim looks at.
// The attacker does: sends the victim's browser to callbacks and sign-outs the attacker began, or injects codes and answers into the victim's own.
// The attacker must not obtain: a victim who acts in the attacker's account, the victim's session under the attacker's hands, or the victim signed out.
import { expect, it } from 'vitest'
import { scriptedProvider } from '../oidc/support/scripted-provider.ts'
import {
  answerCodes,
  answerWith,
  callbackOf,
  idClaims,
  ORIGIN,
  person,
  type SiteOptions,
  signedIn,
  ssoSite,
} from '../oidc/support/site.ts'

async function place(options: SiteOptions = {}) {
  const provider = await scriptedProvider()
  const shop = ssoSite(provider, options)
  return { provider, shop, ada: person(shop), eve: person(shop) }
}

it('login CSRF: the attacker’s callback in the victim’s browser signs nobody in, whoever they were', async () => {
  const { ada, eve, provider } = await place()
  const to = await eve.begin()
  await answerCodes(provider, to, { sub: 'eve' })
  const asVisitor = await ada.back(callbackOf(provider, to))
  await ada.signIn(provider)
  const before = await ada.me()
  const asAda = await ada.back(callbackOf(provider, to))

  expect([asVisitor.ok, asAda.ok, await ada.me()]).toEqual([false, false, before])
})

it('login CSRF: a cookie of the attacker’s transaction, planted by a neighbouring host, is not looked at under our name', async () => {
  const { ada, eve, provider, shop } = await place()
  const to = await eve.begin()
  await answerCodes(provider, to, { sub: 'eve' })
  const [planted] = eve.jar.cookies(`${ORIGIN}/`)
  // What a neighbour can set: no __Host- name at all, or the sealed value under a name of its own.
  ada.jar.store('https://evil.shop.example/', `${planted!.name}=${planted!.value}; Domain=shop.example; Path=/; Secure`)
  ada.jar.store(
    'https://evil.shop.example/',
    `sjn-sso-${planted!.name.slice(-16)}=${planted!.value}; Domain=shop.example; Path=/; Secure`,
  )

  expect(await ada.back(callbackOf(provider, to))).toEqual({ ok: false, reason: 'unknown-transaction' })
  expect(shop.store.calls).not.toContain('create')
})

it('code injection: a code of the victim’s, in a transaction of the attacker’s, is redeemed with the wrong verifier, and its ID token has another nonce', async () => {
  const { ada, eve, provider } = await place()
  const hers = await ada.begin()
  const mine = await eve.begin()
  const verifiers: (string | null)[] = []
  const idToken = await provider.sign(idClaims(provider, hers))
  provider.token = (form) => {
    verifiers.push(form.get('code_verifier'))
    return { status: 200, body: { access_token: 'x', token_type: 'Bearer', id_token: idToken } }
  }
  const injected = await eve.back(callbackOf(provider, mine))
  await ada.back(callbackOf(provider, hers))

  expect([injected, (await eve.me()).subject]).toEqual([{ ok: false, reason: 'nonce' }, null])
  expect(new Set(verifiers).size).toBe(2)
})

it('mixed-up issuers: what began at one provider is not finished with another’s answer, by the address, the cookie or the ID token', async () => {
  const [honest, evil] = [await scriptedProvider(), await scriptedProvider()]
  const shop = ssoSite(honest)
  const ada = person(shop)
  const to = await ada.begin()
  await answerCodes(honest, to)
  const byAddress = await ada.back({ ...callbackOf(honest, to), iss: evil.issuer })
  const other = await ada.begin()
  answerWith(honest, await evil.sign(idClaims(evil, other)))
  const byToken = await ada.back(callbackOf(honest, other))
  const third = await ada.begin()
  const elsewhere = await person(ssoSite(evil, { name: 'evil' }), ada.jar).back(callbackOf(evil, third))

  expect([byAddress, byToken, elsewhere].map((outcome) => outcome.ok)).toEqual([false, false, false])
  expect((await ada.me()).subject).toBe(null)
})

it('two providers of one application keep their transactions apart, although cookies and keys are the same', async () => {
  const [one, two] = [await scriptedProvider(), await scriptedProvider()]
  const keys = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url')
  const [first, second] = [ssoSite(one, { keys }), ssoSite(two, { keys })]
  const ada = person(first)
  const to = await ada.begin()
  await answerCodes(two, to)

  expect(await person(second, ada.jar).back(callbackOf(two, to))).toEqual({ ok: false, reason: 'unknown-transaction' })
})

it('an address to return to that leads elsewhere leads home', async () => {
  const { ada, provider } = await place()
  for (const returnTo of [
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    '/%2f/evil.example',
    `/${'x'.repeat(2000)}`,
    // Three times as long once it is normalised: a cookie that no browser keeps.
    `/${'"'.repeat(1000)}`,
    7,
    ['/x'],
  ]) {
    const outcome = await ada.signIn(provider, {}, { returnTo })
    expect(outcome).toMatchObject({ ok: true, returnTo: '/' })
  }
})

it('logout CSRF: another site’s form signs nobody out, and a guessed login ends nothing', async () => {
  const { ada, shop, provider } = await place()
  await ada.signIn(provider)
  const forged = await ada.visit('/sign-out', {
    method: 'POST',
    headers: { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
  })
  for (const sid of ['login-2', 'LOGIN-1', 'login-1 ', 'login', '*', '%'])
    await shop.answer(`/sso/front-channel-logout?${new URLSearchParams({ iss: provider.issuer, sid })}`)

  expect([forged.status, (await ada.me()).subject === null]).toEqual([403, false])
})

it('logout CSRF: the way back from a sign-out changes no session, whoever sends a browser there', async () => {
  const { ada, eve, provider } = await place()
  await ada.signIn(provider)
  await eve.signIn(provider, { sub: 'eve', sid: 'login-9' })
  const before = await ada.me()
  const out = new URL((await eve.visit('/sign-out', { method: 'POST' })).headers.get('location')!)
  await ada.visit(`/signed-out?state=${out.searchParams.get('state')}`)

  expect(await ada.me()).toEqual(before)
})

it('a session fixed before the sign-in is nobody’s after it', async () => {
  const { ada, shop, provider } = await place()
  await ada.visit('/note')
  const fixed = ada.jar.cookies(`${ORIGIN}/`).find(({ name }) => name === '__Host-sjn')!.value
  await ada.signIn(provider)

  expect((await shop.sessions.read(fixed)).subject).toBe(undefined)
})

it('another person of the same provider is not signed out by a token that names both', async () => {
  const { shop, provider } = await place()
  await signedIn(shop, provider, { subject: 'bob', sid: 'login-7' })
  const at = Math.floor(Date.now() / 1000)
  const claims = {
    iss: provider.issuer,
    aud: 'shop',
    sid: 'login-7',
    sub: 'ada',
    iat: at,
    exp: at + 60,
    jti: 'j',
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  }
  await shop.backChannel(await provider.sign(claims, { header: { typ: 'logout+jwt' } }))

  expect((await shop.sessions.list('bob')).length).toBe(1)
})
