import type { TokenContext } from './context.ts'
import type { SigningKeys } from './parts.ts'

export function createSigningKeys(_context: TokenContext): SigningKeys {
  throw new Error('not built yet')
}
