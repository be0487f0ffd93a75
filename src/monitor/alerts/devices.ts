/** Which sign-ins are from a device that the person has not, by the names of devices of their live sessions. */
import { type SessionSummary, summarise } from '../../core/listing.ts'
import type { Service } from '../../core/service.ts'
import type { SignInEvent } from './new-sign-in.ts'
import type { SignIn } from './new-sign-in-options.ts'
import type { OpenRecord } from './notice-token.ts'

/** What is known of it, and whether the person has a session with a device of this name already. */
export async function look(
  service: Service,
  event: SignInEvent,
): Promise<{ readonly signIn: SignIn; readonly isNewDevice: boolean }> {
  const { subject, sessionId, at, methods, pending, provider } = event
  const all = await liveOf(service, subject)
  const own = all.find(({ id }) => id === sessionId)
  const device = own?.device
  const signIn = { subject, sessionId, at: own?.startedAt ?? at, methods, pending, provider, device }
  // Earlier ones alone: of two that start at once, each would else be known because of the other.
  const isKnown = device !== undefined && all.some((other) => other.device === device && isBefore(other, own!))
  return { signIn, isNewDevice: !isKnown }
}

/**
 * Sessions that nobody was told of because of this one: later ones of a device of its name. Whoever signed in with a stolen password signs in twice, and the second time
 * from a device that is known.
 */
export async function followersOf(
  service: Service,
  { subject, sessionId, at, device }: Pick<OpenRecord, 'subject' | 'sessionId' | 'at' | 'device'>,
): Promise<readonly string[]> {
  if (device === undefined) return []
  const all = await liveOf(service, subject)
  return all.filter((one) => one.id !== sessionId && one.device === device && one.startedAt >= at).map(({ id }) => id)
}

async function liveOf(service: Service, subject: string): Promise<readonly SessionSummary[]> {
  return service.config.store.capabilities.listsSubjects ? summarise(service, await service.calls.list(subject)) : []
}

function isBefore(one: SessionSummary, other: SessionSummary): boolean {
  return one.startedAt === other.startedAt ? one.id < other.id : one.startedAt < other.startedAt
}
