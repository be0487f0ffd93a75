import type { TokenContext } from './context.ts'
import type { AccessTokens, RefreshTokens } from './parts.ts'

export function createRefreshTokens(_context: TokenContext, _accessTokens: AccessTokens): RefreshTokens {
  const missing = () => Promise.reject(new Error('not built yet'))
  return { grant: missing, refresh: missing, inspect: missing, revoke: missing }
}
