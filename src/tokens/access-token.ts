import type { TokenContext } from './context.ts'
import type { AccessTokens, SigningKeys } from './parts.ts'

export function createAccessTokens(_context: TokenContext, _keys: SigningKeys): AccessTokens {
  const missing = () => Promise.reject(new Error('not built yet'))
  return { mint: missing, read: missing }
}
