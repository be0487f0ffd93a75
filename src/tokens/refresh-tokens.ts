/**
 * Refresh tokens: what an app comes back with for the next access token. They are kept in the record of the session they were granted in, so that they end when it
 * does, in the same write and for whatever reason; docs/decisions/0015-refresh-families.md.
 */
import { amendLive, findLive } from '../core/amending.ts'
import { isSojournError } from '../core/errors.ts'
import { contended } from '../core/reading.ts'
import type { SessionRecord } from '../core/record.ts'
import { keepUntil } from '../core/service.ts'
import { ended } from '../core/unit-of-work.ts'
import type { TokenContext } from './context.ts'
import { mintingRecord, presentSession } from './minting-session.ts'
import type { AccessTokens, MintOptions, RefreshRefusal, RefreshTokens } from './parts.ts'
import { type Family, familiesOf, withFamilies } from './refresh/family.ts'
import { checkedGrant, newFamily, type Permitted, withNewFamily } from './refresh/granting.ts'
import { type Judgement, refreshJudge } from './refresh/judging.ts'
import { type ParsedRefreshToken, refreshKeys } from './refresh/refresh-token.ts'

export function createRefreshTokens(context: TokenContext, accessTokens: AccessTokens): RefreshTokens {
  const { service, settings } = context
  const { calls, config, events } = service
  const keys = refreshKeys(config.keyring, settings.issuer)
  const { judge, idleDeadlineOf } = refreshJudge(service, keys, settings)

  /** Takes a family away. `undefined` where there was none. */
  async function endFamily(token: ParsedRefreshToken, isMeant: (family: Family) => boolean): Promise<Family | undefined> {
    let taken: Family | undefined
    const record = await amendLive(service, token.sessionId, ({ details }) => {
      const families = familiesOf(details)
      taken = families.find((family) => family.id === token.familyId && isMeant(family))
      return (
        taken && {
          details: withFamilies(
            details,
            families.filter((family) => family !== taken),
          ),
        }
      )
    })
    return record && taken
  }

  /** Somebody has a copy of a token, and which of the two bearers is the owner nobody can tell: both lose (RFC 9700, 4.14.2). */
  async function endForReuse(
    record: SessionRecord,
    token: ParsedRefreshToken,
    family: Family,
    generation: number,
  ): Promise<void> {
    const { id: sessionId, subject } = record
    const isRevoking = config.policy.onReuse === 'revoke'
    if (isRevoking) {
      const now = config.clock()
      const isFirst = await calls.revoke(sessionId, { reason: 'refresh-reuse', now, keepUntil: keepUntil(service, now, record) })
      if (isFirst) events.emit({ type: 'session.revoked', sessionId, subject, reason: 'refresh-reuse' })
    } else await endFamily(token, () => true)
    const { clientId, id: familyId } = family
    const outcome = isRevoking ? 'session-revoked' : 'family-ended'
    events.emit({ type: 'refresh-token.reused', sessionId, subject, clientId, familyId, generation, outcome })
  }

  return {
    async grant(session, options) {
      const minting = await presentSession(service, session)
      const granted = { ...checkedGrant(settings, options), jkt: options.jkt }
      const { family, secret } = newFamily(service, granted, minting)
      // Before anything is written: a family whose app never heard of it would push out those of others, one with each attempt.
      const minted = await accessTokens.mint(minting, mintOptions(family, granted, options.jkt))
      let dropped: Family | undefined
      const record = await amendLive(service, minting.id, (present) => {
        const now = config.clock()
        const added = withNewFamily(present, family, (other) => now >= idleDeadlineOf(present, other))
        dropped = added.dropped
        return { details: added.details }
      })
      if (record === undefined) throw ended()
      const { id: sessionId, subject } = minting
      const { id: familyId, clientId } = family
      if (dropped !== undefined)
        events.emit({
          type: 'refresh-token.ended',
          sessionId,
          subject,
          clientId: dropped.clientId,
          familyId: dropped.id,
          reason: 'limit',
        })
      events.emit({ type: 'refresh-token.granted', sessionId, subject, clientId, familyId })
      return { ...minted, refreshToken: keys.mint(sessionId, familyId, secret), scope: family.scope }
    },

    async refresh(refreshToken, bearer) {
      const { clientId } = bearer
      const refuse = (
        reason: RefreshRefusal,
        of: { sessionId?: string; subject?: string | undefined; familyId?: string } = {},
      ) => {
        if (reason !== 'reused') events.emit({ type: 'refresh-token.refused', clientId, reason, ...of })
        return { ok: false as const, reason }
      }
      const token = keys.parse(refreshToken)
      if (typeof token === 'string') return refuse(token)
      const { sessionId, familyId } = token

      let judgement: Judgement | undefined
      const record = await amendLive(service, sessionId, (present) => {
        const before = judgement
        judgement = judge(present, token, bearer)
        // It was good when it came, and others were so much faster: that is slowness, not theft.
        if (before?.kind === 'good' && judgement.kind === 'reused') throw contended()
        return judgement.kind === 'good' ? judgement.changes : undefined
      })
      if (record === undefined || judgement === undefined) return refuse('ended', { sessionId, familyId })
      const { subject } = record
      if (judgement.kind === 'reused') {
        await endForReuse(record, token, judgement.family, judgement.generation)
        return refuse('reused')
      }
      if (judgement.kind === 'refused') return refuse(judgement.reason, { sessionId, subject, familyId })

      const { family, granted, nextSecret, isRepeated } = judgement
      events.emit({ type: 'refresh-token.rotated', sessionId, subject, clientId, familyId, isRepeated })
      // What was proved at the grant, and since nobody has cast doubt on; never what the browser proved later (RFC 9068, 2.2.1).
      const minting = { ...mintingRecord(service, record), facts: family.facts }
      const successorToken = keys.mint(sessionId, familyId, nextSecret)
      try {
        const minted = await accessTokens.mint(minting, mintOptions(family, granted, bearer.jkt))
        return { ok: true, tokens: { ...minted, refreshToken: successorToken, scope: granted.scope } }
      } catch (error) {
        // Less than a second of the session is left.
        if (isSojournError(error, 'ERR_SESSION_ENDED')) return refuse('ended', { sessionId, subject, familyId })
        throw error
      }
    },

    async inspect(refreshToken) {
      const token = keys.parse(refreshToken)
      if (typeof token === 'string') return undefined
      const record = await findLive(service, token.sessionId)
      const judgement = record && judge(record, token, undefined)
      if (judgement?.kind !== 'good') return undefined
      const { clientId, jkt } = judgement.family
      const { id: sessionId, subject, deadline } = mintingRecord(service, record!)
      const { scope } = judgement.granted
      return { clientId, sessionId, subject, scope, deadline: Math.min(deadline, idleDeadlineOf(record!, judgement.family)), jkt }
    },

    async grantOf(refreshToken) {
      const token = keys.parse(refreshToken)
      if (typeof token === 'string') return undefined
      const record = await findLive(service, token.sessionId)
      const family = record && familiesOf(record.details).find(({ id }) => id === token.familyId)
      return family && { clientId: family.clientId, sessionId: token.sessionId }
    },

    async revoke(refreshToken, { clientId }) {
      const token = keys.parse(refreshToken)
      if (typeof token === 'string') return false
      // With any of its tokens, replaced ones too: an app that lost an answer must be able to sign out.
      const family = await endFamily(token, (one) => one.clientId === clientId)
      if (family === undefined) return false
      events.emit({ type: 'refresh-token.ended', sessionId: token.sessionId, clientId, familyId: family.id, reason: 'revoked' })
      return true
    },
  }
}

/** An unbound family of a client that proves a key all the same: its access tokens are bound, one by one (RFC 9449, 5). */
function mintOptions(family: Family, { scope, audience }: Permitted, provenJkt: string | undefined): MintOptions {
  const jkt = family.jkt ?? provenJkt
  return { clientId: family.clientId, scope, audience, ...(jkt !== undefined && { jkt }) }
}
