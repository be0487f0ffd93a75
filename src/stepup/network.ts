/** The network a request came from: as much of its address as one customer of a provider usually has. */
import { type Session, workOf } from '../core/session.ts'
import { firstOf, formatIpAddress, parseIpAddress } from '../http/ip-address.ts'

const IPV4_PREFIX = 96 + 24
const IPV6_PREFIX = 48

/** The /24 of an IPv4 address, the /48 of an IPv6 one; `undefined` where the address is not known. */
export function networkOf(session: Session<unknown>): string | undefined {
  const text = workOf(session).context.clientAddress
  const first = text === undefined ? undefined : parseIpAddress(text)
  if (first === undefined) return undefined
  const isIpv4 = first[5] === 0xffff && first.slice(0, 5).every((group) => group === 0)
  return formatIpAddress(firstOf({ first, prefix: isIpv4 ? IPV4_PREFIX : IPV6_PREFIX }))
}
