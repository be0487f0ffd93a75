/**
 * How long ago the provider saw the person. A session may live for hours after that; once it is longer than `maxAuthAge`, nothing that was proved counts
 * until they prove it anew at the provider (ASVS 5.0, 7.6.1).
 */
import type { JsonObject } from '../../core/patch.ts'
import { factsOf } from '../../core/reading.ts'
import { type Session, workOf } from '../../core/session.ts'
import type { RelyingPartyContext } from './context.ts'

/** What is kept with a session: when the provider saw the person, `0` where it does not say. */
export function noteOf(provedAt: number): JsonObject {
  return { at: provedAt }
}

/** The guard's look at each session: doubts what was proved where the login has become too old, be it proved here or there. */
export async function doubtIfOld({ settings, service }: RelyingPartyContext, session: Session<unknown>): Promise<void> {
  const { maxAuthAge, name } = settings
  const work = workOf(session)
  const { active } = work
  const note = active?.record.details.notes?.[name]
  if (maxAuthAge === undefined || active === undefined || typeof note?.at !== 'number') return
  const now = service.config.clock()
  if (now - note.at <= maxAuthAge || active.isReadonly || factsOf(active).length === 0) return
  await work.amend(({ details }) => ({ details: { ...details, doubtedAt: Math.max(now, ...details.facts.map(({ at }) => at)) } }))
  service.events.emit({ type: 'session.doubted', sessionId: session.id, subject: session.subject, reason: 'provider-age' })
}

/** After a step-up at the provider. */
export async function renewNote({ settings }: RelyingPartyContext, session: Session<unknown>, provedAt: number): Promise<void> {
  const { name } = settings
  await workOf(session).amend(({ details }) => ({
    details: { ...details, notes: { ...details.notes, [name]: noteOf(provedAt) } },
  }))
}
