// Who calls the token endpoints (RFC 6749, 2.3; RFC 7523). Every test asks over HTTP, at introspection, which needs a client.
import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { seconds } from '../../src/core/duration.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { faultyStore } from '../../src/testing/faulty-store.ts'
import { complaintAbout } from '../../src/tokens/clients/complaints.ts'
import { resolveTokensOptions } from '../../src/tokens/options.ts'
import { thrownBy } from '../core/support.ts'
import {
  AUDIENCE,
  asserted,
  assertion,
  basic,
  clientKey,
  endpointSite,
  ISSUER,
  ORDERS,
  REPORTS_KEY,
  STOCK,
} from './endpoint-site.ts'

type Form = Record<string, string>
const at = async (form: Form | URLSearchParams, headers: Form = {}, site = endpointSite()) => {
  const { post } = await site
  return (await post('/oauth/introspect', form instanceof URLSearchParams ? form : { token: 'x', ...form }, headers)).status
}

describe('a secret in the header', () => {
  it('lets its client in', async () => {
    expect(await at({}, basic('orders', ORDERS.clientSecret))).toBe(200)
  })

  it('is form-decoded first, so that ids and secrets may hold any character', async () => {
    const site = endpointSite({
      tokens: {
        clients: [{ id: 'a:b+c%', authentication: { clientSecret: STOCK.clientSecret }, may: ['introspect'] }],
      },
    })
    const bare = `Basic ${Buffer.from(`a:b+c%:${STOCK.clientSecret}`).toString('base64')}`

    expect(await at({}, basic('a:b+c%', STOCK.clientSecret), site)).toBe(200)
    expect(await at({}, { authorization: bare }, site)).toBe(401)
  })

  it('may be sent with the client’s own name in the form, and with nobody else’s', async () => {
    expect(await at({ client_id: 'orders' }, basic('orders', ORDERS.clientSecret))).toBe(200)
    expect(await at({ client_id: 'idle' }, basic('orders', ORDERS.clientSecret))).toBe(401)
  })

  it.each([
    ['of another client', basic('stock', ORDERS.clientSecret)],
    ['that is empty', basic('orders', '')],
    ['that is a part of it', basic('orders', ORDERS.clientSecret.slice(0, -1))],
    ['of a client nobody knows', basic('nobody', ORDERS.clientSecret)],
    ['of a client without one', basic('app', '')],
    ['of a client that signs', basic('reports', ORDERS.clientSecret)],
    ['named like what every object has', basic('__proto__', ORDERS.clientSecret)],
    ['by another scheme', { authorization: `Bearer ${ORDERS.clientSecret}` }],
    ['that is not base64', { authorization: 'Basic %%%%' }],
    ['without a colon', { authorization: `Basic ${Buffer.from('orders').toString('base64')}` }],
    ['with an escape of nothing', { authorization: `Basic ${Buffer.from('orders:%zz').toString('base64')}` }],
    ['that is not UTF-8', { authorization: `Basic ${Buffer.from([0xff, 0x3a, 0xff]).toString('base64')}` }],
    ['as long as it can be', { authorization: `Basic ${'A'.repeat(8000)}` }],
  ])('%s is refused', async (_name, headers) => {
    expect(await at({}, headers)).toBe(401)
  })
})

describe('a secret in the body', () => {
  it('is refused, even the right one, and even beside the right header', async () => {
    const form = { client_id: 'orders', client_secret: ORDERS.clientSecret }

    expect(await at(form)).toBe(401)
    expect(await at(form, basic('orders', ORDERS.clientSecret))).toBe(401)
  })
})

describe('a signature', () => {
  it.each(['ec', 'ed25519', 'rsa'] as const)('of a key of kind %s lets its client in', async (kind) => {
    const key = clientKey('k', kind)
    const site = await endpointSite({
      tokens: { clients: [{ id: 'reports', authentication: { jwks: { keys: [key.jwk] } }, may: ['introspect'] }] },
    })

    expect(await at(asserted(assertion(site, { key })), {}, Promise.resolve(site))).toBe(200)
  })

  it('is good once', async () => {
    const site = await endpointSite()
    const form = asserted(assertion(site))

    expect([await at(form, {}, Promise.resolve(site)), await at(form, {}, Promise.resolve(site))]).toEqual([200, 401])
    expect(await site.seen('token-client.refused')).toMatchObject([{ clientId: 'reports', reason: 'replayed' }])
  })

  it('of one of many parallel calls with it is good once', async () => {
    const site = await endpointSite()
    const form = asserted(assertion(site))
    const answers = await Promise.all(Array.from({ length: 20 }, () => at(form, {}, Promise.resolve(site))))

    expect(answers.filter((status) => status === 200)).toHaveLength(1)
  })

  it('of a key that is one of two is found by its `kid`', async () => {
    const older = clientKey('older')
    const site = await endpointSite({
      tokens: {
        clients: [{ id: 'reports', authentication: { jwks: { keys: [REPORTS_KEY.jwk, older.jwk] } }, may: ['introspect'] }],
      },
    })

    expect(await at(asserted(assertion(site, { key: older })), {}, Promise.resolve(site))).toBe(200)
    expect(await at(asserted(assertion(site, { key: { ...older, kid: 'reports-1' } })), {}, Promise.resolve(site))).toBe(401)
  })

  const now = 1_893_456_000
  it.each<[string, { header?: object; claims?: object }]>([
    ['for an endpoint instead of the issuer', { claims: { aud: `${ISSUER}/oauth/token` } }],
    ['for the issuer and somebody else', { claims: { aud: [ISSUER, 'https://evil.example'] } }],
    ['for nobody', { claims: { aud: undefined } }],
    ['in the name of another client', { claims: { iss: 'orders', sub: 'orders' } }],
    ['issued by somebody else', { claims: { iss: 'orders' } }],
    ['that has expired', { claims: { exp: now - 31 } }],
    ['that never expires', { claims: { exp: undefined } }],
    ['that expires in a year', { claims: { exp: now + 31_536_000 } }],
    ['that expires when no number says', { claims: { exp: '9999999999' } }],
    ['that is not good yet', { claims: { nbf: now + 60 } }],
    ['made in the future', { claims: { iat: now + 60 } }],
    ['without a name', { claims: { jti: undefined } }],
    ['with an empty name', { claims: { jti: '' } }],
    ['with a name that is too long', { claims: { jti: 'x'.repeat(257) } }],
    ['of the type of an access token', { header: { typ: 'at+jwt' } }],
    ['of the type of a logout token', { header: { typ: 'logout+jwt' } }],
    ['of the type of a proof', { header: { typ: 'dpop+jwt' } }],
    ['with another algorithm in its header', { header: { alg: 'PS256' } }],
    ['with a `kid` nobody knows', { header: { kid: 'reports-2' } }],
    ['with a `kid` that is a path', { header: { kid: '../../../../dev/null' } }],
    ['with a `kid` that is no text', { header: { kid: { $ne: '' } } }],
    ['with a critical extension nobody knows', { header: { crit: ['exp2'], exp2: 1 } }],
  ])('%s is refused', async (_name, wrong) => {
    const site = await endpointSite()

    expect(await at(asserted(assertion(site, wrong)), {}, Promise.resolve(site))).toBe(401)
  })

  it.each([-29, 29])('of a client whose clock is %s seconds off is taken', async (offset) => {
    const site = await endpointSite()
    const late = { clock: () => site.clock() + seconds(offset) } as never

    expect(await at(asserted(assertion(late)), {}, Promise.resolve(site))).toBe(200)
  })

  it('of an array with the issuer alone is taken: it is the same audience', async () => {
    const site = await endpointSite()

    expect(await at(asserted(assertion(site, { claims: { aud: [ISSUER] } })), {}, Promise.resolve(site))).toBe(200)
  })

  it('refused while it was not yet good can be sent again later', async () => {
    const site = await endpointSite()
    const form = asserted(assertion(site, { claims: { nbf: now + 60 } }))
    const early = await at(form, {}, Promise.resolve(site))
    site.clock.advance(seconds(45))

    expect([early, await at(form, {}, Promise.resolve(site))]).toEqual([401, 200])
  })
})

describe('one method', () => {
  it.each<[string, Form | URLSearchParams, Form]>([
    ['a secret and a signature', { client_assertion: 'x' }, basic('orders', ORDERS.clientSecret)],
    ['a signature without its type', { client_assertion: 'x' }, {}],
    ['a type without a signature', { client_assertion_type: asserted('x').client_assertion_type! }, {}],
    ['a name alone, of a client that must prove itself', { client_id: 'orders' }, {}],
    ['nothing', {}, {}],
    ['an empty name', { client_id: '' }, {}],
    [
      'two names',
      new URLSearchParams([
        ['token', 'x'],
        ['client_id', 'app'],
        ['client_id', 'orders'],
      ]),
      {},
    ],
  ])('%s is refused', async (_name, form, headers) => {
    expect(await at(form, headers)).toBe(401)
  })

  it('a good secret and a good signature of the same client are refused together', async () => {
    const site = await endpointSite()
    const both = await at(asserted(assertion(site)), basic('reports', ORDERS.clientSecret), Promise.resolve(site))

    expect(both).toBe(401)
    expect(await site.seen('token-client.refused')).toMatchObject([{ reason: 'two-methods' }])
  })
})

describe('a refusal', () => {
  it('is the same for a client nobody knows and for a wrong secret, and names the way in', async () => {
    const { post } = await endpointSite()
    const answers = await Promise.all(
      [basic('nobody', ORDERS.clientSecret), basic('orders', STOCK.clientSecret)].map((headers) =>
        post('/oauth/introspect', { token: 'x' }, headers),
      ),
    )
    const told = await Promise.all(
      answers.map(async (answer) => [answer.status, answer.headers.get('www-authenticate'), await answer.text()]),
    )

    expect(told[0]).toEqual([401, `Basic realm="${ISSUER}", charset="UTF-8"`, '{"error":"invalid_client"}'])
    expect(told[1]).toEqual(told[0])
    expect(answers[0]!.headers.get('cache-control')).toBe('no-store')
  })

  it('is told, with the client where one is meant, and without what was sent', async () => {
    const { post, seen } = await endpointSite()
    await post('/oauth/introspect', { token: 'x' }, basic('orders', STOCK.clientSecret))
    await post('/oauth/introspect', { token: 'x' }, basic('hunter2', STOCK.clientSecret))
    const told = await seen('token-client.refused')

    expect(told).toMatchObject([
      { clientId: 'orders', reason: 'wrong-secret', count: 1 },
      { clientId: undefined, reason: 'unknown', count: 1 },
    ])
    expect(JSON.stringify(told)).not.toMatch(new RegExp(`hunter2|${STOCK.clientSecret}`))
  })

  it('a hundredfold locks nobody out, and is told eleven times', async () => {
    const { post, seen } = await endpointSite()
    for (let i = 0; i < 100; i++) await post('/oauth/introspect', { token: 'x' }, basic('orders', STOCK.clientSecret))
    const right = await post('/oauth/introspect', { token: 'x' }, basic('orders', ORDERS.clientSecret))

    expect(right.status).toBe(200)
    expect((await seen('token-client.refused')).map((event) => 'count' in event && event.count)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 100,
    ])
  })

  it('stays one while the ledger is away', async () => {
    const store = faultyStore(memoryStore())
    const site = endpointSite({ store })
    await site
    store.setFaults({ 'ledger.count': { kind: 'error' } })

    expect(await at({}, basic('orders', STOCK.clientSecret), site)).toBe(401)
  })
})

describe('at start-up', () => {
  const good = ORDERS.clientSecret
  it.each<[string, unknown]>([
    ['a short secret', { clientSecret: good.slice(0, 42) }],
    ['a phrase', { clientSecret: Buffer.from('correct horse battery staple and more').toString('base64url') }],
    ['one letter', { clientSecret: 'a'.repeat(43) }],
    ['bytes that count up', { clientSecret: Buffer.from(Array.from({ length: 32 }, (_, i) => i)).toString('base64url') }],
    [
      'half a secret twice',
      {
        clientSecret: Buffer.concat([
          Buffer.from(good, 'base64url').subarray(0, 16),
          Buffer.from(good, 'base64url').subarray(0, 16),
        ]).toString('base64url'),
      },
    ],
    ['a placeholder', { clientSecret: `changeme${good}` }],
    ['another alphabet', { clientSecret: `${good}!` }],
    ['no text', { clientSecret: 42 }],
    ['both ways', { clientSecret: good, jwks: { keys: [REPORTS_KEY.jwk] } }],
    ['neither', {}],
    ['nothing', undefined],
    ['another word', 'private'],
    ['a private key', { jwks: { keys: [{ ...REPORTS_KEY.jwk, d: 'x' }] } }],
    ['a shared key', { jwks: { keys: [{ kty: 'oct', k: good }] } }],
    ['an RSA key for PKCS #1 v1.5', { jwks: { keys: [{ ...clientKey('k', 'rsa').jwk, alg: 'RS256' }] } }],
    ['an algorithm that is not the key’s', { jwks: { keys: [{ ...REPORTS_KEY.jwk, alg: 'HS256' }] } }],
    ['a short RSA key', { jwks: { keys: [{ kty: 'RSA', n: 'x'.repeat(171), e: 'AQAB' }] } }],
    ['no keys', { jwks: { keys: [] } }],
    [
      'two keys without names',
      { jwks: { keys: [clientKey('a').jwk, clientKey('b').jwk].map((jwk) => ({ ...jwk, kid: undefined })) } },
    ],
    ['two keys of one name', { jwks: { keys: [clientKey('a').jwk, clientKey('a').jwk] } }],
  ])('%s is refused', (_name, authentication) => {
    expect(complaintAbout('client 1', authentication)).toBeDefined()
    const clients = [{ id: 'x', authentication }] as never
    const error = thrownBy(() => resolveTokensOptions({ issuer: ISSUER, audience: AUDIENCE, clients }))

    expect(error).toMatchObject({ code: 'ERR_CONFIG_INVALID', message: expect.stringContaining('client 1') })
    expect(error.message).not.toContain(good.slice(0, 20))
  })

  it('random secrets and public keys are taken', () => {
    const authentications = ['public', { clientSecret: good }, { jwks: { keys: [REPORTS_KEY.jwk, clientKey('b', 'rsa').jwk] } }]

    expect(authentications.map((one) => complaintAbout('client 1', one))).toEqual([undefined, undefined, undefined])
  })
})

it('a secret of public knowledge signs nothing: a key is never a shared one', async () => {
  const site = await endpointSite()
  const [header, claims] = assertion(site, { header: { alg: 'HS256' } }).split('.')
  const mac = createHmac('sha256', JSON.stringify(REPORTS_KEY.jwk)).update(`${header}.${claims}`).digest('base64url')

  expect(await at(asserted(`${header}.${claims}.${mac}`), {}, Promise.resolve(site))).toBe(401)
})
