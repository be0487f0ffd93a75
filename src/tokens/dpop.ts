/**
 * Proofs of possession at the token endpoint (RFC 9449): what an app signs for each request, so that a token copied from it is worth nothing. Which proofs were
 * used is in the ledger, for all processes; nonces come from the keys, and are kept nowhere.
 */
import type { TokenContext } from './context.ts'
import { PROOF_ALGORITHMS } from './dpop/key.ts'
import { serverNonces } from './dpop/nonce.ts'
import { judgeProof, PROOF_SKEW, PROOF_WINDOW, type ProofRules } from './dpop/proof.ts'
import type { DpopProofs } from './parts.ts'

/** @internal The ledger that is away throws: then the request fails, and nothing is granted. */
export function createDpopProofs({ service, ledger, settings }: TokenContext): DpopProofs {
  const { config, events } = service
  const nonces = serverNonces(
    config.keyring.all.map((key) => key.derive('dpop-nonce')),
    PROOF_SKEW,
  )
  const rules: ProofRules = {
    algorithms: PROOF_ALGORITHMS,
    window: PROOF_WINDOW,
    skew: PROOF_SKEW,
    replay: ledger,
    replayPrefix: 'tokens:dpop:',
    nonces,
    isNonceRequired: settings.dpopNonce === 'required',
  }
  const nonce = () => nonces.current(config.clock())

  return {
    async check(request) {
      const judgement = await judgeProof({ ...request, now: config.clock() }, rules)
      if (judgement.ok) return { ok: true, jkt: judgement.jkt }
      const { error, reason } = judgement
      // Being asked for a nonce is how every app begins, and no refusal.
      if (error === 'invalid_dpop_proof') events.emit({ type: 'dpop.refused', reason })
      return { ok: false, error, reason, nonce: nonce() }
    },
    nonce,
  }
}
