/** Runs models over entries in order of time: each is scored before anything is learnt from it. */
import { hash } from 'node:crypto'
import type { Client } from '../../src/monitor/anomalies/client.ts'
import { Population } from '../../src/monitor/anomalies/population.ts'
import { newProfile, type Profile } from '../../src/monitor/anomalies/profile.ts'
import { type Risk, RiskModel, type RiskSettings } from '../../src/monitor/anomalies/risk.ts'
import type { AttackerClass } from './attackers.ts'
import type { Entry } from './simulate.ts'

/** What is compared: higher is more suspicious; `undefined` where there is no history. */
export interface Scorer {
  readonly name: string
  score(subject: string, client: Client, at: number): number | undefined
  learn(subject: string, client: Client, at: number): void
}

export interface Scored {
  readonly legitimate: { readonly score: number; readonly why: string }[]
  readonly attacks: Record<AttackerClass, number[]>
  /** Left out: the person had no history yet. */
  readonly unknown: Record<AttackerClass | 'login', number>
}

/** @param warmUp - Instant from which sign-ins count; what comes before is only learnt. */
export function evaluate(entries: readonly Entry[], scorer: Scorer, warmUp: number): Scored {
  const scored: Scored = {
    legitimate: [],
    attacks: { naive: [], VPN: [], targeted: [], copying: [] },
    unknown: { naive: 0, VPN: 0, targeted: 0, copying: 0, login: 0 },
  }
  for (const entry of entries) {
    const { kind, at, subject, client } = entry
    if (at >= warmUp) {
      const score = scorer.score(subject, client, at)
      if (score === undefined) scored.unknown[kind]++
      else if (kind !== 'login') scored.attacks[kind].push(score)
      else if (entry.isSuccess) scored.legitimate.push({ score, why: entry.why })
    }
    if (kind === 'login' && entry.isSuccess) scorer.learn(subject, client, at)
  }
  return scored
}

export function nameHash(name: string): number {
  return Number.parseInt(hash('sha256', name).slice(0, 12), 16)
}

/** A model of the package, with its profiles in memory. */
export class ModelScorer implements Scorer {
  readonly name: string
  readonly population: Population
  readonly #model: RiskModel
  readonly profiles = new Map<string, Profile>()

  constructor(name: string, start: number, settings?: RiskSettings) {
    this.name = name
    this.population = new Population(remembering(nameHash), start)
    this.#model = new RiskModel(this.population, settings)
  }

  risk(subject: string, client: Client, at: number): Risk | undefined {
    const profile = this.profiles.get(subject)
    const risk = profile && this.#model.score(profile, client, at)
    return risk?.isKnown ? risk : undefined
  }

  score(subject: string, client: Client, at: number): number | undefined {
    return this.risk(subject, client, at)?.logRatio
  }

  learn(subject: string, client: Client, at: number): void {
    const profile = this.profiles.get(subject) ?? newProfile(at)
    this.profiles.set(subject, profile)
    this.#model.learn(profile, client, at)
  }
}

function remembering(of: (name: string) => number): (name: string) => number {
  const known = new Map<string, number>()
  return (name) => {
    const value = known.get(name) ?? of(name)
    known.set(name, value)
    return value
  }
}

/** Share of legitimate sign-ins with at least this score, at which `rate` of them are challenged. Ties are challenged together, never more than `rate`. */
export function thresholdAt(legitimate: readonly number[], rate: number): number {
  const sorted = [...legitimate].sort((a, b) => b - a)
  const index = Math.floor(sorted.length * rate)
  return nextAbove(sorted, index)
}

function nextAbove(sorted: readonly number[], index: number): number {
  const limit = sorted[index] ?? Number.NEGATIVE_INFINITY
  for (let i = index; i >= 0; i--) if (sorted[i]! > limit) return sorted[i]!
  return limit + 1e-9
}

export function caught(attacks: readonly number[], threshold: number): number {
  let count = 0
  for (const score of attacks) if (score >= threshold) count++
  return count / Math.max(1, attacks.length)
}
