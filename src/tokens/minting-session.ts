/** Who a token can be minted from: a session somebody is signed in to, now. Everything else is refused before anything is signed. */
import { seconds } from '../core/duration.ts'
import { AssuranceError, SessionStateError } from '../core/errors.ts'
import { idleDeadlineOf } from '../core/expiry.ts'
import { factsOf, readAgain } from '../core/reading.ts'
import type { SessionRecord } from '../core/record.ts'
import { policyFor, type Service } from '../core/service.ts'
import { type Session, workOf } from '../core/session.ts'
import { away, ended } from '../core/unit-of-work.ts'
import type { MintingSession } from './parts.ts'

/**
 * How long a look at a session counts: longer than nearly every request takes. A socket's or a job's was looked at hours ago, and has ended since for all we
 * know; its tokens would begin after its end, and whoever was told of that may have forgotten it.
 */
const LOOK = seconds(30)

/**
 * What a session gives to a token now. Of a request this costs nothing; where the session was looked at longer ago, it is read again.
 *
 * @throws As `mintingSession`.
 */
export async function presentSession(service: Service, session: Session<unknown>): Promise<MintingSession> {
  const minting = mintingSession(session)
  const active = workOf(session).active!
  // A clock that went back counts too.
  if (active.readAt !== undefined && Math.abs(service.config.clock() - active.readAt) < LOOK) return minting
  const reading = await readAgain(service, active, undefined)
  if (reading.state !== 'active') throw ended()
  const facts = factsOf(reading)
  if (facts.length === 0) throw new AssuranceError({ acr: 'aal1', maxAge: undefined, isSignedIn: true })
  return { ...mintingRecord(service, reading.record), facts, doubtedAt: undefined }
}

/**
 * What a session gives to a token, as it was when it was looked at.
 *
 * @throws {SessionStateError} `ERR_SESSION_ENDED` - nobody is signed in, or a second factor is still due. Status 401.
 * @throws {AssuranceError} `ERR_ASSURANCE_INSUFFICIENT` - the client is in doubt and has proved nothing since. Status 401.
 * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - the store is away, and the session may have ended.
 */
export function mintingSession(session: Session<unknown>): MintingSession {
  // On the last copy's word nothing is handed out that another machine believes.
  if (session.state === 'unavailable' || session.isReadonly) throw away()
  // Never past the absolute one.
  const { id, subject, facts, idleDeadline } = session
  if (session.state !== 'active' || id === undefined || subject === undefined || session.pending !== undefined) {
    throw new SessionStateError('Nobody is signed in here, or a second factor is still due: no token is minted.', {
      code: 'ERR_SESSION_ENDED',
      status: 401,
    })
  }
  // With no fact left that counts, the browser alone vouches for the person, and it is the browser that is in doubt.
  session.requireAssurance()
  return { id, subject, facts, doubtedAt: undefined, deadline: idleDeadline! }
}

/**
 * The same for a session known by its record, of whoever comes back without a cookie: a refresh token's. The caller has found it alive and not pending.
 */
export function mintingRecord(service: Service, record: SessionRecord): MintingSession {
  const { id, subject, details } = record
  return {
    id,
    subject: subject!,
    facts: details.facts,
    doubtedAt: details.doubtedAt,
    deadline: idleDeadlineOf(record, policyFor(service, record)),
  }
}
