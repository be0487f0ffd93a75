/**
 * Whether a token's session still lives: the feed says so while it is as new as the budget, else the issuer is asked, and where neither can say, nobody does. A dead network is
 * never "live" and never "ended" (design 1, promise 9).
 */
import { monotonic } from '../../core/clock.ts'
import type { AccessTokenClaims } from '../parts.ts'
import { FeedClient } from './feed.ts'
import { Introspection, type IssuersWord } from './introspection.ts'
import type { VerifierSettings } from './options.ts'

/** Who said so. `none`: nobody is asked, and a token is good until it expires. */
export type RevocationSource = 'feed' | 'introspection' | 'none'

export type RevocationVerdict =
  | { readonly state: 'live'; readonly by: RevocationSource }
  | { readonly state: 'ended'; readonly by: RevocationSource }
  | { readonly state: 'unavailable' }

export class Revocation {
  readonly feed: FeedClient | undefined
  readonly introspection: Introspection | undefined
  readonly #budget: number

  constructor(settings: VerifierSettings) {
    const { feed, introspection, revokedWithin } = settings
    this.#budget = revokedWithin
    // An answer that takes longer than the budget is older than it may be when it comes.
    const timeout = revokedWithin === 0 ? settings.timeout : Math.min(settings.timeout, revokedWithin)
    this.introspection = introspection === undefined ? undefined : new Introspection({ ...settings, timeout, introspection })
    this.feed = feed === undefined ? undefined : new FeedClient({ ...settings, feed })
  }

  async judge(accessToken: string, claims: AccessTokenClaims): Promise<RevocationVerdict> {
    const { feed, introspection } = this
    if (feed?.coverage.hasEnded(claims) === true) return { state: 'ended', by: 'feed' }
    const known = introspection?.recall(accessToken)
    // A token that was not good once never is again.
    if (known?.isActive === false) return { state: 'ended', by: 'introspection' }
    if (feed?.isLive === true && feed.coverage.wordOn(claims, known?.askedAt) === 'live') return { state: 'live', by: 'feed' }
    if (introspection === undefined) return feed === undefined ? { state: 'live', by: 'none' } : { state: 'unavailable' }
    if (known !== undefined && this.#mayRecall(known, claims)) return { state: 'live', by: 'introspection' }
    const now = monotonic()
    try {
      // With a budget, an answer on its way counts where it was asked for within it; in doubt, only one that was asked for since.
      const notBefore = this.#budget === 0 || this.#isDoubted(claims, undefined) ? now : now - this.#budget
      let word = await introspection.ask(accessToken, claims, notBefore)
      // Doubt that came while we waited is not settled by what was asked before it.
      if (word.isActive && this.#isDoubted(claims, word.askedAt)) word = await introspection.ask(accessToken, claims, monotonic())
      // The feed may have said so while we waited, and it is later than the answer.
      if (!word.isActive || feed?.coverage.hasEnded(claims) === true) return { state: 'ended', by: 'introspection' }
      return { state: 'live', by: 'introspection' }
    } catch {
      return { state: 'unavailable' }
    }
  }

  close(): void {
    this.feed?.close()
  }

  /** An answer younger than the budget, about a token that has not come into doubt since. */
  #mayRecall({ askedAt }: IssuersWord, claims: AccessTokenClaims): boolean {
    return this.#budget > 0 && monotonic() - askedAt <= this.#budget && !this.#isDoubted(claims, askedAt)
  }

  #isDoubted(claims: AccessTokenClaims, askedAt: number | undefined): boolean {
    return this.feed?.coverage.isDoubted(claims, askedAt) === true
  }
}
