/**
 * The issuer's public keys (RFC 7517), fetched once for all who wait. A `kid` is a name to look up in what was fetched and nothing else; hostile ones cannot make this service ask
 * more often than once a pause (RFC 8725, 3.10).
 */
import type { CryptoKey } from 'jose'
import { monotonic } from '../../core/clock.ts'
import { hours, minutes, seconds } from '../../core/duration.ts'
import { publishedKey } from './algorithms.ts'
import { type Answer, CallFailure, callForObject } from './calling.ts'
import type { VerifierSettings } from './options.ts'

/** A key and the one algorithm it is used with. */
export interface VerificationKey {
  readonly algorithm: string
  readonly key: CryptoKey
}

/** How long a set counts as new where the issuer does not say; least and most where it does. A set kept for ever would keep a stolen key alive. */
const FRESH = { least: seconds(5), usual: minutes(5), most: hours(24) }
/** How much longer it counts while the issuer cannot be reached. */
const STALE = hours(1)
/** Between two fetches for names nobody knows. Keys are published long before they sign, so that none of ours is unknown. */
const PAUSE = seconds(5)
const PAUSE_AFTER_FAILURE = seconds(2)
const MOST_KEYS = 64
const MOST_BYTES = 262_144

type Settings = Pick<VerifierSettings, 'jwks' | 'fetch' | 'timeout' | 'emit' | 'algorithms'>

export class KeySet {
  readonly #settings: Settings
  readonly #now: () => number
  #keys: ReadonlyMap<string, VerificationKey> = new Map()
  #freshUntil = Number.NEGATIVE_INFINITY
  #goodUntil = Number.NEGATIVE_INFINITY
  #pausedUntil = Number.NEGATIVE_INFINITY
  #hasFailed = false
  #fetching: Promise<void> | undefined
  fetches = 0

  constructor(settings: Settings, now: () => number = monotonic) {
    this.#settings = settings
    this.#now = now
  }

  get size(): number {
    return this.#keys.size
  }

  /**
   * The key of this name. `undefined`: the issuer has none such.
   *
   * @throws {CallFailure} The issuer was away, and what is known of its keys does not decide.
   */
  async find(kid: string): Promise<VerificationKey | undefined> {
    if (this.#now() >= this.#freshUntil) await this.#fetchIfAllowed()
    if (!this.#keys.has(kid)) await this.#fetchIfAllowed()
    if (this.#now() >= this.#goodUntil) throw new CallFailure('keys-unavailable')
    const key = this.#keys.get(kid)
    // Perhaps it is a new one, and the fetch that would have brought it failed.
    if (key === undefined && this.#hasFailed) throw new CallFailure('keys-unavailable')
    return key
  }

  #fetchIfAllowed(): Promise<void> {
    if (this.#fetching === undefined && this.#now() >= this.#pausedUntil) {
      this.#fetching = this.#fetch().finally(() => {
        this.#fetching = undefined
      })
    }
    return this.#fetching ?? Promise.resolve()
  }

  async #fetch(): Promise<void> {
    const { jwks, fetch: call, timeout, emit } = this.#settings
    const headers = { Accept: 'application/jwk-set+json, application/json' }
    this.fetches++
    const sentAt = this.#now()
    try {
      const answer = await callForObject(call, jwks, { headers }, { timeout, bytes: MOST_BYTES })
      const { keys, skipped } = await this.#keysIn(answer)
      this.#keys = keys
      this.#hasFailed = false
      this.#freshUntil = sentAt + lifetimeIn(answer.headers.get('cache-control'))
      this.#goodUntil = this.#freshUntil + STALE
      this.#pausedUntil = this.#now() + PAUSE
      emit({ type: 'keys.fetched', count: keys.size, skipped })
    } catch (error) {
      this.#hasFailed = true
      this.#pausedUntil = this.#now() + PAUSE_AFTER_FAILURE
      emit({ type: 'keys.failed', reason: error instanceof CallFailure ? error.reason : 'malformed' })
    }
  }

  async #keysIn({ body }: Answer): Promise<{ keys: Map<string, VerificationKey>; skipped: number }> {
    const given: unknown = body.keys
    if (!Array.isArray(given)) throw new CallFailure('malformed')
    if (given.length > MOST_KEYS) throw new CallFailure('oversize')
    const { importJWK } = await import('jose')
    const keys = new Map<string, VerificationKey>()
    const twice = new Set<string>()
    for (const jwk of given as readonly unknown[]) {
      if (typeof jwk !== 'object' || jwk === null) continue
      const { kid } = jwk as { kid?: unknown }
      if (typeof kid !== 'string' || kid === '' || kid.length > 256) continue
      // One name for two keys: an algorithm would be for the token to choose. Neither counts.
      if (keys.has(kid) || twice.has(kid)) {
        twice.add(kid)
        keys.delete(kid)
        continue
      }
      const published = publishedKey(jwk as Record<string, unknown>)
      if (published === undefined || !this.#settings.algorithms.has(published.algorithm)) continue
      try {
        // A point that is not on its curve fails here (RFC 8725, 3.4), and so does ML-DSA where the runtime lacks it.
        const key = await importJWK(published.key, published.algorithm)
        if (!(key instanceof Uint8Array)) keys.set(kid, { algorithm: published.algorithm, key: key as CryptoKey })
      } catch {
        // The other keys of the set are as good as before.
      }
    }
    return { keys, skipped: given.length - keys.size }
  }
}

/** `max-age`, within bounds. */
function lifetimeIn(cacheControl: string | null): number {
  if (cacheControl === null || cacheControl.length > 1024) return FRESH.usual
  if (/\bno-(?:store|cache)\b/i.test(cacheControl)) return FRESH.least
  const age = /(?:^|[\s,])max-age\s*=\s*"?(\d{1,10})/i.exec(cacheControl)?.[1]
  return age === undefined ? FRESH.usual : Math.min(FRESH.most, Math.max(FRESH.least, Number(age) * 1000))
}
