import type { TokenContext } from './context.ts'
import type { AccessTokens, RefreshTokens } from './parts.ts'

export function createRefreshTokens(_context: TokenContext, _accessTokens: AccessTokens): RefreshTokens {
  throw new Error('not built yet')
}
