/**
 * Rotation of refresh tokens: a lost answer costs nothing, two requests with one token get one successor, and an old token shows a thief. The rules of sessions
 * (`core/rotation.ts`), which get simpler here: each use replaces the token, so whatever was replaced has been used. Pure functions; `test/model/refresh.test.ts`
 * explores them, `docs/decisions/0015-refresh-families.md` argues.
 */
import { equalInConstantTime, type Random } from '../../core/crypto.ts'
import { hashSecret } from '../../core/token.ts'
import { type Family, MOST_REPLACED } from './family.ts'
import type { RefreshKeys } from './refresh-token.ts'

const SALT_BYTES = 16

/** What rotation works with. */
export interface RotationTools {
  readonly keys: Pick<RefreshKeys, 'successors'>
  readonly random: Random
  readonly now: number
  /** How long a replaced token is good after its successor was used. */
  readonly grace: number
}

/** What a secret that came under a valid MAC is to a family. */
export type Standing =
  | { readonly kind: 'current' }
  /** Replaced, and its time has not run out. `undefined`: the key that made its successor has left the ring. */
  | { readonly kind: 'replaced'; readonly successorSecret: Buffer | undefined }
  /** Replaced, and its time is over; or older than anything that is remembered. `generation` counts back from now. */
  | { readonly kind: 'reused'; readonly generation: number }

/** Judges a secret. A replaced one is dead once the grace has passed since ANY later one was first used. */
export function standingOf(family: Family, secret: Buffer, { keys, now, grace }: Omit<RotationTools, 'random'>): Standing {
  const { lineage, currentHash } = family
  const hash = hashSecret(secret)
  if (equalInConstantTime(hash, currentHash)) return { kind: 'current' }
  const index = lineage.findIndex((replaced) => equalInConstantTime(hash, replaced.hash))
  if (index === -1) return { kind: 'reused', generation: lineage.length + 1 }
  if (isDead(family, index, now, grace)) return { kind: 'reused', generation: lineage.length - index }

  const nextHash = lineage[index + 1]?.hash ?? currentHash
  const candidates = keys.successors(lineage[index]!.salt, secret)
  return { kind: 'replaced', successorSecret: candidates.find((next) => equalInConstantTime(hashSecret(next), nextHash)) }
}

function isDead({ lineage, currentUsedAt }: Family, index: number, now: number, grace: number): boolean {
  const laterUses = [...lineage.slice(index + 1).map(({ usedAt }) => usedAt), currentUsedAt]
  return laterUses.some((usedAt) => usedAt !== undefined && now - usedAt >= grace)
}

/**
 * The family after its current token was used, and the token that follows.
 *
 * A client that refreshes more often than `MOST_REPLACED` times within the grace gets the same token back: to replace it would mean to forget one that may
 * still come, of a slow request of the same client, and to take that for theft.
 */
export function replaceCurrent(family: Family, secret: Buffer, tools: RotationTools): { family: Family; secret: Buffer } {
  const { keys, random, now, grace } = tools
  const usedAt = family.currentUsedAt ?? now
  const used: Family = { ...family, currentUsedAt: usedAt, lastUsedAt: now }
  const alive = family.lineage.filter((_, index) => !isDead(used, index, now, grace))
  if (alive.length >= MOST_REPLACED) return { family: used, secret }

  const salt = Buffer.from(random(SALT_BYTES))
  const [successorSecret] = keys.successors(salt, secret)
  return {
    family: {
      ...used,
      currentHash: hashSecret(successorSecret),
      currentUsedAt: undefined,
      lineage: [...alive, { hash: family.currentHash, salt, usedAt }],
    },
    secret: successorSecret,
  }
}
