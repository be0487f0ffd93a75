/** Rules of one session: its client becomes another, or is in two places. Each takes facts and gives a signal or none. */
import { minutes } from '../../../core/duration.ts'
import type { JsonObject } from '../../../core/patch.ts'
import type { Agent } from '../agents.ts'
import type { Signal } from '../signal.ts'

/** What a session keeps of its client, as short keyed hashes. */
export interface SessionNote {
  /** Key of the ring that made the hashes, and the session's own salt. */
  readonly keyId: number
  readonly salt: string
  readonly system: string | undefined
  readonly browser: string | undefined
  readonly version: number
  /** Operators (networks where the operator is not known) it came from, latest last, and when it was known to be there last. */
  readonly places: readonly SeenPlace[]
}

export interface SeenPlace {
  readonly key: string
  readonly country: string | undefined
  readonly at: number
}

/** Back and forth within this is no journey. */
const TOGETHER = minutes(5)
const MOST_PLACES = 3

export function agentChanged(note: SessionNote, agent: Agent | undefined, hash: (text: string) => string): Signal | undefined {
  // Fetches of workers and media come without, or with a player's.
  if (agent === undefined || note.browser === undefined || agent.browser === 'AppleCoreMedia') return undefined
  const isOther = note.browser !== hash(agent.browser)
  const isOtherSystem = note.system !== hash(agent.os)
  const isEarlier = !isOther && agent.version < note.version
  if (!isOther && !isOtherSystem && !isEarlier) return undefined
  const features = [
    { name: 'system', contribution: isOtherSystem ? 1 : 0 },
    { name: 'browser', contribution: isOther ? 1 : 0 },
    { name: 'earlier-version', contribution: isEarlier ? 1 : 0 },
  ].filter(({ contribution }) => contribution > 0)
  return {
    name: 'agent-changed',
    score: isOther || isOtherSystem ? 0.9 : 0.6,
    features,
    sentence: 'A session went on in another browser, or in an earlier version of it.',
  }
}

/**
 * In A, then in B, and in A again: two use it at once. Between two operators of one country it is more often a phone at the edge of its home network, and too little
 * for the default policy.
 */
export function parallelUse(note: SessionNote, { key, country }: Omit<SeenPlace, 'at'>, at: number): Signal | undefined {
  const latest = note.places.at(-1)
  if (latest === undefined || latest.key === key) return undefined
  const before = note.places.findLast((place) => place.key === key)
  if (before === undefined || at - before.at > TOGETHER) return undefined
  const isAbroad = country !== undefined && latest.country !== undefined && country !== latest.country
  const features = [
    { name: 'minutes', contribution: Math.round(Math.max(0, at - before.at) / minutes(1)) },
    { name: 'countries', contribution: isAbroad ? 2 : 1 },
  ]
  return {
    name: 'parallel-use',
    score: isAbroad ? 0.9 : 0.4,
    features,
    sentence: 'A session was used from two places at the same time.',
  }
}

/** With where it is now; the same note where nothing is to be written. */
export function withPlace(note: SessionNote, place: SeenPlace): SessionNote {
  const latest = note.places.at(-1)
  if (latest?.key === place.key) return note
  // When it was last at the one before is known no better than that it is elsewhere now.
  const left = note.places.map((each) => (each === latest ? { ...each, at: place.at } : each))
  return { ...note, places: [...left.filter(({ key }) => key !== place.key), place].slice(-MOST_PLACES) }
}

export function packNote({ keyId, salt, system, browser, version, places }: SessionNote): JsonObject {
  return {
    k: keyId,
    x: salt,
    ...(system !== undefined && { s: system }),
    ...(browser !== undefined && { b: browser }),
    v: version,
    p: places.map(({ key, country, at }) => (country === undefined ? [key, at] : [key, at, country])),
  }
}

/** The record is under our MAC, so that nobody else wrote its note. */
export function readNote(note: JsonObject): SessionNote {
  const { k, x, s, b, v, p } = note as unknown as {
    k: number
    x: string
    s?: string
    b?: string
    v: number
    p: [string, number, string?][]
  }
  const places = p.map(([key, at, country]) => ({ key, at, country }))
  return { keyId: k, salt: x, system: s, browser: b, version: v, places }
}
