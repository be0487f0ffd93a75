/** One person's year of sign-ins: lines, devices, work, trips, moves, forgotten passwords. */
import type { Client } from '../../src/monitor/anomalies/client.ts'
import { DAY, PEOPLE, WORLD } from './distributions.ts'
import type { Chance } from './random.ts'
import type { Country, Device, Line, Operator, World } from './world.ts'

export interface Login {
  readonly at: number
  readonly person: Person
  readonly client: Client
  readonly isSuccess: boolean
  /** What is unusual about it, for the report of what is challenged in vain. */
  readonly why: 'ordinary' | 'travel' | 'new device' | 'new line' | 'vpn' | 'elsewhere'
}

/** Employers, shared by all. */
export type Employers = readonly Operator[]

export class Person {
  readonly subject: string
  readonly country: Country
  #city: number
  home: Line
  mobile: Line
  readonly #work: Line | undefined
  readonly #workMachine: Device | undefined
  desktop: Device | undefined
  phone: Device | undefined
  #second: Device | undefined
  readonly #isStatic: boolean
  readonly #isTraveller: boolean
  readonly #vpn: boolean
  readonly #lag: () => number

  constructor(index: number, world: World, chance: Chance, employers: Employers) {
    this.subject = `person-${index}`
    this.country = chance.is(WORLD.homeShare) ? world.home : world.countries[chance.rank(world.countries.length)]!
    this.#city = chance.rank(this.country.cities)
    this.home = world.fixedLine(this.country, this.#city)
    this.mobile = world.mobileLine(this.country, this.#city)
    const isEmployed = chance.is(PEOPLE.employed) && this.country === world.home
    this.#work = isEmployed ? world.lineAt(chance.of(employers), this.#city) : undefined
    if (isEmployed && chance.is(PEOPLE.workMachine))
      this.#workMachine = world.device('desktop', chance.between(...PEOPLE.workLag))
    const [least, most] = chance.is(PEOPLE.slowUpdaters) ? PEOPLE.slowLag : PEOPLE.updateLag
    this.#lag = () => chance.between(least, most)
    const hasDesktop = chance.is(PEOPLE.hasDesktop)
    if (hasDesktop) this.desktop = world.device('desktop', this.#lag())
    if (!hasDesktop || chance.is(PEOPLE.hasPhone)) this.phone = world.device('mobile', this.#lag())
    if (chance.is(PEOPLE.secondBrowser)) this.#second = world.otherBrowser((this.desktop ?? this.phone)!)
    this.#isStatic = chance.is(PEOPLE.staticLine)
    this.#isTraveller = chance.is(PEOPLE.travellers)
    this.#vpn = chance.is(PEOPLE.vpn)
  }

  /** Every sign-in from `from` to `to`, in order. */
  *year(from: number, to: number, world: World, chance: Chance): Generator<Login> {
    const gap = chance.around(PEOPLE.gap.median, PEOPLE.gap.sigma) * DAY
    const next = { address: from, phone: from, desktop: from, line: from, trip: from }
    const later = (days: number) => chance.exponential(days * DAY)
    next.address += later(PEOPLE.newAddressEvery)
    next.phone += later(PEOPLE.phoneLasts)
    next.desktop += later(PEOPLE.desktopLasts)
    next.line += later(365 / PEOPLE.newLineAYear)
    next.trip += later(365 / PEOPLE.tripsAYear)
    let trip: { readonly until: number; readonly line: Line; readonly country: Country } | undefined
    const isNew = { phone: false, desktop: false, line: false }

    for (let at = from + chance.exponential(gap); at < to; at += chance.exponential(gap)) {
      if (at > next.address && !this.#isStatic) {
        next.address = at + later(PEOPLE.newAddressEvery)
        if (!chance.is(PEOPLE.sameNetwork)) this.home.network = world.networkOf(this.home.operator, this.#city)
      }
      if (at > next.phone && this.phone) {
        next.phone = at + later(PEOPLE.phoneLasts)
        this.phone = chance.is(0.75) ? { ...this.phone, lag: this.#lag() } : world.device('mobile', this.#lag())
        isNew.phone = true
      }
      if (at > next.desktop && this.desktop) {
        next.desktop = at + later(PEOPLE.desktopLasts)
        this.desktop = chance.is(0.6) ? { ...this.desktop, lag: this.#lag() } : world.device('desktop', this.#lag())
        isNew.desktop = true
      }
      if (at > next.line) {
        next.line = at + later(365 / PEOPLE.newLineAYear)
        this.#city = chance.rank(this.country.cities)
        this.home = world.fixedLine(this.country, this.#city)
        isNew.line = true
      }
      if (at > next.trip && this.#isTraveller) {
        const country = chance.is(PEOPLE.abroad) ? world.abroad(this.country) : this.country
        const until = at + chance.between(...PEOPLE.tripDays) * DAY
        trip = { until, country, line: world.fixedLine(country, chance.whole(country.cities)) }
        next.trip = until + later(365 / PEOPLE.tripsAYear)
      }
      if (trip !== undefined && at > trip.until) trip = undefined

      const isOnPhone = this.phone !== undefined && (this.desktop === undefined || chance.is(trip ? 0.7 : 0.45))
      let device = (isOnPhone ? this.phone : this.desktop)!
      if (this.#second?.kind === device.kind && chance.is(0.2)) device = this.#second
      const { line, why } = this.#whereabouts(isOnPhone, trip, world, chance)
      if (line === this.#work && !isOnPhone && this.#workMachine !== undefined) device = this.#workMachine
      const isFirstOfNew = isOnPhone ? isNew.phone : isNew.desktop
      if (isFirstOfNew) isNew[isOnPhone ? 'phone' : 'desktop'] = false
      const isFirstOnLine = isNew.line && line === this.home
      if (isFirstOnLine) isNew.line = false
      const client = world.client(line, device, at)
      const reason = why !== 'ordinary' ? why : isFirstOfNew ? 'new device' : isFirstOnLine ? 'new line' : why
      if (chance.is(PEOPLE.forgets)) {
        for (let failures = 1 + chance.whole(3); failures > 0; failures--)
          yield { at, person: this, client, isSuccess: false, why: reason }
      }
      yield { at, person: this, client, isSuccess: true, why: reason }
    }
  }

  #whereabouts(
    isOnPhone: boolean,
    trip: { readonly line: Line; readonly country: Country } | undefined,
    world: World,
    chance: Chance,
  ): { line: Line; why: Login['why'] } {
    if (this.#vpn && chance.is(PEOPLE.throughVpn)) {
      const country = chance.is(PEOPLE.vpnAbroad) ? world.abroad(this.country) : this.country
      // Of one service, so that the operators are few.
      const exit = world.lineAt(country.hosting[0]!, 0)
      return { line: { ...exit, roundTrip: exit.roundTrip + this.home.roundTrip }, why: 'vpn' }
    }
    if (trip !== undefined) {
      const isRoaming = isOnPhone && trip.country !== this.country && chance.is(PEOPLE.roamsHome)
      if (isRoaming) return { line: { ...this.mobile, roundTrip: this.mobile.roundTrip + trip.line.roundTrip }, why: 'travel' }
      return { line: trip.line, why: 'travel' }
    }
    if (isOnPhone && chance.is(PEOPLE.onMobile)) return { line: this.mobile, why: 'ordinary' }
    if (this.#work !== undefined && chance.is(PEOPLE.fromWork)) return { line: this.#work, why: 'ordinary' }
    if (chance.is(PEOPLE.elsewhere)) return { line: world.fixedLine(this.country, this.#city), why: 'elsewhere' }
    return { line: this.home, why: 'ordinary' }
  }

  get city(): number {
    return this.#city
  }
}
