/** How sessions behave, for what no rule names: features of each, squeezed into 0 to 1, before half-space trees. Each process learns from what it sees. */
import { misuse } from '../../core/unit-of-work.ts'
import { HalfSpaceTrees } from './half-space-trees.ts'
import { invalid } from './policy.ts'
import { rounded, type Signal } from './signal.ts'

/** Features by name, each with the value that is the middle of its scale. */
export type BehaviourScale = Readonly<Record<string, number>>

export const defaultBehaviour: BehaviourScale = Object.freeze({
  requestsPerMinute: 20,
  errorShare: 0.2,
  distinctRoutes: 20,
  nightShare: 0.5,
})

const MOST_FEATURES = 16

export class Behaviour {
  readonly #scale: readonly (readonly [name: string, middle: number])[]
  readonly #trees: HalfSpaceTrees
  readonly #means: number[]
  #count = 0

  /** @throws {ConfigError} `ERR_CONFIG_INVALID` - no features, too many, or a middle that is not above 0. */
  constructor(scale: BehaviourScale, random: () => number) {
    this.#scale = checkedScale(scale)
    this.#trees = new HalfSpaceTrees(this.#scale.length, random)
    this.#means = this.#scale.map(() => 0.5)
  }

  /**
   * Scores an observation, then learns it.
   *
   * @throws {ConfigError} `ERR_ARGUMENT_INVALID` - a feature is missing, or is no number from 0 on.
   */
  observe(features: Readonly<Record<string, number>>): Signal {
    const point = this.#scale.map(([name, middle]) => squeezed(name, features?.[name], middle))
    const score = this.#trees.score(point)
    const parts = this.#scale.map(([name], index) => ({ name, contribution: this.#contribution(point, index, score) }))
    this.#learn(point)
    return {
      name: 'unusual-behaviour',
      score: rounded(score),
      features: parts.filter(({ contribution }) => contribution > 0).sort((a, b) => b.contribution - a.contribution),
      sentence: 'A session does what few sessions do.',
    }
  }

  /** How much less suspicious it were if this one were as it is on average. */
  #contribution(point: readonly number[], index: number, score: number): number {
    return score === 0 ? 0 : rounded(score - this.#trees.score(point.with(index, this.#means[index]!)))
  }

  #learn(point: readonly number[]): void {
    this.#trees.learn(point)
    this.#count++
    // Of the latest thousand or so.
    const share = 1 / Math.min(this.#count, 1000)
    for (const [index, value] of point.entries()) this.#means[index] = this.#means[index]! * (1 - share) + value * share
  }
}

function squeezed(name: string, value: unknown, middle: number): number {
  if (typeof value !== 'number' || Number.isNaN(value) || value < 0)
    throw misuse(`observe: the feature ${name} is no number from 0 on; expected one for each that behaviour names`)
  return value === Number.POSITIVE_INFINITY ? 1 : value / (value + middle)
}

function checkedScale(scale: unknown): readonly (readonly [string, number])[] {
  const entries = typeof scale === 'object' && scale !== null ? Object.entries(scale) : []
  const isGood = entries.every(
    ([name, middle]) => /^\w{1,64}$/.test(name) && typeof middle === 'number' && middle > 0 && Number.isFinite(middle),
  )
  if (!isGood || entries.length === 0 || entries.length > MOST_FEATURES)
    throw invalid('behaviour', `1 to ${MOST_FEATURES} features with the middle of their scale, such as { requestsPerMinute: 20 }`)
  return entries as [string, number][]
}
