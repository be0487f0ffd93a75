/** Where an address is: its network, and what databases know of it. The address itself goes no further. */
import { readFileSync } from 'node:fs'
import { isIPv4, isIPv6 } from 'node:net'
import { Recent } from '../../core/recent.ts'
import { packageOf } from './packages.ts'
import { invalid } from './policy.ts'

/** What reads a MaxMind database: `Reader` of `mmdb-lib`, or anything that answers alike. */
export interface GeoReader {
  get(address: string): unknown
}

/** Databases, each as a path that is read at start-up, as bytes, or as a reader of yours. */
export interface GeoDatabases {
  /** With `autonomous_system_number`, such as GeoLite2-ASN. Without one, an attacker in the same country is caught far less often. */
  readonly asn?: string | Buffer | GeoReader
  /** With `country.iso_code` and, for impossible travel, `location`: GeoLite2-City, or -Country. Without one, another country is only another network. */
  readonly city?: string | Buffer | GeoReader
}

/** A point on Earth, as good as its radius. */
export interface Spot {
  readonly latitude: number
  readonly longitude: number
  /** Kilometres within which the address is likely to be. */
  readonly radius: number
}

export interface Place {
  readonly network: string
  readonly asn: number | undefined
  readonly country: string | undefined
  readonly spot: Spot | undefined
}

const LONGEST = 64
/** Where a database names no radius: the middle of what GeoLite2 has for cities. */
const USUAL_RADIUS = 100

export class PlaceFinder {
  readonly #asns: GeoReader | undefined
  readonly #cities: GeoReader | undefined
  readonly #recent = new Recent<Place>()

  /** @throws {ConfigError} `ERR_CONFIG_INVALID` - a database that cannot be read. */
  constructor(geo: GeoDatabases | undefined) {
    if (geo !== undefined && (typeof geo !== 'object' || geo === null)) throw invalid('geo', 'an object such as { asn, city }')
    this.#asns = readerOf('asn', geo?.asn)
    this.#cities = readerOf('city', geo?.city)
  }

  /** `undefined` for an address that is not known, or is none. */
  find(address: string | undefined): Place | undefined {
    if (typeof address !== 'string' || address.length > LONGEST) return undefined
    const known = this.#recent.get(address)
    if (known !== undefined) return known
    const plain = withoutMapping(address)
    const network = networkOf(plain)
    if (network === undefined) return undefined
    const found = lookUp(this.#cities, plain)
    const asn = lookUp(this.#asns, plain)?.autonomous_system_number
    const country = textOf(found?.country, 'iso_code') ?? textOf(found?.registered_country, 'iso_code')
    const place = {
      network,
      asn: typeof asn === 'number' && Number.isSafeInteger(asn) ? asn : undefined,
      country: country?.length === 2 ? country : undefined,
      spot: spotOf(found?.location),
    }
    this.#recent.keep(address, place)
    return place
  }
}

/** An IPv4 address inside an IPv6 one, as sockets that serve both show it, is the IPv4 address. */
function withoutMapping(address: string): string {
  const tail = /^::ffff:([\d.]+)$/i.exec(address)?.[1]
  return tail !== undefined && isIPv4(tail) ? tail : address
}

/** The /24 of an IPv4 address, the /48 of an IPv6 one: what one customer has, or few. */
function networkOf(address: string): string | undefined {
  if (isIPv4(address)) return address.slice(0, address.lastIndexOf('.'))
  if (!isIPv6(address) || address.includes('%')) return undefined
  const [head = '', tail] = address.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  // A dotted tail is two groups.
  const width = (groups: readonly string[]) => groups.length + (groups.at(-1)?.includes('.') ? 1 : 0)
  const groups =
    tail === undefined ? before : [...before, ...Array<string>(Math.max(0, 8 - width(before) - width(after))).fill('0'), ...after]
  return groups
    .slice(0, 3)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}

interface Found {
  readonly autonomous_system_number?: unknown
  readonly country?: unknown
  readonly registered_country?: unknown
  readonly location?: unknown
}

function lookUp(reader: GeoReader | undefined, address: string): Found | undefined {
  try {
    const found = reader?.get(address)
    return typeof found === 'object' && found !== null ? found : undefined
  } catch {
    // Damaged inside, or an IPv6 address in a database of IPv4: nothing is known.
    return undefined
  }
}

function textOf(of: unknown, name: string): string | undefined {
  const value = typeof of === 'object' && of !== null ? (of as Record<string, unknown>)[name] : undefined
  return typeof value === 'string' ? value : undefined
}

function spotOf(location: unknown): Spot | undefined {
  if (typeof location !== 'object' || location === null) return undefined
  const { latitude, longitude, accuracy_radius: radius } = location as Record<string, unknown>
  if (typeof latitude !== 'number' || typeof longitude !== 'number') return undefined
  if (!(Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180)) return undefined
  return { latitude, longitude, radius: typeof radius === 'number' && radius > 0 ? radius : USUAL_RADIUS }
}

function readerOf(which: keyof GeoDatabases, given: unknown): GeoReader | undefined {
  if (given === undefined) return undefined
  if (typeof given === 'object' && given !== null && 'get' in given && typeof given.get === 'function') return given as GeoReader
  if (typeof given !== 'string' && !Buffer.isBuffer(given))
    throw invalid(`geo.${which}`, "a database's path, its bytes, or a reader with get(address)")
  const { Reader } = packageOf<{
    Reader: new (bytes: Buffer) => GeoReader & { readonly metadata: { readonly ipVersion: number } }
  }>('mmdb-lib')
  try {
    const reader = new Reader(typeof given === 'string' ? readFileSync(given) : given)
    // It would take the first bits of an IPv6 address for an IPv4 one.
    return reader.metadata.ipVersion === 4 ? { get: (address) => (address.includes(':') ? null : reader.get(address)) } : reader
  } catch {
    throw invalid(`geo.${which}`, 'a MaxMind database that can be read')
  }
}
