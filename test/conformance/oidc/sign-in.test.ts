// OpenID Connect Core 1.0, 3.1.3.7, as ASVS 5.0, V10.1, V10.2, V10.3, V10.5 and V7.6 ask of a relying party.
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { hours, minutes } from '../../../src/core/duration.ts'
import { cookieJar } from '../../../src/testing/cookie-jar.ts'
import { type ScriptedProvider, type Signing, scriptedProvider } from '../../oidc/support/scripted-provider.ts'
import { answerCodes, CLIENT, callbackOf, keyPair, ORIGIN, person, type SiteOptions, ssoSite } from '../../oidc/support/site.ts'

const now = () => Math.floor(Date.now() / 1000)
const refused = (reason: string) => ({ ok: false, reason })

/** What a sign-in comes to whose ID token has these claims. */
async function outcomeOf(claims: Record<string, unknown>, options: SiteOptions = {}, how: Signing = {}) {
  const provider = await scriptedProvider()
  const ada = person(ssoSite(provider, options))
  const to = await ada.begin()
  await answerCodes(provider, to, claims, how)
  const outcome = await ada.back(callbackOf(provider, to))
  return { outcome, subject: (await ada.me()).subject, provider }
}

async function reasonOf(claims: Record<string, unknown>, options: SiteOptions = {}, how: Signing = {}) {
  const { outcome, subject } = await outcomeOf(claims, options, how)
  return [outcome.ok ? 'signed in' : outcome.reason, subject]
}

async function visitor(options: SiteOptions = {}) {
  const provider = await scriptedProvider()
  const shop = ssoSite(provider, options)
  return { provider, shop, ada: person(shop) }
}

describe('the transaction', () => {
  it.each(['ASVS-10.1.2', 'BCP-05'])(
    '%s: state, nonce and verifier are 256 bits each, new each time, and the verifier goes as its hash',
    async () => {
      const { ada, provider } = await visitor()
      const [one, two] = [await ada.begin(), await ada.begin()]
      const names = ['state', 'nonce', 'code_challenge'] as const
      const values = [one, two].flatMap(({ searchParams }) => names.map((name) => searchParams.get(name)!))
      let verifier: string | null = null
      provider.token = (form) => {
        verifier = form.get('code_verifier')
        return { status: 400, body: { error: 'invalid_grant' } }
      }
      await ada.back(callbackOf(provider, two))

      expect(new Set(values).size).toBe(6)
      expect(values.every((value) => Buffer.from(value, 'base64url').length === 32)).toBe(true)
      expect(two.searchParams.get('code_challenge_method')).toBe('S256')
      expect(createHash('sha256').update(verifier!).digest('base64url')).toBe(two.searchParams.get('code_challenge'))
    },
  )

  it('ASVS-10.1.2: what a browser keeps of it is sealed, of one host, out of reach of scripts, and gone after ten minutes', async () => {
    const { ada, shop, provider } = await visitor()
    const response = await ada.visit('/sign-in', { method: 'POST', body: '{}' })
    const to = new URL(response.headers.get('location')!)
    const [line] = response.headers.getSetCookie()
    await answerCodes(provider, to)
    shop.clock.advance(minutes(10) + 1)

    expect(line).toMatch(/^__Host-sjn-sso-[0-9a-f]{16}=[A-Za-z0-9_-]+; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=600; /)
    expect(line).not.toContain(to.searchParams.get('state'))
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await ada.back(callbackOf(provider, to))).toEqual(refused('unknown-transaction'))
  })

  it('ASVS-10.1.2: a cookie that outlives its ten minutes is worth nothing', async () => {
    const { ada, shop, provider } = await visitor()
    const to = await ada.begin()
    await answerCodes(provider, to)
    const cookie = ada.jar.header(`${ORIGIN}/`)!
    shop.clock.advance(minutes(10) + 1)
    const response = await shop.answer(`/callback?${new URLSearchParams(callbackOf(provider, to))}`, { headers: { cookie } })

    expect(await response.json()).toEqual(refused('expired'))
    expect(provider.asked).not.toContain('/token')
  })

  it('ASVS-10.1.2: nor is one on a clock that went back since: how old it is, nobody knows', async () => {
    const { ada, shop, provider } = await visitor()
    const to = await ada.begin()
    await answerCodes(provider, to)
    shop.clock.advance(-minutes(10) - 1)

    expect(await ada.back(callbackOf(provider, to))).toEqual(refused('expired'))
    expect(provider.asked).not.toContain('/token')
  })

  it('ASVS-10.1.2: of two cookies of one name neither is believed', async () => {
    const { ada, shop, provider } = await visitor()
    const to = await ada.begin()
    await answerCodes(provider, to)
    const cookie = ada.jar.header(`${ORIGIN}/`)!
    const twice = { cookie: `${cookie}; ${cookie.split('=')[0]}=planted` }
    const response = await shop.answer(`/callback?${new URLSearchParams(callbackOf(provider, to))}`, { headers: twice })

    expect(await response.json()).toEqual(refused('unknown-transaction'))
  })

  it.each(['ASVS-10.1.2', 'BCP-03'])('%s: another browser’s callback signs nobody in', async () => {
    const { ada, shop, provider } = await visitor()
    const to = await ada.begin()
    await answerCodes(provider, to)
    const eve = person(shop)
    await eve.begin()

    expect(await eve.back(callbackOf(provider, to))).toEqual(refused('unknown-transaction'))
    expect((await eve.me()).subject).toBe(null)
  })

  it('ASVS-10.1.2: a callback works once, whatever cookie comes with it and in whichever process', async () => {
    const { ada, shop, provider } = await visitor()
    const to = await ada.begin()
    await answerCodes(provider, to)
    const cookie = ada.jar.header(`${ORIGIN}/`)!
    const path = `/callback?${new URLSearchParams(callbackOf(provider, to))}`
    const outcomes = await Promise.all(
      [1, 2, 3].map(
        async () => (await (await shop.answer(path, { headers: { cookie } })).json()) as { ok: boolean; reason?: string },
      ),
    )

    expect(outcomes.map(({ ok, reason }) => reason ?? ok).toSorted()).toEqual(['replayed', 'replayed', true].toSorted())
  })

  it('ASVS-10.1.2: tabs side by side have a transaction each; of more than four the oldest goes', async () => {
    const { ada, shop, provider } = await visitor()
    const tabs = []
    for (let tab = 0; tab < 6; tab++) {
      tabs.push(await ada.begin('/sign-in', { returnTo: `/tab-${tab}` }))
      shop.clock.advance(10)
    }
    const outcomes = []
    for (const to of tabs) {
      await answerCodes(provider, to)
      outcomes.push(await ada.back(callbackOf(provider, to)))
    }

    expect(outcomes.map((outcome) => (outcome.ok ? outcome.returnTo : outcome.reason))).toEqual([
      'unknown-transaction',
      'unknown-transaction',
      '/tab-2',
      '/tab-3',
      '/tab-4',
      '/tab-5',
    ])
  })

  it.each<[string, (query: Record<string, string>) => string]>([
    ['without state', ({ code, iss }) => `code=${code}&iss=${iss}`],
    ['with an empty one', ({ code, iss }) => `code=${code}&iss=${iss}&state=`],
    ['with another', ({ code, iss }) => `code=${code}&iss=${iss}&state=${'a'.repeat(43)}`],
    ['with a long one', ({ code, iss }) => `code=${code}&iss=${iss}&state=${'a'.repeat(9000)}`],
  ])('ASVS-10.2.1: a callback %s is nobody’s', async (_which, write) => {
    const { ada, provider } = await visitor()
    const to = await ada.begin()
    await answerCodes(provider, to)
    const response = await ada.visit(`/callback?${write(callbackOf(provider, to))}`)

    expect(await response.json()).toEqual(refused('unknown-transaction'))
    expect(provider.asked).not.toContain('/token')
  })

  it.each([['state'], ['code'], ['iss']])(
    'ASVS-10.2.1: a callback with two of %s is refused before anything is looked at',
    async (name) => {
      const { ada, provider } = await visitor()
      const to = await ada.begin()
      await answerCodes(provider, to)
      const query = new URLSearchParams(callbackOf(provider, to))
      query.append(name, query.get(name)!)

      expect(await ada.back(query)).toEqual(refused('callback'))
      // And nothing was spent: the person's own way back still works.
      expect(await ada.back(callbackOf(provider, to))).toMatchObject({ ok: true })
    },
  )

  it.each(['ASVS-10.2.2', 'BCP-04'])(
    '%s: an answer that is another provider’s, or does not say whose it is, gets no code redeemed (RFC 9207)',
    async () => {
      const { ada, provider } = await visitor()
      for (const iss of ['https://evil.example', `${provider.issuer}/`, '']) {
        const to = await ada.begin()
        expect(await ada.back({ ...callbackOf(provider, to), iss })).toEqual(refused('issuer'))
      }
      const to = await ada.begin()
      const { code, state } = callbackOf(provider, to)
      expect(await ada.back({ code: code!, state: state! })).toEqual(refused('issuer'))
      expect(provider.asked).not.toContain('/token')
    },
  )
})

describe('who it is', () => {
  it('ASVS-10.3.3: issuer and sub together are the person', async () => {
    const { outcome, provider } = await outcomeOf({ sub: 'a|b', email: 'ada@shop.example' })

    expect(outcome).toMatchObject({ ok: true, subject: `${provider.issuer}|a|b`, kind: 'sign-in', returnTo: '/' })
  })

  it('ASVS-10.5.2: the e-mail address is never the person, and a claim may be their name only if the application says so', async () => {
    const [one, two] = [await outcomeOf({ sub: '1', email: 'ada@x' }), await outcomeOf({ sub: '2', email: 'ada@x' })]
    const own = await outcomeOf({ sub: '1' }, { subjectOf: async ({ sub }) => `user-${sub}` })
    const nobody = await outcomeOf({}, { subjectOf: () => undefined })

    expect(one.subject!.slice(-2) === two.subject!.slice(-2)).toBe(false)
    expect([own.subject, nobody.outcome, nobody.subject]).toEqual(['user-1', refused('no-subject'), null])
  })

  it.each([[undefined], [''], [7], [null], ['x'.repeat(256)]])(
    'ASVS-10.5.2: an ID token whose sub is %j signs nobody in',
    async (sub) => {
      expect((await outcomeOf({ sub })).subject).toBe(null)
    },
  )

  it('ASVS-10.5.1: an ID token of another transaction, or of none, is refused', async () => {
    expect(await reasonOf({ nonce: 'x'.repeat(43) })).toEqual(['nonce', null])
    expect((await reasonOf({ nonce: undefined }))[1]).toBe(null)
  })

  it('ASVS-10.5.3: a provider that says it is another than the configured one is not believed', async () => {
    const provider = await scriptedProvider()
    for (const issuer of ['https://evil.example', `${provider.issuer}/`, provider.issuer.toUpperCase()]) {
      provider.metadata = { ...provider.metadata, issuer }
      const response = await person(ssoSite(provider)).visit('/sign-in', { method: 'POST', body: '{}' })
      expect([response.status, response.headers.get('location'), response.headers.getSetCookie()]).toEqual([503, null, []])
    }
  })

  it.each<[unknown, boolean]>([
    [CLIENT, true],
    [[CLIENT], true],
    ['club', false],
    [['club'], false],
    [[CLIENT, 'club'], false],
    [[], false],
    [undefined, false],
  ])('ASVS-10.5.4: the audience %j is ours: %s', async (aud, isOurs) => {
    expect((await outcomeOf({ aud })).outcome.ok).toBe(isOurs)
  })

  it('ASVS-10.5.4: a token made for another party is refused, however many audiences it names', async () => {
    expect((await reasonOf({ azp: 'club' }))[1]).toBe(null)
    expect((await reasonOf({ aud: [CLIENT, 'club'], azp: CLIENT }))[1]).toBe(null)
    expect((await outcomeOf({ azp: CLIENT })).outcome.ok).toBe(true)
  })

  it.each<[string, Record<string, unknown>]>([
    ['has expired', { iat: now() - 600, exp: now() - 100 }],
    ['never expires', { exp: undefined }],
    ['is of the future', { iat: now() + 100, exp: now() + 400 }],
    ['was made long ago', { iat: now() - 400, exp: now() + 400 }],
    ['is another issuer’s', { iss: 'https://evil.example' }],
    ['says odd things of the login', { sid: 7 }],
    ['says odd things of the methods', { amr: 'pwd' }],
    ['says when in the future', { auth_time: now() + 1000 }],
  ])('ASVS-10.5.1: an ID token that %s is refused', async (_which, claims) => {
    expect((await outcomeOf(claims)).subject).toBe(null)
  })

  it('ASVS-10.5.1: the signature counts although it came over TLS, and its algorithm is a named one', async () => {
    const strangers = await keyPair('ES256')
    const rs256 = await keyPair('RS256')

    expect(await reasonOf({}, {}, { key: strangers.privateKey })).toEqual(['signature', null])
    expect(await reasonOf({}, {}, { key: rs256.privateKey, header: { alg: 'RS256' } })).toEqual(['algorithm', null])
  })

  it('ASVS-10.5.1: RS256 is an opt-in that is reported', async () => {
    const provider = await scriptedProvider('RS256')
    const shop = ssoSite(provider, { algorithms: ['RS256'] })
    const outcome = await person(shop).signIn(provider)
    const strict = await person(ssoSite(provider)).signIn(provider)
    await shop.sessions.events.drained()

    expect([outcome.ok, strict]).toEqual([true, refused('algorithm')])
    expect(shop.events).toContainEqual(expect.objectContaining({ type: 'safety.lowered', option: 'relyingParty.algorithms' }))
  })

  it.each([['EdDSA'], ['PS256'], ['ES384']] as const)('ASVS-10.5.1: %s is as good as ES256', async (alg) => {
    const provider = await scriptedProvider(alg)
    const algorithms = alg === 'ES384' ? { algorithms: ['ES384'] as const } : {}

    expect((await person(ssoSite(provider, algorithms)).signIn(provider)).ok).toBe(true)
  })

  it('ASVS-10.5.5: see BCL-05 to BCL-10; a logout token without its type is refused, and one good for longer than two minutes', async () => {
    const { shop, provider } = await visitor()
    const claims = {
      iss: provider.issuer,
      aud: CLIENT,
      sid: 's',
      iat: now(),
      jti: 'j',
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    }
    const untyped = await provider.sign({ ...claims, exp: now() + 60 })
    const long = await provider.sign({ ...claims, exp: now() + 600 }, { header: { typ: 'logout+jwt' } })

    expect([(await shop.backChannel(untyped)).status, (await shop.backChannel(long)).status]).toEqual([400, 400])
  })
})

describe('how long ago', () => {
  it('ASVS-7.6.1: a person the provider saw too long ago is not signed in, and the provider was asked to see them', async () => {
    const { ada, provider } = await visitor({ maxAuthAge: hours(1) })
    const to = await ada.begin()
    await answerCodes(provider, to, { auth_time: now() - 3700 })

    expect(to.searchParams.get('max_age')).toBe('3600')
    expect(await ada.back(callbackOf(provider, to))).toEqual(refused('auth-time'))
    expect(await ada.signIn(provider, { auth_time: undefined })).toEqual(refused('auth-time'))
    expect((await ada.signIn(provider, { auth_time: now() - 3500 })).ok).toBe(true)
  })

  it('ASVS-7.6.1: when it has become too long, nothing that was proved counts until they prove it there anew', async () => {
    const { ada, shop, provider } = await visitor({ maxAuthAge: hours(1) })
    await ada.signIn(provider, { auth_time: now() - 1800, amr: ['pwd', 'otp'] })
    const before = await ada.me()
    shop.clock.advance(minutes(29))
    const stillIn = (await ada.me()).acr
    shop.clock.advance(minutes(2))
    const doubts: unknown[] = []
    shop.sessions.events.on('session.doubted', ({ reason, subject }) => doubts.push([reason, subject]))
    const late = await ada.me()
    await ada.me()
    await shop.sessions.events.drained()
    const to = await ada.begin('/step-up')

    expect(doubts).toEqual([['provider-age', before.subject]])
    expect([before.acr, stillIn, late.acr, late.subject]).toEqual(['aal2', 'aal2', 'aal0', before.subject])
    expect(to.searchParams.get('max_age')).toBe('0')
  })

  it('ASVS-7.6.1: a new proof there counts for as long again', async () => {
    const { ada, shop, provider } = await visitor({ maxAuthAge: hours(1) })
    await ada.signIn(provider, { auth_time: now() - 3590 })
    await ada.signIn(provider, {}, { path: '/step-up' })
    shop.clock.advance(minutes(20))

    expect((await ada.me()).acr).toBe('aal1')
  })

  it('ASVS-7.6.1: a proof made here does not stand in for the provider’s', async () => {
    const { ada, shop, provider } = await visitor({ maxAuthAge: hours(1) })
    await ada.signIn(provider)
    shop.clock.advance(minutes(25))
    await ada.me()
    shop.clock.advance(minutes(25))
    await ada.visit('/note')
    shop.clock.advance(minutes(11))
    const here = (await (await ada.visit('/otp')).json()) as { acr: string }

    expect(here.acr).toBe('aal1')
    expect((await ada.me()).acr).toBe('aal0')
  })

  it('ASVS-7.6.1: without auth_time, a login is older than anybody asks for', async () => {
    const { ada, provider } = await visitor()
    await ada.signIn(provider, { auth_time: undefined })

    expect((await ada.me()).facts).toEqual([{ method: 'oidc', at: 0, strength: 1 }])
  })

  it('ASVS-7.6.1: facts have the provider’s time, methods and, where the application says so, strength', async () => {
    const { ada, provider } = await visitor({ strengthOf: ({ acr }) => (acr === 'urn:example:passkey' ? 2 : 1) })
    const at = now() - 60
    await ada.signIn(provider, { auth_time: at, amr: ['hwk', 'user', 'b@d name'], acr: 'urn:example:passkey' })
    const { facts, acr } = await ada.me()

    expect([facts, acr]).toEqual([
      [
        { method: 'hwk', at: at * 1000, strength: 2 },
        { method: 'user', at: at * 1000, strength: 2 },
      ],
      'aal2',
    ])
  })

  it('ASVS-7.6.1: a level that was asked for must come back', async () => {
    const { ada, provider } = await visitor({ acrValues: ['urn:example:mfa'] })
    const to = await ada.begin()

    expect(to.searchParams.get('acr_values')).toBe('urn:example:mfa')
    expect(await ada.signIn(provider, { acr: 'urn:example:pwd' })).toEqual(refused('acr'))
    expect(await ada.signIn(provider, {})).toEqual(refused('acr'))
    expect((await ada.signIn(provider, { acr: 'urn:example:mfa' })).ok).toBe(true)
  })
})

describe('a step-up', () => {
  const signedIn = async (options: SiteOptions = {}) => {
    const given = await visitor(options)
    await given.ada.signIn(given.provider)
    return { ...given, before: await given.ada.me() }
  }

  it('ASVS-7.6.1: the same person at the same provider elevates the session they have', async () => {
    const { ada, provider, before } = await signedIn()
    await ada.visit('/note')
    const outcome = await ada.signIn(provider, { amr: ['pwd', 'otp'], acr: 'mfa' }, { path: '/step-up', acrValues: ['mfa'] })
    const after = await ada.me()

    expect(outcome).toMatchObject({ ok: true, kind: 'step-up' })
    expect([after.id, after.acr, after.data]).toEqual([before.id, 'aal2', { note: 'kept' }])
  })

  it('ASVS-7.6.1: an old proof is none: without acrValues it has to be a new one', async () => {
    const { ada, provider } = await signedIn()

    expect(await ada.signIn(provider, { auth_time: now() - 100 }, { path: '/step-up' })).toEqual(refused('auth-time'))
    expect((await ada.signIn(provider, { auth_time: now() }, { path: '/step-up' })).ok).toBe(true)
  })

  it.each<[string, Record<string, unknown>]>([['another person', { sub: 'bob' }]])(
    'ASVS-10.3.3: %s does not elevate it, and the session stays what it was',
    async (_which, claims) => {
      const { ada, provider, before } = await signedIn()

      expect(await ada.signIn(provider, { ...claims, amr: ['pwd', 'otp'] }, { path: '/step-up' })).toEqual(
        refused('other-subject'),
      )
      expect(await ada.me()).toEqual(before)
    },
  )

  it('ASVS-10.3.3: a new login of the same person there is a new session here, which ends with it', async () => {
    const { ada, shop, provider, before } = await signedIn()
    await ada.visit('/note')
    const outcome = await ada.signIn(provider, { sid: 'login-2' }, { path: '/step-up' })
    const after = await ada.me()

    expect(outcome).toMatchObject({ ok: true, kind: 'sign-in' })
    expect([after.id === before.id, after.subject, after.data]).toEqual([false, before.subject, { note: 'kept' }])
    expect(await shop.sessions.revokeLinked({ issuer: provider.issuer, sid: 'login-2' })).toBe(1)
  })

  it('ASVS-10.3.3: a session that ended, or was replaced, meanwhile is not elevated', async () => {
    const { ada, provider } = await signedIn()
    const to = await ada.begin('/step-up')
    await answerCodes(provider, to)
    await ada.visit('/local', { method: 'POST' })

    expect(await ada.back(callbackOf(provider, to))).toEqual(refused('session-changed'))
    await ada.signIn(provider)
    const again = await ada.begin('/step-up')
    await ada.signIn(provider)
    await answerCodes(provider, again)
    expect(await ada.back(callbackOf(provider, again))).toEqual(refused('session-changed'))
  })

  it('ASVS-10.3.3: who was not signed in by this provider cannot step up there', async () => {
    const { ada } = await visitor()
    const asVisitor = await ada.visit('/step-up', { method: 'POST', body: '{}' })
    await ada.visit('/local', { method: 'POST' })
    const asLocal = await ada.visit('/step-up', { method: 'POST', body: '{}' })

    expect([asVisitor.status, asLocal.status]).toEqual([401, 401])
  })
})

it('ASVS-7.6.2: no session starts without a transaction of this browser, nor by looking at a page that could start one', async () => {
  const { ada, shop, provider } = await visitor()
  const planted = await ada.back({ code: 'c', state: 'a'.repeat(43), iss: provider.issuer })
  const cross = await ada.visit('/sign-in', { method: 'POST', body: '{}', headers: { 'sec-fetch-site': 'cross-site' } })
  await ada.begin()

  expect([planted, cross.status, shop.store.calls.includes('create')]).toEqual([refused('unknown-transaction'), 403, false])
})

it('ASVS-7.6.2: what the provider says instead of a code signs nobody in, and is told in known words', async () => {
  const { ada, provider } = await visitor()
  const outcomes = []
  for (const error of ['access_denied', 'login_required', 'interaction_required', 'server_error', '<script>']) {
    const to = await ada.begin('/sign-in', { prompt: 'none' })
    const { state, iss } = callbackOf(provider, to)
    outcomes.push(await ada.back({ error, state: state!, iss: iss! }))
  }

  expect(outcomes).toEqual(['denied', 'login-required', 'login-required', 'provider-error', 'provider-error'].map(refused))
  expect(provider.asked).not.toContain('/token')
})

it('ASVS-10.1.2: a process that knows an older key of the ring finishes what it began before', async () => {
  const provider: ScriptedProvider = await scriptedProvider()
  const [older, newer] = [1, 2].map(() => Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url')) as [
    string,
    string,
  ]
  const before = ssoSite(provider, { keys: older })
  const after = ssoSite(provider, { keys: `${newer} ${older}` })
  const jar = cookieJar({ clock: before.clock })
  const to = await person(before, jar).begin()
  await answerCodes(provider, to)

  expect((await person(after, jar).back(callbackOf(provider, to))).ok).toBe(true)
})
