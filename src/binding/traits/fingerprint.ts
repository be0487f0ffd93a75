/**
 * The fingerprint: what a session keeps of its client. Keyed hashes, salted for each session: nobody without the keys can find the values
 * behind them, and nobody at all can tell by them that two sessions are of one client.
 */
import { Hmac } from '../../core/crypto.ts'
import type { Keyring } from '../../core/keyring.ts'
import type { JsonObject } from '../../core/patch.ts'
import type { Observation } from './observation.ts'
import type { Change, Grade } from './policy.ts'

/** The latest drift, for the person's own eyes. */
export interface KeptDrift {
  readonly at: number
  readonly grade: Grade
  readonly changes: readonly Change[]
  readonly isShadow: boolean
}

/** An address, where the application asked to keep it. */
export interface KeptAddress {
  readonly text: string
  readonly takenAt: number
}

/** As it is kept, under names of one letter: it is read with every record. */
export interface Fingerprint {
  /** Key of the ring that made the hashes. */
  readonly keyId: number
  readonly salt: string
  /** Of the whole observation it was last changed by. */
  readonly whole: string
  readonly browser?: string | undefined
  readonly version?: string | undefined
  readonly os?: string | undefined
  readonly brands?: string | undefined
  readonly platform?: string | undefined
  readonly mobile?: string | undefined
  /** Networks this session was seen in, latest last: a laptop goes to and fro between two, and a line has one of each IP version. */
  readonly networks: readonly string[]
  readonly asns: readonly string[]
  readonly countries: readonly string[]
  /** What was missing once, and was graded for it. */
  readonly absent: number
  readonly drift?: KeptDrift | undefined
  readonly address?: KeptAddress | undefined
}

export const AGENT_ABSENT = 1
export const HINTS_ABSENT = 2
const MOST_PLACES = 4
const HASH_BYTES = 6
const SALT_BYTES = 9

/** Hashes for one ring of keys. */
export class TraitHashes {
  readonly newestKeyId: number
  readonly #macs: ReadonlyMap<number, Hmac>

  constructor({ newest, all }: Keyring) {
    this.newestKeyId = newest.keyId
    this.#macs = new Map(all.map((key) => [key.keyId, new Hmac(key.derive('traits'))]))
  }

  /** Gives this fingerprint's hashes; `undefined` when its key has left the ring. */
  of({ keyId, salt }: Pick<Fingerprint, 'keyId' | 'salt'>): Hash | undefined {
    const mac = this.#macs.get(keyId)
    if (mac === undefined) return undefined
    return (trait, value) => mac.digest(Buffer.from(`${trait}\0${salt}\0${value}`)).toString('base64url', 0, HASH_BYTES)
  }
}

export type Hash = (trait: string, value: string | number) => string

/** A session's first fingerprint, of its first request. */
export function firstFingerprint(
  observation: Observation,
  hashes: TraitHashes,
  random: (size: number) => Uint8Array,
): Fingerprint {
  const salt = Buffer.from(random(SALT_BYTES)).toString('base64url')
  return takenAnew({ keyId: hashes.newestKeyId, salt }, observation, hashes)
}

/** The same for a session that has one: under the newest key, without what only the older one knew. */
export function takenAnew(
  kept: Pick<Fingerprint, 'salt'> & Partial<Fingerprint>,
  observation: Observation,
  hashes: TraitHashes,
): Fingerprint {
  const named = { keyId: hashes.newestKeyId, salt: kept.salt }
  const hash = hashes.of(named)!
  const { agent, hints, place, isHintable } = observation
  return {
    ...named,
    whole: hash('whole', observation.text),
    ...(agent && agentHashes(hash, agent)),
    ...(hints && hintHashes(hash, hints)),
    networks: place ? [hash('network', place.network)] : [],
    asns: place?.asn === undefined ? [] : [hash('asn', place.asn)],
    countries: place?.country === undefined ? [] : [hash('country', place.country)],
    absent: (agent ? 0 : AGENT_ABSENT) | (hints || !isHintable ? 0 : HINTS_ABSENT),
    drift: kept.drift,
    address: kept.address,
  }
}

export function agentHashes(hash: Hash, { family, major, os }: NonNullable<Observation['agent']>) {
  return { browser: hash('browser', family), version: hash('version', major), os: hash('os', os) }
}

export function hintHashes(hash: Hash, { brands, platform, mobile }: NonNullable<Observation['hints']>) {
  return { brands: hash('brands', brands), platform: hash('platform', platform), mobile: hash('mobile', mobile) }
}

/** With one more, the oldest gone where there are too many. */
export function withPlace(places: readonly string[], place: string): readonly string[] {
  return places.includes(place) ? places : [...places, place].slice(-MOST_PLACES)
}

/** As a session's note. */
export function noteOf(print: Fingerprint): JsonObject {
  const { drift, address } = print
  const note: Record<string, JsonObject[string]> = { k: print.keyId, s: print.salt, w: print.whole }
  const optional = { b: print.browser, v: print.version, o: print.os, h: print.brands, p: print.platform, m: print.mobile }
  for (const [name, value] of Object.entries(optional)) if (value !== undefined) note[name] = value
  const lists = { n: print.networks, a: print.asns, c: print.countries }
  for (const [name, list] of Object.entries(lists)) if (list.length > 0) note[name] = [...list]
  if (print.absent !== 0) note.z = print.absent
  if (drift !== undefined) note.x = [drift.at, drift.grade, [...drift.changes], drift.isShadow ? 1 : 0]
  if (address !== undefined) note.i = [address.text, address.takenAt]
  return note
}

/** As `noteOf` packs it. */
interface Packed {
  readonly k: number
  readonly s: string
  readonly w: string
  readonly b?: string
  readonly v?: string
  readonly o?: string
  readonly h?: string
  readonly p?: string
  readonly m?: string
  readonly n?: readonly string[]
  readonly a?: readonly string[]
  readonly c?: readonly string[]
  readonly z?: number
  readonly x?: readonly [at: number, grade: Grade, changes: readonly Change[], isShadow: number]
  readonly i?: readonly [text: string, takenAt: number]
}

/** The record is under our MAC, so that nobody else wrote its note. */
export function readNote(note: JsonObject): Fingerprint {
  const { k, s, w, b, v, o, h, p, m, n = [], a = [], c = [], z = 0, x, i } = note as unknown as Packed
  return {
    keyId: k,
    salt: s,
    whole: w,
    browser: b,
    version: v,
    os: o,
    brands: h,
    platform: p,
    mobile: m,
    networks: n,
    asns: a,
    countries: c,
    absent: z,
    drift: x && { at: x[0], grade: x[1], changes: x[2], isShadow: x[3] === 1 },
    address: i && { text: i[0], takenAt: i[1] },
  }
}
