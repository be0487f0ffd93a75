/**
 * Browsers that were signed in to an account before. Their cookie proves nothing and replaces no factor (NIST SP 800-63B-4, 5.1); it only says by which lane
 * a try is counted, so that whoever guesses from elsewhere does not use up what the owner has (OWASP, "Slow Down Online Guessing Attacks with Device Cookies").
 *
 * Value: `base64url(made at 6 B || level 1 B || random 16 B || tag 16 B)`, the tag a MAC over these and the subject. Nothing is kept of it.
 */

import { reaches } from '../core/assurance.ts'
import type { Clock } from '../core/clock.ts'
import { Hmac, type Random, TAG_BYTES } from '../core/crypto.ts'
import { days } from '../core/duration.ts'
import type { Keyring } from '../core/keyring.ts'
import { provedTo } from '../core/reading.ts'
import { type Session, workOf } from '../core/session.ts'
import type { HeaderTarget } from '../http/cache-headers.ts'
import { resolveCookie } from '../http/cookie-config.ts'
import { cookieValues } from '../http/cookie-parse.ts'
import type { CookieWriter } from '../http/cookie-serialise.ts'
import { exchangeOf } from '../http/exchange.ts'
import type { GuardedHttp, GuardedRequest } from '../http/request-guard.ts'

/** A browser that was not signed in to for so long is a stranger's again. */
const LIFETIME = days(90)
const SIGNED_BYTES = 6 + 1 + 16
const LENGTH = Math.ceil(((SIGNED_BYTES + TAG_BYTES) * 4) / 3)
/** What whoever knows the password has shown already: to guess it needs no more. Every other kind needs a client that proved a second factor. */
const LEVEL_OF_PASSWORD = 1

interface Known {
  readonly madeAt: number
  readonly level: number
  /** Names the client in counts; nothing secret. */
  readonly name: string
}

export class KnownClients {
  readonly #macs: readonly Hmac[]
  readonly #random: Random
  readonly #clock: Clock
  #writer: CookieWriter | undefined

  constructor(keyring: Keyring, random: Random, clock: Clock) {
    this.#macs = keyring.all.map((key) => new Hmac(key.derive('known-client')))
    this.#random = random
    this.#clock = clock
  }

  attach({ sessionCookie }: GuardedHttp): void {
    const { name, path, domain, sameSite } = sessionCookie
    const shared = domain === undefined ? {} : { domain, shared: true as const }
    this.#writer = resolveCookie({ name: `${name}-known`, path, sameSite, ...shared }).secure
  }

  /** The lane of a client that proved this account before; `undefined` for a stranger. */
  laneOf(kind: string, subject: string, session: Session<unknown>): string | undefined {
    const least = kind === 'password' ? LEVEL_OF_PASSWORD : 2
    const known = this.#knownIn(exchangeOf(session), subject)
    if (known !== undefined && known.level >= least) return `k:${known.name}`
    // For clients that keep one cookie only. Who has the password alone may start any number of sessions, so it takes two factors.
    const { active } = workOf(session)
    return active?.record.subject === subject && reaches(provedTo(active), 'aal2') ? `s:${active.record.id}` : undefined
  }

  /** Remembers the browser of a session that is signed in, nothing being due any more. */
  remember(session: Session<unknown>, request: GuardedRequest, target: HeaderTarget): void {
    const { active, pending } = workOf(session)
    const subject = active?.record.subject
    // Over plain HTTP the cookie would be anybody's on the way.
    if (subject === undefined || pending !== undefined || !request.isSecure || this.#writer === undefined) return
    const level = reaches(provedTo(active!), 'aal2') ? 2 : 1
    const now = this.#clock()
    const known = this.#knownIn(request, subject)
    if (known !== undefined && known.level >= level && now - known.madeAt < LIFETIME / 2) return
    const line = this.#writer.set(this.#mint(subject, level, now), { expiresAt: now + LIFETIME, now })
    target.replaceSetCookies([...target.setCookies().filter((other) => !this.#writer!.isAbout(other)), line])
  }

  #mint(subject: string, level: number, now: number): string {
    const signed = Buffer.alloc(SIGNED_BYTES)
    signed.writeUIntBE(now, 0, 6)
    signed[6] = level
    signed.set(this.#random(16), 7)
    const tag = this.#macs[0]!.digest(signed, Buffer.from(subject)).subarray(0, TAG_BYTES)
    return Buffer.concat([signed, tag]).toString('base64url')
  }

  #knownIn(request: Pick<GuardedRequest, 'facts' | 'isSecure'> | undefined, subject: string): Known | undefined {
    const header = this.#writer && request?.isSecure ? request.facts.header('cookie') : undefined
    if (header === undefined) return undefined
    for (const value of cookieValues(header, this.#writer!.shape.name)) {
      if (value.length !== LENGTH) continue
      const bytes = Buffer.from(value, 'base64url')
      if (bytes.length !== SIGNED_BYTES + TAG_BYTES) continue
      const signed = bytes.subarray(0, SIGNED_BYTES)
      if (!this.#macs.some((mac) => mac.verify(bytes.subarray(SIGNED_BYTES), signed, Buffer.from(subject)))) continue
      const madeAt = signed.readUIntBE(0, 6)
      if (this.#clock() - madeAt >= LIFETIME) continue
      return { madeAt, level: signed[6]!, name: signed.toString('base64url', 7) }
    }
    return undefined
  }
}
