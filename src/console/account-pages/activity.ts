/**
 * What happened to an account lately, in words its owner understands. From the audit log where there is one; else from what the sessions themselves tell.
 *
 * An entry's own texts are never shown: the words are ours, chosen by its type. Entries of other people are left out, whatever the log gives.
 */
import { methodWords } from './method-words.ts'

/** What of an audit entry is looked at; entries of `sojourn/monitor/audit` are such, and so are events. */
export interface ActivityEntry {
  /** The event's type, such as `session.started`. */
  readonly type: string
  readonly at: number
  readonly subject?: string | undefined
  readonly sessionId?: string | undefined
  readonly actor?: string | undefined
  readonly reason?: string | undefined
  /** Everything else that the event said, where it does not stand beside these. */
  readonly details?: Readonly<Record<string, unknown>> | undefined
}

/** An entry with its details beside it. */
type Flat = ActivityEntry & Readonly<Record<string, unknown>>

/** One line. */
export interface ActivityLine {
  readonly type: string
  readonly at: number
  readonly text: string
  readonly sessionId: string | undefined
  /** Worth a second look. */
  readonly isOdd: boolean
  /** Somebody else may have done it: "this wasn't me" makes sense. */
  readonly isDeed: boolean
}

/** What the words need to know. */
interface Teller {
  readonly subject: string
}

type Told = { readonly text: string; readonly isOdd?: boolean; readonly isDeed?: boolean } | undefined

const TOLD: Readonly<Record<string, (entry: Flat, teller: Teller) => Told>> = {
  'session.started': ({ methods, pending }) =>
    typeof pending === 'string'
      ? { text: `Started to sign in with ${methodWords(methods)}; the second step was still missing`, isDeed: true }
      : { text: `Signed in with ${methodWords(methods)}`, isDeed: true },
  'session.elevated': ({ methods }) => ({ text: `Confirmed who you are with ${methodWords(methods)}`, isDeed: true }),
  'session.revoked': ended,
  'session.expired': ({ reason }) => ({
    text:
      reason === 'idle' ? 'A device was signed out because it was not used' : 'A device was signed out because its time was over',
  }),
  'session.reused': ({ outcome }) => ({
    text: `An old copy of a sign-in was tried, and ${outcome === 'revoked' ? 'the device was signed out' : 'refused'}`,
    isOdd: true,
  }),
  'subject.revoked': (entry, { subject }) => ({
    text: `${typeof entry.count === 'number' ? counted(entry.count) : 'Your devices'} signed out at once${entry.actor === undefined || entry.actor === subject ? '' : ', by us'}`,
  }),
  'factor.used': ({ kind, left }) => ({
    text: `${capital(methodWords([kind]))} was used${kind === 'recovery' && typeof left === 'number' ? `; ${left} left` : ''}`,
    isDeed: true,
  }),
  'factor.refused': ({ kind }) => ({ text: `A try with ${methodWords([kind])} failed`, isOdd: true, isDeed: true }),
  'factor.added': ({ kind }) => ({ text: `A way to sign in was added: ${methodWords([kind])}`, isDeed: true }),
  'factor.removed': ({ kind }) => ({ text: `A way to sign in was removed: ${methodWords([kind])}`, isOdd: true, isDeed: true }),
  'factor.suspected': ({ kind }) => ({ text: `There may be a copy of ${methodWords([kind])}`, isOdd: true, isDeed: true }),
  'throttle.reached': () => ({ text: 'Too many wrong tries: we made them wait', isOdd: true }),
  'approval.granted': () => ({ text: 'An operation was approved', isDeed: true }),
  'traits.drifted': ({ grade, isShadow }) =>
    grade === 'note' || isShadow === true
      ? undefined
      : { text: 'A device looked different from before', isOdd: true, isDeed: true },
  'notice.sent': () => ({ text: 'We wrote to you about a sign-in' }),
  'sign-in.disowned': () => ({ text: 'You told us that it wasn’t you', isOdd: true }),
}

/** What is looked for in a log. */
export const TOLD_TYPES: readonly string[] = Object.keys(TOLD)

const MOST_LINES = 20

/** Lines of an audit log's entries, newest first. */
export function linesOf(entries: readonly ActivityEntry[], teller: Teller): ActivityLine[] {
  const lines: ActivityLine[] = []
  for (const entry of [...entries].filter(isEntry).sort((a, b) => b.at - a.at)) {
    if (entry.subject !== teller.subject || !Object.hasOwn(TOLD, entry.type)) continue
    const told = TOLD[entry.type]!({ ...entry.details, ...entry }, teller)
    if (told === undefined) continue
    const { text, isOdd = false, isDeed = false } = told
    lines.push({ type: entry.type, at: entry.at, text, sessionId: entry.sessionId, isOdd, isDeed })
    if (lines.length === MOST_LINES) break
  }
  return lines
}

/** Lines of what sessions tell of themselves: that somebody signed in. */
export function linesOfSessions(sessions: readonly { readonly id: string; readonly startedAt: number }[]): ActivityLine[] {
  return sessions
    .map(({ id, startedAt }) => ({
      type: 'session.started',
      at: startedAt,
      text: 'Signed in',
      sessionId: id,
      isOdd: false,
      isDeed: true,
    }))
    .sort((a, b) => b.at - a.at)
    .slice(0, MOST_LINES)
}

function isEntry(entry: unknown): entry is ActivityEntry {
  const { type, at } = (entry ?? {}) as Partial<ActivityEntry>
  return typeof type === 'string' && typeof at === 'number' && Math.abs(at) <= 8.64e15
}

function ended({ reason, actor }: Flat, { subject }: Teller): Told {
  if (reason === 'logout') return { text: 'Signed out' }
  if (reason === 'disowned') return { text: 'A device was signed out because you said that it wasn’t you', isOdd: true }
  if (reason === 'provider-logout') return { text: 'A device was signed out because you signed out at your provider' }
  if (reason === 'reuse') return { text: 'A device was signed out because there may be a copy of its sign-in', isOdd: true }
  if (actor !== undefined && actor !== subject) return { text: 'A device was signed out by us', isOdd: true }
  return { text: reason === 'revoked-by-owner' ? 'You signed a device out' : 'A device was signed out' }
}

function counted(count: number): string {
  return count === 1 ? '1 device was' : `${count} devices were`
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
