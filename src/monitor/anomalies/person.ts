/** What is kept of one person beside their profile: where they were last, at which hours they come, and when they came lately. Bounded like it. */

import type { Spot } from './places.ts'
import { age, decodeProfile, encodeProfile, newProfile, type Profile } from './profile.ts'

export interface Person {
  readonly profile: Profile
  /** Where the latest sign-in came from, if a database knew. */
  last: { readonly at: number; readonly spot: Spot } | undefined
  /** Sign-ins by hour of the day, UTC. */
  readonly hours: number[]
  /** Instants of the latest sign-ins, oldest first. */
  starts: number[]
}

const MOST_STARTS = 20
/** Habits of before count this much less with every sign-in after. */
const HOUR_DECAY = 0.995

export function newPerson(at: number): Person {
  return { profile: newProfile(at), last: undefined, hours: Array<number>(24).fill(0), starts: [] }
}

/** Notes a sign-in of theirs; the profile learns by the model. */
export function noteSignIn(person: Person, at: number, spot: Spot | undefined): void {
  age(person.profile, at)
  if (spot !== undefined && at >= (person.last?.at ?? 0)) person.last = { at, spot }
  for (const [hour, count] of person.hours.entries()) person.hours[hour] = count * HOUR_DECAY
  person.hours[hourOf(at)]! += 1
  person.starts = [...person.starts, at].slice(-MOST_STARTS)
}

export function hourOf(at: number): number {
  return Math.floor(at / 3_600_000) % 24
}

export function encodePerson({ profile, last, hours, starts }: Person): Buffer {
  const spot = last && [last.at, tenth(last.spot.latitude), tenth(last.spot.longitude), Math.round(last.spot.radius)]
  const rest = JSON.stringify([spot ?? 0, hours.map((count) => Math.round(count * 100) / 100), starts])
  return Buffer.concat([Buffer.from(`${rest}\n`), encodeProfile(profile)])
}

/** A new one for what is none. */
export function decodePerson(bytes: Uint8Array, at: number): Person {
  const buffer = Buffer.from(bytes)
  const end = buffer.indexOf('\n')
  try {
    const [spot, hours, starts] = JSON.parse(buffer.toString('utf8', 0, end)) as [
      0 | [number, number, number, number],
      number[],
      number[],
    ]
    const last = spot === 0 ? undefined : { at: spot[0], spot: { latitude: spot[1], longitude: spot[2], radius: spot[3] } }
    const isWhole = hours.length === 24 && [...hours, ...starts].every(Number.isFinite)
    return isWhole ? { profile: decodeProfile(buffer.subarray(end + 1), at), last, hours, starts } : newPerson(at)
  } catch {
    return newPerson(at)
  }
}

/** About eleven kilometres: an address says no more. */
function tenth(degrees: number): number {
  return Math.round(degrees * 10) / 10
}
