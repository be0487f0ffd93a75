/**
 * Who is believed about where a request came from, and the walk from the socket's peer to the client. Each proxy appends the address it
 * saw to `X-Forwarded-For`, so the list is true from its right end up to the first address that is no proxy of ours; whatever stands left
 * of that one is what the client wrote (ASVS 5.0, 4.1.3).
 */
import { ConfigError } from '../core/errors.ts'
import {
  firstOf,
  formatIpAddress,
  type IpAddress,
  type IpNetwork,
  isEverything,
  isWithin,
  parseIpAddress,
  parseIpNetwork,
} from './ip-address.ts'
import type { RequestFacts } from './request-facts.ts'

/** Words for well-known networks; the same ones as Express has. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

/** More proxies than this in a row are a loop, or a list made to cost time. */
export const MOST_HOPS = 32
/** Peers, and lists of them, that are remembered. Strangers make as many as they like, and long ones. */
const MOST_REMEMBERED = 256
const LONGEST_REMEMBERED = 200

function remember<Value>(memo: Map<string, Value>, key: string, value: Value): void {
  if (memo.size >= MOST_REMEMBERED) memo.clear()
  memo.set(key, value)
}

export class TrustedProxies {
  readonly #networks: readonly IpNetwork[]
  readonly #verdicts = new Map<string, boolean>()
  readonly #clients = new Map<string, string>()

  /** @throws {ConfigError} `ERR_CONFIG_INVALID` - an entry that is no address, network or word, or that is everybody. */
  constructor(list: unknown) {
    if (!Array.isArray(list)) throw invalid('trustedProxies is not a list', "a list such as ['10.0.0.5']", 'each peer is named')
    this.#networks = list.flatMap((entry, index) => networksOf(entry, `trustedProxies[${index}]`))
  }

  /** Whether a socket's peer is on the list. `undefined`, a peer the platform hides, never is. */
  has(peer: string | undefined): boolean {
    if (peer === undefined || this.#networks.length === 0) return false
    const known = this.#verdicts.get(peer)
    if (known !== undefined) return known
    const address = parseIpAddress(withoutZone(peer))
    const isTrusted = address !== undefined && this.#holds(address)
    remember(this.#verdicts, peer, isTrusted)
    return isTrusted
  }

  /**
   * The client's address: the first from the right, the peer included, that is not on the list. Where the list runs out, names nobody, or
   * goes on for more than 32 proxies, it is the last address that a trusted proxy vouched for; never what stands behind garbage.
   */
  clientOf(facts: Pick<RequestFacts, 'peer' | 'header'>): string | undefined {
    const { peer } = facts
    if (peer === undefined) return undefined
    const list = this.has(peer) ? facts.header('x-forwarded-for') : undefined
    return (list && this.#walk(list)) || addressOfPeer(peer)
  }

  /** Browsers come again: a list that came before is not read again. */
  #walk(list: string): string | undefined {
    if (list.length > LONGEST_REMEMBERED) return this.#clientIn(list)
    const known = this.#clients.get(list)
    if (known !== undefined) return known
    const client = this.#clientIn(list)
    if (client !== undefined) remember(this.#clients, list, client)
    return client
  }

  /** `undefined` when the first entry from the right is no address. */
  #clientIn(list: string): string | undefined {
    let client: string | undefined
    let end = list.length
    for (let hops = 0; hops < MOST_HOPS && end >= 0; hops++) {
      const comma = end === 0 ? -1 : list.lastIndexOf(',', end - 1)
      const address = parseIpAddress(hopOf(list, comma + 1, end))
      if (address === undefined) return client
      client = formatIpAddress(address)
      if (!this.#holds(address)) return client
      end = comma
    }
    return client
  }

  #holds(address: IpAddress): boolean {
    return this.#networks.some((network) => isWithin(address, network))
  }
}

/** The kernel writes addresses as `formatIpAddress` does, but for IPv4 on a dual-stack socket (`::ffff:10.0.0.5`) and zones. */
function addressOfPeer(peer: string): string {
  return peer.startsWith('::ffff:') && peer.includes('.') ? peer.slice('::ffff:'.length) : withoutZone(peer)
}

/** Longer than any address with brackets and a port. */
const LONGEST_HOP = 60

/** One entry of `X-Forwarded-For`, without the port that some proxies add (`1.2.3.4:5678`, `[::1]:5678`). */
function hopOf(list: string, from: number, to: number): string {
  // A proxy of ours writes no kilobytes of blanks.
  if (to - from > LONGEST_HOP) return ''
  const hop = list.slice(from, to).trim()
  const withPort = /^(?:\[([^\]]*:[^\]]*)\]|([^:]+))(?::\d{1,5})?$/.exec(hop)
  return withPort === null ? hop : (withPort[1] ?? withPort[2]!)
}

/** The kernel shows link-local peers with their interface: `fe80::1%eth0`. */
function withoutZone(peer: string): string {
  const zone = peer.indexOf('%')
  return zone === -1 ? peer : peer.slice(0, zone)
}

function networksOf(entry: unknown, name: string): readonly IpNetwork[] {
  if (typeof entry !== 'string') throw noAddress(name, 'a value that is no string')
  if (Object.hasOwn(WORDS, entry)) return WORDS[entry]!.map((text) => parseIpNetwork(text)!)
  const network = parseIpNetwork(entry)
  const shown = JSON.stringify(entry.slice(0, 60))
  if (network === undefined) throw noAddress(name, shown)
  if (isEverything(network)) {
    throw invalid(
      `${name} is everybody: ${shown}`,
      'the addresses or networks of your own proxies',
      'any client could else claim TLS and any address',
    )
  }
  const first = firstOf(network)
  if (first.some((group, index) => group !== network.first[index])) {
    const meant = formatIpAddress(first)
    const prefix = entry.includes(':') && !meant.includes(':') ? network.prefix - 96 : entry.slice(entry.indexOf('/') + 1)
    throw invalid(
      `${name} is an address with a prefix, not a network: ${shown}`,
      `'${meant}/${prefix}', or the address alone`,
      'it is not plain which of the two is meant',
    )
  }
  return [network]
}

function noAddress(name: string, shown: string): ConfigError {
  return invalid(
    `${name} is no IP address or network: ${shown}`,
    "an address such as '10.0.0.5', a network such as '10.0.0.0/8', or one of the words loopback, linklocal and uniquelocal",
    'sockets show addresses, not names',
  )
}

function invalid(given: string, expected: string, why: string): ConfigError {
  return new ConfigError(`${given}; expected ${expected}, because ${why}. See docs/guide/transport.md.`, {
    code: 'ERR_CONFIG_INVALID',
  })
}
