import type { TokenContext } from './context.ts'
import type { Denials } from './denials.ts'
import type { Feed } from './feed.ts'
import type { AccessTokens, Clients, DpopProofs, RefreshTokens, SigningKeys } from './parts.ts'

/** Everything the endpoints work with. */
export interface TokenParts {
  readonly context: TokenContext
  readonly keys: SigningKeys
  readonly accessTokens: AccessTokens
  readonly refreshTokens: RefreshTokens
  readonly dpop: DpopProofs
  readonly clients: Clients
  readonly denials: Denials
  readonly feed: Feed
}
