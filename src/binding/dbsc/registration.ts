/**
 * Registration: a browser shows its new public key, and signs the challenge that its sign-in was answered with. Whoever has the challenge
 * had that answer; no cookie is needed, and none of another session is accepted.
 */
import { amendLive } from '../../core/amending.ts'
import type { RequestFacts } from '../../http/request-facts.ts'
import { type Answer, provenAnswer, refusal } from './answers.ts'
import { RESENT_FOR } from './challenges.ts'
import type { BindingContext } from './context.ts'
import { type Bound, bindingOf, type PublicJwk, withBinding } from './note.ts'
import { type ClaimedProof, isSignedBy, readProof, thumbprintOf } from './proof.ts'
import { sessionsInCookies } from './session-in-cookies.ts'

/** @throws {StoreError} `ERR_STORE_UNAVAILABLE` */
export async function register(context: BindingContext, facts: RequestFacts): Promise<Answer> {
  const { macs, service, settings } = context
  const refuse = (reason: string, sessionId?: string) => {
    service.events.emit({ type: 'binding.refused', reason: `registration:${reason}`, sessionId })
    return refusal(context, 403)
  }
  const proof = await readProof(facts.header('secure-session-response'))
  if (proof === undefined) return refuse('proof-unreadable')
  const challenge = macs.readChallenge(proof.challenge)
  if (challenge === undefined) return refuse('challenge-unknown')
  const { kind, sessionId, issuedAt } = challenge
  if (kind !== 'register') return refuse('challenge-unknown', sessionId)
  // A signature is made for every one of these; what costs nothing is asked before.
  if (service.config.clock() - issuedAt >= settings.challengeLifetime) return refuse('challenge-expired', sessionId)
  const brought = sessionsInCookies(context, facts)
  if (brought.some((id) => id !== sessionId)) return refuse('session-of-another', sessionId)
  const { key, algorithm } = proof
  if (!settings.algorithms.includes(algorithm)) return refuse('algorithm-not-offered', sessionId)
  if (key === undefined) return refuse('key-unusable', sessionId)
  if (!(await isSignedBy(proof, key, algorithm))) return refuse('signature-wrong', sessionId)
  const bound = await bind(context, sessionId, proof, key)
  if (typeof bound === 'string') return refuse(bound, sessionId)
  return provenAnswer(context, sessionId, bound)
}

/** Writes the key into the session's record: once, and only where the browser was asked for one. */
async function bind(
  { service }: BindingContext,
  sessionId: string,
  { algorithm }: ClaimedProof,
  key: PublicJwk,
): Promise<Bound | string> {
  const at = service.config.clock()
  const thumbprint = thumbprintOf(key)
  const binding: Bound = { kind: 'bound', at, key, algorithm, thumbprint, answeredChallengeAt: 0, answeredAt: at }
  let outcome: Bound | string = binding
  const record = await amendLive(service, sessionId, ({ details }) => {
    const present = bindingOf({ details })
    if (present?.kind === 'offered') {
      outcome = binding
      return { details: withBinding(details, binding) }
    }
    // An answer that was lost is asked for again with the same proof, and is the same again. Any other key is somebody else's.
    const isResent = present?.thumbprint === thumbprint && present.answeredChallengeAt === 0 && at - present.at < RESENT_FOR
    outcome = present === undefined ? 'not-offered' : isResent ? present : 'already-bound'
    return undefined
  })
  if (record === undefined) return 'session-ended'
  if (outcome === binding) service.events.emit({ type: 'binding.registered', sessionId, subject: record.subject, algorithm })
  return outcome
}
