import { createHmac, createPublicKey } from 'node:crypto'
import { describe, expect, it, test } from 'vitest'
import { AUDIENCE, type Claims, outcome, signed, signingKey, startIssuer, verifierOf } from './support.ts'

test('a good token gives its claims', async () => {
  const issuer = await startIssuer()
  const { verifier } = verifierOf(issuer)

  const access = await verifier.verify(await issuer.mint())

  expect(access).toMatchObject({
    state: 'active',
    subject: 'ada',
    sessionId: 'session-of-ada',
    clientId: 'app',
    scopes: ['read', 'write'],
    revocation: 'none',
  })
})

describe('algorithms', () => {
  it.each(['ES256', 'EdDSA', 'ML-DSA-44', 'ML-DSA-65'])('%s counts by default', async (algorithm) => {
    const issuer = await startIssuer()
    issuer.keys = [await signingKey('key', algorithm)]

    expect(await outcome(verifierOf(issuer).verifier.verify(await issuer.mint()))).toBe('active by none')
  })

  it('RS256 counts only where it is asked for by name', async () => {
    const issuer = await startIssuer()
    issuer.keys = [await signingKey('key', 'RS256')]
    const token = await issuer.mint()

    expect(await outcome(verifierOf(issuer).verifier.verify(token))).toBe('401 algorithm')
    expect(await outcome(verifierOf(issuer, { algorithms: ['RS256'] }).verifier.verify(token))).toBe('active by none')
  })

  it.each(['none', 'None', 'NONE', 'nOnE', '', ' none', 'HS256', 'HS512', 'es256', 'ES256 ', 'RS1', null, 0, ['ES256'], {}])(
    'alg %j is refused before any key is looked up',
    async (alg) => {
      const issuer = await startIssuer()
      const { verifier, called } = verifierOf(issuer)
      const [, payload, signature] = (await issuer.mint()).split('.')
      const header = Buffer.from(JSON.stringify({ typ: 'at+jwt', kid: 'key-1', alg })).toString('base64url')

      const outcomes = [
        await outcome(verifier.verify(`${header}.${payload}.${signature}`)),
        await outcome(verifier.verify(`${header}.${payload}.`)),
      ]

      expect(outcomes).toEqual(['401 algorithm', '401 header'])
      expect(called).toEqual([])
    },
  )

  it('a token that names another algorithm than its key has is refused', async () => {
    const issuer = await startIssuer()
    const other = await signingKey('key-1', 'EdDSA')

    expect(await outcome(verifierOf(issuer).verifier.verify(await issuer.mint({}, { key: other })))).toBe('401 algorithm')
  })

  it('the public key is no shared secret', async () => {
    const issuer = await startIssuer()
    const { kty, crv, x, y } = issuer.keys[0]!.jwk
    const pem = createPublicKey({ key: { kty, crv, x, y } as never, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
    const parts = [{ alg: 'HS256', typ: 'at+jwt', kid: 'key-1' }, issuer.claims()].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    )
    const mac = createHmac('sha256', pem).update(parts.join('.')).digest('base64url')

    expect(await outcome(verifierOf(issuer).verifier.verify([...parts, mac].join('.')))).toBe('401 algorithm')
  })
})

describe('headers', () => {
  it.each(['at+jwt', 'AT+JWT', 'application/at+jwt', 'Application/At+Jwt'])('typ %s is an access token', async (typ) => {
    const issuer = await startIssuer()

    expect(await outcome(verifierOf(issuer).verifier.verify(await issuer.mint({}, { header: { typ } })))).toBe('active by none')
  })

  it.each([
    ['none', undefined],
    ['an ID token', 'JWT'],
    ['a logout token', 'logout+jwt'],
    ['a proof of a device', 'dbsc+jwt'],
    ['a DPoP proof', 'dpop+jwt'],
    ['an introspection answer', 'token-introspection+jwt'],
    ['nearly', 'at+jwt '],
    ['nearly', 'xat+jwt'],
    ['nearly', 'text/at+jwt'],
    ['no text', ['at+jwt']],
  ])('typ of %s is refused', async (_, typ) => {
    const issuer = await startIssuer()

    expect(await outcome(verifierOf(issuer).verifier.verify(await issuer.mint({}, { header: { typ } })))).toBe('401 type')
  })

  it.each(['jku', 'x5u', 'jwk', 'x5c', 'x5t', 'x5t#S256', 'crit', 'b64', 'zip', 'enc'])(
    '%s is refused, and nothing is fetched',
    async (name) => {
      const issuer = await startIssuer()
      const { verifier, called } = verifierOf(issuer)
      const attacker = await signingKey('key-1')
      const value: unknown = name === 'jwk' ? attacker.jwk : name === 'crit' ? ['exp'] : `${issuer.url}/attacker`

      const result = await outcome(verifier.verify(await issuer.mint({}, { header: { [name]: value }, key: attacker })))

      expect(result).toBe('401 header')
      expect(called).toEqual([])
      expect(issuer.asked('/attacker')).toBe(0)
    },
  )

  it.each(['', 'x'.repeat(257), '../../etc/passwd', "' OR 1=1 --", '__proto__', 'constructor', 'http://127.0.0.1/', 7, null, {}])(
    'kid %j is a name nobody has',
    async (kid) => {
      const issuer = await startIssuer()
      const { verifier, called } = verifierOf(issuer)

      expect(await outcome(verifier.verify(await issuer.mint({}, { header: { kid } })))).toBe('401 unknown-key')
      expect(called.every((url) => url === `${issuer.url}/.well-known/jwks.json`)).toBe(true)
    },
  )
})

describe('signatures', () => {
  it.each([0, 1, 2])('a change in part %i is refused', async (part) => {
    const issuer = await startIssuer()
    const { verifier } = verifierOf(issuer)
    const parts = (await issuer.mint()).split('.')
    const bytes = Buffer.from(parts[part]!, 'base64url')
    const middle = bytes.length >> 1
    bytes[middle]! ^= 1
    parts[part] = bytes.toString('base64url')

    expect((await verifier.verify(parts.join('.'))).state).toBe('refused')
  })

  it.each([
    ['blank', Buffer.alloc(64)],
    [
      'of the order of the curve',
      Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'.repeat(2), 'hex'),
    ],
    ['empty', Buffer.alloc(0)],
    ['in DER', Buffer.from('3006020101020101', 'hex')],
    ['too long', Buffer.alloc(65, 1)],
  ])('a signature that is %s is refused', async (_, signature) => {
    const issuer = await startIssuer()
    const [header, payload] = (await issuer.mint()).split('.')

    const access = await verifierOf(issuer).verifier.verify(`${header}.${payload}.${signature.toString('base64url')}`)

    expect(access).toMatchObject({ state: 'refused', status: 401, error: 'invalid_token' })
  })

  it.each([0, 1, 63, 65, 96, 2420])('a signature of %i bytes is none of ES256, and costs no fetch', async (length) => {
    const issuer = await startIssuer()
    const { verifier, called } = verifierOf(issuer)
    const [header, payload] = (await issuer.mint()).split('.')

    const access = await verifier.verify(`${header}.${payload}.${Buffer.alloc(length, 1).toString('base64url')}`)

    expect([access.state, called]).toEqual(['refused', []])
  })

  it('a key of somebody else under a name of the issuer is refused', async () => {
    const issuer = await startIssuer()

    expect(await outcome(verifierOf(issuer).verifier.verify(await issuer.mint({}, { key: await signingKey('key-1') })))).toBe(
      '401 signature',
    )
  })
})

describe('claims', () => {
  it.each(['iss', 'sub', 'aud', 'client_id', 'iat', 'exp', 'jti', 'sid'])('a token without %s is refused', async (name) => {
    const issuer = await startIssuer()

    expect((await verifierOf(issuer).verifier.verify(await issuer.mint({ [name]: undefined }))).state).toBe('refused')
  })

  const wrong: readonly (readonly [string, Claims, string])[] = [
    ['issuer of another', { iss: 'https://evil.example' }, 'issuer'],
    ['issuer with a slash', { iss: 'http://127.0.0.1/' }, 'issuer'],
    ['audience of another', { aud: 'https://other.example' }, 'audience'],
    ['audiences of others', { aud: ['https://other.example', `${AUDIENCE}.evil.example`] }, 'audience'],
    ['no audience at all', { aud: [] }, 'audience'],
    ['an audience that is no text', { aud: [AUDIENCE, 7] }, 'claims'],
    ['an audience in an object', { aud: { [AUDIENCE]: true } }, 'claims'],
    ['a subject that is no text', { sub: 7 }, 'claims'],
    ['an empty subject', { sub: '' }, 'claims'],
    ['an id that is too long', { jti: 'x'.repeat(257) }, 'claims'],
    ['a session id in a list', { sid: ['x'] }, 'claims'],
    ['an end in words', { exp: '99999999999' }, 'claims'],
    ['an end that is null', { exp: null }, 'claims'],
    ['a beginning in words', { nbf: '0' }, 'claims'],
    ['a negative birth', { iat: -1 }, 'claims'],
    ['scopes in a list', { scope: ['read'] }, 'claims'],
    ['an acr that is no text', { acr: 2 }, 'claims'],
    ['an amr that is no list', { amr: 'pwd' }, 'claims'],
    ['an auth_time in words', { auth_time: 'now' }, 'claims'],
    ['a binding nobody understands', { cnf: { 'x5t#S256': 'x'.repeat(43) } }, 'claims'],
    ['a binding and another', { cnf: { jkt: 'x'.repeat(43), jwk: {} } }, 'claims'],
    ['a binding to nothing', { cnf: {} }, 'claims'],
  ]
  it.each(wrong)('%s is refused', async (_, changes, reason) => {
    const issuer = await startIssuer()

    expect(await outcome(verifierOf(issuer).verifier.verify(await issuer.mint(changes)))).toBe(`401 ${reason}`)
  })

  it('one of several audiences will do', async () => {
    const issuer = await startIssuer()

    const access = await verifierOf(issuer).verifier.verify(await issuer.mint({ aud: ['https://other.example', AUDIENCE] }))

    expect(access.state).toBe('active')
  })

  it.each(['[]', '"text"', 'null', '7', '{"iss"', '\u{feff}{}', ''])('a payload of %j is refused', async (payload) => {
    const issuer = await startIssuer()
    const key = issuer.keys[0]!
    const first = Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid: key.kid })).toString('base64url')
    const second = Buffer.from(payload).toString('base64url')
    const bytes = await crypto.subtle.sign(
      { name: 'ECDSA', hash: 'SHA-256' },
      key.privateKey as never,
      Buffer.from(`${first}.${second}`),
    )

    const access = await verifierOf(issuer).verifier.verify(`${first}.${second}.${Buffer.from(bytes).toString('base64url')}`)

    expect(access).toMatchObject({ state: 'refused', status: 401 })
  })
})

describe('time', () => {
  it('a token is good until exp and the tolerance, and not a millisecond longer', async () => {
    const issuer = await startIssuer()
    const { verifier } = verifierOf(issuer, { clockTolerance: 30_000 })
    const token = await issuer.mint()
    issuer.clock.advance(330_000 - 1)
    const last = await outcome(verifier.verify(token))
    issuer.clock.advance(1)

    expect([last, await outcome(verifier.verify(token))]).toEqual(['active by none', '401 expired'])
  })

  it.each(['iat', 'nbf'])('a token whose %s is more than the tolerance ahead is refused', async (name) => {
    const issuer = await startIssuer()
    const { verifier } = verifierOf(issuer, { clockTolerance: 30_000 })
    const start = issuer.clock() / 1000

    expect([
      await outcome(verifier.verify(await issuer.mint({ [name]: start + 30 }))),
      await outcome(verifier.verify(await issuer.mint({ [name]: start + 31 }))),
    ]).toEqual(['active by none', '401 from-the-future'])
  })

  it('a token that lives longer than the issuer may mint is refused', async () => {
    const issuer = await startIssuer()
    const { verifier } = verifierOf(issuer, { accessTokenLifetime: 300_000 })
    const start = issuer.clock() / 1000

    expect([
      await outcome(verifier.verify(await issuer.mint({ exp: start + 300 }))),
      await outcome(verifier.verify(await issuer.mint({ exp: start + 301 }))),
    ]).toEqual(['active by none', '401 lifetime'])
  })
})

describe('garbage', () => {
  it.each(['', '.', '..', 'a.b', 'a.b.c.d', 'a.b.c', '=.=.=', '\u0000', 'x'.repeat(100_000), `${'a'.repeat(2000)}.b.c`, 'é.é.é'])(
    '%# is refused without a fetch',
    async (token) => {
      const issuer = await startIssuer()
      const { verifier, called } = verifierOf(issuer)

      expect(await verifier.verify(token)).toMatchObject({ state: 'refused', status: 401, error: 'invalid_token' })
      expect(called).toEqual([])
    },
  )

  it.each([undefined, null, 7, {}, ['x'], Symbol('x')])('what is no text is refused: %#', async (token) => {
    const issuer = await startIssuer()

    expect((await verifierOf(issuer).verifier.verify(token as never)).state).toBe('refused')
  })

  it('a token at the longest length is read, one longer is not', async () => {
    const issuer = await startIssuer()
    const token = await issuer.mint()
    const { verifier } = verifierOf(issuer, { maxTokenLength: 512 })
    const padded = await signed(
      issuer.claims({ filling: 'x'.repeat(400) }),
      { alg: 'ES256', typ: 'at+jwt', kid: 'key-1' },
      issuer.keys[0]!,
    )

    expect(token.length).toBeLessThanOrEqual(512)
    expect([await outcome(verifier.verify(token)), await outcome(verifier.verify(padded))]).toEqual([
      'active by none',
      '401 oversize',
    ])
  })
})

test('no event and no answer holds a token', async () => {
  const issuer = await startIssuer()
  const { verifier, events } = verifierOf(issuer)
  const token = await issuer.mint({ aud: 'https://other.example' })

  const access = await verifier.verify(token)

  const said = JSON.stringify([events, access])
  for (const part of token.split('.')) expect(said).not.toContain(part)
  expect(events).toContainEqual({
    type: 'access-token.refused',
    reason: 'audience',
    detail: undefined,
    sessionId: undefined,
    clientId: undefined,
  })
})
