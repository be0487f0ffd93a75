import { describe, expect, it, test } from 'vitest'
import { outcome, type SigningKey, signingKey, startIssuer, type TestIssuer, verifierOf } from './support.ts'

const JWKS = '/.well-known/jwks.json'

/** The time the key set's cache goes by; the real one never jumps. */
async function keySetOf(issuer: TestIssuer, options: { algorithms?: string[]; timeout?: number } = {}) {
  const { KeySet } = await import('../../../src/tokens/verify/key-set.ts')
  const events: unknown[] = []
  let now = 0
  const keys = new KeySet(
    {
      jwks: issuer.url + JWKS,
      fetch,
      timeout: options.timeout ?? 3000,
      algorithms: new Set(options.algorithms ?? ['ES256', 'EdDSA']),
      emit: (event) => void events.push(event),
    },
    () => now,
  )
  const advance = (milliseconds: number) => {
    now += milliseconds
  }
  return { keys, events, advance }
}

describe('stampedes', () => {
  it('a thousand requests at once are one fetch', async () => {
    const issuer = await startIssuer()
    const { verifier } = verifierOf(issuer)
    const tokens = await Promise.all(Array.from({ length: 1000 }, () => issuer.mint()))

    const outcomes = await Promise.all(tokens.map((token) => outcome(verifier.verify(token))))

    expect(new Set(outcomes)).toEqual(new Set(['active by none']))
    expect(issuer.asked(JWKS)).toBe(1)
  })

  it('a thousand names nobody knows are two fetches at most', async () => {
    const issuer = await startIssuer()
    const { verifier } = verifierOf(issuer)
    const hostile = await Promise.all(
      Array.from({ length: 1000 }, (_, i) => issuer.mint({}, { header: { kid: `hostile-${i}` } })),
    )

    const outcomes = await Promise.all(hostile.map((token) => outcome(verifier.verify(token))))
    const good = await outcome(verifier.verify(await issuer.mint()))

    expect(new Set(outcomes)).toEqual(new Set(['401 unknown-key']))
    expect(good).toBe('active by none')
    expect(issuer.asked(JWKS)).toBeLessThanOrEqual(2)
  })

  it('hostile names bring one fetch a pause, and a new key is found with the next', async () => {
    const issuer = await startIssuer()
    const { keys, advance } = await keySetOf(issuer)
    await keys.find('key-1')
    issuer.keys.push(await signingKey('key-2'))
    for (let i = 0; i < 50; i++) await keys.find(`hostile-${i}`)
    const early = issuer.asked(JWKS)
    advance(5_000)

    expect(await keys.find('key-2')).toMatchObject({ algorithm: 'ES256' })
    expect([early, issuer.asked(JWKS)]).toEqual([1, 2])
  })
})

describe('how long keys are kept', () => {
  it.each([
    ['without a word', {}, 300_000],
    ['as the issuer says', { 'Cache-Control': 'public, max-age=60' }, 60_000],
    ['5 seconds at least', { 'Cache-Control': 'max-age=0' }, 5_000],
    ['5 seconds when told not to', { 'Cache-Control': 'no-store' }, 5_000],
    ['a day at most', { 'Cache-Control': 'max-age=9999999999' }, 86_400_000],
    ['not as nonsense says', { 'Cache-Control': 'max-age=x' }, 300_000],
  ])('%s', async (_, headers, lifetime) => {
    const issuer = await startIssuer()
    issuer.jwksHeaders = headers as Record<string, string>
    const { keys, advance } = await keySetOf(issuer)
    await keys.find('key-1')
    advance(lifetime - 100)
    await keys.find('key-1')
    const before = issuer.asked(JWKS)
    advance(200)
    await keys.find('key-1')

    expect([before, issuer.asked(JWKS)]).toEqual([1, 2])
  })

  it('while the issuer is away they count an hour longer, and are then nobody knows', async () => {
    const issuer = await startIssuer()
    const { keys, advance } = await keySetOf(issuer)
    await keys.find('key-1')
    issuer.jwksStatus = 500
    advance(300_000 + 3_600_000 - 1000)
    expect(await keys.find('key-1')).toBeDefined()
    advance(1_001)

    await expect(keys.find('key-1')).rejects.toMatchObject({ reason: 'keys-unavailable' })
  })

  it('a key the issuer took back is gone with the next fetch', async () => {
    const issuer = await startIssuer()
    const { keys, advance } = await keySetOf(issuer)
    await keys.find('key-1')
    issuer.keys = [await signingKey('key-2')]
    advance(300_001)

    expect(await keys.find('key-1')).toBeUndefined()
  })

  it('an issuer that is away is asked every two seconds, not by every request', async () => {
    const issuer = await startIssuer()
    issuer.jwksStatus = 503
    const { keys, advance } = await keySetOf(issuer)
    for (let i = 0; i < 20; i++) await keys.find('key-1').catch(() => {})
    const early = issuer.asked(JWKS)
    advance(2_000)
    await keys.find('key-1').catch(() => {})

    expect([early, issuer.asked(JWKS)]).toEqual([1, 2])
  })
})

describe('what is no key set', () => {
  it.each(['', 'null', '[]', '{}', '{"keys":{}}', '{"keys":"x"}', '<html>', '{"keys":[', `{"keys":[${'{},'.repeat(64)}{}]}`])(
    '%# leaves the service unable to say, with 503',
    async (body) => {
      const issuer = await startIssuer()
      issuer.jwksBody = body

      expect(await outcome(verifierOf(issuer).verifier.verify(await issuer.mint()))).toBe('503 unavailable')
    },
  )

  it('a set that does not end is left', async () => {
    const issuer = await startIssuer()
    issuer.jwksBody = `{"keys":[],"filling":"${'x'.repeat(300_000)}"}`
    const { verifier, events } = verifierOf(issuer)

    expect(await outcome(verifier.verify(await issuer.mint()))).toBe('503 unavailable')
    expect(events).toContainEqual({ type: 'keys.failed', reason: 'oversize' })
  })

  it('a redirect is not followed', async () => {
    const [issuer, evil] = [await startIssuer(), await startIssuer()]
    issuer.jwksStatus = 302
    issuer.jwksHeaders = { Location: evil.url + JWKS }
    const token = await issuer.mint({}, { key: evil.keys[0]! })

    expect(await outcome(verifierOf(issuer).verifier.verify(token))).toBe('503 unavailable')
    expect(evil.asked(JWKS)).toBe(0)
  })

  it('an issuer that does not answer is waited for no longer than the timeout', async () => {
    const issuer = await startIssuer()
    const { verifier, events } = verifierOf(issuer, { timeout: 100, fetch: (_, init) => hung(init) })

    expect(await outcome(verifier.verify(await issuer.mint()))).toBe('503 unavailable')
    expect(events).toContainEqual({ type: 'keys.failed', reason: 'timeout' })
  })
})

describe('what is no key of the set', () => {
  const spoiled: readonly (readonly [string, (key: SigningKey) => Record<string, unknown>])[] = [
    ['a shared secret', ({ kid }) => ({ kty: 'oct', k: 'AAAA', kid, alg: 'HS256' })],
    ['a key for encryption', ({ jwk }) => ({ ...jwk, use: 'enc' })],
    ['a key that does not verify', ({ jwk }) => ({ ...jwk, key_ops: ['deriveKey'] })],
    ['a key with its private part', ({ jwk }) => ({ ...jwk, d: 'AAAA' })],
    ['a key that claims another algorithm', ({ jwk }) => ({ ...jwk, alg: 'EdDSA' })],
    ['a key on another curve', ({ jwk }) => ({ ...jwk, crv: 'P-384' })],
    ['a point that is not on its curve', ({ jwk }) => ({ ...jwk, x: Buffer.alloc(32, 1).toString('base64url') })],
    ['a key without a name', ({ jwk }) => ({ ...jwk, kid: undefined })],
    ['no object', () => null as never],
  ]
  it.each(spoiled)('%s is left out, and the others count', async (_, spoil) => {
    const issuer = await startIssuer()
    const good = await signingKey('key-2')
    issuer.jwksBody = JSON.stringify({ keys: [spoil(issuer.keys[0]!), good.jwk] })
    const { verifier, events } = verifierOf(issuer)

    expect([
      await outcome(verifier.verify(await issuer.mint())),
      await outcome(verifier.verify(await issuer.mint({}, { key: good }))),
    ]).toEqual(['401 unknown-key', 'active by none'])
    expect(events).toContainEqual({ type: 'keys.fetched', count: 1, skipped: 1 })
  })

  it('two keys of one name do not count, so that a token never chooses', async () => {
    const issuer = await startIssuer()
    const [one, two] = [issuer.keys[0]!, await signingKey('key-1', 'EdDSA')]
    issuer.keys.push(two)
    const { verifier } = verifierOf(issuer)

    expect([
      await outcome(verifier.verify(await issuer.mint({}, { key: one }))),
      await outcome(verifier.verify(await issuer.mint({}, { key: two }))),
    ]).toEqual(['401 unknown-key', '401 unknown-key'])
  })
})

test('a key without alg is used with the one algorithm of its curve', async () => {
  const issuer = await startIssuer()
  issuer.jwksBody = JSON.stringify({ keys: [{ ...issuer.keys[0]!.jwk, alg: undefined }] })

  expect(await outcome(verifierOf(issuer).verifier.verify(await issuer.mint()))).toBe('active by none')
})

function hung(init: RequestInit | undefined): Promise<Response> {
  return new Promise((_, reject) => init?.signal?.addEventListener('abort', () => reject(init.signal?.reason)))
}
