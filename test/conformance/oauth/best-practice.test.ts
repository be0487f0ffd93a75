// RFC 9700 and ASVS 5.0, V10.4: what the token endpoint gives and refuses.
import { expect, it } from 'vitest'
import { hours, minutes } from '../../../src/core/duration.ts'
import { API, ISSUER, minting } from '../../tokens/support.ts'

const APP = { id: 'app', authentication: 'public', dpop: 'allowed' } as const

function issuer() {
  const given = minting({ tokens: { dangerouslyAllowHttp: true, clients: [APP] } })
  const post = async (form: Record<string, string>) => {
    const request = new Request(`${ISSUER}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: 'app', ...form }),
    })
    return (await (await given.tokens.web(request))!.json()) as Record<
      'error' | 'refresh_token' | 'access_token',
      string | undefined
    >
  }
  const refresh = (token = '') => post({ grant_type: 'refresh_token', refresh_token: token })
  return { ...given, post, refresh }
}

it('BCP-12: an access token is for one resource server where nobody asks for more', async () => {
  const { tokens, sessions } = issuer()
  const { accessToken } = await tokens.grant(await sessions.signIn({ subject: 'ada', method: 'pwd' }), { clientId: 'app' })

  expect(JSON.parse(Buffer.from(accessToken.split('.')[1]!, 'base64url').toString())).toMatchObject({ aud: API })
})

it.each(['password', 'authorization_code', 'client_credentials', 'implicit'])('BCP-13: there is no %s grant', async (grant) => {
  const { post } = issuer()

  expect(await post({ grant_type: grant, username: 'ada', password: 'x' })).toMatchObject({ error: 'unsupported_grant_type' })
})

it('ASVS-10.4.8: refreshing moves no refresh token past the absolute end of its session', async () => {
  const { tokens, sessions, clock, refresh } = issuer()
  const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
  let token: string | undefined = (await tokens.grant(session, { clientId: 'app' })).refreshToken
  const end = session.absoluteDeadline!
  while (clock() + minutes(20) < end) {
    clock.advance(minutes(20))
    token = (await refresh(token)).refresh_token
    expect(token).toBeDefined()
  }
  clock.advance(hours(1))

  expect(await refresh(token)).toMatchObject({ error: 'invalid_grant' })
})
