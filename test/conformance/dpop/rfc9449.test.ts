// RFC 9449, Demonstrating Proof of Possession: requirements DPOP-01 to DPOP-18 by their ids, at the token endpoint and at a service, over HTTP.
import { describe, expect, it } from 'vitest'
import { minutes } from '../../../src/core/duration.ts'
import { App } from '../../tokens/dpop/app.ts'
import { type DpopSite, dpopSite } from '../../tokens/dpop/site.ts'
import { judge } from '../../tokens/dpop/support.ts'
import { AT_SERVICE, JKT } from '../../tokens/dpop/vectors.ts'

type Proof = string | string[] | undefined

/** What the token endpoint says to a proof, and that the refresh token was not used up where it refuses. */
async function atTokenEndpoint(site: DpopSite, proofs: (() => Proof)[]) {
  const answers: unknown[] = []
  for (const proof of proofs) {
    const { refreshToken } = await site.granted()
    const { status, body } = await site.refresh(refreshToken, proof())
    answers.push(body.error ?? status)
    if (status !== 200) answers.push((await site.refresh(refreshToken, site.proof())).status)
  }
  return answers
}

const REFUSED = ['invalid_dpop_proof', 200]

describe('the proof', () => {
  it('DPOP-01: of two headers none counts, in one line or in two, good or not', async () => {
    const site = await dpopSite()
    const proof = site.proof()

    expect(
      await atTokenEndpoint(site, [() => [site.proof(), site.proof()], () => [proof, proof], () => [site.proof(), 'x']]),
    ).toEqual([...REFUSED, ...REFUSED, ...REFUSED])
    expect((await site.seen('dpop.refused')).map((event) => (event as { reason?: string }).reason)).toEqual(
      Array.from({ length: 3 }, () => 'several'),
    )
    const { accessToken } = await site.granted()
    const two = ['a', 'b'].map((): [string, string] => [
      'dpop',
      site.app.proof({ now: site.now(), method: 'GET', url: `${site.origin}/api/orders`, accessToken }),
    ])
    const { status, headers } = await site.call([['authorization', `DPoP ${accessToken}`], ...two])
    expect([status, headers.get('www-authenticate')]).toEqual([401, expect.stringContaining('error="invalid_dpop_proof"')])
  })

  it.each([
    ['an empty header', ''],
    ['a word', 'garbage'],
    ['five parts, as an encrypted token has', 'a.b.c.d.e'],
    ['a list', 'a.b.c,d.e.f'],
    ['a quoted text', '"a.b.c"'],
  ])('DPOP-02: %s is no well-formed JWT', async (_what, header) => {
    expect(await atTokenEndpoint(await dpopSite(), [() => header])).toEqual(REFUSED)
  })

  it.each(['jti', 'htm', 'htu', 'iat'])('DPOP-03: without %s it is none', async (claim) => {
    const site = await dpopSite()
    const wrong = [undefined, null, {}, [], claim === 'iat' ? '1750000000' : 1, '']

    expect(
      await atTokenEndpoint(
        site,
        wrong.map((value) => () => site.proof({ payload: { [claim]: value } })),
      ),
    ).toEqual(wrong.flatMap(() => REFUSED))
  })

  it('DPOP-03: with an access token, ath is required too', async () => {
    expect(await used(await dpopSite(), { payload: { ath: undefined } })).toBe('proof: other-token')
  })

  it('DPOP-04: a JWT of another type is none', async () => {
    const site = await dpopSite()
    const types = [undefined, null, 'JWT', 'jwt', 'at+jwt', 'dbsc+jwt', 'DPOP+JWT', 'application/dpop+jwt', ['dpop+jwt']]

    expect(
      await atTokenEndpoint(
        site,
        types.map((typ) => () => site.proof({ header: { typ } })),
      ),
    ).toEqual(types.flatMap(() => REFUSED))
  })

  it('DPOP-05: an algorithm that is symmetric, none, unknown, or not allowed here, is refused', async () => {
    const site = await dpopSite()
    const algorithms = ['none', 'HS256', 'RS256', 'PS256', 'ES512', 'ES256K', 'dir', '', undefined]
    const [ec, ed] = [new App('ES256'), new App('EdDSA')]
    const now = site.now()

    expect(
      await atTokenEndpoint(
        site,
        algorithms.map((alg) => () => site.proof({ header: { alg } })),
      ),
    ).toEqual(algorithms.flatMap(() => REFUSED))
    expect(await judge({ proof: ec.proof({ now }), now }, { algorithms: ['EdDSA'] })).toMatchObject({ reason: 'algorithm' })
    expect(await judge({ proof: ed.proof({ now }), now }, { algorithms: ['EdDSA'] })).toMatchObject({ ok: true })
    expect(await metadata(site)).toMatchObject({ dpop_signing_alg_values_supported: ['ES256', 'ES384', 'EdDSA', 'Ed25519'] })
  })

  it('DPOP-06: a signature of another key, one with a letter changed, and one of other claims, are none', async () => {
    const site = await dpopSite()
    const changed = () => {
      const proof = site.proof()
      const at = proof.lastIndexOf('.') + 10
      return `${proof.slice(0, at)}${proof[at] === 'A' ? 'B' : 'A'}${proof.slice(at + 1)}`
    }
    const ofOthers = () => [...site.proof().split('.').slice(0, 2), site.proof().split('.')[2]].join('.')

    expect(await atTokenEndpoint(site, [() => site.proof({ signedBy: new App() }), changed, ofOthers])).toEqual(
      [0, 1, 2].flatMap(() => REFUSED),
    )
  })

  it('DPOP-06: an extension that has to be understood is refused, even one a library knows', async () => {
    const site = await dpopSite()

    expect(
      await atTokenEndpoint(site, [
        () => site.proof({ header: { crit: ['b64'], b64: true } }),
        () => site.proof({ header: { crit: ['exp'], exp: 1 } }),
      ]),
    ).toEqual([...REFUSED, ...REFUSED])
  })

  it('DPOP-07: a key that comes with its private part is refused', async () => {
    const site = await dpopSite()
    const jwks = [
      { ...site.app.jwk, ...site.app.privateJwk },
      { ...site.app.jwk, d: '' },
      { ...site.app.jwk, k: 'AAAA' },
      { kty: 'oct', k: 'AAAA' },
    ]

    expect(
      await atTokenEndpoint(
        site,
        jwks.map((jwk) => () => site.proof({ header: { jwk } })),
      ),
    ).toEqual(jwks.flatMap(() => REFUSED))
  })

  it('DPOP-08: one for another method is none', async () => {
    const site = await dpopSite()
    const methods = ['GET', 'post', 'POST ', 'PUT']

    expect(
      await atTokenEndpoint(
        site,
        methods.map((htm) => () => site.proof({ payload: { htm } })),
      ),
    ).toEqual(methods.flatMap(() => REFUSED))
    expect(await used(site, { payload: { htm: 'POST' } })).toBe('proof: other-method')
  })

  it('DPOP-09: one for another URL is none; letter case of scheme and host, default port, encoding, query and fragment make no other', async () => {
    const site = await dpopSite()
    const { port } = new URL(site.origin)
    const same = [
      `HTTP://127.0.0.1:${port}/oauth/token`,
      `${site.origin}/oauth/%74oken`,
      `${site.origin}/oauth/./token`,
      `${site.tokenUrl}?a=1`,
      `${site.tokenUrl}#a`,
    ]
    const other = [
      `https://127.0.0.1:${port}/oauth/token`,
      'http://127.0.0.1/oauth/token',
      `http://localhost:${port}/oauth/token`,
      `${site.tokenUrl}/`,
      `${site.origin}/oauth/revoke`,
      '/oauth/token',
    ]
    const verdict = async (proof: string, url: string) => (await judge({ proof, now: site.now(), url })).ok
    const proofFor = (url: string) => site.app.proof({ now: site.now(), url })

    expect(
      await atTokenEndpoint(
        site,
        same.map((htu) => () => site.proof({ payload: { htu } })),
      ),
    ).toEqual(same.map(() => 200))
    expect(
      await atTokenEndpoint(
        site,
        other.map((htu) => () => site.proof({ payload: { htu } })),
      ),
    ).toEqual(other.flatMap(() => REFUSED))
    expect(await verdict(proofFor('https://API.example:443/a%2fb'), 'https://api.example/a%2Fb')).toBe(true)
  })

  it('DPOP-09: whatever Host a client writes, the URL is the one the server is known by', async () => {
    const site = await dpopSite()
    const { accessToken } = await site.granted()
    const proof = site.app.proof({ now: site.now(), method: 'GET', url: 'http://evil.example/api/orders', accessToken })
    const head = await site.raw([
      'GET /api/orders HTTP/1.1',
      'Host: evil.example',
      'X-Forwarded-Host: evil.example',
      `Authorization: DPoP ${accessToken}`,
      `DPoP: ${proof}`,
    ])

    expect([head.split('\r\n')[0], site.refusals]).toEqual(['HTTP/1.1 401 Unauthorized', ['proof: other-url']])
  })
})

describe('its time', () => {
  it('DPOP-10: where a nonce is required, only one that was given lately counts; without it, it is given', async () => {
    const site = await dpopSite({ tokens: { dpopNonce: 'required' } })
    const { refreshToken } = await site.granted()
    const first = await site.refresh(refreshToken, site.proof())
    const nonce = first.response.headers.get('dpop-nonce')!
    const madeUp = await site.refresh(refreshToken, site.proof({}, 'a'.repeat(nonce.length)))
    site.clock.advance(minutes(11))
    const old = await site.refresh(refreshToken, site.proof({}, nonce))
    const fresh = old.response.headers.get('dpop-nonce')!
    const good = await site.refresh(refreshToken, site.proof({}, fresh))

    expect([first, madeUp, old].map(({ status, body }) => [status, body.error])).toEqual(
      Array.from({ length: 3 }, () => [400, 'use_dpop_nonce']),
    )
    expect([fresh === nonce, good.status]).toEqual([false, 200])
  })

  it('DPOP-11: 60 seconds old is fresh, 5 seconds ahead is allowed, a second more of either is not', async () => {
    const site = await dpopSite()
    const at = (offset: number) => ({ payload: { iat: Math.floor(site.now() / 1000) + offset } })
    const results: unknown[] = []
    for (const offset of [-60, 0, 5, -61, 6]) results.push(await used(site, at(offset)))

    expect(results).toEqual(['good', 'good', 'good', 'proof: too-old', 'proof: from-the-future'])
  })

  it('DPOP-11: with a nonce of the server’s, it is the server’s clock that counts', async () => {
    const site = await dpopSite()
    const { refreshToken } = await site.granted()
    const wrongClock = { payload: { iat: 1_000_000_000 } }
    const first = await site.refresh(refreshToken, site.proof(wrongClock))
    const { status } = await site.refresh(refreshToken, site.proof(wrongClock, first.response.headers.get('dpop-nonce')!))

    expect([first.body.error, status]).toEqual(['use_dpop_nonce', 200])
  })
})

describe('with a token', () => {
  it('DPOP-12: of another token, or by another key than the token names, it is none; RFC 9449’s own example is one', async () => {
    const site = await dpopSite()

    expect(await used(site)).toBe('good')
    expect(await used(site, { payload: { ath: 'fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo' } })).toBe('proof: other-token')
    expect(await used(site, {}, new App())).toBe('proof: other-key')
    expect(await judge({ ...AT_SERVICE, jkt: JKT })).toMatchObject({ ok: true })
    expect(await judge({ ...AT_SERVICE, jkt: `${JKT.slice(0, -1)}B` })).toMatchObject({ ok: false, reason: 'other-key' })
  })

  it('DPOP-14: a bound token as Bearer is refused, with a proof or without; two schemes at once are a bad request', async () => {
    const site = await dpopSite()
    const { accessToken } = await site.granted()
    const proof = () => site.app.proof({ now: site.now(), method: 'GET', url: `${site.origin}/api/orders`, accessToken })
    const bearer = await site.call([['authorization', `Bearer ${accessToken}`]])
    const proven = await site.call([
      ['authorization', `Bearer ${accessToken}`],
      ['dpop', proof()],
    ])
    const bare = await site.call([['authorization', `DPoP ${accessToken}`]])
    const head = await site.raw([
      'GET /api/orders HTTP/1.1',
      `Host: ${new URL(site.origin).host}`,
      `Authorization: DPoP ${accessToken}`,
      `Authorization: Bearer ${accessToken}`,
      `DPoP: ${proof()}`,
    ])

    expect([bearer, proven, bare].map(({ status }) => status)).toEqual([401, 401, 401])
    expect([head.split('\r\n')[0], head]).toEqual([
      'HTTP/1.1 400 Bad Request',
      expect.stringContaining('error="invalid_request"'),
    ])
  })
})

it('ASVS-10.3.5: a token bound to a key is worth nothing without it, and a service can take only such tokens', async () => {
  const site = await dpopSite({ verifier: { dpop: 'required' } })
  const [bound, unbound] = [await site.granted(), await site.granted(null, 'lax-app')]
  const thief = new App()
  const bearer = async (token: string) => (await site.call([['authorization', `Bearer ${token}`]])).status

  expect([await bearer(bound.accessToken), await bearer(unbound.accessToken)]).toEqual([401, 401])
  expect(await used(site, {}, thief, bound.accessToken)).toBe('proof: other-key')
  expect(await used(site, {}, site.app, bound.accessToken)).toBe('good')
})

describe('once', () => {
  it('DPOP-13: a proof counts once, at the token endpoint and at a service; what is remembered of it is a hash', async () => {
    const claimed: string[] = []
    const site = await dpopSite({
      verifier: { proofReplay: { claim: (key) => !claimed.includes(key) && claimed.push(key) > 0 } },
    })
    const proof = site.proof()
    const answers: unknown[] = []
    for (let i = 0; i < 3; i++) answers.push((await site.refresh((await site.granted()).refreshToken, proof)).body.error)
    const { accessToken } = await site.granted()
    const atService = site.app.proof({ now: site.now(), method: 'GET', url: `${site.origin}/api/orders`, accessToken })
    const call = () =>
      site.call([
        ['authorization', `DPoP ${accessToken}`],
        ['dpop', atService],
      ])

    expect(answers).toEqual([undefined, 'invalid_dpop_proof', 'invalid_dpop_proof'])
    expect([(await call()).status, (await call()).status]).toEqual([200, 401])
    expect(claimed).toEqual([expect.stringMatching(/^tokens:dpop[\w-]*:[\w-]{43}$/)])
    expect(await used(site, { payload: { jti: 'x'.repeat(257) } })).toBe('proof: claims')
  })
})

describe('refresh tokens', () => {
  it('DPOP-15: a public client’s is bound to its key, and every use needs that key, the second and third as well', async () => {
    const site = await dpopSite()
    const { refreshToken } = await site.granted()
    const second = await site.refresh(refreshToken, site.proof())
    const next = second.body.refresh_token as string
    const thief = new App().proof({ now: site.now(), url: site.tokenUrl })
    const unproven = await site.refresh(next, undefined)
    const stolen = await site.refresh(next, thief)
    const third = await site.refresh(next, site.proof())

    expect([second.status, third.status]).toEqual([200, 200])
    expect([unproven, stolen].map(({ status, body }) => [status, body.error])).toEqual([
      [400, 'invalid_dpop_proof'],
      [400, 'invalid_grant'],
    ])
  })

  it('DPOP-16: token_type says DPoP when the token is bound, and Bearer when it is not', async () => {
    const site = await dpopSite()
    const bound = await site.granted()
    const unbound = await site.granted(null, 'lax-app')
    const refreshed = await site.refresh(bound.refreshToken, site.proof())
    const plain = await site.refresh(unbound.refreshToken, undefined, { client_id: 'lax-app' })

    expect([bound.tokenType, unbound.tokenType]).toEqual(['DPoP', 'Bearer'])
    expect([refreshed.body.token_type, plain.body.token_type]).toEqual(['DPoP', 'Bearer'])
    expect(await used(site, {}, site.app, refreshed.body.access_token as string)).toBe('good')
  })

  it('DPOP-17: there are no codes to inject: tokens are granted in the session, to the key named there, and to no other', async () => {
    const site = await dpopSite()
    const code = await site.refresh('', site.proof(), { grant_type: 'authorization_code', code: 'x' })
    const { refreshToken } = await site.granted(new App().jkt)

    expect(code.body.error).toBe('unsupported_grant_type')
    expect((await site.refresh(refreshToken, site.proof())).body.error).toBe('invalid_grant')
    expect(await metadata(site)).toMatchObject({ response_types_supported: [], grant_types_supported: ['refresh_token'] })
  })
})

it('DPOP-18: nonces cannot be guessed, come one with each answer, in the characters allowed, and keep answers out of caches', async () => {
  const site = await dpopSite()
  const answers: Response[] = []
  for (let i = 0; i < 20; i++) {
    const { refreshToken } = await site.granted()
    answers.push((await site.refresh(refreshToken, i % 2 ? site.proof() : 'garbage')).response)
    site.clock.advance(minutes(5))
  }
  const nonces = answers.map(({ headers }) => headers.get('dpop-nonce')!)
  const other = await dpopSite({ core: { keys: 'MzpTtMGwAI7hhw2HZkBu7ReV_cWnPasLZDV7Y8UGMys' } })
  const elsewhere = await other.refresh((await other.granted()).refreshToken, 'garbage')
  const bits = nonces.slice(1).map((nonce, i) => differingBits(nonce, nonces[i]!))

  expect(new Set(nonces).size).toBe(20)
  expect(nonces).not.toContain(elsewhere.response.headers.get('dpop-nonce'))
  for (const nonce of nonces) expect(nonce).toMatch(/^[\x21\x23-\x5b\x5d-\x7e]{22,}$/)
  for (const { headers } of answers) {
    expect(headers.get('cache-control')).toContain('no-store')
    expect(headers.get('access-control-expose-headers')).toContain('DPoP-Nonce')
  }
  // 128 bits each: half of them differ from one to the next, give or take.
  expect(bits.reduce((sum, count) => sum + count) / bits.length).toBeGreaterThan(50)
})

function differingBits(a: string, b: string): number {
  const [one, two] = [a, b].map((text) => Buffer.from(text, 'base64url'))
  return one!.reduce((sum, byte, i) => sum + (byte ^ two![i]!).toString(2).replaceAll('0', '').length, 0)
}

/** A call of the service with a token bound to the site's app; `good`, or the reason the service has for its log. */
async function used(site: DpopSite, changes: Parameters<App['proof']>[1] = {}, by: App = site.app, token?: string) {
  const accessToken = token ?? (await site.granted()).accessToken
  const proof = by.proof({ now: site.now(), method: 'GET', url: `${site.origin}/api/orders`, accessToken }, changes)
  const { status } = await site.call([
    ['authorization', `DPoP ${accessToken}`],
    ['dpop', proof],
  ])
  return status === 200 ? 'good' : site.refusals.at(-1)
}

async function metadata(site: DpopSite): Promise<unknown> {
  return (await fetch(`${site.origin}/.well-known/oauth-authorization-server`)).json()
}
