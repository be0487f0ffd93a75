import type { Endpoint } from '../http/endpoints.ts'
import type { TokenParts } from './tokens.ts'

export function tokenEndpoint(_parts: TokenParts): Endpoint {
  throw new Error('not built yet')
}
