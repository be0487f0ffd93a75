/** The simulated world: countries, their operators, cities and networks, and browsers with their releases. */
import type { Client } from '../../src/monitor/anomalies/client.ts'
import { BROWSERS, DAY, ROUND_TRIPS, WORLD } from './distributions.ts'
import type { Chance } from './random.ts'

export interface Operator {
  readonly asn: number
  readonly country: Country
  readonly kind: 'fixed' | 'mobile' | 'hosting' | 'employer'
  /** Networks by city; one list for who has no cities. */
  readonly networks: readonly (readonly string[])[]
  readonly share: number
}

export interface Country {
  readonly code: string
  readonly cities: number
  /** Round trip to the site and back, by city. */
  readonly distances: readonly number[]
  readonly fixed: readonly Operator[]
  readonly mobile: readonly Operator[]
  readonly hosting: readonly Operator[]
}

/** A line: where a person is on the network, and how far from the site. */
export interface Line {
  readonly operator: Operator
  readonly city: number
  network: string
  readonly roundTrip: number
}

export interface Device {
  readonly kind: 'desktop' | 'mobile'
  readonly os: string
  readonly browser: string
  /** Days behind the release. */
  readonly lag: number
}

export class World {
  readonly countries: readonly Country[]
  readonly #chance: Chance
  #asn = 1000
  #network = 0

  constructor(chance: Chance) {
    this.#chance = chance
    this.countries = Array.from({ length: WORLD.countries }, (_, index) => this.#country(index))
  }

  get home(): Country {
    return this.countries[0]!
  }

  /** Another country; near ones no more than far ones. */
  abroad(from: Country): Country {
    for (;;) {
      const country = this.countries[this.#chance.rank(WORLD.countries)]!
      if (country !== from) return country
    }
  }

  employer(country: Country): Operator {
    return this.#operator(country, 'employer', 1, [1, 2])
  }

  fixedLine(country: Country, city: number): Line {
    const operator = this.#chance.weighted(country.fixed.map((each) => [each, each.share] as const))
    return this.lineAt(operator, city)
  }

  mobileLine(country: Country, city: number): Line {
    return this.lineAt(this.#chance.weighted(country.mobile.map((each) => [each, each.share] as const)), city)
  }

  lineAt(operator: Operator, city: number): Line {
    const { median, sigma } = operator.kind === 'mobile' ? ROUND_TRIPS.mobile : ROUND_TRIPS.fixed
    const own = operator.kind === 'hosting' ? 1 : this.#chance.around(median, sigma)
    return { operator, city, network: this.networkOf(operator, city), roundTrip: operator.country.distances[city]! + own }
  }

  networkOf(operator: Operator, city: number): string {
    return this.#chance.of(operator.networks[city % operator.networks.length]!)
  }

  device(kind: 'desktop' | 'mobile', lag: number): Device {
    const os = this.#chance.weighted(kind === 'desktop' ? BROWSERS.desktop : BROWSERS.phone)
    return { kind, os, browser: this.#chance.weighted<string>(BROWSERS.of[os]), lag }
  }

  /** Another browser of the same machine. */
  otherBrowser(device: Device): Device {
    const others = BROWSERS.of[device.os as keyof typeof BROWSERS.of].filter(([name]) => name !== device.browser)
    return others.length === 0 ? device : { ...device, browser: this.#chance.weighted<string>(others) }
  }

  client(line: Line, device: Device, at: number, further = 0): Client {
    const { operator } = line
    // A mobile operator's address translation comes out anywhere.
    const network = operator.kind === 'mobile' ? this.networkOf(operator, line.city) : line.network
    const trip = (line.roundTrip + further) * Math.exp(ROUND_TRIPS.noise * Math.abs(this.#chance.normal()))
    return {
      network,
      asn: operator.asn,
      country: operator.country.code,
      os: device.os,
      device: device.kind,
      browser: device.browser,
      version: versionAt(device, at),
      roundTrip: trip,
    }
  }

  #country(index: number): Country {
    const chance = this.#chance
    const cities = 1 + Math.round(chance.between(...WORLD.cities))
    const base = index === 0 ? 0 : chance.between(...ROUND_TRIPS.abroad)
    const distances = Array.from({ length: cities }, () => base + chance.between(...ROUND_TRIPS.withinCountry))
    const country = {
      code: codeOf(index),
      cities,
      distances,
      fixed: [] as Operator[],
      mobile: [] as Operator[],
      hosting: [] as Operator[],
    }
    const several = (range: readonly [number, number]) => Math.round(chance.between(...range))
    for (let n = several(WORLD.fixedOperators); n > 0; n--)
      country.fixed.push(this.#operator(country, 'fixed', cities, WORLD.fixedNetworks))
    for (let n = several(WORLD.mobileOperators); n > 0; n--)
      country.mobile.push(this.#operator(country, 'mobile', 1, WORLD.mobileNetworks))
    for (let n = several(WORLD.hosting); n > 0; n--)
      country.hosting.push(this.#operator(country, 'hosting', 1, WORLD.hostingNetworks))
    return country
  }

  #operator(country: Country, kind: Operator['kind'], cities: number, range: readonly [number, number]): Operator {
    const networks = Array.from({ length: cities }, () =>
      Array.from({ length: Math.round(this.#chance.between(...range)) }, () => `net-${this.#network++}`),
    )
    return { asn: this.#asn++, country, kind, networks, share: this.#chance.around(1, 1) }
  }
}

/** The release that was out `lag` days ago. */
function versionAt({ lag }: Device, at: number): number {
  return 80 + Math.floor((at / DAY - lag) / BROWSERS.releaseEvery)
}

function codeOf(index: number): string {
  return `${String.fromCharCode(65 + Math.floor(index / 26))}${String.fromCharCode(65 + (index % 26))}`
}
