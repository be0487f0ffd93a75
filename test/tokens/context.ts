/** What one part of `createTokens` works with, for tests of a part alone. */
import { serviceOf } from '../../src/core/service.ts'
import type { Sessions } from '../../src/core/sessions.ts'
import type { TokenContext } from '../../src/tokens/context.ts'
import { resolveTokensOptions, type TokensOptions } from '../../src/tokens/options.ts'
import { API, ISSUER } from './support.ts'

export function contextOf<Data>(sessions: Sessions<Data>, options: Partial<TokensOptions> = {}): TokenContext {
  const service = serviceOf(sessions)
  const settings = resolveTokensOptions({ issuer: ISSUER, audience: API, lifetimeJitter: 0, ...options })
  return { sessions: sessions as Sessions<unknown>, service, ledger: service.config.store.ledger, settings }
}
