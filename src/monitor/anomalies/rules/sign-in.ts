/** Rules of a sign-in: what is new about it, when it comes, and how many come with it. Each takes facts and gives a signal or none. */
import { minutes } from '../../../core/duration.ts'
import { hourOf, type Person } from '../person.ts'
import type { Contribution, Part } from '../risk.ts'
import { rounded, type Signal, type SignalName } from '../signal.ts'

const DEVICE: readonly Part[] = ['system', 'browser']
const NETWORK: readonly Part[] = ['country', 'operator', 'network']
const FEW_SIGN_INS = 20
/** An hour, with its neighbours, that holds less than this of a person's sign-ins is unusual. */
const UNUSUAL_SHARE = 0.01
const BURST = { window: minutes(10), most: 5 } as const

export function newDevice(parts: readonly Contribution[]): Signal | undefined {
  return novelty(parts, 'new-device', DEVICE, 'Signed in with a browser or system that this person was not seen with.')
}

export function newNetwork(parts: readonly Contribution[]): Signal | undefined {
  return novelty(parts, 'new-network', NETWORK, 'Signed in from a network that this person was not seen in.')
}

/** The further up the ladder it is new, the more it says: a country more than a network. */
function novelty(parts: readonly Contribution[], name: SignalName, of: readonly Part[], sentence: string): Signal | undefined {
  const found = parts.find((part) => of.includes(part.name) && part.isNew)
  if (found === undefined) return undefined
  const height = 1 - of.indexOf(found.name) / of.length
  return {
    name,
    score: rounded(0.5 + 0.4 * height),
    features: [{ name: found.name, contribution: rounded(found.contribution) }],
    sentence,
  }
}

export function unusualHours({ hours }: Pick<Person, 'hours'>, at: number): Signal | undefined {
  const all = hours.reduce((sum, count) => sum + count, 0)
  if (all < FEW_SIGN_INS) return undefined
  const hour = hourOf(at)
  const near = hours[hour]! + hours[(hour + 1) % 24]! + hours[(hour + 23) % 24]!
  const share = (near + 0.1) / (all + 0.8)
  if (share >= UNUSUAL_SHARE) return undefined
  return {
    name: 'unusual-hours',
    score: rounded(1 - 0.5 * (share / UNUSUAL_SHARE)),
    features: [{ name: 'share', contribution: rounded(share) }],
    sentence: 'Signed in at an hour at which this person hardly ever does.',
  }
}

export function sessionBurst({ starts }: Pick<Person, 'starts'>, at: number): Signal | undefined {
  const count = 1 + starts.filter((start) => start <= at && at - start < BURST.window).length
  if (count <= BURST.most) return undefined
  return {
    name: 'session-burst',
    score: rounded(1 - 0.5 * (BURST.most / count)),
    features: [{ name: 'count', contribution: count }],
    sentence: 'More sessions of one person began within ten minutes than a person needs.',
  }
}

/** @param accounts - Different accounts tried from this address within the hour. */
export function sharedAddress(accounts: number | undefined, most: number): Signal | undefined {
  if (accounts === undefined || accounts <= most) return undefined
  return {
    name: 'shared-address',
    score: rounded(1 - 0.5 * (most / accounts)),
    features: [{ name: 'accounts', contribution: accounts }],
    sentence: 'One address signs in to, or tries, many accounts.',
  }
}
