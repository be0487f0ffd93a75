// RFC 7009 and RFC 7662, at the endpoints of a whole application, over Web requests.
import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { minutes, seconds } from '../../../src/core/duration.ts'
import { memoryStore } from '../../../src/stores/memory.ts'
import { faultyStore } from '../../../src/testing/faulty-store.ts'
import { createTokens } from '../../../src/tokens/tokens.ts'
import { setUp } from '../../core/support.ts'
import { basic, ISSUER } from '../../tokens/endpoint-site.ts'

const AUDIENCE = 'https://api.shop.example'
const clientSecret = () => randomBytes(32).toString('base64url')
const [PARTNER, OTHER, ORDERS] = [clientSecret(), clientSecret(), clientSecret()]
const [partner, other, orders] = [basic('partner', PARTNER), basic('other', OTHER), basic('orders', ORDERS)]

async function shop() {
  const store = faultyStore(memoryStore())
  const core = setUp({ store })
  const tokens = createTokens(core.sessions, {
    issuer: ISSUER,
    audience: AUDIENCE,
    clients: [
      { id: 'partner', authentication: { clientSecret: PARTNER } },
      { id: 'other', authentication: { clientSecret: OTHER } },
      { id: 'orders', authentication: { clientSecret: ORDERS }, may: ['introspect'] },
      { id: 'stock', authentication: { clientSecret: OTHER }, may: ['introspect'], audiences: ['https://stock.example'] },
    ],
  })
  const post = async (path: string, form: Record<string, string>, headers: Record<string, string> = {}) => {
    const body = new URLSearchParams(form)
    return (await tokens.web(new Request(ISSUER + path, { method: 'POST', body, headers })))!
  }
  const session = await core.sessions.signIn({ subject: 'ada', method: 'pwd' })
  const granted = await tokens.grant(session, { clientId: 'partner' })
  return {
    ...core,
    store,
    tokens,
    session,
    granted,
    post,
    revoke: (token: string, hint?: string, headers = partner) =>
      post('/oauth/revoke', { token, ...(hint !== undefined && { token_type_hint: hint }) }, headers),
    refresh: async (refresh_token: string) =>
      (await post('/oauth/token', { grant_type: 'refresh_token', refresh_token }, partner)).status,
    ask: async (token: string, headers = orders) =>
      (await (await post('/oauth/introspect', { token }, headers)).json()) as Record<string, unknown>,
  }
}

it('REV-01: a form with the token; a hint that is wrong, or that nobody knows, changes nothing', async () => {
  for (const hint of [undefined, 'access_token', 'refresh_token', 'saml2']) {
    const { granted, revoke, refresh, ask } = await shop()
    const { accessToken, refreshToken } = granted
    const answers = [await revoke(accessToken, hint), await revoke(refreshToken, hint)]

    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect([await ask(accessToken), await refresh(refreshToken)]).toEqual([{ active: false }, 400])
  }
})

it('REV-02: whoever asks must be a client, and the token its own', async () => {
  const { granted, revoke, refresh, ask, post } = await shop()
  const { accessToken, refreshToken } = granted
  const strangers = [
    await post('/oauth/revoke', { token: refreshToken }),
    await revoke(refreshToken, undefined, basic('partner', OTHER)),
  ]
  const foreign = [await revoke(accessToken, undefined, other), await revoke(refreshToken, undefined, other)]

  expect(strangers.map(({ status }) => status)).toEqual([401, 401])
  expect(
    await Promise.all(foreign.map(async (answer) => [answer.status, ((await answer.json()) as { error: string }).error])),
  ).toEqual([
    [400, 'invalid_grant'],
    [400, 'invalid_grant'],
  ])
  expect([(await ask(accessToken)).active, await refresh(refreshToken)]).toEqual([true, 200])
})

it('REV-03: what is no token, was one, or was given back before, is answered like one that was', async () => {
  const { clock, granted, revoke } = await shop()
  const answers = [await revoke(granted.refreshToken), await revoke(granted.refreshToken), await revoke('guess')]
  clock.advance(minutes(10))
  answers.push(await revoke(granted.accessToken))

  expect(await Promise.all(answers.map(async (answer) => [answer.status, await answer.text()]))).toEqual(
    answers.map(() => [200, '']),
  )
})

it('REV-04: a refresh token given back is dead at once, with the access tokens of its grant; the session lives on', async () => {
  const { clock, sessions, tokens, session, granted, revoke, refresh, ask } = await shop()
  const own = await tokens.mint(session)
  const before = (await ask(granted.accessToken)).active
  await revoke(granted.refreshToken)

  expect([before, await refresh(granted.refreshToken), await ask(granted.accessToken)]).toEqual([true, 400, { active: false }])
  expect([(await ask(own.accessToken)).active, (await sessions.list('ada')).length]).toEqual([true, 1])
  clock.advance(seconds(1))
  const again = await tokens.grant(session, { clientId: 'partner' })
  expect((await ask(again.accessToken)).active).toBe(true)
  await revoke(again.accessToken)
  expect([await ask(again.accessToken), await refresh(again.refreshToken)]).toEqual([{ active: false }, 200])
})

it('REV-05: 503 means that the token still exists; the client tries again', async () => {
  const { store, granted, revoke, refresh, ask } = await shop()
  store.setFaults({ all: { kind: 'error' } })
  const away = await revoke(granted.refreshToken)
  store.setFaults({})

  expect([away.status, away.headers.get('retry-after'), (await ask(granted.accessToken)).active]).toEqual([503, '1', true])
  expect([(await revoke(granted.refreshToken)).status, await refresh(granted.refreshToken)]).toEqual([200, 400])
})

it('INTRO-01: whoever asks must be authorised, or is told nothing', async () => {
  const { granted, post } = await shop()
  const form = { token: granted.accessToken }
  const answers = [
    await post('/oauth/introspect', form),
    await post('/oauth/introspect', { ...form, client_id: 'orders' }),
    await post('/oauth/introspect', form, basic('orders', OTHER)),
    await post('/oauth/introspect', form, { authorization: `Bearer ${granted.accessToken}` }),
    await post('/oauth/introspect', form, partner),
  ]

  expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 403])
  expect(answers.slice(0, 4).map(({ headers }) => headers.get('www-authenticate'))).toEqual(
    Array.from({ length: 4 }, () => `Basic realm="${ISSUER}", charset="UTF-8"`),
  )
})

it('INTRO-02: active is a boolean, and an inactive token is no error and nothing but inactive', async () => {
  const { granted, post, ask } = await shop()
  const inactive = await post('/oauth/introspect', { token: 'guess' }, orders)

  expect([inactive.status, await inactive.text()]).toEqual([200, '{"active":false}'])
  expect(await ask(granted.accessToken)).toMatchObject({ active: true, sub: 'ada', client_id: 'partner', iss: ISSUER })
})

it('INTRO-03: expiry, revocation, signature, the session, and whether this service may use it', async () => {
  const { clock, sessions, session, tokens, ask } = await shop()
  const mint = async () => (await tokens.mint(session)).accessToken
  const [good, ended, expired] = [await mint(), await mint(), await mint()]
  const [header, claims, signature] = good.split('.') as [string, string, string]
  const forged = `${header}.${Buffer.from(JSON.stringify({ sub: 'bob' })).toString('base64url')}.${signature}`
  const elsewhere = await ask(good, basic('stock', OTHER))
  const before = [
    (await ask(good)).active,
    (await ask(ended)).active,
    await ask(forged),
    await ask(`${header}.${claims}.`),
    elsewhere,
  ]
  await sessions.revoke(session.id!)
  const after = [await ask(good), await ask(ended)]
  clock.advance(minutes(5))

  expect(before).toEqual([true, true, { active: false }, { active: false }, { active: false }])
  expect([...after, await ask(expired)]).toEqual([{ active: false }, { active: false }, { active: false }])
})
