/** What every part of one `createStepUp` works with. Each part (TOTP, passkeys, recovery codes, approvals) is a folder or file of its own. */
import type { Service } from '../core/service.ts'
import type { Sessions } from '../core/sessions.ts'
import type { Ledger } from '../core/store.ts'
import type { FactorStore } from './factor-store.ts'
import type { FactorVault } from './factor-vault.ts'
import type { Throttle } from './throttle.ts'

export interface StepUpContext {
  readonly sessions: Sessions<unknown>
  /** Clock, random source, events and keys are in it. */
  readonly service: Service
  readonly factors: FactorStore
  readonly vault: FactorVault
  /** With the deadlines of store calls; keys are prefixed by the part: `stepup:totp:...`. Keys hold no secret: hash what is one. */
  readonly ledger: Ledger
  readonly throttle: Throttle
}
