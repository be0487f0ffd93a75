/**
 * Keeping addresses, where the application asks for it: each for at most so long after it was taken, also in a session that nobody uses
 * any more. Nobody looks into such a session, so an address goes while there is still somebody who does: before the session can lie idle,
 * and its record lie in the store for a day more, past the address's time.
 */
import type { ResolvedPolicy } from '../../core/config.ts'
import { EXPIRED_KEPT_FOR } from '../../core/expiry.ts'
import type { KeptAddress } from './fingerprint.ts'
import type { PlaceFinder } from './place.ts'
import { invalid } from './policy.ts'

/** What the application asks for. */
export interface KeepAddress {
  /** For how long after it was taken, in milliseconds. Longer than the idle timeout and a day, at most a year. */
  readonly for: number
}

const LONGEST = 366 * 86_400_000

export class AddressKeeping {
  readonly keptFor: number | undefined
  readonly #places: PlaceFinder

  /** @throws {ConfigError} `ERR_CONFIG_INVALID` */
  constructor(given: unknown, places: PlaceFinder) {
    const span = given === undefined ? undefined : (given as Partial<KeepAddress> | null)?.for
    if (given !== undefined && !(Number.isSafeInteger(span) && span! >= 1000 && span! <= LONGEST))
      throw invalid('keepAddress', 'an object such as { for: days(7) }, at most a year')
    this.keptFor = span
    this.#places = places
  }

  /** @throws {ConfigError} `ERR_CONFIG_INVALID` - a session could lie idle for longer than its address may be kept. */
  check(policy: ResolvedPolicy): void {
    if (this.keptFor === undefined || this.keptFor > unseen(policy)) return
    throw invalid(
      'keepAddress.for',
      'longer than the idle timeout and a day: the record of a session that nobody uses would keep its address for longer',
    )
  }

  /** What to keep of a request's address; nothing where this session may lie idle for longer. */
  taken(address: string | undefined, now: number, policy: ResolvedPolicy): KeptAddress | undefined {
    if (this.keptFor === undefined || address === undefined || this.keptFor <= unseen(policy)) return undefined
    if (this.#places.find(address) === undefined) return undefined
    return { text: this.#places.normalise(address)!, takenAt: now }
  }

  /** When it goes. */
  dropAt(address: KeptAddress | undefined, policy: ResolvedPolicy): number {
    if (address === undefined) return Number.POSITIVE_INFINITY
    return address.takenAt + (this.keptFor ?? 0) - unseen(policy)
  }

  isDue(address: KeptAddress | undefined, now: number, policy: ResolvedPolicy): boolean {
    // Taken in the future: the clock was set back, and nobody knows how old it is.
    return address !== undefined && (now >= this.dropAt(address, policy) || now < address.takenAt)
  }
}

/** How long a record may lie in the store without being looked at. */
function unseen({ idleTimeout }: ResolvedPolicy): number {
  return idleTimeout + EXPIRED_KEPT_FOR
}
