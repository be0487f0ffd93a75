/** The token endpoint's judge of proofs, as `createTokens` makes it, over any sessions. */
import { serviceOf } from '../../../src/core/service.ts'
import type { Sessions } from '../../../src/core/sessions.ts'
import { ledgerCalls } from '../../../src/core/store-calls.ts'
import type { TokenContext } from '../../../src/tokens/context.ts'
import { createDpopProofs } from '../../../src/tokens/dpop.ts'
import type { TokenSettings } from '../../../src/tokens/options.ts'
import type { DpopProofs } from '../../../src/tokens/parts.ts'

export function proofsOver<Data>(sessions: Sessions<Data>, dpopNonce: 'offered' | 'required'): DpopProofs {
  const service = serviceOf(sessions)
  const { config, events } = service
  const ledger = ledgerCalls(config.store, {
    timeout: config.storeTimeout,
    circuitBreaker: config.circuitBreaker,
    random: () => 0.5,
    events,
  })
  const context: Partial<TokenContext> = { service, ledger, settings: { dpopNonce } as TokenSettings }
  return createDpopProofs(context as TokenContext)
}
