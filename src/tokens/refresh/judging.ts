/** What a refresh token gets in the session that it names, as that session is now. */
import { reaches, undoubted } from '../../core/assurance.ts'
import { isTouchDue, touched } from '../../core/expiry.ts'
import { dueOf, type SessionRecord } from '../../core/record.ts'
import { policyFor, type Service } from '../../core/service.ts'
import type { TokenSettings } from '../options.ts'
import type { RefreshRefusal } from '../parts.ts'
import { type Family, familiesOf, withFamilies } from './family.ts'
import { replaceCurrent, standingOf } from './generations.ts'
import { type Permitted, permitted } from './granting.ts'
import type { ParsedRefreshToken, RefreshKeys } from './refresh-token.ts'

/** Who brings it, with which key, and for how much of it. */
export interface Bearer {
  readonly clientId: string
  readonly jkt?: string | undefined
  readonly scope?: readonly string[] | undefined
}

export type Judgement =
  | { readonly kind: 'refused'; readonly reason: Exclude<RefreshRefusal, 'reused'>; readonly family: Family | undefined }
  | { readonly kind: 'reused'; readonly family: Family; readonly generation: number }
  | {
      readonly kind: 'good'
      readonly family: Family
      readonly granted: Permitted
      /** The secret of the token to answer with. */
      readonly nextSecret: Buffer
      readonly isRepeated: boolean
      /** What to write; `undefined` when there is nothing. */
      readonly changes: Partial<SessionRecord> | undefined
    }

/** A use is written down at most this often within the idle timeout, where nothing else is to be written. */
const TOUCHES_PER_IDLE_TIMEOUT = 20

/** Judges tokens; nothing here writes. */
export function refreshJudge(service: Service, keys: RefreshKeys, settings: TokenSettings) {
  const { clock, random } = service.config

  function idleTimeoutOf(record: SessionRecord): number {
    return settings.refreshIdleTimeout ?? policyFor(service, record).idleTimeout
  }

  /** When the family ends unless it is used. */
  function idleDeadlineOf(record: SessionRecord, family: Family): number {
    return family.lastUsedAt + idleTimeoutOf(record)
  }

  /** Whether nothing that was proved at the grant counts, or the sign-in is half done. Doubt is for good: a later proof was not this app's. */
  function isDoubted(record: SessionRecord, family: Family): boolean {
    const { facts, doubtedAt } = record.details
    const due = dueOf(record)
    if (due !== undefined && !reaches(facts, due)) return true
    return undoubted(family.facts, doubtedAt).length === 0
  }

  /** @param bearer - `undefined`: nobody uses it, it is only looked at. */
  function judge(record: SessionRecord, token: ParsedRefreshToken, bearer: Bearer | undefined): Judgement {
    const refused = (reason: Exclude<RefreshRefusal, 'reused'>, of?: Family): Judgement => ({
      kind: 'refused',
      reason,
      family: of,
    })
    const families = familiesOf(record.details)
    const family = families.find(({ id }) => id === token.familyId)
    if (family === undefined || record.subject === undefined) return refused('ended')
    const now = clock()
    const policy = policyFor(service, record)
    if (now >= idleDeadlineOf(record, family)) return refused('expired', family)

    // Before anything is said of who brings it: a token that was replaced has left its owner's hands, whoever has it now.
    const tools = { keys, random, now, grace: policy.rotationGrace }
    const standing = standingOf(family, token.secret, tools)
    if (standing.kind === 'reused') return { kind: 'reused', family, generation: standing.generation }
    if (bearer !== undefined && bearer.clientId !== family.clientId) return refused('other-client', family)
    if (bearer !== undefined && family.jkt !== undefined && bearer.jkt !== family.jkt) return refused('other-key', family)
    const client = settings.clients.get(family.clientId)
    const granted = client && permitted(family, client)
    if (granted === undefined) return refused('ended', family)
    // Granted before its client had to prove keys: a copy would be as good as the app.
    if (family.jkt === undefined && client!.dpop === 'required') return refused('other-key', family)
    if (isDoubted(record, family)) return refused('doubted', family)
    // Last: only who would have got something is told that it asked for too much.
    const { scope = granted.scope } = bearer ?? {}
    if (!scope.every((one) => family.scope.includes(one))) return refused('wider-scope', family)

    const next =
      standing.kind === 'current'
        ? replaceCurrent(family, token.secret, tools)
        : { family: { ...family, lastUsedAt: now }, secret: standing.successorSecret }
    if (next.secret === undefined) return refused('ended', family)
    const isChanged = standing.kind === 'current' && (family.currentUsedAt === undefined || !next.secret.equals(token.secret))
    const isUseDue =
      isTouchDue(record, now, policy) || Math.abs(now - family.lastUsedAt) >= idleTimeoutOf(record) / TOUCHES_PER_IDLE_TIMEOUT
    return {
      kind: 'good',
      family,
      granted: { scope: granted.scope.filter((one) => scope.includes(one)), audience: granted.audience },
      nextSecret: next.secret,
      isRepeated: standing.kind === 'replaced',
      changes:
        !isChanged && !isUseDue
          ? undefined
          : {
              // A refresh is a use of the session, as a request is: an app that sends no cookie keeps its session alive by it.
              ...touched(record, now, policy),
              // Those that were not used for too long go with the next write there is: every request reads them.
              details: withFamilies(
                record.details,
                families
                  .filter((other) => other === family || now < idleDeadlineOf(record, other))
                  .map((other) => (other === family ? next.family : other)),
              ),
            },
    }
  }

  return { judge, idleDeadlineOf }
}
