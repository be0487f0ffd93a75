import type { Endpoint } from '../http/endpoints.ts'
import type { TokenParts } from './tokens.ts'

export function feedEndpoint(_parts: TokenParts): Endpoint {
  return { methods: ['GET'], answer: () => Promise.reject(new Error('not built yet')) }
}
