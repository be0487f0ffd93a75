/** Who a token can be minted from: a session somebody is signed in to, now. Everything else is refused before anything is signed. */
import { SessionStateError } from '../core/errors.ts'
import { idleDeadlineOf } from '../core/expiry.ts'
import type { SessionRecord } from '../core/record.ts'
import { policyFor, type Service } from '../core/service.ts'
import type { Session } from '../core/session.ts'
import { away } from '../core/unit-of-work.ts'
import type { MintingSession } from './parts.ts'

/**
 * What a request's session gives to a token.
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
