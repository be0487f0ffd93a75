import type { Endpoint } from '../http/endpoints.ts'
import type { TokenParts } from './tokens.ts'

export function revocationEndpoint(_parts: TokenParts): Endpoint {
  return { methods: ['POST'], answer: () => Promise.reject(new Error('not built yet')) }
}
