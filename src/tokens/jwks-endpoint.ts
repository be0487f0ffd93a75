/** The public keys, for whoever verifies (RFC 7517). They may be kept for a while; a key is out long before it signs, so that nobody is surprised by one. */
import { hours } from '../core/duration.ts'
import { type Endpoint, jsonAnswer } from '../http/endpoints.ts'
import type { TokenParts } from './token-parts.ts'

/** Of a key's time between publication and first use, so much at most is spent in caches. */
const SHARE_OF_OVERLAP = 4

export function jwksEndpoint({ keys, context }: Pick<TokenParts, 'keys' | 'context'>): Endpoint {
  const maxAge = Math.floor(Math.min(hours(1), context.settings.keyOverlap / SHARE_OF_OVERLAP) / 1000)
  const headers = { 'Cache-Control': `public, max-age=${maxAge}`, 'Content-Type': 'application/jwk-set+json' }
  return {
    methods: ['GET'],
    answer: async () => jsonAnswer(200, await keys.jwks(), headers),
  }
}
