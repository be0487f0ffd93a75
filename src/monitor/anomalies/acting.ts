/** What is done about signals: an event for each, and what the policy asks for, through core. */
import { amendLive } from '../../core/amending.ts'
import { isSojournError } from '../../core/errors.ts'
import type { SessionRecord } from '../../core/record.ts'
import type { Service } from '../../core/service.ts'
import type { Sessions } from '../../core/sessions.ts'
import type { UnitOfWork } from '../../core/unit-of-work.ts'
import { actionFor, type ResolvedPolicy } from './policy.ts'
import { type Action, type Signal, stricter } from './signal.ts'

export const REASON = 'anomaly'

export interface About {
  readonly sessionId?: string | undefined
  readonly subject?: string | undefined
}

export class Acting {
  readonly #sessions: Sessions<unknown>
  readonly #service: Service
  readonly #policy: ResolvedPolicy
  readonly isShadow: boolean

  constructor(sessions: Sessions<unknown>, service: Service, policy: ResolvedPolicy, isShadow: boolean) {
    this.#sessions = sessions
    this.#service = service
    this.#policy = policy
    this.isShadow = isShadow
  }

  /** The strictest action, without doing anything. */
  actionOf(signals: readonly Signal[]): Action | undefined {
    let strictest: Action | undefined
    for (const signal of signals) {
      const action = actionFor(this.#policy, signal)
      if (action !== undefined) strictest = strictest === undefined ? action : stricter(strictest, action)
    }
    return strictest
  }

  /** Emits an event for each signal the policy names. */
  report(signals: readonly Signal[], { sessionId, subject }: About): void {
    for (const signal of signals) {
      const action = actionFor(this.#policy, signal)
      if (action === undefined) continue
      const { name, score, features, sentence } = signal
      this.#service.events.emit({
        type: 'anomaly.detected',
        sessionId,
        subject,
        signal: name,
        score,
        action,
        isShadow: this.isShadow,
        features,
        reason: sentence,
      })
    }
  }

  /** Reports, and acts on a session by its id: outside of its requests. Its token cannot be replaced from there: `rotate` only reports. */
  async byId(signals: readonly Signal[], about: About): Promise<Action | undefined> {
    this.report(signals, about)
    const action = this.actionOf(signals)
    const { sessionId } = about
    if (this.isShadow || sessionId === undefined) return action
    if (action === 'revoke') await this.#sessions.revoke(sessionId, { reason: REASON, actor: 'anomalies' })
    if (action === 'step-up') await amendLive(this.#service, sessionId, (record) => ({ details: this.doubted(record) }))
    return action
  }

  /** Acts on the session of a request; its doubt, where there is one, is written with the note by whoever calls. */
  async inRequest(action: Action | undefined, work: UnitOfWork): Promise<void> {
    if (this.isShadow) return
    if (action === 'revoke') await work.end(REASON, false, false)
    if (action !== 'rotate') return
    try {
      await work.rotate('renewal', REASON, [])
    } catch (error) {
      // Replaced a moment ago by somebody else, or ended: either way the old token is on its way out.
      if (!isSojournError(error, 'ERR_ROTATION_PENDING') && !isSojournError(error, 'ERR_SESSION_ENDED')) throw error
    }
  }

  /** What was proved until now counts no more; on a machine whose clock is ahead, too. */
  doubted({ details }: SessionRecord): SessionRecord['details'] {
    return { ...details, doubtedAt: Math.max(this.#service.config.clock(), ...details.facts.map(({ at }) => at)) }
  }
}
