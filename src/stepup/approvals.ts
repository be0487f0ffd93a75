/**
 * Approvals: a person is told in words what is about to be done, proves who they are for exactly that, and it is done once (ASVS 5.0, 7.5.3). A step-up alone says that
 * somebody is there; it does not say what for, and whatever else the session does in the next minutes could use it.
 */

import type { Fact } from '../core/assurance.ts'
import { deriveKey, NONCE_BYTES, open, seal, sha256 } from '../core/crypto.ts'
import { minutes } from '../core/duration.ts'
import type { Session } from '../core/session.ts'
import { encodeId, isSessionId, newId } from '../core/token.ts'
import { misuse } from '../core/unit-of-work.ts'
import { canonicalText } from './canonical.ts'
import type { StepUpContext } from './context.ts'
import { whoseOf } from './enrolling.ts'

/** What is to be approved. */
export interface ApprovalRequest extends Operation {
  /** What the person reads, such as `Pay 40 € to X`. Write it from the same values as the parameters. At most 500 characters. */
  readonly words: string
}

/** One operation with all that matters of it. */
export interface Operation {
  /** A machine word, such as `pay`. */
  readonly operation: string
  /** Everything the person approves, as plain JSON; an amount that is not in here can be another one. */
  readonly parameters: unknown
}

/** What a page shows of a request that waits. */
export interface PendingApproval extends ApprovalRequest {
  readonly id: string
  readonly requestedAt: number
  /** Until when it can be granted. */
  readonly deadline: number
}

/** Approvals of one operation each: `stepUp.approvals`. */
export interface Approvals {
  /**
   * Notes what is to be approved, for ten minutes. Nothing is granted yet.
   *
   * @returns Its id, for the page that asks. It is no secret: another session can do nothing with it.
   * @throws {AssuranceError} `ERR_ASSURANCE_INSUFFICIENT` - nobody is signed in, or a second factor is due.
   * @throws {ConfigError} `ERR_ARGUMENT_INVALID` - parameters that are no plain JSON, or over 16,384 characters of it.
   * @example
   * const id = await stepUp.approvals.request(req.session, { operation: 'pay', parameters: { to, cents }, words: `Pay ${euros} to ${to}` })
   */
  request(session: Session<unknown>, request: ApprovalRequest): Promise<string>
  /** What was asked for under this id, in this session; `undefined` where nothing waits. Show `words` where the person proves themselves. */
  describe(session: Session<unknown>, id: unknown): Promise<PendingApproval | undefined>
  /**
   * Grants it, by a proof that the session gave after the request was made: verify a code or a passkey first, with `totp.verify` or `passkeys.stepUp`, say.
   * One proof grants one approval.
   *
   * @returns `false` where nothing waits under this id in this session, or nothing was proved for it.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - nothing can be spent.
   */
  grant(session: Session<unknown>, id: unknown): Promise<boolean>
  /**
   * Spends an approval. Call it right before the deed, with the very values it is done with.
   *
   * @returns `true` for exactly one caller, in all processes, within `approvalLifetime` of the grant; `false` for another operation, other
   * parameters, another session, a token from before the proof, or a second time.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - do nothing. It may be spent.
   * @see ASVS 5.0, 7.5.3
   * @example
   * if (!(await stepUp.approvals.spend(req.session, { operation: 'pay', parameters: { to, cents } }))) return ask()
   */
  spend(session: Session<unknown>, operation: Operation): Promise<boolean>
}

/** How long a person may take to decide. */
const REQUEST_LIFETIME = minutes(10)
const LONGEST_WORDS = 500
const OPERATION = /^[a-z0-9][a-z0-9.-]{0,63}$/

interface Waiting extends ApprovalRequest {
  readonly requestedAt: number
  /** When what the session had proved by then was proved: on a clock that has gone back since, that may look younger than the request. */
  readonly provedAt: readonly number[]
}

/** What a grant keeps: the proof it rests on, so that a token from before it cannot spend it. */
type Proof = Pick<Fact, 'method' | 'at'>

/** Makes the part. */
export function makeApprovals(context: StepUpContext, lifetime: number): Approvals {
  const { service, ledger } = context
  const { clock, random, keyring } = service.config

  /** What waits, and what is granted: whoever can write to the ledger must not be able to make up either. `id` names one of both. */
  function sealed(id: string, sessionId: string, value: Waiting | Proof): Buffer {
    const key = deriveKey(keyring.newest.derive('approval'), id)
    return seal(key, random(NONCE_BYTES), associated(id, sessionId), Buffer.from(JSON.stringify(value)))
  }

  function opened(id: string, sessionId: string, value: Uint8Array): unknown {
    for (const each of keyring.all) {
      const text = open(deriveKey(each.derive('approval'), id), value, associated(id, sessionId))
      if (text !== undefined) return JSON.parse(text.toString())
    }
    return undefined
  }

  async function find(session: Session<unknown>, id: unknown): Promise<(Waiting & { readonly id: string }) | undefined> {
    const { id: sessionId, pending } = session
    if (typeof id !== 'string' || !isSessionId(id) || sessionId === undefined || pending !== undefined) return undefined
    const value = await ledger.get(waitingKey(sessionId, id), { now: clock() })
    const waiting = value && (opened(id, sessionId, value) as Waiting | undefined)
    return waiting && { ...waiting, id }
  }

  /** A proof of after the request that has granted nothing yet. */
  async function claimProof(session: Session<unknown>, { requestedAt, provedAt }: Waiting): Promise<Proof | undefined> {
    const now = clock()
    // Strictly: what was proved in the very instant may have been proved before.
    const since = session.facts.filter(({ at }) => at > requestedAt && !provedAt.includes(at))
    for (const { method, at } of since.toSorted((a, b) => b.at - a.at)) {
      // What one act proved, such as a passkey's two names, is one proof: they have one instant.
      if (await ledger.claim(`stepup:proof:${session.id}:${at}`, { now, deadline: now + REQUEST_LIFETIME })) return { method, at }
    }
    return undefined
  }

  return {
    async request(session, { operation, parameters, words }) {
      session.requireAssurance()
      const { sessionId } = whoseOf(session)
      checkOperation(operation)
      canonicalText(parameters)
      if (typeof words !== 'string' || words.trim() === '' || words.length > LONGEST_WORDS)
        throw misuse(`words are no sentence; expected 1 to ${LONGEST_WORDS} characters that say what is approved`)
      const id = encodeId(newId(random, undefined))
      const now = clock()
      const provedAt = session.facts.map(({ at }) => at)
      const value = sealed(id, sessionId, { operation, parameters, words, requestedAt: now, provedAt })
      await ledger.put(waitingKey(sessionId, id), value, { now, deadline: now + REQUEST_LIFETIME })
      return id
    },
    async describe(session, id) {
      const waiting = await find(session, id)
      if (waiting === undefined) return undefined
      const { operation, parameters, words, requestedAt } = waiting
      return { id: waiting.id, operation, parameters, words, requestedAt, deadline: requestedAt + REQUEST_LIFETIME }
    },
    async grant(session, id) {
      const waiting = await find(session, id)
      if (waiting === undefined) return false
      const proof = await claimProof(session, waiting)
      const { sessionId, subject } = whoseOf(session)
      const now = clock()
      if (proof === undefined || (await ledger.take(waitingKey(sessionId, waiting.id), { now })) === undefined) return false
      const key = grantKey(sessionId, waiting.operation, canonicalText(waiting.parameters))
      await ledger.put(key, sealed(key, sessionId, proof), { now, deadline: now + lifetime })
      const { operation } = waiting
      service.events.emit({ type: 'approval.granted', sessionId, subject, operation })
      return true
    },
    async spend(session, { operation, parameters }) {
      checkOperation(operation)
      const { id: sessionId, subject, facts } = session
      const text = canonicalText(parameters)
      if (sessionId === undefined || subject === undefined || session.pending !== undefined) return false
      const key = grantKey(sessionId, operation, text)
      const now = clock()
      // Looked at before it is taken: a token from before the proof must not use up what the later one was granted.
      const value = await ledger.get(key, { now })
      const proof = value && (opened(key, sessionId, value) as Proof | undefined)
      if (proof === undefined || !isProvedBy(facts, proof) || (await ledger.take(key, { now })) === undefined) return false
      service.events.emit({ type: 'approval.spent', sessionId, subject, operation })
      return true
    },
  }
}

/** A hash of all that was approved, so that a key is short and says nothing of it. */
function grantKey(sessionId: string, operation: string, parameters: string): string {
  return `stepup:granted:${sessionId}:${sha256(Buffer.from(JSON.stringify([operation, parameters]))).toString('base64url')}`
}

function isProvedBy(facts: readonly Fact[], { method, at }: Proof): boolean {
  return facts.some((fact) => fact.method === method && fact.at === at)
}

function waitingKey(sessionId: string, id: string): string {
  return `stepup:approval:${sessionId}:${id}`
}

function associated(id: string, sessionId: string): Buffer {
  return Buffer.from(JSON.stringify(['sojourn/1/approval', id, sessionId]))
}

function checkOperation(operation: unknown): void {
  if (typeof operation === 'string' && OPERATION.test(operation)) return
  throw misuse(
    "operation is no machine word; expected one such as 'pay': lower-case letters, digits, dots and dashes, at most 64",
  )
}
