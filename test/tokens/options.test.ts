import { afterEach, describe, expect, it, vi } from 'vitest'
import { days, hours, minutes, seconds } from '../../src/core/duration.ts'
import { cookieStore } from '../../src/stores/cookie.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { faultyStore } from '../../src/testing/faulty-store.ts'
import { resolveTokensOptions } from '../../src/tokens/options.ts'
import { codeOf, setUp, thrownBy } from '../core/support.ts'
import { without } from '../stepup/without-packages.ts'
import { API, ISSUER, minting } from './support.ts'

const base = { issuer: ISSUER, audience: API }
const resolve = (options: object) => resolveTokensOptions({ ...base, ...options } as typeof base)
const clientSecret = 'Xnzz_D7kyjGlC4qpfHOMurCGo-TXn2fbSDT6ThTdHLs'

describe('defaults', () => {
  it('are five minutes, ES256, a key a month that is out a day before, and nobody who calls', () => {
    expect(resolve({})).toEqual({
      issuer: ISSUER,
      audience: API,
      algorithm: 'ES256',
      accessTokenLifetime: minutes(5),
      lifetimeJitter: 0.1,
      refreshIdleTimeout: undefined,
      signingKeyLifetime: days(30),
      keyOverlap: days(1),
      dpopNonce: 'offered',
      clients: new Map(),
      paths: {
        jwks: '/.well-known/jwks.json',
        token: '/oauth/token',
        introspection: '/oauth/introspect',
        revocation: '/oauth/revoke',
        feed: '/oauth/feed',
      },
      transport: {},
    })
  })

  it('of a client: no scope, the default audience, nothing it may do besides, and a key to prove where it has no secret', () => {
    const { clients } = resolve({
      clients: [
        { id: 'app', authentication: 'public' },
        { id: 'orders', authentication: { clientSecret } },
      ],
    })

    expect([...clients.values()]).toEqual([
      { id: 'app', authentication: 'public', scopes: [], audiences: [API], may: [], dpop: 'required' },
      { id: 'orders', authentication: { clientSecret }, scopes: [], audiences: [API], may: [], dpop: 'allowed' },
    ])
  })
})

describe('an option that is not safe, or means nothing, is refused at start-up and says where to read', () => {
  const client = (change: object) => ({ clients: [{ id: 'app', authentication: { clientSecret }, ...change }] })
  const wrong: Record<string, object> = {
    'an option it does not have': { acessTokenLifetime: 1 },
    'no issuer': { issuer: undefined },
    'an issuer over plain HTTP': { issuer: 'http://shop.example' },
    'an issuer on this machine without the word for it': { issuer: 'http://localhost:3000' },
    'plain HTTP elsewhere, with the word for this machine': { issuer: 'http://shop.example', dangerouslyAllowHttp: true },
    'an issuer with a slash': { issuer: 'https://shop.example/' },
    'an issuer with a path': { issuer: 'https://shop.example/auth' },
    'an issuer in capitals': { issuer: 'https://Shop.example' },
    'no audience': { audience: '' },
    'an audience with a blank': { audience: 'my api' },
    'an audience that is a list': { audience: ['a'] },
    'an algorithm it has not': { algorithm: 'HS256' },
    'the algorithm none': { algorithm: 'none' },
    'RS256 by name': { algorithm: 'RS256' },
    'RS256 beside another': { algorithm: 'ES256', dangerouslyUseRs256: true },
    'RS256 by a word': { dangerouslyUseRs256: 'false' },
    'a token for ten seconds': { accessTokenLifetime: seconds(10) },
    'a token for two hours': { accessTokenLifetime: hours(2) },
    'seconds for milliseconds': { accessTokenLifetime: 300 },
    'a lifetime that is no number': { accessTokenLifetime: '5m' },
    'a jitter that lengthens': { lifetimeJitter: -0.1 },
    'a jitter over half': { lifetimeJitter: 0.6 },
    'a jitter that is no number': { lifetimeJitter: Number.NaN },
    'a refresh token for a second': { refreshIdleTimeout: 1000 },
    'a key for an hour': { signingKeyLifetime: hours(1) },
    'a key for ten years': { signingKeyLifetime: days(3650) },
    'an overlap of a minute': { keyOverlap: minutes(1) },
    'an overlap longer than the key': { signingKeyLifetime: days(1), keyOverlap: days(2) },
    'a path with a query': { paths: { token: '/token?x=1' } },
    'a path that goes up': { paths: { token: '/a/../token' } },
    'a path without a slash': { paths: { token: 'token' } },
    'a path that is the metadata’s': { paths: { token: '/.well-known/oauth-authorization-server' } },
    'two endpoints on one path': { paths: { token: '/oauth', revocation: '/oauth' } },
    'a path it does not have': { paths: { authorize: '/oauth/authorize' } },
    'clients that are no list': { clients: { app: {} } },
    'a client twice': {
      clients: [
        { id: 'a', authentication: 'public' },
        { id: 'a', authentication: 'public' },
      ],
    },
    'a client without a name': client({ id: '' }),
    'a client with a blank in its name': client({ id: 'my app' }),
    'a client that proves nothing': client({ authentication: undefined }),
    'a client in two ways': client({ authentication: { clientSecret, jwks: { keys: [] } } }),
    'a short secret': client({ authentication: { clientSecret: 'hunter2' } }),
    'a secret that is no secret': client({ authentication: { clientSecret: 'A'.repeat(43) } }),
    'a client without a key': client({ authentication: { jwks: { keys: [] } } }),
    'a client’s private key': client({
      authentication: { jwks: { keys: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y', d: 'd' }] } },
    }),
    'a shared key as a public one': client({ authentication: { jwks: { keys: [{ kty: 'oct', k: clientSecret }] } } }),
    'a scope with a blank': client({ scopes: ['a b'] }),
    'scopes as a text': client({ scopes: 'a b' }),
    'no audience for a client': client({ audiences: [] }),
    'a right that is none': client({ may: ['mint'] }),
    'a public client that may ask about tokens': client({ authentication: 'public', may: ['introspect'] }),
    'dpop that is neither word': client({ dpop: 'off' }),
    'an option of a client it does not have': client({ secret: clientSecret }),
  }

  it.each(Object.entries(wrong))('%s', (_name, options) => {
    const error = thrownBy(() => resolve(options))

    expect(error).toMatchObject({ name: 'ConfigError', code: 'ERR_CONFIG_INVALID' })
    expect(error.message).toMatch(/^createTokens: .*; expected .*, because .*\. See docs\/guide\/tokens\.md\.$/s)
    expect(error.message).not.toContain('hunter2')
    expect(error.message).not.toContain(clientSecret)
  })

  it('no options at all', () => {
    expect(thrownBy(() => resolveTokensOptions(undefined as never)).code).toBe('ERR_CONFIG_INVALID')
  })
})

describe('a store', () => {
  it('that makes room by forgetting keeps no keys; another one may beside it', async () => {
    const memory = memoryStore()
    const store = faultyStore({
      ...memory,
      ledger: memory.ledger,
      channel: memory.channel,
      capabilities: { ...memory.capabilities, evicts: true },
    } as never)

    expect(await codeOf(() => minting({ core: { store } }))).toBe('ERR_CONFIG_INVALID')
    expect(await codeOf(() => minting({ core: { store }, tokens: { ledger: memoryStore() } }))).toBeUndefined()
  })

  it('that keeps nothing, as sealed cookies, needs a ledger', async () => {
    const store = faultyStore(cookieStore())

    expect(await codeOf(() => minting({ core: { store } }))).toBe('ERR_CONFIG_INVALID')
  })

  it('that is none is refused', async () => {
    expect(await codeOf(() => minting({ tokens: { ledger: {} as never } }))).toBe('ERR_CONFIG_INVALID')
  })
})

describe('what is not there', () => {
  afterEach(() => vi.unstubAllGlobals())

  it('without jose, start-up says what to install', async () => {
    const prelude = `
      const { createSessions } = await import('sojourn')
      const { memoryStore } = await import('sojourn/stores/memory')
      const { createTokens } = await import('sojourn/tokens')
      const sessions = createSessions({ store: memoryStore(), keys: '${clientSecret}' })`
    const failure = await without(['jose'], prelude, `createTokens(sessions, { issuer: '${ISSUER}', audience: 'api' })`)

    expect(failure).toMatchObject({
      name: 'ConfigError',
      code: 'ERR_CONFIG_INVALID',
      message: expect.stringContaining('npm install jose'),
    })
  })

  it.each([
    ['a runtime that does not say what it has', undefined],
    ['one that says no', { supports: () => false }],
  ])('ML-DSA on %s is one clear sentence', (_name, SubtleCrypto) => {
    vi.stubGlobal('SubtleCrypto', SubtleCrypto)

    expect(thrownBy(() => minting({ tokens: { algorithm: 'ML-DSA-65' } })).message).toContain(
      'this runtime cannot sign with ML-DSA-65',
    )
    expect(thrownBy(() => resolve({ algorithm: 'x' })).code).toBe('ERR_CONFIG_INVALID')
  })
})

it('what lowers safety is said as an event: RS256, and plain HTTP on this machine', async () => {
  const { seen } = minting({ tokens: { dangerouslyUseRs256: true, dangerouslyAllowHttp: true, issuer: 'http://localhost:3000' } })

  expect((await seen('safety.lowered')).map((event) => 'option' in event && event.option)).toEqual([
    'dangerouslyUseRs256',
    'dangerouslyAllowHttp',
  ])
})

it('sessions that createSessions did not give are refused', async () => {
  const { createTokens } = await import('../../src/tokens/tokens.ts')

  expect(await codeOf(() => createTokens({ ...setUp().sessions }, base))).toBe('ERR_ARGUMENT_INVALID')
})
