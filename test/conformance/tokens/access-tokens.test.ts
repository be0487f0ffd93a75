// What minting shows of RFC 9068, RFC 8725 and ASVS V9; what services check is in the verifier's tests.
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { expect, it } from 'vitest'
import { hours, minutes } from '../../../src/core/duration.ts'
import { createAccessTokens } from '../../../src/tokens/access-token.ts'
import { createSigningKeys } from '../../../src/tokens/signing-keys.ts'
import { codeOf, setUp, thrownBy } from '../../core/support.ts'
import { contextOf } from '../../tokens/context.ts'
import { API, forged, ISSUER, minting, partsOf } from '../../tokens/support.ts'

/** An issuer's parts, a token of its, and whether a text is one. */
async function issuer() {
  const { sessions, clock } = setUp()
  const context = contextOf(sessions)
  const keys = createSigningKeys(context)
  const accessTokens = createAccessTokens(context, keys)
  const session = { id: 'x'.repeat(22), subject: 'ada', facts: [], doubtedAt: undefined, deadline: clock() + hours(8) }
  const { accessToken } = await accessTokens.mint(session)
  const isRead = async (jwt: string) => (await accessTokens.read(jwt)) !== undefined
  return { keys, clock, accessToken, isRead, claims: partsOf(accessToken).claims }
}

const flipped = (text: string, at: number) => text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)

it('AT-01: a token is of type at+jwt, and of no other is any read back', async () => {
  const { accessToken, keys, claims, isRead } = await issuer()

  expect(partsOf(accessToken).header.typ).toBe('at+jwt')
  expect(await isRead(accessToken)).toBe(true)
  for (const typ of ['JWT', 'jwt', 'id_token+jwt', 'logout+jwt', 'dpop+jwt'])
    expect(await isRead(await keys.sign(claims, typ))).toBe(false)
})

it('AT-02: a token has every claim that is required, and acr, amr, auth_time and scope where they are known', async () => {
  const { mint } = minting()

  const { accessToken } = await mint({ scope: ['read'] })
  const { claims } = partsOf(accessToken)

  for (const name of ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti', 'acr', 'amr', 'auth_time', 'scope'])
    expect(claims).toHaveProperty(name)
})

it('AT-05: each resource has a name of its own, and there is no token for nobody', async () => {
  const { mint } = minting()

  expect(partsOf((await mint()).accessToken).claims.aud).toBe(API)
  expect(partsOf((await mint({ audience: 'https://orders.example' })).accessToken).claims.aud).toBe('https://orders.example')
  expect(await codeOf(mint({ audience: [] }))).toBe('ERR_ARGUMENT_INVALID')
})

it('ASVS-9.1.1: a token with any part changed is not read: header, claims or signature', async () => {
  const { accessToken, isRead } = await issuer()
  const [header, claims] = accessToken.split('.') as [string, string]
  const places = [2, header.length + 9, header.length + claims.length + 40]

  expect(await Promise.all(places.map((at) => isRead(flipped(accessToken, at))))).toEqual([false, false, false])
  expect(await isRead(accessToken)).toBe(true)
})

it('ASVS-9.1.2: no algorithm but the key’s: none in any spelling, and a MAC with the public key as its secret', async () => {
  const { accessToken, keys, claims, isRead } = await issuer()
  const { keys: published } = await keys.jwks()
  const secret = Buffer.from(JSON.stringify(published[0]))
  const kid = partsOf(accessToken).header.kid as string
  const mac = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid }).sign(secret)
  const unsigned = ['none', 'None', 'NONE', 'nOnE'].map(
    (alg) => `${forged(accessToken, { header: { alg } }).split('.').slice(0, 2).join('.')}.`,
  )

  expect(await Promise.all([mac, ...unsigned].map(isRead))).toEqual([false, false, false, false, false])
})

it('ASVS-9.1.3: keys come from the issuer’s own set: a key or an address in the header is not looked at', async () => {
  const { accessToken, claims, isRead } = await issuer()
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const jwk = await exportJWK(publicKey)
  const kid = partsOf(accessToken).header.kid as string
  const sign = (header: object) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', ...header }).sign(privateKey)
  const planted = [
    { jwk },
    { jwk, kid },
    { jku: 'https://evil.example/keys', kid },
    { x5u: 'https://evil.example/cert', kid },
    { kid: 'evil' },
  ]

  expect(await Promise.all(planted.map(async (header) => isRead(await sign(header))))).toEqual(planted.map(() => false))
})

it('ASVS-9.2.1: a token has an end that is checked to the millisecond, and one that is no number counts as none', async () => {
  const { accessToken, keys, clock, claims, isRead } = await issuer()
  const end = (claims.exp as number) * 1000
  const endless = [
    await keys.sign({ ...claims, exp: undefined }, 'at+jwt'),
    await keys.sign({ ...claims, exp: '9999999999' }, 'at+jwt'),
  ]
  clock.set(end - 1)
  const before = await isRead(accessToken)
  clock.set(end)

  expect([before, await isRead(accessToken)]).toEqual([true, false])
  expect(await Promise.all(endless.map(isRead))).toEqual([false, false])
})

it('ASVS-9.2.2: what is signed for another purpose is no access token, and an access token no session', async () => {
  const { accessToken, keys, claims, isRead } = await issuer()
  const { sessions } = setUp()

  expect(await isRead(await keys.sign({ ...claims, events: {} }, 'logout+jwt'))).toBe(false)
  expect((await sessions.read(accessToken)).state).toBe('malformed')
})

it('ASVS-9.2.4: the issuer has one key for several audiences, and names one in every token', async () => {
  const { mint, tokens } = minting()

  const minted = await Promise.all([mint(), mint({ audience: 'a' }), mint({ audience: ['b', 'c'] })])

  expect(minted.map(({ accessToken }) => partsOf(accessToken).claims.aud)).toEqual([API, 'a', ['b', 'c']])
  expect((await tokens.signer.jwks()).keys).toHaveLength(1)
})

it('JWT-01: each key has exactly one algorithm, said in the key set, and the header’s is the one it signs with', async () => {
  for (const algorithm of ['ES256', 'EdDSA', 'ML-DSA-44'] as const) {
    const { mint, tokens } = minting({ tokens: { algorithm } })
    const { header } = partsOf((await mint()).accessToken)
    const { keys } = await tokens.signer.jwks()

    expect([header.alg, ...keys.map(({ alg }) => alg)]).toEqual([algorithm, algorithm])
  }
})

it('JWT-02: only algorithms of today: no MAC, no none, and RSA by a name that says what it is', async () => {
  const wrong = ['HS256', 'none', 'RS256', 'RS1', 'ES256K', 'PS256', '']

  for (const algorithm of wrong)
    expect(thrownBy(() => minting({ tokens: { algorithm: algorithm as 'ES256' } })).code).toBe('ERR_CONFIG_INVALID')
  expect(await minting({ tokens: { dangerouslyUseRs256: true } }).seen('safety.lowered')).toHaveLength(1)
})

it('JWT-03: one check that fails refuses the whole: a good signature does not help wrong claims, nor the other way round', async () => {
  const { keys, claims, isRead } = await issuer()

  expect(await isRead(await keys.sign({ ...claims, iss: 'https://evil.example' }, 'at+jwt'))).toBe(false)
  expect(await isRead(await keys.sign({ ...claims, sid: undefined }, 'at+jwt'))).toBe(false)
  expect(await isRead(await keys.sign(claims, 'at+jwt'))).toBe(true)
})

it('JWT-05: keys are made by a generator, in the process, and no person chooses one', async () => {
  const kids = await Promise.all(Array.from({ length: 5 }, () => minting().kids()))

  expect(new Set(kids.flat()).size).toBe(5)
})

it('JWT-06: nothing is compressed', async () => {
  const { accessToken } = await issuer()

  expect(Object.keys(partsOf(accessToken).header).toSorted()).toEqual(['alg', 'kid', 'typ'])
})

it('JWT-07: header and claims are UTF-8, whatever the subject', async () => {
  const { tokens, sessions } = minting()

  const { accessToken } = await tokens.mint(await sessions.signIn({ subject: 'Ådä 😀', method: 'pwd' }))
  const bytes = Buffer.from(accessToken.split('.')[1]!, 'base64url')

  expect(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)).sub).toBe('Ådä 😀')
})

it('JWT-10: a kid chooses among the issuer’s keys and leads nowhere else, whatever is in it', async () => {
  const { accessToken, isRead } = await issuer()
  const names = [
    '../../../dev/null',
    "x' UNION SELECT 'key",
    '__proto__',
    'https://evil.example/key',
    'A'.repeat(43),
    'a'.repeat(10_000),
  ]

  expect(await Promise.all(names.map((kid) => isRead(forged(accessToken, { header: { kid } }))))).toEqual(names.map(() => false))
})

it('JWT-11: every token says its type', async () => {
  const { tokens, mint } = minting()

  expect(partsOf((await mint()).accessToken).header.typ).toBe('at+jwt')
  expect(partsOf(await tokens.signer.sign({ iss: ISSUER }, 'logout+jwt')).header.typ).toBe('logout+jwt')
})

it('ASVS-10.1.1: a token goes to whoever calls mint, and to nobody else: no header, no cookie, no event, no row has it', async () => {
  const { tokens, sessions, seen } = minting({ core: { policy: { idleTimeout: minutes(20) } } })
  const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
  const { accessToken } = await tokens.mint(session)
  const instruction = await session.commit()

  const outside = JSON.stringify([instruction, await seen(), await sessions.list('ada'), session.data])

  expect(outside).not.toContain(accessToken.split('.')[2])
})
