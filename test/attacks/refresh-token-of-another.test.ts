// The attacker has: a victim's refresh token, and a client of their own at the same server; or the token, and a key of their own.
// The attacker does: presents it as their own client, with their own key, or with the victim's client and no key.
// The attacker must not obtain: a token; and the victim is not signed out by it.
import { describe, expect, it } from 'vitest'
import { createTokens } from '../../src/tokens/tokens.ts'
import { App } from '../tokens/dpop/app.ts'
import { CLIENTS, refreshSite } from '../tokens/refresh/support.ts'
import { API } from '../tokens/support.ts'

const URL_OF_TOKENS = 'https://shop.example/oauth/token'

it('a token is good for the client it was granted to alone', async () => {
  const site = refreshSite()
  const { refreshToken, sessionId } = await site.app()
  const answer = await site.postToken(refreshToken, { client_id: 'other' })

  expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([400, 'invalid_grant'])
  expect([await site.isAlive(sessionId), await site.reasonOf(refreshToken)]).toEqual([true, 'good'])
  expect(await site.seen('refresh-token.refused')).toMatchObject([{ clientId: 'other', reason: 'other-client', sessionId }])
})

it('a replaced token ends the session whoever presents it: it is in other hands', async () => {
  const site = refreshSite()
  const { refreshToken, sessionId } = await site.app()
  await site.next(await site.next(refreshToken))
  site.clock.advance(60_000)
  await site.postToken(refreshToken, { client_id: 'other' })

  expect(await site.isAlive(sessionId)).toBe(false)
})

it('nor does it give itself back for another client', async () => {
  const site = refreshSite()
  const { refreshToken } = await site.app()
  await site.refreshTokens.revoke(refreshToken, { clientId: 'other' })

  expect(await site.reasonOf(refreshToken)).toBe('good')
})

it('a token of one issuer is nothing to another over the same sessions, whose client of that name may have more', async () => {
  const site = refreshSite()
  const { refreshToken, sessionId } = await site.app()
  const issuer = 'https://back-office.example'
  const other = createTokens(site.sessions, { issuer, audience: API, clients: CLIENTS })
  const body = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'app', refresh_token: refreshToken })
  const answer = (await other.web(new Request(`${issuer}/oauth/token`, { method: 'POST', body })))!

  expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([400, 'invalid_grant'])
  expect([await site.isAlive(sessionId), await site.reasonOf(refreshToken)]).toEqual([true, 'good'])
  await other.close()
})

describe('a token that is bound to a key', () => {
  async function boundApp() {
    const site = refreshSite()
    const [phone, thief] = [new App(), new App()]
    const granted = await site.app({ clientId: 'bound', scope: ['read'], jkt: phone.jkt })
    const post = async (refreshToken: string, proof?: string, more = {}) => {
      const headers = proof === undefined ? {} : { dpop: proof }
      const answer = await site.postToken(refreshToken, { client_id: 'bound', ...more }, headers)
      return { status: answer.status, ...((await answer.json()) as { refresh_token?: string; error?: string }) }
    }
    const proofOf = (app: App) => app.proof({ now: site.clock(), url: URL_OF_TOKENS })
    return { site, phone, thief, ...granted, post, proofOf }
  }

  it('gives nothing to another key, without one, or by a client that needs none; and the app goes on', async () => {
    const { site, phone, thief, refreshToken, post, proofOf, sessionId } = await boundApp()
    const tries = [
      await post(refreshToken, proofOf(thief)),
      await post(refreshToken),
      await post(refreshToken, proofOf(thief), { client_id: 'app' }),
      await post(refreshToken, undefined, { client_id: 'app' }),
    ]
    expect(tries.map(({ status, error }) => [status, error])).toEqual([
      [400, 'invalid_grant'],
      [400, 'invalid_dpop_proof'],
      [400, 'invalid_grant'],
      [400, 'invalid_grant'],
    ])
    expect((await post(refreshToken, proofOf(phone))).status).toBe(200)
    expect(await site.isAlive(sessionId)).toBe(true)
  })

  it('is bound to that key in every generation: nobody swaps it on the way', async () => {
    const { phone, thief, refreshToken, post, proofOf } = await boundApp()
    let current = refreshToken
    for (let i = 0; i < 4; i++) {
      expect((await post(current, proofOf(thief))).status).toBe(400)
      const { status, refresh_token } = await post(current, proofOf(phone))
      expect(status).toBe(200)
      current = refresh_token!
    }
  })

  it('gives nothing for a proof that was used before', async () => {
    const { phone, refreshToken, post, proofOf } = await boundApp()
    const proof = proofOf(phone)
    const { refresh_token } = await post(refreshToken, proof)

    expect((await post(refresh_token!, proof)).error).toBe('invalid_dpop_proof')
  })
})
