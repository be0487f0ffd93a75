/**
 * The server's record as the model sees it: token names instead of secrets and ages instead of instants, so that states are few.
 * Every judgement and rotation is made by the real functions of `src/core` on a real record built from it.
 */
import { type Fact, withFacts } from '../../src/core/assurance.ts'
import type { ResolvedPolicy } from '../../src/core/config.ts'
import { sha256 } from '../../src/core/crypto.ts'
import { isRenewalDue } from '../../src/core/expiry.ts'
import { createKeyring } from '../../src/core/keyring.ts'
import type { SessionRecord } from '../../src/core/record.ts'
import { firstUse, judgeSecret, rotateRecord } from '../../src/core/rotation.ts'
import { hashSecret } from '../../src/core/token.ts'

/** The grace in ticks of the model: 1 is "just under", 2 is "over". */
export const GRACE = 2
/** The renewal timeout in ticks: the least a policy allows, which is the hardest case. */
export const ROTATE_AFTER = 2 * GRACE

/**
 * A token's name: session letter, then for each generation how it came about (`s` start, `r` renewal, `e` elevation with a proof, `x`
 * privilege change) and the facts it was given, as a bit mask. `as1r1e3` is the third token of session `a`. A name thus tells
 * what its bearer was ever entitled to, whatever the record says: the rules are checked against names.
 */
export type TokenName = string

export const factsGiven = (name: TokenName): number => Number(name.at(-1))
export const generationOf = (name: TokenName): number => (name.length - 1) / 2 - 1
export const howMade = (name: TokenName, generation: number): string => name[1 + generation * 2]!

export interface ModelGeneration {
  readonly token: TokenName
  readonly kind: 'renewal' | 'elevation'
  readonly replacedAge: number
  /** -1: never used. */
  readonly usedAge: number
  /** -1: none kept. */
  readonly facts: number
}

/** A live session. `key` tells apart what behaves differently. */
export interface ModelRecord {
  readonly key: string
  readonly current: TokenName
  readonly age: number
  readonly usedAge: number
  readonly facts: number
  readonly lineage: readonly ModelGeneration[]
}

export type ModelJudgement =
  | { readonly kind: 'current'; readonly facts: number }
  | {
      readonly kind: 'predecessor'
      readonly facts: number
      /** Token the answer carries, or empty. */
      readonly successor: TokenName
      readonly isBeforeElevation: boolean
    }
  | { readonly kind: 'reused' }

const NOW = 1_000_000
export const METHODS = ['pwd', 'otp', 'hwk'] as const
const POLICY: ResolvedPolicy = {
  idleTimeout: NOW,
  absoluteTimeout: NOW,
  rotateAfter: ROTATE_AFTER,
  rotationGrace: GRACE,
  onReuse: 'revoke',
  limit: undefined,
}
const keyring = createKeyring(sha256(Buffer.from('the model')).toString('base64url'))

const secrets = new Map<TokenName, Buffer>()
const namesByHash = new Map<string, TokenName>()

function secretOf(name: TokenName): Buffer {
  return secrets.get(name) ?? name_(name, sha256(Buffer.from(`secret ${name}`)))
}

function name_(name: TokenName, secret: Buffer): Buffer {
  secrets.set(name, secret)
  namesByHash.set(hashSecret(secret).toString('hex'), name)
  return secret
}

const nameOf = (hash: Buffer): TokenName => namesByHash.get(hash.toString('hex'))!

export const factsOf = (mask: number): Fact[] =>
  METHODS.flatMap((method, bit) => (mask & (1 << bit) ? [{ method, at: NOW, strength: 1 } as const] : []))

export const maskOf = (facts: readonly Fact[]): number =>
  facts.reduce((mask, { method }) => mask | (1 << METHODS.indexOf(method as (typeof METHODS)[number])), 0)

/** Adds a proof the way the session does. */
export const withProof = (facts: number, proof: number): number => maskOf(withFacts(factsOf(facts), factsOf(proof)))

export function makeRecord(fields: Omit<ModelRecord, 'key'>): ModelRecord {
  const { current, age, usedAge, facts, lineage } = fields
  const generations = lineage.map((g) => `${g.token}${g.kind[0]}${g.replacedAge}.${g.usedAge}.${g.facts}`)
  return { ...fields, key: `${current} ${age}.${usedAge}.${facts} ${generations.join(',')}` }
}

export function startRecord(letter: string, facts: number): ModelRecord {
  return makeRecord({ current: `${letter}s${facts}`, age: 0, usedAge: -1, facts, lineage: [] })
}

const older = (age: number, most: number) => (age === -1 ? -1 : Math.min(age + 1, most))

/**
 * One tick later. Ages past every deadline that looks at them are all alike. When a token was replaced matters only where room must
 * be made, and then only for elevations.
 */
export function aged(record: ModelRecord, mayFill: boolean): ModelRecord {
  return makeRecord({
    ...record,
    age: older(record.age, ROTATE_AFTER),
    usedAge: older(record.usedAge, ROTATE_AFTER),
    lineage: record.lineage.map((g) => ({
      ...g,
      replacedAge: mayFill && g.kind === 'elevation' ? older(g.replacedAge, 4 * GRACE) : 0,
      usedAge: older(g.usedAge, GRACE),
    })),
  })
}

const realRecords = new Map<string, SessionRecord>()

function realRecordOf(record: ModelRecord): SessionRecord {
  const known = realRecords.get(record.key)
  if (known !== undefined) return known
  const at = (age: number) => (age === -1 ? undefined : NOW - age)
  const real: SessionRecord = {
    id: record.current[0]!,
    idBytes: Buffer.alloc(16),
    version: 1,
    epoch: 0,
    subject: 'owner',
    isPersistent: false,
    currentHash: hashSecret(secretOf(record.current)),
    generationAt: NOW - record.age,
    confirmedAt: at(record.usedAge),
    lineage: record.lineage.map((g, index) => {
      const successor = record.lineage[index + 1]?.token ?? record.current
      return {
        hash: hashSecret(secretOf(g.token)),
        salt: g.kind === 'renewal' ? saltOf(successor) : Buffer.alloc(32),
        kind: g.kind,
        replacedAt: NOW - g.replacedAge,
        confirmedAt: at(g.usedAge),
        facts: g.facts === -1 ? undefined : factsOf(g.facts),
      }
    }),
    startedAt: 0,
    absoluteFrom: NOW,
    lastSeenAt: NOW,
    idleDeadline: 2 * NOW,
    absoluteDeadline: 2 * NOW,
    details: { facts: factsOf(record.facts) },
    sealedData: new Uint8Array(0),
  }
  realRecords.set(record.key, real)
  return real
}

const saltOf = (name: TokenName) => sha256(Buffer.from(`salt ${name}`))

function modelRecordOf(real: SessionRecord): ModelRecord {
  const ageOf = (at: number | undefined, most: number) => (at === undefined ? -1 : Math.min(NOW - at, most))
  return makeRecord({
    current: nameOf(real.currentHash),
    age: ageOf(real.generationAt, ROTATE_AFTER),
    usedAge: ageOf(real.confirmedAt, ROTATE_AFTER),
    facts: maskOf(real.details.facts),
    lineage: real.lineage.map((g) => ({
      token: nameOf(g.hash),
      kind: g.kind,
      replacedAge: ageOf(g.replacedAt, 4 * GRACE),
      usedAge: ageOf(g.confirmedAt, GRACE),
      facts: g.facts === undefined ? -1 : maskOf(g.facts),
    })),
  })
}

const judgements = new Map<string, ModelJudgement>()

/** The real judgement of a token against a record. */
export function judge(record: ModelRecord, token: TokenName): ModelJudgement {
  const key = `${token} ${record.key}`
  const known = judgements.get(key)
  if (known !== undefined) return known
  const real = judgeSecret(realRecordOf(record), secretOf(token), keyring, NOW, POLICY)
  const judgement: ModelJudgement =
    real.kind === 'reused'
      ? { kind: 'reused' }
      : real.kind === 'current'
        ? { kind: 'current', facts: record.facts }
        : {
            kind: 'predecessor',
            facts: real.facts === undefined ? record.facts : maskOf(real.facts),
            successor: real.successorSecret === undefined ? '' : nameOf(hashSecret(real.successorSecret)),
            isBeforeElevation: real.isBeforeElevation,
          }
  judgements.set(key, judgement)
  return judgement
}

/** The record once the first use of an accepted token has been written down; `undefined` when there is nothing to write. */
export function withFirstUse(record: ModelRecord, token: TokenName, { kind }: ModelJudgement): ModelRecord | undefined {
  if (kind === 'reused') return undefined
  const judgement: Parameters<typeof firstUse>[1] =
    kind === 'current' ? { kind } : { kind, facts: undefined, successorSecret: undefined, isBeforeElevation: false }
  const real = realRecordOf(record)
  const changes = firstUse(real, judgement, { secret: secretOf(token) }, NOW)
  return changes && modelRecordOf({ ...real, ...changes })
}

export const isDue = (record: ModelRecord): boolean => isRenewalDue(realRecordOf(record), NOW, POLICY)

const rotations = new Map<string, ModelRecord | undefined>()

/** The record after the real rotation; `undefined` when the lineage is full. */
export function rotated(record: ModelRecord, made: 'r' | 'e' | 'x', facts: number): ModelRecord | undefined {
  const token = `${record.current}${made}${facts}`
  const key = `${made}${facts} ${record.key}`
  if (rotations.has(key)) return rotations.get(key)
  const real = realRecordOf(record)
  const result = rotateRecord(
    real,
    made === 'r' ? { kind: 'renewal', currentSecret: secretOf(record.current) } : { kind: 'elevation' },
    {
      keyring,
      // The same name always gets the same bytes, whatever was explored before.
      random: () => (made === 'r' ? saltOf(token) : sha256(Buffer.from(`secret ${token}`))),
      now: NOW,
      policy: POLICY,
    },
  )
  if (result !== undefined) name_(token, result.secret)
  const next = result && modelRecordOf({ ...real, ...result.changes, details: { facts: factsOf(facts) } })
  rotations.set(key, next)
  return next
}
