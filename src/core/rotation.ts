/**
 * Rotation: a new token for the same session, so that a lost answer costs nothing and an old token shows a thief (design 4).
 * Pure functions on records; `test/model/` explores them exhaustively. Where the rules here go beyond design 4,
 * `docs/decisions/0002-rotation.md` says what the model found.
 */
import type { Fact } from './assurance.ts'
import type { ResolvedPolicy } from './config.ts'
import { equalInConstantTime, type Random } from './crypto.ts'
import { isGraceOver } from './expiry.ts'
import type { Keyring } from './keyring.ts'
import { type Generation, MOST_GENERATIONS, type SessionRecord } from './record.ts'
import { hashSecret, newSecret } from './token.ts'

const SALT_BYTES = 32
const NO_SALT = Buffer.alloc(SALT_BYTES)

/** What a presented secret is to a record. */
export type Judgement =
  /** The token of now. */
  | { readonly kind: 'current' }
  /** A replaced token whose time has not run out. */
  | {
      readonly kind: 'predecessor'
      /** The facts it had before an elevation that lies between; `undefined` where it has all of the session's. */
      readonly facts: readonly Fact[] | undefined
      /** The current secret, where the bearer is entitled to it: only renewals lie between, and nobody has used a later token yet. */
      readonly successorSecret: Buffer | undefined
      /** Whether an elevation lies between: the bearer may not rotate by renewal, and is never given what came after. */
      readonly isBeforeElevation: boolean
    }
  /** A replaced token after its time, or one that is not of this session's last generations: theft. `generation` counts back from now. */
  | { readonly kind: 'reused'; readonly generation: number }

/** The judgement of nearly every request: one for all, and no one changes it. */
export const CURRENT: Judgement & { readonly kind: 'current' } = Object.freeze({ kind: 'current' })

/** Whether this is the hash of the current secret. */
export function isCurrent(record: SessionRecord, secretHash: Uint8Array): boolean {
  return equalInConstantTime(secretHash, record.currentHash)
}

/**
 * Judges a secret that came under a valid MAC.
 *
 * A replaced token is dead once `rotationGrace` has passed since ANY later token was first used, not only its direct successor:
 * the direct one may have been lost and never be used.
 */
export function judgeSecret(
  record: SessionRecord,
  secret: Buffer,
  keyring: Keyring,
  now: number,
  policy: ResolvedPolicy,
): Judgement {
  const hash = hashSecret(secret)
  if (isCurrent(record, hash)) return CURRENT

  const { lineage } = record
  const index = indexIn(lineage, hash)
  if (index === -1) return { kind: 'reused', generation: lineage.length + 1 }

  const laterUses = [...lineage.slice(index + 1), record]
    .map((generation) => generation.confirmedAt)
    .filter((at) => at !== undefined)
  if (laterUses.some((usedAt) => isGraceOver(usedAt, now, policy))) return { kind: 'reused', generation: lineage.length - index }

  const elevation = lineage.slice(index).find((generation) => generation.kind === 'elevation')
  if (elevation !== undefined) {
    return { kind: 'predecessor', facts: elevation.facts ?? [], successorSecret: undefined, isBeforeElevation: true }
  }
  const successorSecret = laterUses.length === 0 ? deriveAlong(record, index, secret, keyring) : undefined
  return { kind: 'predecessor', facts: undefined, successorSecret, isBeforeElevation: false }
}

/** The current secret, derived step by step from a predecessor; `undefined` when a key that made a step has left the ring. */
function deriveAlong(record: SessionRecord, index: number, secret: Buffer, keyring: Keyring): Buffer | undefined {
  let current: Buffer | undefined = secret
  for (let i = index; i < record.lineage.length && current !== undefined; i++) {
    const nextHash = record.lineage[i + 1]?.hash ?? record.currentHash
    const salt = record.lineage[i]!.salt
    const from: Buffer = current
    current = keyring.all
      .map((key) => key.rotationMac.digest(salt, from))
      .find((next) => equalInConstantTime(hashSecret(next), nextHash))
  }
  return current
}

/**
 * What to write because this token is used for the first time; `undefined` when there is nothing. A new token counts as received
 * then, and every older one has the grace from then on. The oldest of a session outdates nothing.
 *
 * A token may be replaced before it was ever used, by a step-up that another tab made with the token before it. It counts like the
 * current one, or it and the token before it could be used side by side for as long as the session lives (M2).
 */
export function firstUse(
  record: SessionRecord,
  judgement: Exclude<Judgement, { kind: 'reused' }>,
  token: { readonly secret: Buffer },
  now: number,
): Partial<Pick<SessionRecord, 'confirmedAt' | 'lineage'>> | undefined {
  const { lineage } = record
  if (judgement.kind === 'current')
    return record.confirmedAt === undefined && lineage.length > 0 ? { confirmedAt: now } : undefined
  const index = indexIn(lineage, hashSecret(token.secret))
  if (index < 1 || lineage[index]!.confirmedAt !== undefined) return undefined
  return { lineage: lineage.with(index, { ...lineage[index]!, confirmedAt: now }) }
}

function indexIn(lineage: readonly Generation[], hash: Buffer): number {
  return lineage.findIndex((generation) => equalInConstantTime(hash, generation.hash))
}

/** The parts of a record that a rotation changes, and the new secret. */
export interface Rotated {
  readonly secret: Buffer
  readonly changes: Pick<SessionRecord, 'currentHash' | 'generationAt' | 'confirmedAt' | 'lineage'>
}

/**
 * Replaces the current token.
 *
 * @param currentSecret - Needed for a renewal: its successor is derived from it, so that it can be derived again. The successor of an
 * elevation is drawn at random instead: nobody ever needs it again, and nobody can compute it from what came before.
 * @returns `undefined` when the lineage is full of tokens that may still come back: rotating would turn one of them into a false theft.
 */
export function rotateRecord(
  record: SessionRecord,
  options: { kind: 'renewal'; currentSecret: Buffer } | { kind: 'elevation' },
  tools: { keyring: Keyring; random: Random; now: number; policy: ResolvedPolicy },
): Rotated | undefined {
  const { keyring, random, now, policy } = tools
  const salt = options.kind === 'renewal' ? Buffer.from(random(SALT_BYTES)) : NO_SALT
  const secret = options.kind === 'renewal' ? keyring.newest.rotationMac.digest(salt, options.currentSecret) : newSecret(random)
  const replaced: Generation = {
    hash: record.currentHash,
    salt,
    kind: options.kind,
    replacedAt: now,
    confirmedAt: record.confirmedAt,
    facts: options.kind === 'elevation' ? record.details.facts : undefined,
  }
  const lineage = trimmed([...record.lineage, replaced], now, policy)
  if (lineage === undefined) return undefined
  return { secret, changes: { currentHash: hashSecret(secret), generationAt: now, confirmedAt: undefined, lineage } }
}

/**
 * Makes room: first what is dead anyway, then tokens of elevations that were made longer than four graces ago and never used. Four,
 * because its answer, a slow step-up beside it, that one's answer and a request sent before it arrived may take almost one each.
 */
function trimmed(lineage: readonly Generation[], now: number, policy: ResolvedPolicy): readonly Generation[] | undefined {
  if (lineage.length <= MOST_GENERATIONS) return lineage
  const isDead = (index: number) =>
    lineage.slice(index + 1).some(({ confirmedAt }) => confirmedAt !== undefined && isGraceOver(confirmedAt, now, policy))
  const dead = lineage.findIndex((_, index) => isDead(index))
  if (dead !== -1) return lineage.toSpliced(dead, 1)
  const lost = lineage.findIndex(
    (generation, index) =>
      generation.confirmedAt === undefined &&
      generation.kind === 'elevation' &&
      lineage[index - 1]?.kind === 'elevation' &&
      isGraceOver(lineage[index - 1]!.replacedAt + 3 * policy.rotationGrace, now, policy),
  )
  if (lost === -1) return undefined
  // The one before is now followed by the one after: that one was made when the lost one was replaced.
  const { replacedAt } = lineage[lost]!
  return lineage.with(lost - 1, { ...lineage[lost - 1]!, replacedAt }).toSpliced(lost, 1)
}
