/** The token endpoint's judge of proofs on a fake clock, and a service's. */
import { serviceOf } from '../../../src/core/service.ts'
import { ledgerCalls } from '../../../src/core/store-calls.ts'
import type { TokenContext } from '../../../src/tokens/context.ts'
import { PROOF_ALGORITHMS } from '../../../src/tokens/dpop/key.ts'
import { judgeProof, PROOF_SKEW, PROOF_WINDOW, type ProofRequest, type ProofRules } from '../../../src/tokens/dpop/proof.ts'
import { memoryReplay } from '../../../src/tokens/dpop/replay.ts'
import { createDpopProofs } from '../../../src/tokens/dpop.ts'
import type { TokenSettings } from '../../../src/tokens/options.ts'
import { type LooseOptions, setUp } from '../../core/support.ts'
import { App, TOKEN_URL } from './app.ts'

type Given = Partial<Parameters<ReturnType<typeof createDpopProofs>['check']>[0]>

/** The authorization server's side. */
export function tokenServer(dpopNonce: 'offered' | 'required' = 'offered', core: LooseOptions = {}) {
  const site = setUp(core)
  const service = serviceOf(site.sessions)
  const { config, events } = service
  const ledger = ledgerCalls(config.store, {
    timeout: config.storeTimeout,
    circuitBreaker: config.circuitBreaker,
    random: () => 0.5,
    events,
  })
  const settings = { dpopNonce } as TokenSettings
  const context = { sessions: site.sessions, service, ledger, settings } as unknown as TokenContext
  const proofs = createDpopProofs(context)
  const now = () => site.clock()
  const check = (proof: string, request: Given = {}) => proofs.check({ method: 'POST', url: TOKEN_URL, ...request, proof })
  /** `good`, or the word for why not. */
  const verdict = async (proof: string, request: Given = {}) => {
    const outcome = await check(proof, request)
    return outcome.ok ? 'good' : outcome.reason
  }
  return { ...site, proofs, now, check, verdict, app: new App() }
}

/** A service's side, which has no store. */
export function judge(request: Partial<ProofRequest> & Pick<ProofRequest, 'proof' | 'now'>, rules: Partial<ProofRules> = {}) {
  return judgeProof(
    { method: 'POST', url: TOKEN_URL, ...request },
    { algorithms: PROOF_ALGORITHMS, window: PROOF_WINDOW, skew: PROOF_SKEW, replay: memoryReplay(), ...rules },
  )
}
