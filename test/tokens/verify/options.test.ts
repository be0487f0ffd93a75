import { hours, minutes } from 'sojourn'
import { createTokenVerifier } from 'sojourn/tokens/verify'
import { describe, expect, it, test } from 'vitest'

const good = { issuer: 'https://shop.example', audience: 'https://api.example' }
const client = { id: 'api', clientSecret: 'a-secret-of-32-characters-or-more' }

describe('nonsense is refused at start-up', () => {
  const nonsense: readonly (readonly [string, unknown])[] = [
    ['no options', undefined],
    ['no issuer', { audience: 'x' }],
    ['an issuer over plain HTTP', { ...good, issuer: 'http://shop.example' }],
    ['plain HTTP beyond loopback, allowed or not', { ...good, issuer: 'http://shop.example', dangerouslyAllowHttp: true }],
    ['a loopback look-alike', { ...good, issuer: 'http://127.0.0.1.evil.example', dangerouslyAllowHttp: true }],
    ['loopback without a word', { ...good, issuer: 'http://localhost:3000' }],
    ['a word for a boolean', { ...good, dangerouslyAllowHttp: 'false' }],
    ['an issuer with a path', { ...good, issuer: 'https://shop.example/' }],
    ['an issuer with a password', { ...good, issuer: 'https://a:b@shop.example' }],
    ['no audience', { issuer: good.issuer }],
    ['an empty audience', { ...good, audience: '' }],
    ['no audience in a list', { ...good, audience: [] }],
    ['keys over plain HTTP', { ...good, jwks: 'http://shop.example/keys' }],
    ['keys in a file', { ...good, jwks: 'file:///etc/keys.json' }],
    ['no algorithm', { ...good, algorithms: [] }],
    ['none', { ...good, algorithms: ['none'] }],
    ['a shared secret', { ...good, algorithms: ['ES256', 'HS256'] }],
    ['a tolerance of an hour', { ...good, clockTolerance: hours(1) }],
    ['a tolerance of no number', { ...good, clockTolerance: Number.NaN }],
    ['a lifetime in seconds', { ...good, accessTokenLifetime: 300 }],
    ['tokens without end', { ...good, maxTokenLength: 1_000_000 }],
    ['a budget that nobody keeps', { ...good, revokedWithin: 5000 }],
    ['a budget over a token’s life', { ...good, client, accessTokenLifetime: minutes(5), revokedWithin: minutes(5) + 1 }],
    ['a budget in seconds', { ...good, client, revokedWithin: 5 }],
    ['a negative budget', { ...good, client, revokedWithin: -1 }],
    ['no budget and no one to ask', { ...good, client, introspection: false, revokedWithin: 0 }],
    ['a feed without a client', { ...good, feed: 'https://shop.example/oauth/feed' }],
    ['a client for nothing', { ...good, client, feed: false, introspection: false }],
    ['a client without a secret', { ...good, client: { id: 'api', clientSecret: '' } }],
    ['a scope with a quote', { ...good, requiredScopes: ['a"b'] }],
    ['a scope with a blank', { ...good, requiredScopes: ['a b'] }],
    ['dpop of another word', { ...good, dpop: 'yes' }],
    ['dpop without an origin', { ...good, audience: 'api', dpop: 'required' }],
    ['an origin with a path', { ...good, origin: 'https://api.example/v1' }],
    ['a memory that is none', { ...good, proofReplay: {} }],
    ['a fetch that is none', { ...good, fetch: 'fetch' }],
    ['a timeout of an hour', { ...good, timeout: hours(1) }],
  ]
  it.each(nonsense)('%s', (_, options) => {
    expect(() => createTokenVerifier(options as never)).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_INVALID', message: expect.stringContaining('docs/guide/verify.md') }),
    )
  })
})

test('no mistake repeats a secret', () => {
  const options = { ...good, client: { id: 'api', clientSecret: 'too-short' } }

  expect(() => createTokenVerifier(options)).toThrow(
    expect.not.objectContaining({ message: expect.stringContaining('too-short') }),
  )
})

test('a listener that throws costs its own events', async () => {
  const verifier = createTokenVerifier({
    ...good,
    onEvent: () => {
      throw new Error('mine')
    },
  })

  expect((await verifier.verify('x')).state).toBe('refused')
})
