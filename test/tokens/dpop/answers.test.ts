import { describe, expect, it } from 'vitest'
import { challengeHeaders, nonceHeaders } from '../../../src/tokens/dpop/answers.ts'
import { PROOF_ALGORITHMS } from '../../../src/tokens/dpop/key.ts'

describe('a refusal', () => {
  it('says how it may be tried again, is kept by no cache, and can be read by pages of other origins', () => {
    expect(challengeHeaders({ error: 'use_dpop_nonce', algorithms: PROOF_ALGORITHMS, nonce: 'n0nce' })).toEqual({
      'WWW-Authenticate': 'DPoP error="use_dpop_nonce", algs="ES256 ES384 EdDSA Ed25519"',
      'DPoP-Nonce': 'n0nce',
      'Cache-Control': 'no-store',
      'Access-Control-Expose-Headers': 'DPoP-Nonce, WWW-Authenticate',
    })
  })

  it('tells who brought no token the schemes and nothing more', () => {
    const { 'WWW-Authenticate': line } = challengeHeaders({ algorithms: ['ES256'], acceptsBearer: true })

    expect(line).toBe('DPoP algs="ES256", Bearer')
  })

  it('of a proof does not offer a way without one', () => {
    const { 'WWW-Authenticate': line } = challengeHeaders({
      error: 'invalid_dpop_proof',
      algorithms: ['ES256'],
      acceptsBearer: true,
    })

    expect(line).not.toContain('Bearer')
  })

  it('stays one header, whatever is in its parameters', () => {
    const parameters = { scope: 'a" , Basic realm="x\r\nSet-Cookie: a=b\\' }
    const { 'WWW-Authenticate': line } = challengeHeaders({ error: 'insufficient_scope', algorithms: ['ES256'], parameters })

    expect(line).toBe('DPoP error="insufficient_scope", scope="a , Basic realm=xSet-Cookie: a=b", algs="ES256"')
  })
})

it('a nonce on a good answer keeps that answer out of caches', () => {
  expect(nonceHeaders('n0nce')).toMatchObject({ 'DPoP-Nonce': 'n0nce', 'Cache-Control': 'no-store' })
  expect(nonceHeaders(undefined)).toEqual({})
})
