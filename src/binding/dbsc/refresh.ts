/**
 * Refresh: a browser whose bound cookie runs out proves its key again. The session is the one that `Sec-Secure-Session-Id` names, the key is
 * the one in its record, and the cookies of the request prove nothing.
 */
import { amendLive, findLive } from '../../core/amending.ts'
import { isSessionId } from '../../core/token.ts'
import type { RequestFacts } from '../../http/request-facts.ts'
import { type Answer, challengeAnswer, endedAnswer, provenAnswer, refusal } from './answers.ts'
import { freshness } from './challenges.ts'
import type { BindingContext } from './context.ts'
import { type Bound, bindingOf, withBinding } from './note.ts'
import { isSignedBy, readProof, unquoted } from './proof.ts'
import { sessionsInCookies } from './session-in-cookies.ts'

/** @throws {StoreError} `ERR_STORE_UNAVAILABLE` */
export async function refresh(context: BindingContext, facts: RequestFacts): Promise<Answer> {
  const { service } = context
  const sessionId = unquoted(facts.header('sec-secure-session-id') ?? '')
  // No script can send this header: a page of another site could else time whether somebody is signed in (DBSC draft, "Privacy").
  if (!isSessionId(sessionId)) return refusal(context, 400)
  // Somebody signed in since. Going on would put the former session's bound cookie over the new one's.
  const brought = sessionsInCookies(context, facts)
  if (brought.length > 0 && !brought.includes(sessionId)) return endedAnswer(context, sessionId)
  const record = await findLive(service, sessionId)
  const binding = record && bindingOf(record)
  if (record === undefined || binding?.kind !== 'bound') return endedAnswer(context, sessionId)

  const header = facts.header('secure-session-response')
  if (header === undefined) return challengeAnswer(context, sessionId, binding)
  const issuedAt = await answeredBy(context, sessionId, binding, header)
  if (typeof issuedAt === 'string') {
    service.events.emit({ type: 'binding.refused', sessionId, subject: record.subject, reason: `refresh:${issuedAt}` })
    return challengeAnswer(context, sessionId, binding)
  }
  const proven = await prove(context, sessionId, binding, issuedAt)
  if (proven === undefined) return endedAnswer(context, sessionId)
  if (proven.isFresh) service.events.emit({ type: 'binding.refreshed', sessionId, subject: record.subject })
  return proven.isProven ? provenAnswer(context, sessionId, proven.binding) : challengeAnswer(context, sessionId, proven.binding)
}

/** Issue instant of the challenge that a proof answers rightly, or what is wrong with it. */
async function answeredBy(
  { macs, service, settings }: BindingContext,
  sessionId: string,
  binding: Bound,
  header: string,
): Promise<number | string> {
  const proof = await readProof(header)
  if (proof === undefined) return 'proof-unreadable'
  if (proof.namesKey) return 'key-in-proof'
  const challenge = macs.readChallenge(proof.challenge)
  if (challenge?.kind !== 'refresh' || challenge.sessionId !== sessionId) return 'challenge-unknown'
  if (freshness(challenge, binding, service.config.clock(), settings.challengeLifetime) === 'stale') return 'challenge-stale'
  if (proof.algorithm !== binding.algorithm) return 'algorithm-wrong'
  return (await isSignedBy(proof, binding.key, binding.algorithm)) ? challenge.issuedAt : 'signature-wrong'
}

interface Proven {
  readonly binding: Bound
  readonly isProven: boolean
  readonly isFresh: boolean
}

/** Remembers that the challenge was answered, unless a parallel proof was faster. `undefined` when the session has ended. */
async function prove(
  { service, settings }: BindingContext,
  sessionId: string,
  verified: Bound,
  issuedAt: number,
): Promise<Proven | undefined> {
  const now = service.config.clock()
  let proven: Proven | undefined
  const record = await amendLive(service, sessionId, ({ details }) => {
    const binding = bindingOf({ details })
    proven = undefined
    if (binding?.kind !== 'bound' || binding.thumbprint !== verified.thumbprint) return undefined
    const found = freshness({ issuedAt }, binding, now, settings.challengeLifetime)
    const isFresh = found === 'fresh'
    const answered = isFresh ? { ...binding, answeredChallengeAt: issuedAt, answeredAt: now } : binding
    proven = { binding: answered, isProven: found !== 'stale', isFresh }
    return isFresh ? { details: withBinding(details, answered) } : undefined
  })
  return record && proven
}
