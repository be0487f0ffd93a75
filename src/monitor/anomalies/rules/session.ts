/** Rules of one session: its client becomes another, or is in two places. Each takes facts and gives a signal or none. */
import { minutes } from '../../../core/duration.ts'
import type { JsonObject } from '../../../core/patch.ts'
import type { Agent } from '../agents.ts'
import { rounded, type Signal } from '../signal.ts'

/** What a session keeps of its client, as short keyed hashes. */
export interface SessionNote {
  readonly system: string | undefined
  readonly browser: string | undefined
  readonly version: number
  /** Operators (networks where the operator is not known) it came from, latest last, and when it was there first and last. */
  readonly places: readonly { readonly key: string; readonly from: number; readonly at: number }[]
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

/** In A, then in B, and in A again: two use it at once, or one behind a network that comes out in two places. */
export function parallelUse(note: SessionNote, key: string, at: number): Signal | undefined {
  const latest = note.places.at(-1)
  if (latest === undefined || latest.key === key) return undefined
  const before = note.places.findLast((place) => place.key === key)
  if (before === undefined || at - before.at > TOGETHER) return undefined
  return {
    name: 'parallel-use',
    score: rounded(0.9 - 0.3 * (Math.max(0, at - before.at) / TOGETHER)),
    features: [{ name: 'minutes', contribution: Math.round(Math.max(0, at - before.at) / minutes(1)) }],
    sentence: 'A session was used from two places at the same time.',
  }
}

/** With where it is now; the same note where nothing is to be written. */
export function withPlace(note: SessionNote, key: string, at: number): SessionNote {
  const latest = note.places.at(-1)
  if (latest?.key === key) return note
  // When it was last at the one before is known no better than that it is elsewhere now.
  const left = note.places.map((place) => (place === latest ? { ...place, at } : place))
  return { ...note, places: [...left.filter((place) => place.key !== key), { key, from: at, at }].slice(-MOST_PLACES) }
}

export function packNote({ system, browser, version, places }: SessionNote): JsonObject {
  return {
    ...(system !== undefined && { s: system }),
    ...(browser !== undefined && { b: browser }),
    v: version,
    p: places.map(({ key, from, at }) => [key, from, at]),
  }
}

/** The record is under our MAC, so that nobody else wrote its note. */
export function readNote(note: JsonObject): SessionNote {
  const { s, b, v, p } = note as unknown as { s?: string; b?: string; v: number; p: [string, number, number][] }
  return { system: s, browser: b, version: v, places: p.map(([key, from, at]) => ({ key, from, at })) }
}
