/** One simulated year in order of time: sign-ins, and attempts of attackers on people as they then are. */
import type { Client } from '../../src/monitor/anomalies/client.ts'
import { type AttackerClass, attempt, CLASSES } from './attackers.ts'
import { ATTACKS, DAY, PEOPLE } from './distributions.ts'
import { type Login, Person } from './people.ts'
import { Chance } from './random.ts'
import { World } from './world.ts'

export type Entry =
  | {
      readonly kind: 'login'
      readonly at: number
      readonly subject: string
      readonly client: Client
      readonly isSuccess: boolean
      readonly why: Login['why']
    }
  | { readonly kind: AttackerClass; readonly at: number; readonly subject: string; readonly client: Client }

export interface SimulationOptions {
  readonly people?: number
  readonly days?: number
  readonly attacksEach?: number
}

/** 2031-01-01T00:00:00Z. */
export const START = 1_924_992_000_000

/** Attacks come in the second half of the time, when there is a history to compare with. */
export function simulate(seed: number, options: SimulationOptions = {}): Entry[] {
  const { people = 4000, days = 365, attacksEach = ATTACKS.each } = options
  const chance = new Chance(seed)
  const world = new World(chance)
  const employers = Array.from({ length: PEOPLE.employers }, () => world.employer(world.home))
  const end = START + days * DAY
  const entries: Entry[] = []
  const persons = Array.from({ length: people }, (_, index) => new Person(index, world, chance, employers))
  // Attacks per person, by time; each is made when the person's own sign-ins have come as far.
  const attacks = new Map<Person, { readonly kind: AttackerClass; readonly at: number }[]>()
  for (const kind of CLASSES) {
    for (let n = 0; n < attacksEach; n++) {
      const victim = chance.of(persons)
      const at = chance.between(START + (days / 2) * DAY, end)
      attacks.set(victim, [...(attacks.get(victim) ?? []), { kind, at }])
    }
  }
  for (const person of persons) {
    const due = (attacks.get(person) ?? []).sort((a, b) => a.at - b.at)
    const attackUntil = (until: number) => {
      while (due[0] !== undefined && due[0].at < until) {
        const { kind, at } = due.shift()!
        entries.push({ kind, at, subject: person.subject, client: attempt(kind, person, at, world, chance) })
      }
    }
    for (const { at, client, isSuccess, why } of person.year(START, end, world, chance)) {
      attackUntil(at)
      entries.push({ kind: 'login', at, subject: person.subject, client, isSuccess, why })
    }
    attackUntil(end)
  }
  return entries.sort((a, b) => a.at - b.at)
}
