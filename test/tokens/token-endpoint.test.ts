// What the token endpoint takes, and what it answers (RFC 6749, 3.2, 5 and 6; RFC 9449, 5).
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { minutes, seconds } from '../../src/core/duration.ts'
import { App } from './dpop/app.ts'
import { edited, PARTS, refreshSite } from './refresh/support.ts'
import { partsOf } from './support.ts'

const json = async (response: Response) => (await response.json()) as Record<string, unknown>
const errorOf = async (response: Response) => [response.status, (await json(response)).error]

describe('a good request', () => {
  it('gets an access token, its type and life, and the next refresh token, none of it to be kept by caches', async () => {
    const site = refreshSite()
    const { refreshToken } = await site.app()
    const response = await site.postToken(refreshToken)
    const answer = await json(response)

    expect(response.status).toBe(200)
    expect(answer).toEqual({
      access_token: expect.stringMatching(/^eyJ/),
      token_type: 'Bearer',
      expires_in: 300,
      refresh_token: expect.stringMatching(/^sjr1_/),
      scope: 'read write',
    })
    const headers = Object.fromEntries(response.headers)
    expect(headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache', 'content-type': 'application/json' })
    expect(headers['dpop-nonce']).toBeTruthy()
  })

  it('over a socket, too', async () => {
    const site = refreshSite({ tokens: { issuer: 'http://localhost', dangerouslyAllowHttp: true } })
    const { refreshToken } = await site.app()
    const server = createServer((request, response) => site.tokens.node(request, response, () => response.writeHead(404).end()))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/oauth/token`
    const body = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'app', refresh_token: refreshToken })
    const response = await fetch(url, { method: 'POST', body })
    const answer = await json(response)
    server.closeAllConnections()
    server.close()

    expect([response.status, answer.token_type]).toEqual([200, 'Bearer'])
  })

  it('for less gets less, and the refresh token stays what it was granted for', async () => {
    const site = refreshSite()
    const { refreshToken } = await site.app()
    const less = await json(await site.postToken(refreshToken, { scope: 'read' }))
    const all = await json(await site.postToken(less.refresh_token as string))

    expect([less.scope, partsOf(less.access_token as string).claims.scope, all.scope]).toEqual(['read', 'read', 'read write'])
  })

  it('with parameters that are empty, which count as left out', async () => {
    const site = refreshSite()
    const { refreshToken } = await site.app()
    const empty = { client_secret: '', client_assertion: '', client_assertion_type: '', scope: '' }

    expect((await site.postToken(refreshToken, empty)).status).toBe(200)
  })

  it('of a service by its secret, and by nothing less', async () => {
    const site = refreshSite()
    const { refreshToken } = await site.app({ clientId: 'service', scope: ['read'] })
    const secret = `Basic ${Buffer.from('service:ew2M0Y1lXPDbVhcL4cKQJ7c6ZlqIYdQnSx0XJwqEVBo').toString('base64')}`
    const form = { grant_type: 'refresh_token', refresh_token: refreshToken }
    const without = await site.post({ ...form, client_id: 'service' })

    expect([without.status, without.headers.get('www-authenticate')]).toEqual([401, expect.stringContaining('Basic')])
    expect(await errorOf(without)).toEqual([401, 'invalid_client'])
    expect((await site.post(form, { headers: { authorization: secret } })).status).toBe(200)
  })
})

describe('DPoP', () => {
  it('a bound family wants a proof of its own key at each refresh, and gets bound tokens', async () => {
    const site = refreshSite()
    const [phone, thief] = [new App(), new App()]
    const { refreshToken, tokenType } = await site.app({ clientId: 'bound', scope: ['read'], jkt: phone.jkt })
    const post = (proof?: string) =>
      site.postToken(refreshToken, { client_id: 'bound' }, proof === undefined ? {} : { dpop: proof })
    const url = 'https://shop.example/oauth/token'

    expect(tokenType).toBe('DPoP')
    expect(await errorOf(await post())).toEqual([400, 'invalid_dpop_proof'])
    expect(await site.seen('dpop.refused')).toMatchObject([{ reason: 'missing' }])
    expect(await errorOf(await post(thief.proof({ now: site.clock(), url })))).toEqual([400, 'invalid_grant'])
    expect(await errorOf(await post('no proof'))).toEqual([400, 'invalid_dpop_proof'])
    const answer = await json(await post(phone.proof({ now: site.clock(), url })))
    expect([answer.token_type, partsOf(answer.access_token as string).claims.cnf]).toEqual(['DPoP', { jkt: phone.jkt }])
    expect(await site.seen('refresh-token.refused')).toMatchObject([{ reason: 'other-key', clientId: 'bound' }])
  })

  it('an unbound family gets an access token that is bound to the key that was proved', async () => {
    const site = refreshSite()
    const phone = new App()
    const { refreshToken } = await site.app()
    const proof = phone.proof({ now: site.clock(), url: 'https://shop.example/oauth/token' })
    const answer = await json(await site.postToken(refreshToken, {}, { dpop: proof }))

    expect([answer.token_type, partsOf(answer.access_token as string).claims.cnf]).toEqual(['DPoP', { jkt: phone.jkt }])
    expect((await site.postToken(answer.refresh_token as string)).status).toBe(200)
  })

  it('a nonce that is asked for is in the answer that asks', async () => {
    const site = refreshSite({ tokens: { dpopNonce: 'required' } })
    const phone = new App()
    const { refreshToken } = await site.app({ clientId: 'bound', scope: ['read'], jkt: phone.jkt })
    const url = 'https://shop.example/oauth/token'
    const asked = await site.postToken(refreshToken, { client_id: 'bound' }, { dpop: phone.proof({ now: site.clock(), url }) })
    const nonce = asked.headers.get('dpop-nonce')!
    expect(await errorOf(asked)).toEqual([400, 'use_dpop_nonce'])
    const proof = phone.proof({ now: site.clock(), url, nonce })

    expect((await site.postToken(refreshToken, { client_id: 'bound' }, { dpop: proof })).status).toBe(200)
  })
})

describe('a request that is not in order', () => {
  const good = { grant_type: 'refresh_token', client_id: 'app', refresh_token: 'x' }
  const cases: [string, Parameters<ReturnType<typeof refreshSite>['post']>, string][] = [
    ['no form', ['{}', { headers: { 'content-type': 'application/json' } }], 'invalid_request'],
    ['a form that is too large', [`refresh_token=${'x'.repeat(70_000)}`], 'invalid_request'],
    ['a parameter twice', ['grant_type=refresh_token&client_id=app&refresh_token=x&refresh_token=y'], 'invalid_request'],
    [
      'a parameter twice that is none of ours',
      ['grant_type=refresh_token&client_id=app&refresh_token=x&a=1&a=2'],
      'invalid_request',
    ],
    ['the token in the URL', [{ ...good }, { query: '?refresh_token=x' }], 'invalid_request'],
    ['anything in the URL', [{ ...good }, { query: '?a' }], 'invalid_request'],
    ['no grant type', [{ ...good, grant_type: '' }], 'invalid_request'],
    ['no token', [{ ...good, refresh_token: '' }], 'invalid_request'],
    ['a password', [{ ...good, grant_type: 'password', username: 'ada', password: 'x' }], 'unsupported_grant_type'],
    ['a code', [{ ...good, grant_type: 'authorization_code', code: 'x' }], 'unsupported_grant_type'],
    ['client credentials', [{ ...good, grant_type: 'client_credentials' }], 'unsupported_grant_type'],
    ['a name that every object has', [{ ...good, grant_type: '__proto__' }], 'unsupported_grant_type'],
    ['a scope that is none', [{ ...good, scope: 'read  write' }], 'invalid_scope'],
    ['a scope with a quote', [{ ...good, scope: 'read"' }], 'invalid_scope'],
    ['garbage for a token', [{ ...good }], 'invalid_grant'],
  ]
  it.each(cases)('%s', async (_what, request, error) => {
    const site = refreshSite()
    const response = await site.post(...request)
    const text = await response.clone().text()

    expect(await errorOf(response)).toEqual([400, error])
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(text).not.toContain('xxxx')
  })

  it('with another method', async () => {
    const { tokens } = refreshSite()
    const response = (await tokens.web(new Request('https://shop.example/oauth/token?refresh_token=x')))!

    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
  })

  it('asking for more than was granted is told so, by a token that is good alone', async () => {
    const site = refreshSite()
    const { refreshToken } = await site.app({ scope: ['read'] })

    expect(await errorOf(await site.postToken(refreshToken, { scope: 'read write' }))).toEqual([400, 'invalid_scope'])
    const other = { scope: 'read write', client_id: 'other' }
    expect(await errorOf(await site.postToken(refreshToken, other))).toEqual([400, 'invalid_grant'])
  })
})

describe('whatever is wrong with a token, the answer is the same', () => {
  it('to the letter', async () => {
    const site = refreshSite()
    const [replaced, expired, ended, foreign] = [await site.app(), await site.app(), await site.app(), await site.app()]
    await site.next(await site.next(replaced.refreshToken))
    await site.sessions.revoke(ended.sessionId)
    site.clock.advance(seconds(31))
    const answers = [
      await site.postToken('x'),
      await site.postToken(edited(foreign.refreshToken, PARTS.tag)),
      await site.postToken(foreign.refreshToken, { client_id: 'other' }),
      await site.postToken(ended.refreshToken),
      await site.postToken(replaced.refreshToken),
    ]
    site.clock.advance(minutes(31))
    answers.push(await site.postToken(expired.refreshToken))
    const texts = await Promise.all(answers.map((answer) => answer.text()))

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([400]))
    expect(new Set(texts).size).toBe(1)
    expect(JSON.parse(texts[0]!).error).toBe('invalid_grant')
  })

  it('but for a store that is away: nobody is told that a token is bad, when that is not known', async () => {
    const site = refreshSite()
    const { refreshToken } = await site.app()
    site.store.setFaults({ read: { kind: 'error', error: new Error('away') } })
    const response = await site.postToken(refreshToken)
    site.store.setFaults({})

    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
    expect((await site.postToken(refreshToken)).status).toBe(200)
  })
})
