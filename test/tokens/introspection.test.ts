// Whether a token is good now, for services that ask (RFC 7662).
import { describe, expect, it } from 'vitest'
import { amendLive } from '../../src/core/amending.ts'
import { minutes, seconds } from '../../src/core/duration.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { faultyStore } from '../../src/testing/faulty-store.ts'
import { AUDIENCE, asserted, assertion, basic, endpointSite, ISSUER, ORDERS, STOCK } from './endpoint-site.ts'

const INACTIVE = { active: false }

describe('a token of a live session', () => {
  it('is active, with the claims a service needs and no others', async () => {
    const site = await endpointSite()
    const { accessToken, sessionId, claims } = await site.token('ada', {
      clientId: 'app',
      scope: ['read', 'write'],
      claims: { email: 'ada@example.org', username: 'ada' },
    })

    expect(await site.ask(accessToken)).toEqual({
      active: true,
      token_type: 'Bearer',
      iss: ISSUER,
      sub: 'ada',
      aud: AUDIENCE,
      client_id: 'app',
      scope: 'read write',
      exp: claims.exp,
      iat: claims.iat,
      jti: claims.jti,
      sid: sessionId,
      acr: 'aal1',
      amr: ['pwd'],
      auth_time: claims.iat,
    })
  })

  it('that is bound to a key says so', async () => {
    const site = await endpointSite()
    const jkt = 'A'.repeat(43)
    const { accessToken } = await site.token('ada', { clientId: 'app', jkt })

    expect(await site.ask(accessToken)).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt } })
  })

  it('for several audiences is active for each of them', async () => {
    const site = await endpointSite()
    const { accessToken } = await site.token('ada', { clientId: 'app', audience: [AUDIENCE, 'https://stock.example'] })

    expect(await site.ask(accessToken)).toMatchObject({ active: true })
    expect(await site.ask(accessToken, basic('stock', STOCK.clientSecret))).toMatchObject({ active: true })
  })

  it('is told to a client that signs as well', async () => {
    const site = await endpointSite()
    const { accessToken } = await site.token()
    const answer = await site.post('/oauth/introspect', { token: accessToken, ...asserted(assertion(site)) })

    expect(await answer.json()).toMatchObject({ active: true })
  })

  it('is active whatever the hint says', async () => {
    const site = await endpointSite()
    const { accessToken } = await site.token()
    for (const hint of ['refresh_token', 'access_token', 'saml2', '']) {
      const form = { token: accessToken, token_type_hint: hint }
      const answer = await site.post('/oauth/introspect', form, basic('orders', ORDERS.clientSecret))

      expect(await answer.json()).toMatchObject({ active: true })
    }
  })
})

describe('a token is inactive, and nothing more is said,', () => {
  it.each<[string, (site: Awaited<ReturnType<typeof endpointSite>>, sessionId: string) => unknown]>([
    ['once its session is signed out', (site, id) => site.sessions.revoke(id)],
    ['once all of its subject’s sessions have ended', (site) => site.sessions.revokeSubject('ada')],
    ['once its own time is over', (site) => site.clock.advance(minutes(5))],
    ['once its session was idle for too long', (site) => site.clock.advance(minutes(31))],
    [
      'once the client was in doubt after it was minted',
      (site, id) => amendLive(site.context.service, id, ({ details }) => ({ details: { ...details, doubtedAt: site.clock() } })),
    ],
    [
      'while its session waits for a second factor',
      (site, id) => amendLive(site.context.service, id, ({ details }) => ({ details: { ...details, due: 'aal2' } })),
    ],
  ])('%s', async (_name, happen) => {
    const site = await endpointSite()
    const { accessToken, sessionId } = await site.token()
    const before = await site.ask(accessToken)
    await happen(site, sessionId)

    expect([before.active, await site.ask(accessToken)]).toEqual([true, INACTIVE])
  })

  it('to a service it is not for', async () => {
    const site = await endpointSite()
    const { accessToken } = await site.token()

    expect(await site.ask(accessToken, basic('stock', STOCK.clientSecret))).toEqual(INACTIVE)
  })

  it.each([
    'x',
    'a.b.c',
    'sjr1_AAAA',
    'é'.repeat(2000),
    '\0',
    'A'.repeat(60_000),
    `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"ada"}').toString('base64url')}.`,
  ])('when it is none of ours (%#)', async (token) => {
    const site = await endpointSite()

    expect(await site.ask(token)).toEqual(INACTIVE)
    expect(site.warnings).toEqual([])
  })
})

it('one minted after a new proof is good again, though one from before the doubt is not', async () => {
  const site = await endpointSite()
  const before = await site.token()
  const doubtedAt = site.clock.advance(seconds(10))
  await amendLive(site.context.service, before.sessionId, ({ details }) => ({ details: { ...details, doubtedAt } }))
  site.clock.advance(seconds(10))
  const after = await site.mintAgain(before.session)

  expect([await site.ask(before.accessToken), (await site.ask(after)).active]).toEqual([INACTIVE, true])
})

it('a refresh token is active to its own client alone', async () => {
  const site = await endpointSite()
  const { sessionId } = await site.token()
  const family = { sessionId, subject: 'ada', scope: ['read'], deadline: site.clock() + minutes(20), jkt: 'A'.repeat(43) }
  site.families.set('sjr1_app', { ...family, clientId: 'app' })
  site.families.set('sjr1_orders', { ...family, clientId: 'orders' })

  expect(await site.ask('sjr1_app')).toEqual(INACTIVE)
  expect(await site.ask('sjr1_orders')).toEqual({
    active: true,
    iss: ISSUER,
    sub: 'ada',
    client_id: 'orders',
    scope: 'read',
    exp: Math.floor(family.deadline / 1000),
    sid: sessionId,
    cnf: { jkt: family.jkt },
  })
})

describe('a question', () => {
  it('of a client that may not ask is refused', async () => {
    const site = await endpointSite()
    const { accessToken } = await site.token()
    const refused = await site.introspect(accessToken, basic('idle', STOCK.clientSecret))

    expect([refused.status, await refused.json()]).toEqual([403, { error: 'unauthorized_client' }])
  })

  it('of a public client is refused: anybody can say its name', async () => {
    const site = await endpointSite()
    const { accessToken } = await site.token()

    expect((await site.post('/oauth/introspect', { token: accessToken, client_id: 'app' })).status).toBe(403)
  })

  it.each<[string, string | URLSearchParams, Record<string, string>]>([
    ['without a token', new URLSearchParams(), {}],
    ['with an empty token', new URLSearchParams({ token: '' }), {}],
    [
      'with two tokens',
      new URLSearchParams([
        ['token', 'a'],
        ['token', 'b'],
      ]),
      {},
    ],
    ['in JSON', '{"token":"x"}', { 'content-type': 'application/json' }],
    ['that is too long', `token=${'x'.repeat(70_000)}`, { 'content-type': 'application/x-www-form-urlencoded' }],
    ['that is not UTF-8', 'token=%ff', { 'content-type': 'text/plain' }],
  ])('%s is a bad request', async (_name, body, headers) => {
    const site = await endpointSite()
    const form = body instanceof URLSearchParams ? body : body
    const answer = await site.post('/oauth/introspect', form as never, { ...headers, ...basic('orders', ORDERS.clientSecret) })

    expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([400, 'invalid_request'])
  })

  it('with the token in the URL is a bad request: URLs are written into logs', async () => {
    const site = await endpointSite()
    const { accessToken } = await site.token()
    const answer = await site.post(`/oauth/introspect?token=${accessToken}`, {}, basic('orders', ORDERS.clientSecret))

    expect(answer.status).toBe(400)
  })

  it('by GET is not answered', async () => {
    const site = await endpointSite()
    const answer = await fetch(`${site.origin}/oauth/introspect?token=x`, { headers: basic('orders', ORDERS.clientSecret) })

    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST'])
  })
})

it('while the store is away nothing is said: 503, never inactive', async () => {
  const store = faultyStore(memoryStore())
  const site = await endpointSite({ store })
  const { accessToken } = await site.token()
  for (const operation of ['read', 'ledger.get'] as const) {
    store.setFaults({ [operation]: { kind: 'error' } })
    const answer = await site.introspect(accessToken)

    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await answer.text()).not.toContain('active')
  }
})

it('an answer is kept nowhere', async () => {
  const site = await endpointSite()
  const { accessToken } = await site.token()

  expect((await site.introspect(accessToken)).headers.get('cache-control')).toBe('no-store')
})

it('a token that says a lot is one all the same', async () => {
  const site = await endpointSite()
  const scope = Array.from(
    { length: 90 },
    (_, i) => `a-scope-with-a-long-name-to-read-this-and-that-of-the-department-of-the-number-${i}`,
  )
  const { accessToken } = await site.token('ada', { clientId: 'app', scope })

  expect(accessToken.length).toBeGreaterThan(8192)
  expect(await site.ask(accessToken)).toMatchObject({ active: true })
  await site.post('/oauth/revoke', { client_id: 'app', token: accessToken })
  expect(await site.ask(accessToken)).toEqual({ active: false })
})
