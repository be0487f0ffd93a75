/** Logout tokens (OpenID Connect Back-Channel Logout 1.0, 2.4), and what an application knows a session by. */
import { Hmac } from '../../core/crypto.ts'
import { minutes } from '../../core/duration.ts'
import type { Keyring } from '../../core/keyring.ts'
import type { OutboxEntry } from '../outbox.ts'
import type { HubContext } from './context.ts'
import type { HubClient } from './options.ts'

/** Explicit typing keeps it from passing for an ID token (2.4; RFC 8725, 3.11). */
const TYPE = 'logout+jwt'
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
/** "preferably at most two minutes in the future" (2.4; ASVS 5.0, 10.5.5). */
const LIFETIME = minutes(2)
const JTI_BYTES = 16

/**
 * Signs what is to be told, anew for each try: `iat` and `exp` are of now, and so is `jti`. A receiver may refuse a `jti` it has seen (2.6), and the
 * answer to a first try may have been lost: told again under the same `jti`, it could only refuse what it did. What makes the second word harmless is `sid`: it names
 * one session, which has ended already; and a session of the same person that began since has another.
 */
export async function signLogoutToken(
  { service, settings }: HubContext,
  { clientId, sid, subject }: OutboxEntry,
): Promise<string> {
  const { clock, random } = service.config
  const now = clock()
  const claims = {
    iss: settings.signer.issuer,
    sub: subject,
    aud: clientId,
    iat: Math.floor(now / 1000),
    exp: Math.floor((now + LIFETIME) / 1000),
    jti: Buffer.from(random(JTI_BYTES)).toString('base64url'),
    sid,
    events: { [EVENT]: {} },
  }
  return settings.signer.sign(claims, TYPE)
}

/** Kept with the entry: another key of the ring makes another. */
export function sidFor({ id, sidFor = 'session' }: HubClient, sessionId: string, keyring: Keyring): string {
  if (sidFor === 'session') return sessionId
  const mac = new Hmac(keyring.newest.derive('hub-sid'))
  return mac.digest(Buffer.from(JSON.stringify([id, sessionId]))).toString('base64url')
}
