/** The network of a client's address: what lists and searches show of it. Much of a provider, a company or a household; never one machine. */
import { firstOf, formatIpAddress, parseIpAddress } from './ip-address.ts'

const IPV4_PREFIX = 24
const IPV6_PREFIX = 48
/** How far into an `IpAddress` an IPv4 address begins. */
const MAPPED = 96

/**
 * Cuts an address to its network.
 *
 * @returns Such as `203.0.113.0/24` or `2001:db8:7::/48`; `undefined` where the address is not known, or is none.
 */
export function networkOf(address: string | undefined): string | undefined {
  const first = address === undefined ? undefined : parseIpAddress(address)
  if (first === undefined) return undefined
  const isIpv4 = !formatIpAddress(first).includes(':')
  const prefix = isIpv4 ? IPV4_PREFIX : IPV6_PREFIX
  return `${formatIpAddress(firstOf({ first, prefix: isIpv4 ? MAPPED + prefix : prefix }))}/${prefix}`
}
