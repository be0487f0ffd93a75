/** The attackers of the papers: each has the password, and more or less knowledge of the person. */
import type { Client } from '../../src/monitor/anomalies/client.ts'
import { ATTACKS, ROUND_TRIPS } from './distributions.ts'
import type { Person } from './people.ts'
import type { Chance } from './random.ts'
import type { Device, Line, World } from './world.ts'

export const CLASSES = ['naive', 'VPN', 'targeted', 'copying'] as const
export type AttackerClass = (typeof CLASSES)[number]

/** One attempt on a person, as they are at that time. */
export function attempt(kind: AttackerClass, victim: Person, at: number, world: World, chance: Chance): Client {
  if (kind === 'naive') return naive(victim, at, world, chance)
  if (kind === 'VPN') return throughVpn(victim, at, world, chance)
  return targeted(victim, at, world, chance, kind === 'copying')
}

/** From anywhere but where the victim is; what most people use, on a desktop. */
function naive(victim: Person, at: number, world: World, chance: Chance): Client {
  let country = chance.of(world.countries)
  while (country === victim.country) country = chance.of(world.countries)
  const isHosting = chance.is(ATTACKS.naiveHosting)
  const line = isHosting ? world.lineAt(chance.of(country.hosting), 0) : world.fixedLine(country, chance.whole(country.cities))
  return world.client(line, world.device('desktop', chance.between(0, 120)), at)
}

/** Knows the country, and has what most people there have. */
function throughVpn(victim: Person, at: number, world: World, chance: Chance): Client {
  const { country } = victim
  const isHosting = chance.is(ATTACKS.vpnHosting)
  const line = isHosting ? world.lineAt(chance.of(country.hosting), 0) : world.fixedLine(country, chance.whole(country.cities))
  const ownWay = chance.between(...ROUND_TRIPS.abroad) + chance.between(...ROUND_TRIPS.vpn)
  return world.client(line, world.device(chance.is(0.6) ? 'desktop' : 'mobile', chance.between(0, 30)), at, ownWay)
}

/**
 * Knows the city, the operator and the devices: a neighbour with the same system and browser, of the version that is out or one somewhat older. One who had the
 * victim on a page of theirs copies the agent to the letter.
 */
function targeted(victim: Person, at: number, world: World, chance: Chance, copies: boolean): Client {
  const devices = [victim.desktop, victim.phone].filter((device): device is Device => device !== undefined)
  const used = chance.of(devices)
  const device = copies ? used : { ...used, lag: chance.between(0, 60) }
  const isMobile = device.kind === 'mobile' && chance.is(0.3)
  const line: Line = world.lineAt(isMobile ? victim.mobile.operator : victim.home.operator, victim.city)
  return world.client(line, device, at)
}
