/** What a service says about proofs in its answers (RFC 9449, 7.1, 8.2 and 9). */
import type { ProofAlgorithm } from './key.ts'

/** A refusal in words of RFC 6750 and RFC 9449. */
export interface Challenge {
  /** Left out where the request brought no token at all: then it is told nothing but how to ask (RFC 6750, 3.1). */
  readonly error?: string | undefined
  readonly algorithms: readonly ProofAlgorithm[]
  /** Sent along, where this service gives out nonces. */
  readonly nonce?: string | undefined
  /** Whether unbound tokens are accepted too: then both schemes are offered. */
  readonly acceptsBearer?: boolean
  /** Further parameters, such as `scope` or `acr_values` (RFC 9470). */
  readonly parameters?: Readonly<Record<string, string>>
}

/** Pages of other origins can read these only where they are named (RFC 9449, 8.2). */
const EXPOSED = 'DPoP-Nonce, WWW-Authenticate'

/**
 * Headers of a refusal. Merge `Access-Control-Expose-Headers` with your own if you set any.
 *
 * @example
 * challengeHeaders({ error: 'use_dpop_nonce', algorithms: ['ES256'], nonce })['WWW-Authenticate'] // 'DPoP error="use_dpop_nonce", algs="ES256"'
 */
export function challengeHeaders(challenge: Challenge): Record<string, string> {
  const { error, algorithms, nonce, acceptsBearer, parameters } = challenge
  const common = { ...(error !== undefined && { error }), ...parameters }
  const schemes = [schemeOf('DPoP', { ...common, algs: algorithms.join(' ') })]
  // Whoever came with a proof is not told of a way without one.
  if (acceptsBearer === true && error !== 'invalid_dpop_proof' && error !== 'use_dpop_nonce')
    schemes.push(schemeOf('Bearer', common))
  return {
    ...nonceHeaders(nonce),
    'Access-Control-Expose-Headers': EXPOSED,
    'Cache-Control': 'no-store',
    'WWW-Authenticate': schemes.join(', '),
  }
}

/** Headers with which any answer hands out the next nonce; such an answer must not be cached, or others would get an old one. */
export function nonceHeaders(nonce: string | undefined): Record<string, string> {
  if (nonce === undefined) return {}
  return { 'Access-Control-Expose-Headers': EXPOSED, 'Cache-Control': 'no-store', 'DPoP-Nonce': nonce }
}

function schemeOf(name: string, parameters: Readonly<Record<string, string>>): string {
  const list = Object.entries(parameters).map(([key, value]) => `${key}="${quotable(value)}"`)
  return list.length === 0 ? name : `${name} ${list.join(', ')}`
}

/** RFC 6750, 3: visible ASCII without quotes and backslashes. A line break would be a header of its own. */
function quotable(value: string): string {
  return value.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '')
}
