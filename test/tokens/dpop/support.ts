/** The token endpoint's judge of proofs on a fake clock, and a service's. */
import { PROOF_ALGORITHMS } from '../../../src/tokens/dpop/key.ts'
import { judgeProof, PROOF_SKEW, PROOF_WINDOW, type ProofRequest, type ProofRules } from '../../../src/tokens/dpop/proof.ts'
import { memoryReplay } from '../../../src/tokens/dpop/replay.ts'
import type { DpopProofs } from '../../../src/tokens/parts.ts'
import { type LooseOptions, setUp } from '../../core/support.ts'
import { App, TOKEN_URL } from './app.ts'
import { proofsOver } from './proofs-over.ts'

type Given = Partial<Parameters<DpopProofs['check']>[0]>

/** The authorization server's side. */
export function tokenServer(dpopNonce: 'offered' | 'required' = 'offered', core: LooseOptions = {}) {
  const site = setUp(core)
  const proofs = proofsOver(site.sessions, dpopNonce)
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
