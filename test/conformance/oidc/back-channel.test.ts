// OpenID Connect Back-Channel Logout 1.0: each step of the validation, and what is ended. Rows BCL-* of the standards page.
import { CompactEncrypt, exportSPKI, UnsecuredJWT } from 'jose'
import { memoryStore } from 'sojourn/stores/memory'
import { beforeAll, describe, expect, it } from 'vitest'
import { minutes } from '../../../src/core/duration.ts'
import { type ScriptedProvider, type Signing, scriptedProvider } from '../../oidc/support/scripted-provider.ts'
import {
  alive,
  answerWith,
  CLIENT,
  callbackOf,
  EVENT,
  idClaims,
  keyPair,
  LOGOUT_TYPE,
  logoutClaims,
  person,
  type SiteOptions,
  signedIn,
  ssoSite,
} from '../../oidc/support/site.ts'

const now = () => Math.floor(Date.now() / 1000)

/** What a logout token does: the status, the error's reason, and how many of Ada's two sessions of two logins still live. */
async function outcomeOf(
  make: (provider: ScriptedProvider) => string | Promise<string>,
  options: SiteOptions = {},
): Promise<[number, string | undefined, number]> {
  const provider = await scriptedProvider()
  const shop = ssoSite(provider, options)
  await signedIn(shop, provider)
  await signedIn(shop, provider, { sid: 'login-2' })
  const response = await shop.backChannel(await make(provider))
  const body = await response.text()
  const reason = body === '' ? undefined : (JSON.parse(body) as { error_description?: string }).error_description
  return [response.status, reason, (await alive(shop)).length]
}

/** A token that differs from a good one in this. */
const with_ =
  (claims: Record<string, unknown>, { header = {}, key }: Signing = {}) =>
  (provider: ScriptedProvider) =>
    provider.sign(logoutClaims(provider, claims), { header: { ...LOGOUT_TYPE.header, ...header }, ...(key && { key }) })

const ENDED = [200, undefined, 1]
const refusedFor = (reason: string) => [400, reason, 2]

it('BCL-01: an encrypted logout token is refused, since no encryption was agreed on', async () => {
  const keys = await keyPair('RSA-OAEP-256')
  const encrypted = async (provider: ScriptedProvider) =>
    await new CompactEncrypt(Buffer.from(await with_({})(provider)))
      .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM' })
      .encrypt(keys.publicKey)

  expect(await outcomeOf(encrypted)).toEqual(refusedFor('malformed'))
})

describe('signature', () => {
  let strangers: Awaited<ReturnType<typeof keyPair>>
  beforeAll(async () => {
    strangers = await keyPair('ES256')
  })

  it('BCL-02: a logout token signed with one of the provider’s keys is taken', async () => {
    expect(await outcomeOf(with_({}))).toEqual(ENDED)
  })

  it('BCL-02: one signed with another key is refused, under the provider’s key id or its own', async () => {
    expect(await outcomeOf(with_({}, { key: strangers.privateKey }))).toEqual(refusedFor('signature'))
    expect(await outcomeOf(with_({}, { key: strangers.privateKey, header: { kid: 'theirs' } }))).toEqual(refusedFor('key'))
  })

  it('BCL-02: a token with any part changed is refused', async () => {
    const flip = (part: number) => async (provider: ScriptedProvider) => {
      const parts = (await with_({})(provider)).split('.')
      const bytes = Buffer.from(parts[part]!, 'base64url')
      bytes[bytes.length >> 1]! ^= 1
      parts[part] = bytes.toString('base64url')
      return parts.join('.')
    }
    for (const part of [0, 1, 2]) expect((await outcomeOf(flip(part))).slice(0, 1)).toEqual([400])
  })

  it('BCL-03: the algorithm is one that was named: none, a shared secret and an unnamed one are refused', async () => {
    const unsigned = (provider: ScriptedProvider) => new UnsecuredJWT(logoutClaims(provider)).encode()
    const spelt = (alg: string) => async (provider: ScriptedProvider) => {
      const [, payload] = (await with_({})(provider)).split('.')
      return `${Buffer.from(JSON.stringify({ alg, typ: 'logout+jwt' })).toString('base64url')}.${payload}.AA`
    }
    const shared = async (provider: ScriptedProvider) => {
      const pem = await exportSPKI(provider.keys.publicKey)
      return provider.sign(logoutClaims(provider), { key: Buffer.from(pem), header: { alg: 'HS256', typ: 'logout+jwt' } })
    }

    expect((await outcomeOf(unsigned))[0]).toBe(400)
    for (const alg of ['none', 'None', 'NONE', 'nOnE', '']) expect((await outcomeOf(spelt(alg)))[0]).toBe(400)
    expect(await outcomeOf(shared)).toEqual(refusedFor('algorithm'))
    expect(await outcomeOf(with_({}), { algorithms: ['PS256'] })).toEqual(refusedFor('algorithm'))
  })
})

it.each<[string, Record<string, unknown>, string]>([
  ['another issuer', { iss: 'https://evil.example' }, 'issuer'],
  ['no issuer', { iss: undefined }, 'issuer'],
  ['another audience', { aud: 'club' }, 'audience'],
  ['no audience', { aud: undefined }, 'audience'],
  ['no audience in a list', { aud: [] }, 'audience'],
  ['an audience beside us', { aud: [CLIENT, 'club'] }, 'audience'],
  ['another party it was made for', { azp: 'club' }, 'audience'],
  ['an exp of the past', { iat: now() - 200, exp: now() - 100 }, 'expired'],
  ['no exp', { exp: undefined }, 'expired'],
  ['an exp that is no number', { exp: '9999999999' }, 'expired'],
  ['no iat', { iat: undefined }, 'issued-at'],
  ['an iat of the future', { iat: now() + 100, exp: now() + 200 }, 'issued-at'],
  ['an iat that is no number', { iat: 'now' }, 'issued-at'],
  ['an nbf of the future', { nbf: now() + 100 }, 'issued-at'],
])('BCL-04: a logout token with %s is refused', async (_which, claims, reason) => {
  expect(await outcomeOf(with_(claims))).toEqual(refusedFor(reason))
})

it('BCL-04: clocks may differ by half a minute', async () => {
  expect(await outcomeOf(with_({ iat: now() + 20, exp: now() + 140 }))).toEqual(ENDED)
  expect(await outcomeOf(with_({ iat: now() - 140, exp: now() - 20 }))).toEqual(ENDED)
  expect(await outcomeOf(with_({ aud: [CLIENT] }))).toEqual(ENDED)
})

it.each<[string, Record<string, unknown>]>([
  ['neither sid nor sub', { sid: undefined }],
  ['an empty sid', { sid: '' }],
  ['a sid that is no string', { sid: 7 }],
  ['a sub that is no string', { sub: ['ada'] }],
])('BCL-05: a logout token with %s is refused', async (_which, claims) => {
  expect(await outcomeOf(with_(claims))).toEqual(refusedFor('subject'))
})

it.each<[string, unknown]>([
  ['missing', undefined],
  ['a string', EVENT],
  ['a list', [EVENT]],
  ['null', null],
  ['of another event', { 'http://schemas.openid.net/event/other': {} }],
  ['with a member that is no object', { [EVENT]: true }],
  ['with a member that is a list', { [EVENT]: [] }],
  ['with the member’s name almost right', { [`${EVENT}/`]: {} }],
])('BCL-06: a logout token whose events are %s is refused', async (_which, events) => {
  expect(await outcomeOf(with_({ events }))).toEqual(refusedFor('events'))
})

it('BCL-06: further events beside it are no fault', async () => {
  expect(await outcomeOf(with_({ events: { [EVENT]: {}, 'http://schemas.openid.net/event/other': {} } }))).toEqual(ENDED)
})

it.each([['x'], [''], [null], [0]])('BCL-07: a logout token with the nonce %j is refused', async (nonce) => {
  expect(await outcomeOf(with_({ nonce }))).toEqual(refusedFor('nonce'))
})

describe('repetition', () => {
  it('BCL-08: the same token again, in this process or another, ends nothing more and is answered alike', async () => {
    const provider = await scriptedProvider()
    const keys = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url')
    const engine = memoryStore()
    const [shop, other] = [ssoSite(provider, { keys, engine }), ssoSite(provider, { keys, engine })]
    await signedIn(shop, provider)
    const token = await with_({})(provider)
    const first = await shop.backChannel(token)
    // A new login, by a new ID token: the old word is not about it.
    await shop.sessions.signIn({
      subject: 'ada',
      method: 'pwd',
      providerLink: { issuer: provider.issuer, subject: 'ada', sid: 'login-1', issuedAt: shop.clock() + 5000 },
    })
    const again = [await shop.backChannel(token), await other.backChannel(token)]
    await Promise.all([shop, other].map(({ sessions }) => sessions.events.drained()))
    const received = [...shop.events, ...other.events].filter(({ type }) => type === 'provider.logout-received')

    expect([first.status, ...again.map(({ status }) => status), (await alive(shop)).length]).toEqual([200, 200, 200, 1])
    expect(received).toMatchObject([
      { count: 1, isRepeated: false },
      { count: 0, isRepeated: true },
      { count: 0, isRepeated: true },
    ])
  })

  it('BCL-08: a token without jti is refused', async () => {
    expect(await outcomeOf(with_({ jti: undefined }))).toEqual(refusedFor('jti'))
    expect(await outcomeOf(with_({ jti: '' }))).toEqual(refusedFor('jti'))
  })

  it('BCL-08: while the store is away the provider is told to come again, and its token is still good then', async () => {
    const provider = await scriptedProvider()
    const shop = ssoSite(provider)
    await signedIn(shop, provider)
    const token = await with_({})(provider)
    shop.store.setFaults({ revokeLinked: { kind: 'error' } })
    const during = await shop.backChannel(token)
    shop.store.setFaults({})
    const after = await shop.backChannel(token)
    await shop.sessions.events.drained()

    expect([during.status, during.headers.get('retry-after') !== null, after.status]).toEqual([503, true, 200])
    expect(await alive(shop)).toEqual([])
    expect(shop.events).toContainEqual(expect.objectContaining({ type: 'provider.logout-received', count: 1, isRepeated: false }))
  })

  it('BCL-08: while the provider’s keys cannot be had nobody can tell, and it is told to come again', async () => {
    const provider = await scriptedProvider()
    const shop = ssoSite(provider)
    await signedIn(shop, provider)
    const token = await with_({})(provider)
    await provider.close()
    const response = await shop.backChannel(token)

    expect([response.status, response.headers.get('retry-after'), (await alive(shop)).length]).toEqual([503, '5', 1])
  })
})

it('BCL-09: with sid and sub, only what is both ends', async () => {
  expect(await outcomeOf(with_({ sub: 'ada' }))).toEqual(ENDED)
  expect(await outcomeOf(with_({ sub: 'bob' }))).toEqual([200, undefined, 2])
})

describe('BCL-10', () => {
  it.each([[undefined], ['JWT'], ['at+jwt'], ['secevent+jwt'], ['dpop+jwt']])(
    'BCL-10: a token of type %s is refused',
    async (typ) => {
      expect(await outcomeOf(with_({}, { header: { typ } }))).toEqual(refusedFor('type'))
    },
  )

  it.each([['logout+JWT'], ['application/logout+jwt']])('BCL-10: %s is the same type (RFC 7515, 4.1.9)', async (typ) => {
    expect(await outcomeOf(with_({}, { header: { typ } }))).toEqual(ENDED)
  })

  it('BCL-10: a provider without types is an option that is reported, and even then no other type passes', async () => {
    const options = { dangerouslyAllowUntypedLogoutTokens: true }
    expect(await outcomeOf(with_({}, { header: { typ: undefined } }), options)).toEqual(ENDED)
    expect(await outcomeOf(with_({}, { header: { typ: 'at+jwt' } }), options)).toEqual(refusedFor('type'))
    const shop = ssoSite(await scriptedProvider(), options)
    await shop.sessions.events.drained()
    expect(shop.events).toContainEqual(
      expect.objectContaining({ type: 'safety.lowered', option: 'relyingParty.dangerouslyAllowUntypedLogoutTokens' }),
    )
  })

  it('BCL-10: one that is good for longer than two minutes is refused, unless that is what the provider does', async () => {
    const long = with_({ exp: now() + 600 })
    expect(await outcomeOf(long)).toEqual(refusedFor('lifetime'))
    expect(await outcomeOf(long, { logoutTokenLifetime: minutes(10) })).toEqual(ENDED)
  })
})

it('BCL-11: whatever fails is 400 with invalid_request, says nothing of what was sent, and ends nothing', async () => {
  const provider = await scriptedProvider()
  const shop = ssoSite(provider)
  await signedIn(shop, provider)
  const good = await with_({})(provider)
  const bodies: NonNullable<RequestInit['body']>[] = [
    new URLSearchParams(),
    new URLSearchParams([
      ['logout_token', 'a'],
      ['logout_token', await with_({})(provider)],
    ]),
    new URLSearchParams([
      ['logout_token', good],
      ['logout_token', good],
    ]),
    new URLSearchParams({ logout_token: 'x'.repeat(20_000) }),
    new URLSearchParams({ logout_token: 'a.b.c' }),
    new URLSearchParams({ logout_token: '' }),
    new Blob([await with_({})(provider)], { type: 'application/jwt' }),
  ]
  for (const body of bodies) {
    const response = await shop.backChannel(body)
    expect([response.status, ((await response.json()) as { error: string }).error]).toEqual([400, 'invalid_request'])
  }
  expect((await alive(shop)).length).toBe(1)
  expect((await shop.answer('/sso/back-channel-logout')).status).toBe(405)
})

it('BCL-12: success is 200, also where nobody is signed in any more', async () => {
  const provider = await scriptedProvider()
  const shop = ssoSite(provider)
  const response = await shop.backChannel(await with_({})(provider))

  expect([response.status, await response.text()]).toEqual([200, ''])
})

it('BCL-13: no answer is kept', async () => {
  const provider = await scriptedProvider()
  const shop = ssoSite(provider)
  const answers = [await shop.backChannel(await with_({})(provider)), await shop.backChannel('x')]

  expect(answers.map(({ headers }) => headers.get('cache-control'))).toEqual(['no-store', 'no-store'])
})

it('BCL-14: a sid ends that login’s sessions, a sub alone all of the person’s at that provider, and nobody else’s', async () => {
  const provider = await scriptedProvider()
  const shop = ssoSite(provider)
  const sessions = [await signedIn(shop, provider), await signedIn(shop, provider, { sid: 'login-2' })]
  await signedIn(shop, provider, { subject: 'bob', sid: 'login-3' })
  await signedIn(shop, { issuer: 'https://other.example' })
  await shop.sessions.signIn({ subject: 'ada', method: 'pwd' })
  await shop.backChannel(await with_({})(provider))
  const bySid = await alive(shop)
  await shop.backChannel(await with_({ sid: undefined, sub: 'ada' })(provider))

  expect([bySid.includes(sessions[0]!.id), bySid.includes(sessions[1]!.id), bySid.length]).toEqual([false, true, 3])
  expect([(await alive(shop)).length, (await alive(shop, 'bob')).length]).toEqual([2, 1])
})

it('BCL-14: a logout that comes before the session is written refuses it', async () => {
  const provider = await scriptedProvider()
  const shop = ssoSite(provider)
  const ada = person(shop)
  const to = await ada.begin()
  const idToken = await provider.sign(idClaims(provider, to))
  provider.token = async () => {
    await shop.backChannel(await with_({ iat: now() + 1 })(provider))
    return { status: 200, body: { access_token: 'x', token_type: 'Bearer', id_token: idToken } }
  }

  expect(await ada.back(callbackOf(provider, to))).toEqual({ ok: false, reason: 'signed-out' })
  expect((await ada.me()).subject).toBe(null)
})

it('BCL-15: none of the provider’s own tokens outlives the session, because none is kept', async () => {
  const provider = await scriptedProvider()
  const shop = ssoSite(provider)
  const ada = person(shop)
  await ada.signIn(provider)
  const kept = JSON.stringify([shop.store, await ada.me(), [...ada.jar.cookies('https://shop.example/')]])

  expect(kept).not.toContain('provider-access')
})

it('BCL-16: it needs no cookie and no token against forgery, and asks for no session', async () => {
  const provider = await scriptedProvider()
  const shop = ssoSite(provider)
  await signedIn(shop, provider)
  const response = await shop.backChannel(await with_({})(provider), {
    'sec-fetch-site': 'cross-site',
    origin: 'https://elsewhere.example',
    cookie: '__Host-sjn=x',
  })

  expect([response.status, response.headers.getSetCookie(), (await alive(shop)).length]).toEqual([200, [], 0])
})

it('BCL-17: a logout token signs nobody in, and an ID token ends nothing', async () => {
  const provider = await scriptedProvider()
  const shop = ssoSite(provider)
  const ada = person(shop)
  const to = await ada.begin()
  const outcomes = []
  for (const how of [LOGOUT_TYPE, {}]) {
    const next = await ada.begin()
    answerWith(provider, await provider.sign({ ...logoutClaims(provider), ...idClaims(provider, next) }, how))
    outcomes.push(await ada.back(callbackOf(provider, next)))
  }

  expect(outcomes).toEqual([
    { ok: false, reason: 'type' },
    { ok: false, reason: 'claims' },
  ])
  expect(await outcomeOf((one) => one.sign(idClaims(one, to), {}))).toEqual(refusedFor('type'))
  expect(await outcomeOf((one) => one.sign(idClaims(one, to), {}), { dangerouslyAllowUntypedLogoutTokens: true })).toEqual(
    refusedFor('lifetime'),
  )
})

it('BCL-18: what a provider ends is told as any end of a session is, for whoever tells others (the hub)', async () => {
  const provider = await scriptedProvider()
  const shop = ssoSite(provider)
  const session = await signedIn(shop, provider)
  await shop.backChannel(await with_({})(provider))
  await shop.sessions.events.drained()

  expect(shop.events).toContainEqual(
    expect.objectContaining({ type: 'session.revoked', sessionId: session.id, reason: 'provider-logout' }),
  )
})
