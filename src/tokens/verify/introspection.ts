/**
 * Asks the issuer about a token (RFC 7662), once for all who wait for the same, and keeps the answer no longer than it may count (RFC 7662, 4). An answer is as old as its question:
 * the session may have ended right after.
 */
import { CircuitBreaker } from '../../core/circuit-breaker.ts'
import { monotonic } from '../../core/clock.ts'
import { digestText, pooledRandom } from '../../core/crypto.ts'
import { seconds } from '../../core/duration.ts'
import type { AccessTokenClaims } from '../parts.ts'
import { CallFailure, callForObject } from './calling.ts'
import type { VerifierSettings } from './options.ts'

const AT_ONCE = 32
const MOST_WAITING = 1_000
const MOST_KEPT = 50_000
const MOST_BYTES = 65_536

/** What the issuer said, and when it was asked, by our own clock that never jumps. */
export interface IssuersWord {
  readonly isActive: boolean
  readonly askedAt: number
}

type Settings = Pick<VerifierSettings, 'introspection' | 'fetch' | 'timeout' | 'emit' | 'clientSecretHeader'>

export class Introspection {
  readonly #settings: Settings & { readonly introspection: string }
  readonly #breaker: CircuitBreaker
  /** By the digest of the token: a token at rest in memory is one more place to steal it from. */
  #young = new Map<string, IssuersWord>()
  #old = new Map<string, IssuersWord>()
  readonly #asking = new Map<string, Promise<IssuersWord>>()
  readonly #waiting: (() => void)[] = []
  #atOnce = 0
  calls = 0
  failures = 0

  constructor(settings: Settings & { readonly introspection: string }) {
    this.#settings = settings
    const random = pooledRandom()
    const silent = { opened: () => {}, closed: () => {} }
    this.#breaker = new CircuitBreaker({ failures: 5, pause: seconds(1) }, silent, () => random(1)[0]! / 255)
  }

  /** What was last said of a token; whoever asks judges whether it is young enough. */
  recall(accessToken: string): IssuersWord | undefined {
    const digest = digestText(accessToken)
    return this.#young.get(digest) ?? this.#old.get(digest)
  }

  /**
   * Asks, or joins whoever is asking: but only a question that was put after `notBefore`, since an older one may have been answered before what is now in doubt.
   *
   * @throws {CallFailure} The issuer could not be asked.
   */
  async ask(accessToken: string, claims: AccessTokenClaims, notBefore: number): Promise<IssuersWord> {
    const digest = digestText(accessToken)
    const known = this.#asking.get(digest)
    if (known !== undefined) {
      const word = await known
      if (word.askedAt >= notBefore || !word.isActive) return word
      return this.ask(accessToken, claims, notBefore)
    }
    const asking = this.#ask(accessToken, claims).finally(() => this.#asking.delete(digest))
    this.#asking.set(digest, asking)
    const word = await asking
    this.#keep(digest, word)
    return word
  }

  async #ask(accessToken: string, claims: AccessTokenClaims): Promise<IssuersWord> {
    const { timeout, emit } = this.#settings
    const joinedAt = monotonic()
    await this.#turn()
    try {
      // Whoever waited this long is not made to wait as long again.
      if (monotonic() - joinedAt > timeout) throw new CallFailure('busy')
      if (this.#breaker.admit() > 0) throw new CallFailure('circuit-open')
      return await this.#call(accessToken, claims)
    } catch (error) {
      this.failures++
      const failure = error instanceof CallFailure ? error : new CallFailure('network')
      emit({ type: 'introspection.failed', reason: failure.reason })
      throw failure
    } finally {
      this.#atOnce--
      this.#waiting.shift()?.()
    }
  }

  async #call(accessToken: string, claims: AccessTokenClaims): Promise<IssuersWord> {
    const { introspection, fetch: call, timeout, clientSecretHeader } = this.#settings
    const headers = {
      Accept: 'application/json',
      Authorization: clientSecretHeader!,
      'Content-Type': 'application/x-www-form-urlencoded',
    }
    const form = new URLSearchParams({ token: accessToken, token_type_hint: 'access_token' }).toString()
    const askedAt = monotonic()
    this.calls++
    try {
      const init = { method: 'POST', headers, body: form, cache: 'no-store' } as const
      const { body } = await callForObject(call, introspection, init, { timeout, bytes: MOST_BYTES })
      if (typeof body.active !== 'boolean' || !isOf(body, claims)) throw new CallFailure('malformed')
      this.#breaker.succeeded()
      return { isActive: body.active, askedAt }
    } catch (error) {
      this.#breaker.failed()
      throw error
    }
  }

  /** So many at once and no more, or an issuer that comes back would be buried. Whoever finds the queue full is told at once. */
  async #turn(): Promise<void> {
    if (this.#waiting.length >= MOST_WAITING) throw new CallFailure('busy')
    this.#atOnce++
    if (this.#atOnce > AT_ONCE) await new Promise<void>((resolve) => void this.#waiting.push(resolve))
  }

  #keep(digest: string, word: IssuersWord): void {
    if (this.#young.size >= MOST_KEPT) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(digest, word)
  }
}

/** An answer about another token, from a cache in between say, is no answer about this one, and ends nobody's session. */
function isOf(body: Readonly<Record<string, unknown>>, { sid, sub, jti, iss }: AccessTokenClaims): boolean {
  return Object.entries({ sid, sub, jti, iss }).every(([name, value]) => body[name] === undefined || body[name] === value)
}
