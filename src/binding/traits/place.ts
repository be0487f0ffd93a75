/** Where an address is: its network, and what a MaxMind database knows of it. The address itself is not kept. */
import { readFileSync } from 'node:fs'
import type { IPv4, IPv6, process as processAddress, IPv4 as v4 } from 'ipaddr.js'
import type { AsnResponse, CountryResponse, Reader, Response } from 'mmdb-lib'
import { Recent } from '../../core/recent.ts'
import { packageOf } from './packages.ts'
import { invalid } from './policy.ts'

/** Where a client is, as coarsely as will do. */
export interface Place {
  /** The first 24 bits of an IPv4 address, the first 48 of an IPv6 one. */
  readonly network: string
  /** Number of the autonomous system. */
  readonly asn: number | undefined
  /** ISO 3166-1, such as `NL`. */
  readonly country: string | undefined
}

/** MaxMind databases, each as a path that is read at start-up or as its bytes. One file may be given as both. */
export interface GeoDatabases {
  /** With `autonomous_system_number`, such as GeoLite2-ASN. Without one, moving to another operator is not seen. */
  readonly asn?: string | Buffer
  /** With `country.iso_code`, such as GeoLite2-Country or -City. Without one, another country is not seen. */
  readonly country?: string | Buffer
}

interface Addresses {
  readonly process: typeof processAddress
  readonly isValid: (text: string) => boolean
  readonly IPv4: typeof v4
}

/** An IPv6 address with an IPv4 tail and a zone. */
const LONGEST = 64

/** Finds places; remembers addresses that come up again. */
export class PlaceFinder {
  readonly #addresses = packageOf<Addresses>('ipaddr.js')
  readonly #asns: Reader<AsnResponse> | undefined
  readonly #countries: Reader<CountryResponse> | undefined
  readonly #recent = new Recent<Place | 'none'>()

  /** @throws {ConfigError} `ERR_CONFIG_INVALID` - a database that cannot be read. */
  constructor(geo: GeoDatabases | undefined) {
    if (geo !== undefined && (typeof geo !== 'object' || geo === null)) throw invalid('geo', 'an object such as { asn, country }')
    this.#asns = openDatabase('asn', geo?.asn)
    this.#countries = openDatabase('country', geo?.country)
  }

  /** `undefined` for an address that is not known, or is none. */
  find(address: string | undefined): Place | undefined {
    if (address === undefined) return undefined
    const known = this.#recent.get(address)
    if (known !== undefined) return known === 'none' ? undefined : known
    if (address.length > LONGEST) return undefined
    const place = this.#look(address)
    this.#recent.keep(address, place ?? 'none')
    return place
  }

  /** The address in one spelling; `undefined` for what is none. */
  normalise(address: string): string | undefined {
    return this.#parse(address)?.text
  }

  #parse(address: string): { readonly text: string; readonly network: string } | undefined {
    const addresses = this.#addresses
    // It takes `1` and `0x7f.1` for IPv4 addresses, as old C libraries do; no socket and no sane proxy writes them.
    const isAddress = address.includes(':') ? addresses.isValid(address) : addresses.IPv4.isValidFourPartDecimal(address)
    if (!isAddress) return undefined
    // An IPv4 address inside an IPv6 one, as sockets that serve both show it, is the IPv4 address.
    const parsed: IPv4 | IPv6 = addresses.process(address)
    if (parsed.kind() === 'ipv4') {
      const text = parsed.toString()
      return { text, network: `${text.slice(0, text.lastIndexOf('.'))}.0/24` }
    }
    const { parts } = parsed as IPv6
    const hex = (list: readonly number[]) => list.map((part) => part.toString(16)).join(':')
    return { text: hex(parts), network: `${hex(parts.slice(0, 3))}::/48` }
  }

  #look(address: string): Place | undefined {
    const parsed = this.#parse(address)
    if (parsed === undefined) return undefined
    const { text, network } = parsed
    const asn = lookUp(this.#asns, text)?.autonomous_system_number
    const found = lookUp(this.#countries, text)
    const country = found?.country?.iso_code ?? found?.registered_country?.iso_code
    return {
      network,
      asn: typeof asn === 'number' ? asn : undefined,
      country: typeof country === 'string' && country.length === 2 ? country : undefined,
    }
  }
}

function lookUp<T extends Response>(reader: Reader<T> | undefined, address: string): T | undefined {
  // The reader would take the first bits of an IPv6 address for an IPv4 one.
  if (reader === undefined || (reader.metadata.ipVersion === 4 && address.includes(':'))) return undefined
  try {
    return reader.get(address) ?? undefined
  } catch {
    // Damaged inside: nothing is known.
    return undefined
  }
}

function openDatabase<T extends Response>(which: keyof GeoDatabases, given: unknown): Reader<T> | undefined {
  if (given === undefined) return undefined
  if (typeof given !== 'string' && !Buffer.isBuffer(given)) throw invalid(`geo.${which}`, "a database's path or its bytes")
  const { Reader } = packageOf<{ Reader: new (bytes: Buffer) => Reader<T> }>('mmdb-lib')
  try {
    return new Reader(typeof given === 'string' ? readFileSync(given) : given)
  } catch {
    throw invalid(`geo.${which}`, 'a MaxMind database that can be read')
  }
}
