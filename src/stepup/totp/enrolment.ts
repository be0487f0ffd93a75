/**
 * Enrolments that are not confirmed yet. They are in the ledger under the session's id, sealed, and in no factor store: who never scans the code
 * has no factor that would lock them out. A second one replaces the first, since a person has one page before them.
 */
import type { StepUpContext } from '../context.ts'
import { ENROLMENT_TIMEOUT } from '../enrolling.ts'
import { openSecret, sealSecret, type TotpSecret } from './secret.ts'

interface Whose {
  readonly sessionId: string
  readonly subject: string
}

/** An enrolment: the id that its factor will have, and its secret. */
export interface Pending {
  readonly factorId: string
  readonly secret: TotpSecret
}

const ID_LENGTH = 22

/** Keeps it for ten minutes. @returns Until when, in epoch milliseconds. */
export async function keepPending({ ledger, vault, service }: StepUpContext, whose: Whose, pending: Pending): Promise<number> {
  const now = service.config.clock()
  const deadline = now + ENROLMENT_TIMEOUT
  const sealed = sealSecret(vault, pending.secret, sealedFor(whose, pending.factorId))
  await ledger.put(keyOf(whose), Buffer.concat([Buffer.from(pending.factorId), sealed]), { now, deadline })
  return deadline
}

/** The session's enrolment; `undefined` when there is none, or not any more. */
export async function readPending({ ledger, vault, service }: StepUpContext, whose: Whose): Promise<Pending | undefined> {
  const kept = await ledger.get(keyOf(whose), { now: service.config.clock() })
  if (kept === undefined || kept.length <= ID_LENGTH) return undefined
  const factorId = Buffer.from(kept.subarray(0, ID_LENGTH)).toString()
  const secret = openSecret(vault, kept.subarray(ID_LENGTH), sealedFor(whose, factorId))
  return secret && { factorId, secret }
}

/** `true` for exactly one caller: of two confirmations at once, one adds the factor. */
export function claimPending({ ledger, service }: StepUpContext, { factorId }: Pending): Promise<boolean> {
  const now = service.config.clock()
  return ledger.claim(`stepup:totp:confirmed:${factorId}`, { now, deadline: now + ENROLMENT_TIMEOUT })
}

function keyOf({ sessionId }: Whose): string {
  return `stepup:totp:pending:${sessionId}`
}

/** Other than the factor's own seal: what stands in the ledger is no factor, wherever it is copied to. */
function sealedFor({ sessionId, subject }: Whose, factorId: string) {
  return { id: `pending:${sessionId}:${factorId}`, subject }
}
