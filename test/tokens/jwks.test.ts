import { createRemoteJWKSet, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { minutes } from '../../src/core/duration.ts'
import { createSessions } from '../../src/core/sessions.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { faultyStore } from '../../src/testing/faulty-store.ts'
import { createTokens, type TokensOptions } from '../../src/tokens/tokens.ts'
import { KEY } from '../core/support.ts'
import { ask, serve } from '../http/support/servers.ts'
import { API } from './support.ts'

/** An issuer on this machine, on the system's own clock, as a service meets it. */
async function issuer(options: Partial<TokensOptions> = {}) {
  const store = faultyStore(memoryStore())
  const sessions = createSessions({ store, keys: KEY })
  let tokens: ReturnType<typeof createTokens> | undefined
  const origin = await serve((req, res) => {
    if (!tokens!.node(req, res)) res.writeHead(404).end()
  })
  tokens = createTokens(sessions, { issuer: origin, audience: API, dangerouslyAllowHttp: true, ...options })
  const mint = async () => (await tokens.mint(await sessions.signIn({ subject: 'ada', method: 'pwd' }))).accessToken
  return { origin, tokens, store, mint }
}

describe('the key set', () => {
  it.each([{}, { algorithm: 'EdDSA' }, { algorithm: 'ML-DSA-44' }, { dangerouslyUseRs256: true }] as Partial<TokensOptions>[])(
    'is all that a service needs to verify tokens: %j',
    async (options) => {
      const { origin, mint } = await issuer(options)
      const keys = createRemoteJWKSet(new URL(`${origin}/.well-known/jwks.json`))

      const { payload } = await jwtVerify(await mint(), keys, { issuer: origin, audience: API, typ: 'at+jwt' })

      expect(payload.sub).toBe('ada')
    },
  )

  it('may be kept for a quarter of the overlap at most, so that a key is known before it signs', async () => {
    const day = await issuer()
    const short = await issuer({ keyOverlap: minutes(5) })

    expect((await ask(`${day.origin}/.well-known/jwks.json`)).headers).toMatchObject({
      'cache-control': 'public, max-age=3600',
      'content-type': 'application/jwk-set+json',
      'x-content-type-options': 'nosniff',
    })
    expect((await ask(`${short.origin}/.well-known/jwks.json`)).headers['cache-control']).toBe('public, max-age=75')
  })

  it('is the same for Web requests', async () => {
    const { origin, tokens } = await issuer({ paths: { jwks: '/keys' } })

    const answer = await tokens.web(new Request(`${origin}/keys`))

    expect(await answer!.json()).toEqual(JSON.parse((await ask(`${origin}/keys`)).body))
    expect(await tokens.web(new Request(`${origin}/elsewhere`))).toBeUndefined()
  })

  it('is read only, and refused over plain HTTP where that is not said to be a developer’s', async () => {
    const { origin, tokens } = await issuer()

    expect((await ask(`${origin}/.well-known/jwks.json`, { method: 'POST' })).status).toBe(405)
    expect((await tokens.web(new Request('http://shop.example/.well-known/jwks.json')))!.status).toBe(403)
  })

  it('that cannot be had is a 503 that nobody keeps, not an empty set', async () => {
    const { origin, store } = await issuer()
    store.setFaults({ all: { kind: 'error' } })

    const { status, headers } = await ask(`${origin}/.well-known/jwks.json`)

    expect([status, headers['cache-control'], headers['retry-after']]).toEqual([503, 'no-store', '1'])
  })
})

describe('the metadata', () => {
  const clientSecret = 'Xnzz_D7kyjGlC4qpfHOMurCGo-TXn2fbSDT6ThTdHLs'
  const metadataOf = async (options: Partial<TokensOptions>) => {
    const { origin } = await issuer(options)
    const { status, body } = await ask(`${origin}/.well-known/oauth-authorization-server`)
    return { status, origin, metadata: JSON.parse(body.replaceAll(origin, 'O')) }
  }

  it('names the keys alone where nobody may call the other endpoints', async () => {
    const { status, metadata } = await metadataOf({})

    expect(status).toBe(200)
    expect(metadata).toEqual({ issuer: 'O', jwks_uri: 'O/.well-known/jwks.json', response_types_supported: [] })
  })

  it('names what the clients there are can do, and no more', async () => {
    const { metadata } = await metadataOf({
      clients: [
        { id: 'app', authentication: 'public' },
        { id: 'orders', authentication: { clientSecret }, may: ['introspect'] },
      ],
    })

    expect(metadata).toEqual({
      issuer: 'O',
      jwks_uri: 'O/.well-known/jwks.json',
      response_types_supported: [],
      token_endpoint: 'O/oauth/token',
      grant_types_supported: ['refresh_token'],
      token_endpoint_auth_methods_supported: ['none', 'client_secret_basic'],
      revocation_endpoint: 'O/oauth/revoke',
      revocation_endpoint_auth_methods_supported: ['none', 'client_secret_basic'],
      introspection_endpoint: 'O/oauth/introspect',
      introspection_endpoint_auth_methods_supported: ['client_secret_basic'],
      dpop_signing_alg_values_supported: ['ES256', 'ES384', 'EdDSA', 'Ed25519'],
    })
  })
})
