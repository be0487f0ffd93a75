/**
 * The risk of a sign-in: how much likelier it is that somebody else would look like this than that this person does.
 *
 * Freeman et al., "Who Are You? A Statistical Approach to Measuring User Authenticity" (NDSS 2016), score the ratio of a feature's frequency among
 * everybody to its frequency for this person, with back-off from an address to its operator and country, and a prior of who is attacked. Values never seen
 * get the mass of Wiefling et al. (2021, 2022): not zero, and not one size for all. Here that mass is learnt: how often people with such a history really
 * showed something new. A level beneath one that is new says nothing more, so that one change is not counted several times.
 */
import { days } from '../../core/duration.ts'
import { type Client, ROUND_TRIP_STEPS, roundTripStep } from './client.ts'
import type { Population } from './population.ts'
import { addPath, addTrip, addVersion, age, decayBetween, type Node, type Profile } from './profile.ts'

/** Parts of the score, in the order they are reported. */
export type Part = 'country' | 'operator' | 'network' | 'system' | 'browser' | 'version' | 'round-trip' | 'history'

/** What one part adds to the score, in natural logarithms of odds: above 0 speaks for somebody else. */
export interface Contribution {
  readonly name: Part
  readonly contribution: number
  /** Whether the person was never seen with it. */
  readonly isNew: boolean
}

export interface Risk {
  /** Sum of the contributions: logarithm of the likelihood ratio. */
  readonly logRatio: number
  readonly parts: readonly Contribution[]
  /** Whether there was any history to compare with. */
  readonly isKnown: boolean
}

/** What the model uses; a baseline leaves parts out. */
export interface RiskSettings {
  readonly usesOperator: boolean
  readonly usesRoundTrip: boolean
}

const EVERYTHING: RiskSettings = { usesOperator: true, usesRoundTrip: true }

/** Share of attacks that come from anywhere, rather than from where everybody is. */
const ANYWHERE = 0.4
/** How many sign-ins the assumed novelty weighs, against the observed one. */
const PRIOR_WEIGHT = 12
const LEAST_NOVELTY = 0.0005
const MOST_NOVELTY = 0.95
/** Versions that may have come out since. */
const MOST_LATER = 12
/** How many round trips the assumed distribution weighs. */
const BACK_OFF = 0.7
/** No part alone decides. */
const MOST_PART = 7
const WEEK = days(7)
const NO_NODE: Node = { count: 0, children: new Map() }

interface Level {
  readonly part: Part
  /** Value as the profile keeps it: places as keyed hashes. */
  readonly value: string
  /** Name under which the population counts it, and its parent's. */
  readonly name: string
  readonly parent: string
}

/** Scores sign-ins, and learns from those that were the person's. No clock, no store, no chance. */
export class RiskModel {
  readonly #population: Population
  readonly #settings: RiskSettings

  constructor(population: Population, settings: RiskSettings = EVERYTHING) {
    this.#population = population
    this.#settings = settings
  }

  /** Changes nothing. */
  score(profile: Profile, client: Client, at: number): Risk {
    const parts: Contribution[] = []
    const decay = decayBetween(profile.at, at)
    const { count } = profile.agents.count > 0 ? profile.agents : profile.places
    if (count === 0) return { logRatio: 0, parts, isKnown: false }
    this.#scorePath(parts, profile.places, this.#placesOf(client), decay, at)
    this.#scorePath(parts, profile.agents, agentsOf(client), decay, at)
    this.#scoreTrip(parts, profile, client)
    parts.push({ name: 'history', contribution: this.#priorOf(count * decay), isNew: false })
    let logRatio = 0
    for (const part of parts) logRatio += part.contribution
    return { logRatio, parts, isKnown: true }
  }

  /** Counts a sign-in that was the person's: after it succeeded, and never before it was scored. */
  learn(profile: Profile, client: Client, at: number): void {
    const population = this.#population
    population.advance(at)
    const places = this.#placesOf(client)
    const agents = agentsOf(client)
    this.#learnNovelty(profile.places, places, at)
    this.#learnNovelty(profile.agents, agents, at)
    if (profile.agents.count === 0 && profile.places.count === 0) population.add('people')
    age(profile, at)
    this.#learnPath(places)
    this.#learnPath(agents)
    const placeNodes = addPath(
      profile.places,
      places.map(({ value }) => value),
    )
    const agentNodes = addPath(
      profile.agents,
      agents.map(({ value }) => value),
    )
    if (agentNodes[2] !== undefined) addVersion(agentNodes[2], client.version, at)
    const step = roundTripStep(client.roundTrip)
    if (step === undefined) return
    // The country's, for networks of it that are new; and the operator's.
    for (const [depth, level] of places.slice(0, 2).entries()) {
      addTrip(placeNodes[depth + 1]!, step)
      population.add(`t:${level.name}`)
      population.add(`t:${level.name}:${step}`)
    }
  }

  #placesOf({ country, asn, network }: Client): Level[] {
    const levels: Level[] = []
    let parent = 'p'
    const put = (part: Part, text: string) => {
      const name = `${parent}/${text}`
      levels.push({ part, value: this.#population.keyOf(name).toString(36), name, parent })
      parent = name
    }
    if (country !== undefined) put('country', country)
    if (asn !== undefined && this.#settings.usesOperator) put('operator', String(asn))
    if (network !== undefined) put('network', network)
    return levels
  }

  #scorePath(parts: Contribution[], root: Node, levels: readonly Level[], decay: number, at: number): void {
    let node = root
    for (const level of levels) {
      const child = node.children.get(level.value)
      const contribution =
        level.part === 'version' ? this.#scoreVersion(node, level, at) : this.#scoreLevel(node, child, level, decay)
      parts.push({ name: level.part, contribution, isNew: child === undefined })
      if (child === undefined) return
      node = child
    }
  }

  #scoreLevel(node: Node, child: Node | undefined, level: Level, decay: number): number {
    const population = this.#population
    const shares = this.#sharesUnder(level)
    const usual = shares.of(population.keyOf(level.name))
    const attack = (1 - ANYWHERE) * usual + ANYWHERE * shares.even
    const novelty = this.#noveltyOf(node, level, decay)
    if (child !== undefined) return clamp(Math.log(attack / ((1 - novelty) * (child.count / node.count))))
    // What is new is spread over what everybody else has, as it is among them.
    let seen = 0
    for (const value of node.children.keys()) seen += shares.of(keyOfChild(population, level, value))
    return clamp(Math.log(attack / (novelty * Math.max(usual / Math.max(1 - seen, 0.05), 0.2 * shares.even))))
  }

  /** Shares among everybody, of what is under this level's parent; what never came up has some, too. */
  #sharesUnder({ parent }: Level): { readonly of: (key: number) => number; readonly even: number } {
    const population = this.#population
    const distinct = population.count(`d:${parent}`)
    const all = population.count(parent) + 0.5 * (distinct + 1)
    return { of: (key) => (population.countOf(key) + 0.5) / all, even: 1 / (distinct + 2) }
  }

  /** Chance that a person with this history shows something new at this level. */
  #noveltyOf(node: Node, level: Level, decay: number): number {
    const name = noveltyName(node, level)
    const distinct = node.children.size
    // Witten-Bell: who was seen with many values will be seen with another.
    const assumed = distinct / (node.count * decay + distinct + 1)
    return this.#learnt(`${name}+`, name, assumed)
  }

  /** How often it happened of all times it could, an assumption to begin with. */
  #learnt(happened: string, all: string, assumed: number): number {
    const population = this.#population
    const share = (population.count(happened) + PRIOR_WEIGHT * assumed) / (population.count(all) + PRIOR_WEIGHT)
    return Math.min(MOST_NOVELTY, Math.max(LEAST_NOVELTY, share))
  }

  /**
   * A browser is updated and does not go back, so that a version is compared with the latest one: the same, later, or earlier. That one of last month is
   * known says nothing; who copied the person's browser has it, or guesses.
   */
  #scoreVersion(node: Node, level: Level, at: number): number {
    const { latest } = node.versions ?? { latest: 0 }
    const shares = this.#sharesUnder(level)
    const shareOf = (version: number) => shares.of(this.#population.keyOf(`${level.parent}/${version}`))
    const version = Number(level.value)
    let later = 0
    for (let next = latest + 1; next <= latest + MOST_LATER; next++) later += shareOf(next)
    const name = versionName(node, at)
    const chanceLater = this.#learnt(`${name}+later`, name, 0.2)
    const chanceEarlier = this.#learnt(`${name}+earlier`, name, (node.versions?.earlier ?? 0) / (node.count + 1))
    const usual = shareOf(version)
    const attack = (1 - ANYWHERE) * usual + ANYWHERE * shares.even
    if (version === latest) return clamp(Math.log(attack / Math.max(LEAST_NOVELTY, 1 - chanceLater - chanceEarlier)))
    const isLater = version > latest
    const mass = Math.max(0.02, isLater ? later : 1 - later - shareOf(latest))
    return clamp(Math.log(attack / ((isLater ? chanceLater : chanceEarlier) * Math.max(usual / mass, 0.2 * shares.even))))
  }

  #learnNovelty(root: Node, levels: readonly Level[], at: number): void {
    let node = root
    for (const level of levels) {
      if (node.count === 0) return
      if (level.part === 'version') {
        this.#learnVersion(node, Number(level.value), at)
        return
      }
      const name = noveltyName(node, level)
      const child = node.children.get(level.value)
      this.#population.add(name)
      if (child === undefined) {
        this.#population.add(`${name}+`)
        return
      }
      node = child
    }
  }

  #learnVersion(node: Node, version: number, at: number): void {
    const { latest } = node.versions ?? { latest: version }
    const name = versionName(node, at)
    this.#population.add(name)
    if (version !== latest) this.#population.add(`${name}+${version > latest ? 'later' : 'earlier'}`)
  }

  #learnPath(levels: readonly Level[]): void {
    if (levels.length > 0) this.#population.add(levels[0]!.parent)
    for (const { name, parent } of levels) if (this.#population.add(name)) this.#population.add(`d:${parent}`)
  }

  /** Compares with the operator's round trips where the person was there before, else with the country's. */
  #scoreTrip(parts: Contribution[], profile: Profile, client: Client): void {
    const step = roundTripStep(client.roundTrip)
    if (step === undefined || !this.#settings.usesRoundTrip) return
    let node = NO_NODE
    let name = ''
    let next: Node | undefined = profile.places
    for (const level of this.#placesOf(client).slice(0, 2)) {
      next = next.children.get(level.value)
      if (next === undefined) break
      node = next
      name = level.name
    }
    if (node.trips === undefined) return
    let all = 0
    for (const count of node.trips.values()) all += count
    if (all === 0) return
    const usual = smoothed((each) => this.#population.count(`t:${name}:${each}`), this.#population.count(`t:${name}`), step)
    const own = smoothed((each) => node.trips!.get(each) ?? 0, all, step, usual)
    const attack = (1 - ANYWHERE) * usual + ANYWHERE / ROUND_TRIP_STEPS
    parts.push({ name: 'round-trip', contribution: clamp(Math.log(attack / own)), isNew: false })
  }

  /** Freeman's prior: attackers take people as they come, and most sign-ins are of those who sign in often. */
  #priorOf(count: number): number {
    const everybody = this.#population.count('p') || this.#population.count('a')
    const people = Math.max(1, this.#population.count('people'))
    return clamp(Math.log(Math.max(everybody, 1) / people / Math.max(count, 0.5)))
  }
}

function agentsOf({ os, device, browser, version }: Client): Level[] {
  const levels: Level[] = []
  if (os === undefined) return levels
  const system = `a/${os} ${device}`
  levels.push({ part: 'system', value: `${os} ${device}`, name: system, parent: 'a' })
  if (browser === undefined) return levels
  const family = `${system}/${browser}`
  levels.push({ part: 'browser', value: browser, name: family, parent: system })
  levels.push({ part: 'version', value: String(version), name: `${family}/${version}`, parent: family })
  return levels
}

/** Whose novelty is this one's: people with as much history, and as many values. */
function noveltyName(node: Node, { part }: Level): string {
  return `n:${part}:${amountOf(node)}:${Math.min(4, Math.ceil(Math.log2(node.children.size + 1)))}`
}

/** Whose versions behave like this one's: as many sign-ins, from as long ago, with as many machines of the kind. */
function versionName(node: Node, at: number): string {
  const { versions } = node
  const weeks = Math.min(5, Math.floor(Math.log2(Math.max(0, at - (versions?.at ?? at)) / WEEK + 1)))
  const share = (versions?.earlier ?? 0) / Math.max(node.count, 1)
  const habit = share === 0 ? 0 : share < 0.05 ? 1 : share < 0.25 ? 2 : 3
  return `v:${amountOf(node)}:${weeks}:${habit}`
}

function amountOf({ count }: Node): number {
  return Math.min(6, Math.floor(Math.log2(count + 1)))
}

function keyOfChild(population: Population, { part, parent }: Level, value: string): number {
  const isPlace = part === 'country' || part === 'operator' || part === 'network'
  return isPlace ? Number.parseInt(value, 36) : population.keyOf(`${parent}/${value}`)
}

/** A share on the ladder, with the neighbours': a step is no wall. */
function smoothed(countOf: (step: number) => number, all: number, step: number, backOff = 1 / ROUND_TRIP_STEPS): number {
  const near = 0.5 * countOf(step) + 0.25 * (countOf(step - 1) + countOf(step + 1))
  return (near + BACK_OFF * backOff) / (all + BACK_OFF)
}

function clamp(contribution: number): number {
  return Math.max(-MOST_PART, Math.min(MOST_PART, contribution))
}
