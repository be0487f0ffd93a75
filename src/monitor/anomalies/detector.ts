/** Judging a sign-in: the learned score and the rules of a sign-in, over what is known of the person and of everybody. No store, no clock. */
import type { Client } from './client.ts'
import { noteSignIn, type Person } from './person.ts'
import type { Spot } from './places.ts'
import type { Population } from './population.ts'
import { type Risk, RiskModel } from './risk.ts'
import { newDevice, newNetwork, sessionBurst, sharedAddress, unusualHours } from './rules/sign-in.ts'
import { impossibleTravel } from './rules/travel.ts'
import { rounded, type Signal } from './signal.ts'
import { noteScore, shareAbove } from './standing.ts'

/** One sign-in, or a try. */
export interface SignIn {
  readonly at: number
  readonly client: Client
  readonly spot: Spot | undefined
  /** Different accounts tried from its address within the hour, where that is counted. */
  readonly accounts?: number | undefined
}

export interface Judgement {
  /** Probability that it is somebody else, if one sign-in in a thousand is; `undefined` for a person of whom nothing is known. */
  readonly score: number | undefined
  readonly risk: Risk | undefined
  readonly signals: readonly Signal[]
}

/** Odds of an attack before anything is looked at: one sign-in in a thousand. */
const ATTACK_ODDS = 1 / 999

export class Detector {
  readonly population: Population
  readonly #model: RiskModel
  readonly #mostAccounts: number

  constructor(population: Population, mostAccounts: number) {
    this.population = population
    this.#model = new RiskModel(population)
    this.#mostAccounts = mostAccounts
  }

  judge(person: Person | undefined, { at, client, spot, accounts }: SignIn): Judgement {
    const shared = sharedAddress(accounts, this.#mostAccounts)
    const risk = person && this.#model.score(person.profile, client, at)
    if (person === undefined || !risk?.isKnown) return { score: undefined, risk: undefined, signals: shared ? [shared] : [] }
    const score = scoreOf(risk)
    const signals = [
      unusualSignIn(risk, score, shareAbove(this.population, risk.logRatio)),
      impossibleTravel(person.last, spot, at),
      newDevice(risk.parts),
      newNetwork(risk.parts),
      unusualHours(person, at),
      sessionBurst(person, at),
      shared,
    ]
    return { score, risk, signals: signals.filter((signal) => signal !== undefined) }
  }

  /** Learns from a sign-in that was the person's. @param risk - What it was judged before. */
  learn(person: Person, { at, client, spot }: SignIn, risk: Risk | undefined): void {
    this.population.advance(at)
    if (risk?.isKnown) noteScore(this.population, risk.logRatio)
    this.#model.learn(person.profile, client, at)
    noteSignIn(person, at, spot)
  }
}

export function scoreOf({ logRatio }: Risk): number {
  return 1 / (1 + Math.exp(-logRatio) / ATTACK_ODDS)
}

function unusualSignIn({ parts }: Risk, score: number, share: number | undefined): Signal {
  const features = parts
    .map(({ name, contribution }) => ({ name, contribution: rounded(contribution) }))
    .sort((a, b) => b.contribution - a.contribution)
  const news = parts.filter(({ isNew }) => isNew).map(({ name }) => NEWS[name])
  const sentence =
    news.length === 0
      ? 'This sign-in looks little like those of this person.'
      : `This sign-in looks little like those of this person: ${news.join(', ')}.`
  return { name: 'unusual-sign-in', score: rounded(score), features, sentence, share }
}

const NEWS = {
  country: 'a country they were not seen in',
  operator: 'an operator they were not seen with',
  network: 'a network they were not seen in',
  system: 'a system they were not seen with',
  browser: 'a browser they were not seen with',
  version: 'another version of their browser',
  'round-trip': 'another distance',
  history: 'a short history',
} as const
