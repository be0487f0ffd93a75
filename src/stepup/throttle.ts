/**
 * Throttling of guessable secrets, on the ledger and so across processes. Tries are counted before they are looked at, and the counts are atomic: of a
 * hundred parallel guesses only the allowed number is ever evaluated (ASVS 5.0, 6.3.1; NIST SP 800-63B-4, 3.2.2).
 *
 * Nobody may lock out an account whose name they know. So strangers have lanes of their own: one for each network at each account, a wider one for the
 * account, and one for the network at all accounts together. Whoever has proved the account before comes by another: a browser that was signed in to it
 * (`known-client.ts`; OWASP, "Slow Down Online Guessing Attacks with Device Cookies"), or a session that has two factors. Strangers do not fill that one.
 */

import type { Clock } from '../core/clock.ts'
import type { Random } from '../core/crypto.ts'
import { days, hours, minutes } from '../core/duration.ts'
import type { Events } from '../core/events.ts'
import { subjectKeyOf } from '../core/placement.ts'
import type { Session } from '../core/session.ts'
import { isSubject } from '../core/starting.ts'
import type { Ledger } from '../core/store.ts'
import { misuse } from '../core/unit-of-work.ts'
import { networkOf } from './network.ts'
import type { ThrottleSettings } from './options.ts'
import { TryLane } from './try-lane.ts'

/** What may be tried now. */
export type ThrottleVerdict =
  | { readonly isAllowed: true }
  | {
      readonly isAllowed: false
      /** How long to wait, in milliseconds. Another may be faster then, too. */
      readonly retryAfter: number
    }

/** Counts tries at guessable secrets. Passkeys need none: nobody guesses a signature. */
export interface Throttle {
  /**
   * Counts one try before it is evaluated. Call it for accounts that do not exist as well: an answer that differs tells which do.
   *
   * @param kind - What is guessed, as a machine word: `totp`, `recovery`, `password`. Each has counts of its own.
   * @param subject - Whose account: any text, as long or strange as a visitor typed it.
   * @param session - Of the request; says by which lane it comes.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - how often was tried is not known, and nothing may be evaluated.
   * @throws {ConfigError} `ERR_ARGUMENT_INVALID` - `kind` is no machine word, or `subject` is no text.
   */
  attempt(kind: string, subject: string, session: Session<unknown>): Promise<ThrottleVerdict>
  /** A try that was right: the counts of the lane it came by start anew; those of its network do not. */
  succeeded(kind: string, subject: string, session: Session<unknown>): Promise<void>
}

/** Names the lane of one who has proved the account before; `undefined` for a stranger. */
export type KnownLaneOf = (kind: string, subject: string, session: Session<unknown>) => string | undefined

interface Parts {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  readonly knownLaneOf: KnownLaneOf
}

/** An office behind one address is many people: so many more tries than one person has. */
const SHORT = minutes(10)
const LONG = days(1)
const LONG_TRIES = 10
/** Networks far apart share an account's lane: it is wider, or one of them would fill it alone. */
const NETWORKS = 4
/** All clients that are known share one, too: whoever had the password for an hour may be known as often as they like. A hundred tries by default. */
const CLIENTS = 20
const KIND = /^[a-z0-9][a-z0-9.-]{0,31}$/
const ALLOWED: ThrottleVerdict = { isAllowed: true }

export class LedgerThrottle implements Throttle {
  readonly #parts: Parts
  readonly #settings: ThrottleSettings
  readonly #narrow: TryLane
  readonly #wide: TryLane
  readonly #widest: TryLane

  constructor(parts: Parts, settings: ThrottleSettings) {
    this.#parts = parts
    this.#settings = settings
    this.#narrow = new TryLane(parts, settings.tries)
    this.#wide = new TryLane(parts, settings.tries * NETWORKS)
    this.#widest = new TryLane(parts, settings.tries * CLIENTS)
  }

  async attempt(kind: string, subject: string, session: Session<unknown>): Promise<ThrottleVerdict> {
    const account = accountKey(kind, subject)
    const known = this.#parts.knownLaneOf(kind, subject, session)
    // What no account can be called is not repeated in events: it may be anything, and of any length.
    const about = { kind, subject: isSubject(subject) ? subject : undefined, sessionId: session.id }
    if (known !== undefined) {
      const ofClient = await this.#try(this.#narrow, `${account}:${known}`, { ...about, lane: 'known' })
      if (!ofClient.isAllowed) return ofClient
      const ofAll = await this.#try(this.#widest, `${account}:known`, { ...about, lane: 'known' })
      // Where they have used theirs up, each is a stranger again, and no worse off.
      if (ofAll.isAllowed) return ofAll
    }
    const network = networkOf(session) ?? 'unknown'
    // The network first: what it has no tries left for counts at no account.
    const ofNetwork = await this.#ofNetwork(network, about)
    if (!ofNetwork.isAllowed) return ofNetwork
    const ofPair = await this.#try(this.#narrow, `${account}:n:${network}`, { ...about, lane: 'account' })
    return ofPair.isAllowed ? this.#try(this.#wide, `${account}:all`, { ...about, lane: 'account' }) : ofPair
  }

  async succeeded(kind: string, subject: string, session: Session<unknown>): Promise<void> {
    const known = this.#parts.knownLaneOf(kind, subject, session)
    const account = accountKey(kind, subject)
    const mine = known ?? `n:${networkOf(session) ?? 'unknown'}`
    const shared = known === undefined ? this.#wide.reset(`${account}:all`) : this.#widest.reset(`${account}:known`)
    await Promise.all([this.#narrow.reset(`${account}:${mine}`), shared])
  }

  async #try(lane: TryLane, key: string, about: About): Promise<ThrottleVerdict> {
    const { wait, hasClosed } = await lane.attempt(key)
    if (hasClosed !== undefined) this.#reached(about, hasClosed)
    return wait === 0 ? ALLOWED : { isAllowed: false, retryAfter: wait }
  }

  /** Running windows: a network's successes say nothing of its failures, so nothing starts it anew but time. */
  async #ofNetwork(network: string, about: Omit<About, 'lane'>): Promise<ThrottleVerdict> {
    if (network === 'unknown') return ALLOWED
    const { ledger, clock } = this.#parts
    const { networkTries } = this.#settings
    for (const [window, most] of [[SHORT, networkTries] as const, [LONG, networkTries * LONG_TRIES] as const]) {
      const count = await ledger.count(`stepup:net:${network}:${window}`, { now: clock(), window })
      if (count <= most) continue
      // When it began only the ledger knows: late rather than early.
      if (count === most + 1) this.#reached({ ...about, lane: 'network' }, window)
      return { isAllowed: false, retryAfter: Math.min(window, hours(1)) }
    }
    return ALLOWED
  }

  #reached(about: About, retryAfter: number): void {
    this.#parts.events.emit({ type: 'throttle.reached', ...about, retryAfter })
  }
}

interface About {
  readonly kind: string
  readonly subject: string | undefined
  readonly sessionId: string | undefined
  readonly lane: 'account' | 'network' | 'known'
}

/** Names nobody: keys of a ledger are readable where it is. */
function accountKey(kind: string, subject: string): string {
  if (typeof kind !== 'string' || !KIND.test(kind)) throw misuse("kind is no machine word; expected one such as 'password'")
  if (typeof subject !== 'string') throw misuse('subject is no text; expected whose account it is')
  return `stepup:try:${kind}:${subjectKeyOf(subject)}`
}
