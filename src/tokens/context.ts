/** What every part of one `createTokens` works with. Each part (keys, access tokens, refresh families, ...) is a file with a folder of its own. */
import type { Service } from '../core/service.ts'
import type { Sessions } from '../core/sessions.ts'
import type { Ledger } from '../core/store.ts'
import type { TokenSettings } from './options.ts'

export interface TokenContext {
  readonly sessions: Sessions<unknown>
  /** Clock, random source, events and keys are in it. */
  readonly service: Service
  /** With the deadlines of store calls. Keys are prefixed by the part, `tokens:dpop:...`, and hold no secret: hash what is one. */
  readonly ledger: Ledger
  readonly settings: TokenSettings
}
