import type { Endpoint } from '../http/endpoints.ts'
import type { TokenParts } from './tokens.ts'

export function introspectionEndpoint(_parts: TokenParts): Endpoint {
  throw new Error('not built yet')
}
