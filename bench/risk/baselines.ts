/** What the model has to beat: an exact match, and Freeman's model with linear weights, as the papers use it, without the operator. */
import type { Client } from '../../src/monitor/anomalies/client.ts'
import type { Scorer } from './evaluate.ts'

/** How many of network and agent this person was never seen with: 0, 1 or 2. */
export class ExactMatch implements Scorer {
  readonly name = 'exact match of network and agent'
  readonly #seen = new Map<string, Set<string>>()

  score(subject: string, client: Client): number | undefined {
    const seen = this.#seen.get(subject)
    if (seen === undefined) return undefined
    return valuesOf(client).filter((value) => !seen.has(value)).length
  }

  learn(subject: string, client: Client): void {
    const seen = this.#seen.get(subject) ?? new Set()
    for (const value of valuesOf(client)) seen.add(value)
    this.#seen.set(subject, seen)
  }
}

function valuesOf(client: Client): string[] {
  return [`n ${client.network}`, `a ${agentOf(client)}`]
}

function agentOf({ os, device, browser, version }: Client): string {
  return `${os} ${device} ${browser} ${version}`
}

/** Weights of the sub-features of an address and an agent (Wiefling et al. 2021); the operator's goes to the address where there is none. */
const WITH_OPERATOR = { network: 0.6, asn: 0.3, country: 0.1 }
const WITHOUT_OPERATOR = { network: 0.86, asn: 0, country: 0.14 }
const AGENT = { full: 0.53, browser: 0.27, os: 0.19, device: 0.01 }

/** p(x) / p(x | person), the product over address and agent, with interpolated sub-features, and what was never seen counted as once. */
export class LinearFreeman implements Scorer {
  readonly name: string
  readonly #weights: typeof WITH_OPERATOR
  readonly #everybody = new Map<string, number>()
  readonly #people = new Map<string, Map<string, number>>()

  constructor(name: string, usesOperator: boolean) {
    this.name = name
    this.#weights = usesOperator ? WITH_OPERATOR : WITHOUT_OPERATOR
  }

  score(subject: string, client: Client): number | undefined {
    const own = this.#people.get(subject)
    if (own === undefined) return undefined
    const { network, asn, country } = this.#weights
    const address: [string, number][] = [
      [`n ${client.network}`, network],
      [`o ${client.asn}`, asn],
      [`c ${client.country}`, country],
    ]
    const agent: [string, number][] = [
      [`a ${agentOf(client)}`, AGENT.full],
      [`b ${client.browser} ${client.version}`, AGENT.browser],
      [`s ${client.os}`, AGENT.os],
      [`d ${client.device}`, AGENT.device],
    ]
    let score = Math.log((this.#everybody.get('') ?? 1) / this.#people.size / (own.get('') ?? 1))
    for (const parts of [address, agent]) score += Math.log(shareOf(this.#everybody, parts) / shareOf(own, parts))
    return score
  }

  learn(subject: string, client: Client): void {
    const own = this.#people.get(subject) ?? new Map<string, number>()
    this.#people.set(subject, own)
    const names = ['', `n ${client.network}`, `o ${client.asn}`, `c ${client.country}`]
    names.push(`a ${agentOf(client)}`, `b ${client.browser} ${client.version}`, `s ${client.os}`, `d ${client.device}`)
    for (const counts of [this.#everybody, own]) for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  }
}

/** What was seen has its share of all but one; what was not has the one. */
function shareOf(counts: ReadonlyMap<string, number>, parts: readonly (readonly [string, number])[]): number {
  const all = (counts.get('') ?? 0) + 1
  let share = 0
  for (const [name, weight] of parts) share += weight * ((counts.get(name) ?? 0) / all || 1 / all / all)
  return share
}
