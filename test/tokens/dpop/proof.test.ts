import { generateKeyPairSync, type KeyPairKeyObjectResult, sign } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seconds } from '../../../src/core/duration.ts'
import { PROOF_ALGORITHMS } from '../../../src/tokens/dpop/key.ts'
import { hashOfToken, readProof } from '../../../src/tokens/dpop/proof.ts'
import { memoryReplay } from '../../../src/tokens/dpop/replay.ts'
import { App, type Kind, TOKEN_URL } from './app.ts'
import { judge, tokenServer } from './support.ts'
import { AT_SERVICE, AT_TOKEN_ENDPOINT, JKT } from './vectors.ts'

const NOW = 1_750_000_000_000

describe('the examples of RFC 9449', () => {
  it('are good at their time, and name the key of section 6.1', async () => {
    expect(await judge(AT_TOKEN_ENDPOINT)).toEqual({ ok: true, jkt: JKT, algorithm: 'ES256' })
    expect(await judge({ ...AT_SERVICE, jkt: JKT })).toEqual({ ok: true, jkt: JKT, algorithm: 'ES256' })
    expect(hashOfToken(AT_SERVICE.accessToken)).toBe('fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo')
  })

  it('are too old today', async () => {
    expect(await judge({ ...AT_TOKEN_ENDPOINT, now: NOW })).toMatchObject({ ok: false, reason: 'too-old' })
  })
})

describe('keys', () => {
  it.each<Kind>(['ES256', 'ES384', 'EdDSA'])('%s is verified', async (kind) => {
    const app = new App(kind)

    expect(await judge({ proof: app.proof({ now: NOW }), now: NOW })).toEqual({ ok: true, jkt: app.jkt, algorithm: kind })
  })

  it('Ed25519 is the newer name of EdDSA with that curve, and the same key', async () => {
    const app = new App('EdDSA')

    expect(await judge({ proof: app.proof({ now: NOW }, { header: { alg: 'Ed25519' } }), now: NOW })).toMatchObject({
      ok: true,
      jkt: app.jkt,
    })
  })

  it.each(['ML-DSA-44', 'ML-DSA-65'] as const)('%s is verified where it is asked for by name', async (alg) => {
    const { privateKey, publicKey } = (generateKeyPairSync as unknown as (kind: string) => KeyPairKeyObjectResult)(
      alg.toLowerCase(),
    )
    const { pub } = publicKey.export({ format: 'jwk' }) as { pub: string }
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const header = encode({ typ: 'dpop+jwt', alg, jwk: { kty: 'AKP', alg, pub } })
    const signed = `${header}.${encode({ jti: 'a'.repeat(16), htm: 'POST', htu: TOKEN_URL, iat: NOW / 1000 })}`
    const proof = `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`

    expect(await judge({ proof, now: NOW }, { algorithms: [alg] })).toMatchObject({ ok: true, algorithm: alg })
    expect(await judge({ proof, now: NOW })).toMatchObject({ ok: false, reason: 'oversize' })
  })

  it('a key in a second spelling is none, or it had a second thumbprint', async () => {
    const app = new App()
    const x = app.jwk.x!
    const last = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.indexOf(x.at(-1)!)
    const respelt = x.slice(0, -1) + 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'[last ^ 1]
    const proof = app.proof({ now: NOW }, { header: { jwk: { ...app.jwk, x: respelt } } })

    expect(Buffer.from(respelt, 'base64url')).toEqual(Buffer.from(x, 'base64url'))
    expect(await judge({ proof, now: NOW })).toMatchObject({ ok: false, reason: 'key' })
  })

  it('what else the client says of its key changes nothing', async () => {
    const app = new App()
    const jwk = { ...app.jwk, kid: 'other', use: 'enc', key_ops: ['encrypt'], alg: 'ES384', x5u: 'https://evil.example' }

    expect(await judge({ proof: app.proof({ now: NOW }, { header: { jwk } }), now: NOW })).toMatchObject({ jkt: app.jkt })
  })

  it('a point that is not on the curve is no key, and no fault of ours', async () => {
    const app = new App()
    const proof = app.proof({ now: NOW }, { header: { jwk: { ...app.jwk, y: Buffer.alloc(32, 7).toString('base64url') } } })

    expect(await judge({ proof, now: NOW })).toMatchObject({ ok: false, reason: 'signature' })
  })
})

describe('times', () => {
  it.each([
    [-60, 'good'],
    [-61, 'too-old'],
    [5, 'good'],
    [6, 'from-the-future'],
    [-1e9, 'too-old'],
    [1e15, 'from-the-future'],
  ])('a proof of %i seconds from now is %s', async (offset, expected) => {
    const { app, now, verdict } = tokenServer()
    const proof = app.proof({ now: now() }, { payload: { iat: now() / 1000 + offset, nonce: undefined } })
    const { ok, reason } = (await judge({ proof, now: now() })) as { ok: boolean; reason?: string }

    expect(ok ? 'good' : reason).toBe(expected)
    expect(await verdict(proof)).toBe(expected)
  })

  it('a proof stays used for as long as any process may take it for new', async () => {
    const { app, now, verdict, clock } = tokenServer()
    const proof = app.proof({ now: now() })
    await verdict(proof)

    for (const step of [1, 29, 30]) {
      clock.advance(seconds(step))
      expect(await verdict(proof)).toBe('replayed')
    }
    clock.advance(seconds(1))
    expect(await verdict(proof)).toBe('too-old')
  })

  it('a clock that is set back lets no proof in twice', async () => {
    const { app, now, verdict, clock } = tokenServer()
    const proof = app.proof({ now: now() })
    await verdict(proof)

    clock.advance(-seconds(5))
    expect(await verdict(proof)).toBe('replayed')
  })
})

describe('the replay memory', () => {
  it('is asked last: a proof that is refused is not used up', async () => {
    const { app, now, verdict } = tokenServer()
    const [signed, signature] = splitAtSignature(app.proof({ now: now() }))
    const forged = `${signed}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`

    expect(await verdict(forged)).toBe('signature')
    expect(await verdict(`${signed}.${signature}`, { method: 'GET' })).toBe('other-method')
    expect(await verdict(`${signed}.${signature}`, { url: 'https://shop.example/other' })).toBe('other-url')
    expect(await verdict(`${signed}.${signature}`)).toBe('good')
  })

  it('that is away makes the request fail with 503, and the proof can be used once it is back', async () => {
    const { app, now, check, store } = tokenServer()
    const proof = app.proof({ now: now() })
    store.setFaults({ 'ledger.claim': { kind: 'error' } })
    expect(await check(proof).catch((error: unknown) => error)).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', status: 503 })

    store.setFaults({})
    expect(await check(proof)).toEqual({ ok: true, jkt: app.jkt })
  })

  it('counts for each key alone: nobody uses up the proofs of another by choosing the same id', async () => {
    const { now, verdict } = tokenServer()
    const jti = 'chosen-by-both-of-them'

    expect(await verdict(new App().proof({ now: now() }, { payload: { jti } }))).toBe('good')
    expect(await verdict(new App().proof({ now: now() }, { payload: { jti } }))).toBe('good')
  })

  it('keeps a hash, in keys of one length, and nothing of the proof', async () => {
    const keys: string[] = []
    const replay = { claim: (key: string) => keys.push(key) > 0 }
    const jti = 'x'.repeat(256)
    const app = new App()
    await judge({ proof: app.proof({ now: NOW }, { payload: { jti } }), now: NOW }, { replay, replayPrefix: 'p:' })

    expect(keys).toEqual([expect.stringMatching(/^p:[\w-]{43}$/)])
    expect(keys[0]).not.toContain(app.jkt)
  })

  it('is asked by the parallel uses of one proof, of which one is good', async () => {
    const { app, now, verdict } = tokenServer()
    const proof = app.proof({ now: now() })

    const verdicts = await Promise.all(Array.from({ length: 20 }, () => verdict(proof)))

    expect(verdicts.filter((word) => word === 'good')).toHaveLength(1)
    expect(verdicts.filter((word) => word === 'replayed')).toHaveLength(19)
  })
})

describe('garbage', () => {
  it('is a reason, never an exception, whatever it is', async () => {
    const replay = memoryReplay()
    const header = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }), { maxLength: 5 }).map((parts) => parts.join('.')),
      fc
        .tuple(fc.json(), fc.json(), fc.string())
        .map((parts) => parts.map((part) => Buffer.from(part).toString('base64url')).join('.')),
      fc.constantFrom('', '.', '..', '...', '"', 'a'.repeat(4097), 'e30.e30.', 'e30.e30.AA', 'bnVsbA.bnVsbA.AA', 'W10.W10.AA'),
    )
    await fc.assert(
      fc.asyncProperty(header, async (proof) => {
        const outcome = await judge({ proof, now: NOW }, { replay })
        expect(outcome).toMatchObject({ ok: false, error: 'invalid_dpop_proof' })
      }),
      { numRuns: 500 },
    )
  })

  it('of any type in any member is a reason, too', async () => {
    const app = new App()
    const name = fc.constantFrom('typ', 'alg', 'jwk', 'crit', 'jti', 'htm', 'htu', 'iat', 'ath', 'nonce')
    await fc.assert(
      fc.asyncProperty(name, fc.jsonValue({ maxDepth: 2 }), async (member, value) => {
        const part = ['typ', 'alg', 'jwk', 'crit'].includes(member) ? 'header' : 'payload'
        const proof = app.proof({ now: NOW, accessToken: 'a' }, { [part]: { [member]: value } })
        const outcome = await judge({ proof, now: NOW, accessToken: 'a' })
        // A nonce nobody asked for, an id and a time of one's own choice are allowed.
        const isHarmless =
          (['nonce', 'jti'].includes(member) && typeof value === 'string') || (member === 'iat' && typeof value === 'number')
        if (!isHarmless) expect(outcome.ok).toBe(false)
      }),
      { numRuns: 300 },
    )
  })

  it.each([
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')],
    ['an array', Buffer.from('[]').toString('base64url')],
    ['a text', Buffer.from('"dpop+jwt"').toString('base64url')],
    ['null', Buffer.from('null').toString('base64url')],
    ['half of an object', Buffer.from('{"typ":').toString('base64url')],
  ])('%s is no header', (_what, part) => {
    expect(readProof(`${part}.e30.AA`, PROOF_ALGORITHMS)).toBe('malformed')
  })

  it('4,097 characters are not looked at', () => {
    expect(readProof(`${'a'.repeat(2000)}.${'b'.repeat(2000)}.${'c'.repeat(95)}`, PROOF_ALGORITHMS)).toBe('oversize')
    expect(readProof(`${'a'.repeat(2000)}.${'b'.repeat(2000)}.${'c'.repeat(94)}`, PROOF_ALGORITHMS)).toBe('malformed')
  })

  it('an id of 257 characters, or of 7, is none', async () => {
    const app = new App()
    const of = async (jti: unknown) => (await judge({ proof: app.proof({ now: NOW }, { payload: { jti } }), now: NOW })).ok

    expect([await of('x'.repeat(257)), await of('x'.repeat(256)), await of('x'.repeat(8)), await of('x'.repeat(7))]).toEqual([
      false,
      true,
      true,
      false,
    ])
  })
})

describe('events', () => {
  it('a refusal is one, with its reason and nothing of the proof; being asked for a nonce is none', async () => {
    const { app, now, verdict, seen } = tokenServer('required')
    await verdict(app.proof({ now: now() }))
    await verdict(app.proof({ now: now() }, { signature: 'AAAA' }))
    await verdict('garbage')

    expect(await seen('dpop.refused')).toEqual([{ type: 'dpop.refused', at: now(), reason: 'malformed' }])
  })
})

function splitAtSignature(proof: string): [string, string] {
  const dot = proof.lastIndexOf('.')
  return [proof.slice(0, dot), proof.slice(dot + 1)]
}
