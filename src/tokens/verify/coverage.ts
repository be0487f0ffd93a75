/**
 * What the feed has told, and from when to when that is everything: the instants are the issuer's, and its clock is read from its own beats, so that no clock of two machines
 * needs to agree.
 */
import { minutes } from '../../core/duration.ts'
import { subjectKeyOf } from '../../core/placement.ts'
import type { AccessTokenClaims } from '../parts.ts'
import { Ended } from './ended.ts'

/** What the feed knows of a token. `unknown`: it cannot tell, ask. */
export type FeedWord = 'ended' | 'live' | 'unknown'

export class Coverage {
  readonly #ended: Ended
  readonly #revokedTokens: Ended
  /** Sessions and subjects with tokens in doubt, by the instant up to which those were minted. */
  readonly #doubtful: Ended
  /** The same keys, by when we heard of it. */
  readonly #doubtHeard: Ended
  readonly #measured = { last: undefined as number | undefined, worst: undefined as number | undefined }
  /** The issuer's instant from which on every end is known; `undefined` before the first `ready`. */
  #since: number | undefined
  /** Of a stream that has said hello and not yet told all it has. */
  #pendingSince: number | undefined
  /** The issuer's instant up to which everything was told. */
  #toldUntil = Number.NEGATIVE_INFINITY
  /** Our instant minus the issuer's: never more than it is, so that nothing seems newer than it is. */
  #offset = 0
  /** The most that difference may be. */
  #offsetMost = 0
  /** The issuer's instant up to which there was no room for what it told. */
  #forgottenUntil = Number.NEGATIVE_INFINITY

  /** @param lifetime - Longest time a token can be good after it was minted, clocks included. */
  constructor(lifetime: number, most?: number) {
    const retention = lifetime + minutes(2)
    this.#ended = new Ended(retention, most)
    this.#revokedTokens = new Ended(retention, most)
    this.#doubtful = new Ended(retention, most)
    this.#doubtHeard = new Ended(retention, most)
  }

  /** A stream has begun. @param sentAt - When we asked for it, @param now - when it answered, both by our own clock that never jumps. */
  begin(hello: { readonly now: number; readonly since: number }, sentAt: number, now: number): void {
    const heardAt = this.#toldUntil + this.#offset
    this.#offset = sentAt - hello.now
    this.#offsetMost = now - hello.now
    // The last beat by the clock of who speaks now, and no later than it was: one of a clock that was ahead would be news for as long as it lies ahead.
    this.#toldUntil = Math.min(this.#toldUntil, heardAt - this.#offsetMost)
    // What was told until the last beat is known; a stream that knows since before then leaves no hole, whoever sends it (its `since` speaks for the whole fleet).
    const isSeamless = this.#since !== undefined && hello.since <= this.#toldUntil
    // Ours may be later than theirs, where we had no room and forgot: what comes from a place after that does not bring it back.
    this.#pendingSince = isSeamless ? this.#since : Math.max(hello.since, this.#forgottenUntil)
  }

  /** The stream has told all it had: from here on it is complete. */
  ready(): void {
    if (this.#pendingSince === undefined) return
    this.#since = this.#pendingSince
    this.#pendingSince = undefined
  }

  /** Everything up to the issuer's `at` has been told. A beat that seems to come from the future corrects our idea of the issuer's clock. */
  beat(at: number, now: number): void {
    if (this.#pendingSince !== undefined || this.#since === undefined) return
    this.#toldUntil = Math.max(this.#toldUntil, at)
    this.#offset = Math.min(this.#offset, now - at)
  }

  /** Ends before `since` may have been missed. */
  gap(since: number): void {
    if (this.#pendingSince !== undefined) this.#pendingSince = Math.max(this.#pendingSince, since)
    if (this.#since !== undefined) this.#since = Math.max(this.#since, since)
  }

  sessionEnded(sid: string, at: number, now: number): void {
    this.#measure(at, now)
    this.#keep(this.#ended, sid, at, now)
  }

  tokenRevoked(jti: string, at: number, now: number): void {
    this.#measure(at, now)
    this.#keep(this.#revokedTokens, jti, at, now)
  }

  /** Tokens of this session, or subject, that were minted up to `at` are in doubt. */
  doubted(kind: 'session' | 'subject', key: string, at: number, now: number): void {
    this.#measure(at, now)
    this.#keep(this.#doubtful, `${kind}:${key}`, at, now)
    this.#keep(this.#doubtHeard, `${kind}:${key}`, now, now)
  }

  /** How old, at most, what the feed last told is: the time since which an end may be unknown. */
  staleness(now: number): number {
    if (this.#since === undefined) return Number.POSITIVE_INFINITY
    return Math.max(0, now - (this.#toldUntil + this.#offset))
  }

  get since(): number | undefined {
    return this.#since
  }

  get measured(): { readonly worst: number | undefined; readonly last: number | undefined } {
    return { ...this.#measured }
  }

  /** Whether the feed has said that it is over with this token. That stays true when the feed is away. */
  hasEnded({ sid, jti }: AccessTokenClaims): boolean {
    return this.#ended.get(sid) !== undefined || this.#revokedTokens.get(jti) !== undefined
  }

  /**
   * What is known of a token, as of the last beat.
   *
   * @param knownLiveAt - When, by our clock, we asked the issuer, who said that it was good; `undefined` if never.
   */
  wordOn(claims: AccessTokenClaims, knownLiveAt: number | undefined): FeedWord {
    if (this.hasEnded(claims)) return 'ended'
    if (this.#since === undefined) return 'unknown'
    const mintedAt = claims.iat * 1000
    const isCovered = mintedAt >= this.#since || (knownLiveAt !== undefined && knownLiveAt >= this.#since + this.#offsetMost)
    if (!isCovered) return 'unknown'
    return this.isDoubted(claims, knownLiveAt) ? 'unknown' : 'live'
  }

  /** Whether the feed has put a token in doubt, and the issuer was not asked since. */
  isDoubted({ sid, sub, iat }: AccessTokenClaims, knownLiveAt: number | undefined): boolean {
    // The hash of the subject is made only while somebody's tokens are in doubt.
    if (this.#doubtful.size === 0) return false
    return [`session:${sid}`, `subject:${subjectKeyOf(sub)}`].some((key) => {
      const at = this.#doubtful.get(key)
      if (at === undefined || iat * 1000 > at) return false
      return knownLiveAt === undefined || knownLiveAt <= (this.#doubtHeard.get(key) ?? Number.POSITIVE_INFINITY)
    })
  }

  /** When there is no room, all is forgotten, and only what is minted from now on is covered: older tokens are asked about. */
  #keep(ended: Ended, key: string, at: number, now: number): void {
    if (ended.add(key, at, now)) return
    for (const each of [this.#ended, this.#revokedTokens, this.#doubtful, this.#doubtHeard]) each.clear()
    this.#forgottenUntil = now - this.#offset
    this.gap(this.#forgottenUntil)
    ended.add(key, at, now)
  }

  /** From the issuer's `at` to our receipt. Of what a stream tells to catch up, nothing is measured. */
  #measure(at: number, now: number): void {
    if (this.#pendingSince !== undefined || this.#since === undefined) return
    const delay = Math.max(0, now - (at + this.#offset))
    this.#measured.last = delay
    this.#measured.worst = Math.max(delay, this.#measured.worst ?? 0)
  }
}
