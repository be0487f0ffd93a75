/**
 * The guard of step-up: lets a session that a second factor is due for act on the pages that ask for it alone, and asks for sessions of which nobody knows
 * whether one is due, so that no way to sign in goes around it (ASVS 5.0, 6.3.4). The rest is core's: to every other page such a session is nobody's.
 */
import { type Acr, reaches } from '../core/assurance.ts'
import { provedTo } from '../core/reading.ts'
import { dueOf } from '../core/record.ts'
import { type Session, workOf } from '../core/session.ts'
import type { Sessions } from '../core/sessions.ts'
import type { GuardedHttp, RequestGuard } from '../http/request-guard.ts'
import type { KnownClients } from './known-client.ts'
import { invalid } from './options.ts'

/** Nothing that a router could read as another path: no escape, no dot segment, no second slash. */
const PLAIN_REST = /^[A-Za-z0-9_~-][A-Za-z0-9._~-]*(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*$/

interface Parts {
  readonly sessions: Sessions<unknown>
  readonly stepUpPage: string
  readonly whilePending: readonly string[]
  readonly known: KnownClients
  /** The level a sign-in of this subject asks for; `aal0` for nothing more. */
  readonly dueFor: (subject: string) => Promise<Acr>
}

export function makeGuard({ sessions, stepUpPage, whilePending, known, dueFor }: Parts): RequestGuard {
  return {
    name: 'stepup',
    stepUpPage,
    attach(http: GuardedHttp) {
      if (http.sessions !== sessions)
        throw invalid('it was given to an adapter of other sessions', 'that of its own', 'it would guard none of them')
      known.attach(http)
    },
    admitsPending: ({ facts }) => whilePending.some((pattern) => isWithin(facts.path, pattern)),
    inspect(session) {
      const { active } = workOf(session)
      const subject = active?.record.subject
      // Signed in by `session.signIn` itself, or before there was a step-up: nobody asked whether more is due.
      return subject === undefined || dueOf(active!.record) !== undefined ? undefined : ask(session, subject)
    },
    respond: (session, request, target) => known.remember(session, request, target),
  }

  async function ask(session: Session<unknown>, subject: string): Promise<void> {
    const work = workOf(session)
    const due = await dueFor(subject)
    const isKept = await work.amend(({ details }) => (details.due === undefined ? { details: { ...details, due } } : undefined))
    work.holdIfPending()
    // The last copy of a session whose store is away: what is due cannot be written down, and is due all the same.
    const { active } = work
    if (!isKept && active !== undefined && !reaches(provedTo(active), due)) work.refuse('pending', 'mfa-due')
  }
}

function isWithin(path: string, pattern: string): boolean {
  if (!pattern.endsWith('/*')) return path === pattern
  const start = pattern.slice(0, -1)
  return path.startsWith(start) && PLAIN_REST.test(path.slice(start.length))
}
