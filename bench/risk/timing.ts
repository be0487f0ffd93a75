/** How long one score takes: over the profiles of a simulated half-year, each name hashed as in production, and with opening the stored profile. */
import { randomBytes } from 'node:crypto'
import { Detector } from '../../src/monitor/anomalies/detector.ts'
import { keysOf, type ModelKeys } from '../../src/monitor/anomalies/keeping.ts'
import { decodePerson, encodePerson, newPerson, type Person } from '../../src/monitor/anomalies/person.ts'
import { Population } from '../../src/monitor/anomalies/population.ts'
import { type Entry, START } from './simulate.ts'

export interface Timing {
  /** Microseconds, median and 99th percentile. */
  readonly score: readonly [number, number]
  /** Processor time of one, mean: whatever else the machine does. */
  readonly scoreCpu: number
  readonly withOpening: readonly [number, number]
  readonly learn: readonly [number, number]
  /** Bytes of a stored person, median and largest; names of the population. */
  readonly bytes: readonly [number, number]
  readonly names: number
}

export function timing(entries: readonly Entry[]): Timing {
  const keys: ModelKeys = keysOf(randomBytes(32), randomBytes)
  const detector = new Detector(new Population(keys.hash, START), 20)
  const people = new Map<string, Person>()
  const times = { score: [] as number[], opening: [] as number[], learn: [] as number[] }
  const half = entries.length >> 1
  const stored: number[] = []
  for (const [index, { subject, client, at }] of entries.entries()) {
    const person = people.get(subject) ?? newPerson(at)
    people.set(subject, person)
    const isMeasured = index > half
    const signIn = { at, client, spot: undefined }
    const startedAt = performance.now()
    const judged = detector.judge(person, signIn)
    const judgedAt = performance.now()
    detector.learn(person, signIn, judged.risk)
    const learntAt = performance.now()
    if (!isMeasured) continue
    times.score.push(judgedAt - startedAt)
    times.learn.push(learntAt - judgedAt)
    if (index % 20 !== 0) continue
    const bytes = encodePerson(person)
    const sealed = keys.seal('name', bytes)
    stored.push(sealed.length)
    const openingAt = performance.now()
    detector.judge(decodePerson(keys.open('name', sealed)!, at), signIn)
    times.opening.push(performance.now() - openingAt)
  }
  const last = entries.slice(-10_000)
  const before = process.cpuUsage()
  for (const { subject, client, at } of last) detector.judge(people.get(subject), { at, client, spot: undefined })
  const { user, system } = process.cpuUsage(before)
  const microseconds = (list: number[]) => quantiles(list).map((each) => each * 1000) as [number, number]
  return {
    score: microseconds(times.score),
    scoreCpu: (user + system) / last.length,
    withOpening: microseconds(times.opening),
    learn: microseconds(times.learn),
    bytes: [quantiles(stored)[0], Math.max(...stored)],
    names: detector.population.size,
  }
}

function quantiles(list: number[]): [number, number] {
  const sorted = list.sort((a, b) => a - b)
  return [sorted[sorted.length >> 1]!, sorted[Math.floor(sorted.length * 0.99)]!]
}
