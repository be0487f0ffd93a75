/**
 * The ID token, kept for one purpose: to tell the provider at sign-out which login it is about (`id_token_hint`), so that it need not ask. Sealed, in the
 * ledger, under the session's id. Access and refresh tokens of the provider are not kept at all: what is not there cannot be stolen (ASVS 5.0, 10.1.1).
 */
import type { RelyingPartyContext } from './context.ts'

/** Beyond this the sign-out's URL would be too long for servers on the way. */
const LONGEST = 4096

export async function keepIdToken(
  { ledger, sealing, settings, service }: RelyingPartyContext,
  { sessionId, idToken, until }: { readonly sessionId: string; readonly idToken: string; readonly until: number },
): Promise<void> {
  if (!settings.keepIdToken || idToken.length > LONGEST) return
  const key = keyOf(settings.name, sessionId)
  const now = service.config.clock()
  // A convenience: the failed call has reported itself, and the sign-in went well.
  await ledger.put(key, sealing.seal(key, idToken), { now, deadline: until }).catch(() => {})
}

/** Gives it once. */
export async function takeIdToken(
  { ledger, sealing, settings, service }: RelyingPartyContext,
  sessionId: string,
): Promise<string | undefined> {
  const key = keyOf(settings.name, sessionId)
  const sealed = await ledger.take(key, { now: service.config.clock() }).catch(() => undefined)
  return sealed && (sealing.open(key, sealed) as string | undefined)
}

function keyOf(name: string, sessionId: string): string {
  return `oidc:${name}:id-token:${sessionId}`
}
