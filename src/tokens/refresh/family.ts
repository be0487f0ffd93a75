/** What a session's record keeps of its refresh families: hashes and times, as small as can be, since it is read with every record. */
import type { Fact } from '../../core/assurance.ts'
import type { JsonObject } from '../../core/patch.ts'
import type { Details } from '../../core/record.ts'

/** Under which they are kept. */
const NOTE = 'tokens'

/** Most families of one session: an app and its neighbours. The record is read at every request. */
export const MOST_FAMILIES = 8
/** Most replaced tokens that are remembered of one. */
export const MOST_REPLACED = 3

/** A token of before. Whatever was replaced has been used: using it is what replaced it. */
export interface Replaced {
  readonly hash: Buffer
  /** What its successor was derived with. */
  readonly salt: Buffer
  /** When it was first used. */
  readonly usedAt: number
}

/** One app's refresh tokens, of which one is good at a time. */
export interface Family {
  /** Public; the same in each of its tokens. */
  readonly id: string
  readonly clientId: string
  readonly scope: readonly string[]
  readonly audience: string | readonly string[]
  /** Thumbprint of the key it is bound to. */
  readonly jkt: string | undefined
  /** What had been proved when it was granted. Access tokens of a grant never say more (RFC 9068, 2.2.1), whatever the session proves later. */
  readonly facts: readonly Fact[]
  readonly grantedAt: number
  readonly lastUsedAt: number
  readonly currentHash: Buffer
  /** When the current one was first used, if it was and could not be replaced at once; see `replaceCurrent`. */
  readonly currentUsedAt: number | undefined
  /** Oldest first. */
  readonly lineage: readonly Replaced[]
}

type Packed = {
  i: string
  c: string
  s: string
  a: string | string[]
  k?: string
  f: [string, number, number][]
  g: number
  t: number
  h: string
  u?: number
  l: [string, string, number][]
}

/** The families of a session, oldest first. */
export function familiesOf({ notes }: Details): Family[] {
  // The record is under our MAC: nobody else wrote this.
  const packed = notes?.[NOTE]?.f as Packed[] | undefined
  return packed === undefined ? [] : packed.map(unpack)
}

/** The record's details with other families. */
export function withFamilies(details: Details, families: readonly Family[]): Details {
  const { [NOTE]: _before, ...others } = details.notes ?? {}
  const note: JsonObject = { f: families.map(pack) }
  return { ...details, notes: families.length === 0 ? others : { ...others, [NOTE]: note } }
}

function pack(family: Family): Packed {
  const { id, clientId, scope, audience, jkt, facts, grantedAt, lastUsedAt, currentHash, currentUsedAt, lineage } = family
  return {
    i: id,
    c: clientId,
    s: scope.join(' '),
    a: typeof audience === 'string' ? audience : [...audience],
    ...(jkt !== undefined && { k: jkt }),
    f: facts.map(({ method, at, strength }) => [method, at, strength]),
    g: grantedAt,
    t: lastUsedAt,
    h: textOf(currentHash),
    ...(currentUsedAt !== undefined && { u: currentUsedAt }),
    l: lineage.map(({ hash, salt, usedAt }) => [textOf(hash), textOf(salt), usedAt]),
  }
}

function unpack({ i, c, s, a, k, f, g, t, h, u, l }: Packed): Family {
  return {
    id: i,
    clientId: c,
    scope: s === '' ? [] : s.split(' '),
    audience: a,
    jkt: k,
    facts: f.map(([method, at, strength]) => ({ method, at, strength: strength as Fact['strength'] })),
    grantedAt: g,
    lastUsedAt: t,
    currentHash: bytesOf(h),
    currentUsedAt: u,
    lineage: l.map(([hash, salt, usedAt]) => ({ hash: bytesOf(hash), salt: bytesOf(salt), usedAt })),
  }
}

function textOf(bytes: Buffer): string {
  return bytes.toString('base64url')
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'base64url')
}
