// Tokens given back (RFC 7009).
import { describe, expect, it } from 'vitest'
import { minutes, seconds } from '../../src/core/duration.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { faultyStore } from '../../src/testing/faulty-store.ts'
import { basic, type EndpointSite, endpointSite, ORDERS } from './endpoint-site.ts'
import { API, ISSUER, minting } from './support.ts'

const give = (site: EndpointSite, token: string, clientId = 'app', more = {}) =>
  site.post('/oauth/revoke', { token, client_id: clientId, ...more })

function familyOf(site: EndpointSite, sessionId: string, token = 'sjr1_x') {
  site.families.set(token, {
    clientId: 'app',
    sessionId,
    subject: 'ada',
    scope: [],
    deadline: site.clock() + minutes(20),
    jkt: undefined,
  })
  return token
}

describe('an access token', () => {
  it('given back is inactive from then on; others of its session, and the session, live', async () => {
    const site = await endpointSite()
    const given = await site.token()
    const kept = await site.mintAgain(given.session)
    const answer = await give(site, given.accessToken)

    expect([answer.status, await answer.text()]).toEqual([200, ''])
    expect([await site.ask(given.accessToken), (await site.ask(kept)).active]).toEqual([{ active: false }, true])
    expect(await site.sessions.list('ada')).toHaveLength(1)
    expect(await site.seen('access-token.revoked')).toMatchObject([{ sessionId: given.sessionId, clientId: 'app' }])
  })

  it('given back twice is answered twice', async () => {
    const site = await endpointSite()
    const { accessToken } = await site.token()

    expect([(await give(site, accessToken)).status, (await give(site, accessToken)).status]).toEqual([200, 200])
  })

  it('given back stays denied for as long as a service’s clock may take it for good', async () => {
    const site = await endpointSite()
    const { accessToken, claims } = await site.token()
    await give(site, accessToken)
    site.clock.set(claims.exp * 1000 + seconds(59))

    expect(await site.denials.isDenied(claims as never)).toBe(true)
  })

  it('of another client stays, and that client is told so', async () => {
    const site = await endpointSite()
    const { accessToken } = await site.token()
    const answer = await give(site, accessToken, 'other-app')

    expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([400, 'invalid_grant'])
    expect((await site.ask(accessToken)).active).toBe(true)
  })

  it('is not denied while the store is away: 503, and the client tries again', async () => {
    const store = faultyStore(memoryStore())
    const site = await endpointSite({ store })
    const { accessToken } = await site.token()
    store.setFaults({ 'ledger.put': { kind: 'error' } })
    const answer = await give(site, accessToken)
    store.setFaults({})

    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
    expect((await site.ask(accessToken)).active).toBe(true)
    expect([(await give(site, accessToken)).status, await site.ask(accessToken)]).toEqual([200, { active: false }])
  })
})

describe('a refresh token', () => {
  it('given back ends its family, and denies what its client has got in the session so far', async () => {
    const site = await endpointSite()
    const { accessToken, session, sessionId } = await site.token()
    const ofOther = await site.mintAgain(session, { clientId: 'other-app' })
    const answer = await give(site, familyOf(site, sessionId))

    expect([answer.status, site.families.size]).toEqual([200, 0])
    expect([await site.ask(accessToken), (await site.ask(ofOther)).active]).toEqual([{ active: false }, true])
    site.clock.advance(seconds(1))
    expect((await site.ask(await site.mintAgain(session))).active).toBe(true)
  })

  it('of another client stays', async () => {
    const site = await endpointSite()
    const { sessionId } = await site.token()
    const answer = await give(site, familyOf(site, sessionId), 'other-app')

    expect([answer.status, site.families.size]).toEqual([400, 1])
  })

  it('is still there after an outage, so that the client can try again', async () => {
    const store = faultyStore(memoryStore())
    const site = await endpointSite({ store })
    const { sessionId, accessToken } = await site.token()
    const token = familyOf(site, sessionId)
    store.setFaults({ 'ledger.put': { kind: 'error' } })
    const first = await give(site, token)
    store.setFaults({})

    expect([first.status, site.families.size]).toEqual([503, 1])
    expect([(await give(site, token)).status, await site.ask(accessToken)]).toEqual([200, { active: false }])
  })

  it.each(['access_token', 'refresh_token', 'saml2', ''])('is found whatever the hint says (%s)', async (hint) => {
    const site = await endpointSite()
    const { sessionId } = await site.token()
    await give(site, familyOf(site, sessionId), 'app', { token_type_hint: hint })

    expect(site.families.size).toBe(0)
  })
})

it.each(['x', 'a.b.c', 'sjr1_unknown', 'A'.repeat(60_000), '\0'])(
  'what was never a token is answered like one (%#)',
  async (token) => {
    const site = await endpointSite()
    const answer = await give(site, token)

    expect([answer.status, await answer.text(), answer.headers.get('cache-control')]).toEqual([200, '', 'no-store'])
  },
)

it('nobody gives back anything without saying who they are', async () => {
  const site = await endpointSite()
  const { accessToken } = await site.token()
  const answers = [
    await site.post('/oauth/revoke', { token: accessToken }),
    await give(site, accessToken, 'nobody'),
    // It is a client that must prove itself, so that its name alone is not enough.
    await give(site, accessToken, 'orders'),
    await site.post('/oauth/revoke', { token: accessToken }, basic('orders', `${ORDERS.clientSecret}x`)),
  ]

  expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401])
  expect((await site.ask(accessToken)).active).toBe(true)
})

it('the token in the URL is not looked at, and GET not answered', async () => {
  const site = await endpointSite()
  const { accessToken } = await site.token()
  const url = `/oauth/revoke?token=${accessToken}&client_id=app`

  expect([(await fetch(site.origin + url)).status, (await site.post(url, { client_id: 'app' })).status]).toEqual([405, 400])
  expect((await site.ask(accessToken)).active).toBe(true)
})

describe('a refresh token that was replaced long ago', () => {
  it('given back still ends its family, and denies the access tokens its client has', async () => {
    const clientSecret = 'q3Jx0vM2hV8sK1yB6tR9wE4uP7aZ5cN-dF_gHiLkOjQ'
    const { tokens, sessions, clock } = minting({
      tokens: {
        dangerouslyAllowHttp: true,
        clients: [
          { id: 'app', authentication: 'public', dpop: 'allowed' },
          { id: 'orders', authentication: { clientSecret }, audiences: [API], may: ['introspect'] },
        ],
      },
    })
    const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
    const post = async (path: string, form: Record<string, string>, headers = {}) =>
      (await tokens.web(new Request(`${ISSUER}${path}`, { method: 'POST', headers, body: new URLSearchParams(form) })))!
    const refresh = async (token: string) =>
      (await (
        await post('/oauth/token', { grant_type: 'refresh_token', refresh_token: token, client_id: 'app' })
      ).json()) as Record<'access_token' | 'refresh_token', string>
    const first = await tokens.grant(session, { clientId: 'app' })
    const second = await refresh(first.refreshToken)
    const third = await refresh(second.refresh_token)
    clock.advance(minutes(2))
    const isActive = async () => {
      const authorization = `Basic ${Buffer.from(`orders:${clientSecret}`).toString('base64')}`
      const answer = await post('/oauth/introspect', { token: third.access_token }, { authorization })
      return ((await answer.json()) as { active: boolean }).active
    }
    const before = await isActive()
    const answer = await post('/oauth/revoke', { token: first.refreshToken, client_id: 'app' })

    expect([before, answer.status, await isActive()]).toEqual([true, 200, false])
    expect(await refresh(third.refresh_token)).toMatchObject({ error: 'invalid_grant' })
  })
})
