/** What every part of one `relyingParty` works with. */
import type { Service } from '../../core/service.ts'
import type { Sessions } from '../../core/sessions.ts'
import type { Ledger } from '../../core/store.ts'
import type { RelyingPartySettings } from './options.ts'
import type { Provider } from './provider.ts'
import type { Sealing } from './sealing.ts'
import type { Transactions } from './transactions.ts'

export interface RelyingPartyContext {
  readonly sessions: Sessions<unknown>
  readonly service: Service
  /** With the deadlines of store calls. Keys begin with `oidc:` and hold no secret. */
  readonly ledger: Ledger
  readonly settings: RelyingPartySettings
  readonly provider: Provider
  readonly sealing: Sealing
  /** Those of the adapter it was given to. @throws {ConfigError} it was given to none. */
  transactions(): Transactions
}
