/**
 * What sessions should do, in the simplest words: no hashes, no store, no concurrency. `histories.test.ts` compares the service with it.
 * Clocks move only at rotations here, because every request of the histories is marked as no activity of the person.
 */
import { hours, minutes, seconds } from '../../src/core/duration.ts'

export const POLICY = {
  idleTimeout: minutes(40),
  absoluteTimeout: hours(2),
  rotateAfter: minutes(15),
  rotationGrace: seconds(30),
} as const
const LINEAGE = 4
const KEPT_PAST_DEADLINE = hours(24)

export interface RefToken {
  readonly session: RefSession
  /** As the browser has it; unknown while every answer that carried it was lost. */
  value: string | undefined
  readonly made: 'start' | 'renewal' | 'elevation'
  readonly madeAt: number
  readonly methods: readonly string[]
  usedAt: number | undefined
  replacedAt: number | undefined
}

export interface RefSession {
  readonly subject: string | undefined
  id: string | undefined
  ended: string | undefined
  isPurged: boolean
  data: Record<string, number>
  absoluteFrom: number
  lastSeenAt: number
  /** Oldest first; the last one is current. Tokens that left it are forgotten. */
  tokens: RefToken[]
}

export type RefState = 'active' | 'expired' | 'revoked' | 'reused' | 'unknown'

export class Reference {
  readonly sessions: RefSession[] = []
  now: number

  constructor(now: number) {
    this.now = now
  }

  begin(subject: string | undefined, methods: readonly string[], data: Record<string, number>): RefToken {
    const { now } = this
    const session: RefSession = {
      subject,
      id: undefined,
      ended: undefined,
      isPurged: false,
      data,
      absoluteFrom: now,
      lastSeenAt: now,
      tokens: [],
    }
    const made: RefToken = {
      session,
      value: undefined,
      made: 'start',
      madeAt: now,
      methods,
      usedAt: undefined,
      replacedAt: undefined,
    }
    session.tokens.push(made)
    this.sessions.push(session)
    return made
  }

  stateOf(token: RefToken): RefState {
    const { session } = token
    if (session.isPurged) return 'unknown'
    if (session.ended !== undefined) return 'revoked'
    if (this.hasExpired(session)) return 'expired'
    return this.isReused(token) ? 'reused' : 'active'
  }

  hasExpired(session: RefSession): boolean {
    return this.now >= Math.min(this.#absolute(session), session.lastSeenAt + POLICY.idleTimeout)
  }

  isReused(token: RefToken): boolean {
    const index = token.session.tokens.indexOf(token)
    return index === -1 || token.session.tokens.slice(index + 1).some((later) => this.#isOld(later.usedAt))
  }

  /** Whether reading this token writes down that it was used. The first of a session outdates nothing. */
  isFirstUse(token: RefToken): boolean {
    return token.usedAt === undefined && token.session.tokens.indexOf(token) > 0
  }

  isCurrent(token: RefToken): boolean {
    return token.session.tokens.at(-1) === token
  }

  isBeforeElevation(token: RefToken): boolean {
    return this.#later(token).some(({ made }) => made === 'elevation')
  }

  /** The current token, where the bearer of an earlier one is sent it. */
  successorOf(token: RefToken): RefToken | undefined {
    const later = this.#later(token)
    return later.every(({ made, usedAt }) => made === 'renewal' && usedAt === undefined) ? later.at(-1) : undefined
  }

  isRenewalDue(token: RefToken): boolean {
    return this.isCurrent(token) && this.now - (token.usedAt ?? token.madeAt) >= POLICY.rotateAfter
  }

  /** A new current token; `undefined` when too many are still good. */
  rotate(session: RefSession, made: 'renewal' | 'elevation', methods: readonly string[]): RefToken | undefined {
    const kept = this.#trimmed(session.tokens)
    if (kept === undefined) return undefined
    kept.at(-1)!.replacedAt = this.now
    const next: RefToken = {
      session,
      value: undefined,
      made,
      madeAt: this.now,
      methods,
      usedAt: undefined,
      replacedAt: undefined,
    }
    session.tokens = [...kept, next]
    return next
  }

  purge(): void {
    const before = this.now - KEPT_PAST_DEADLINE
    for (const session of this.sessions) {
      const idle = session.lastSeenAt + POLICY.idleTimeout
      const deadline = session.ended === undefined ? Math.min(this.#absolute(session), idle) : this.#absolute(session)
      if (deadline < before) session.isPurged = true
    }
  }

  liveOf(subject: string): RefSession[] {
    return this.sessions.filter(
      (session) => session.subject === subject && session.ended === undefined && !session.isPurged && !this.hasExpired(session),
    )
  }

  #absolute(session: RefSession): number {
    return session.absoluteFrom + POLICY.absoluteTimeout
  }

  #isOld(usedAt: number | undefined): boolean {
    return usedAt !== undefined && this.now - usedAt >= POLICY.rotationGrace
  }

  #later(token: RefToken): RefToken[] {
    return token.session.tokens.slice(token.session.tokens.indexOf(token) + 1)
  }

  #trimmed(tokens: readonly RefToken[]): RefToken[] | undefined {
    if (tokens.length <= LINEAGE) return [...tokens]
    const dead = tokens.findIndex((_, index) => tokens.slice(index + 1).some(({ usedAt }) => this.#isOld(usedAt)))
    if (dead !== -1) return tokens.toSpliced(dead, 1)
    const lost = tokens.findIndex((token, index) => {
      const next = tokens[index + 1]
      const isReplacedByElevation = next === undefined || next.made === 'elevation'
      return (
        token.made === 'elevation' &&
        token.usedAt === undefined &&
        isReplacedByElevation &&
        this.#isOld(token.madeAt + 3 * POLICY.rotationGrace)
      )
    })
    return lost === -1 ? undefined : tokens.toSpliced(lost, 1)
  }
}
