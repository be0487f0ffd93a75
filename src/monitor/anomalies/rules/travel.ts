/** Impossible travel: two places, and less time between them than anybody needs. */
import { hours } from '../../../core/duration.ts'
import type { Spot } from '../places.ts'
import { rounded, type Signal } from '../signal.ts'

const EARTH_RADIUS = 6371
/** Airliners fly at 900 km/h; with the way to the airport nobody is faster from door to door. */
const FASTEST = 1000
/** Nearer ones are what databases confuse: an operator's gateway stands for its whole country. */
const NEAREST = 300
const LEAST_TIME = hours(0.1)

/** Kilometres over the ground, at least: each place may be off by its radius. */
export function distanceBetween(a: Spot, b: Spot): number {
  const radians = (degrees: number) => (degrees * Math.PI) / 180
  const latitude = Math.sin(radians(b.latitude - a.latitude) / 2) ** 2
  const longitude = Math.sin(radians(b.longitude - a.longitude) / 2) ** 2
  const chord = latitude + Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * longitude
  return Math.max(0, 2 * EARTH_RADIUS * Math.asin(Math.min(1, Math.sqrt(chord))) - a.radius - b.radius)
}

export function impossibleTravel(
  last: { readonly at: number; readonly spot: Spot } | undefined,
  spot: Spot | undefined,
  at: number,
): Signal | undefined {
  if (last === undefined || spot === undefined) return undefined
  const distance = distanceBetween(last.spot, spot)
  if (distance < NEAREST) return undefined
  const speed = distance / (Math.max(LEAST_TIME, Math.abs(at - last.at)) / hours(1))
  if (speed <= FASTEST) return undefined
  return {
    name: 'impossible-travel',
    // A half at the fastest, nine tenths at five times that.
    score: rounded(1 - 0.5 * Math.sqrt(FASTEST / speed)),
    features: [
      { name: 'speed', contribution: Math.round(speed / 100) * 100 },
      { name: 'distance', contribution: Math.round(distance / 100) * 100 },
    ],
    sentence: 'Nobody travels as fast as from the place of before to this one.',
  }
}
