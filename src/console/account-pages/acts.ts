/**
 * What a person may do on their page. Each act is done for the subject of the request's own session, whatever ids a form names: another person's session is never ended
 * here, and nobody learns whether it is there (ASVS 5.0, 7.5.2, 8.2.2).
 */
import type { Service } from '../../core/service.ts'
import type { Session } from '../../core/session.ts'
import type { Sessions } from '../../core/sessions.ts'
import { isSessionId } from '../../core/token.ts'

/** Told when a person says that a session was not theirs. */
export interface NotMe {
  readonly subject: string
  /** The session, where it is surely one of this subject's; `undefined` for something that belongs to none, or to one that is long over. */
  readonly sessionId: string | undefined
}

/** What the acts need. */
export interface ActContext {
  readonly sessions: Pick<Sessions<never>, 'revoke'>
  readonly service: Service
  readonly onNotMe: ((notMe: NotMe) => unknown) | undefined
  /** Told of failures of the hook. */
  readonly warn: (error: Error) => void
}

/** `gone`: it had ended, or never was one of this person's. */
export type EndOutcome = 'one' | 'gone'

/** Ends one other session. The one in use is ended by signing out, which clears its cookie. */
export async function endOne(session: Session<unknown>, id: string): Promise<EndOutcome> {
  return (await session.revoke(id)) ? 'one' : 'gone'
}

/** `marked`: the application knows. `unmarked`: its hook failed, and it does not. `unasked`: it has none. */
export type NotMeOutcome = 'marked' | 'unmarked' | 'unasked' | 'here'

/**
 * Ends the session first, since that is what is urgent, and then tells the application. Said again, it tells again: a mark is better set twice than not at all.
 *
 * @param isOwn - Whether an id that lives no more was this person's, as far as the audit log knows.
 */
export async function disown(
  context: ActContext,
  session: Session<unknown>,
  id: string | undefined,
  isOwn: (id: string) => Promise<boolean>,
): Promise<NotMeOutcome> {
  const { service } = context
  const subject = session.subject!
  if (id !== undefined && id === session.id) return 'here'
  const known = id !== undefined && isSessionId(id) ? id : undefined
  const { ended, count } = await revokeOwn(context, session, known)
  const sessionId = ended ?? (known !== undefined && (await isOwn(known)) ? known : undefined)
  service.events.emit({ type: 'sign-in.disowned', subject, sessionId, count })
  return mark(context, { subject, sessionId })
}

/** Tells the application. A hook that fails is no reason to tell the person that nothing happened. */
export async function mark(
  { onNotMe, warn }: Pick<ActContext, 'onNotMe' | 'warn'>,
  notMe: NotMe,
): Promise<'marked' | 'unmarked' | 'unasked'> {
  if (onNotMe === undefined) return 'unasked'
  try {
    await onNotMe(notMe)
    return 'marked'
  } catch (error) {
    warn(error instanceof Error ? error : new Error(String(error)))
    return 'unmarked'
  }
}

/** @returns The session that ended, where that is known, and how many did; `undefined` where the store cannot count them. */
async function revokeOwn(
  { sessions, service }: ActContext,
  session: Session<unknown>,
  id: string | undefined,
): Promise<{ readonly ended: string | undefined; readonly count: number | undefined }> {
  const { carries, revokesSubjects } = service.config.store.capabilities
  const reason = 'disowned'
  // Sealed cookies cannot tell whose an id is. All others can be ended at once, where there is a ledger to remember it in.
  if (carries !== undefined) return { ended: undefined, count: revokesSubjects ? await session.revokeOthers({ reason }) : 0 }
  const subject = session.subject!
  const isEnded = id !== undefined && (await sessions.revoke(id, { subject, reason, actor: subject }))
  return isEnded ? { ended: id, count: 1 } : { ended: undefined, count: 0 }
}
