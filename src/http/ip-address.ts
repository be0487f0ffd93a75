/**
 * IP addresses and networks as numbers. A text that is not exactly one address is none: what two parsers read differently is what an
 * attacker writes (RFC 6943, 3.1.1: `010.0.0.1` is 10.0.0.1 to one and 8.0.0.1 to another).
 */

/** Eight groups of 16 bits. IPv4 is kept as IPv6 shows it, `::ffff:10.0.0.5` (RFC 4291, 2.5.5.2), so that both are compared alike. */
export type IpAddress = readonly number[]

/** Addresses whose first `prefix` bits, of 128, are those of `first`. */
export interface IpNetwork {
  readonly first: IpAddress
  readonly prefix: number
}

/** `0000:0000:0000:0000:0000:ffff:255.255.255.255` is the longest there is. */
const LONGEST = 45
const MAPPED_PREFIX = 96

/** Reads one IPv4 or IPv6 address: no zone, no port, no brackets, no blank. */
export function parseIpAddress(text: string): IpAddress | undefined {
  if (text.length > LONGEST) return undefined
  if (text.includes(':')) return parseIpv6(text)
  const ipv4 = parseIpv4(text)
  return ipv4 && [0, 0, 0, 0, 0, 0xffff, ...ipv4]
}

/** Reads an address, or a network such as `10.0.0.0/8`, whose bits behind the prefix may be set: see `firstOf`. */
export function parseIpNetwork(text: string): IpNetwork | undefined {
  const slash = text.indexOf('/')
  const first = parseIpAddress(slash === -1 ? text : text.slice(0, slash))
  if (first === undefined) return undefined
  if (slash === -1) return { first, prefix: 128 }
  const offset = text.includes(':') ? 0 : MAPPED_PREFIX
  const prefix = parseDecimal(text.slice(slash + 1), 128 - offset)
  return prefix === undefined ? undefined : { first, prefix: offset + prefix }
}

/** The first address of a network: its bits behind the prefix are 0. */
export function firstOf({ first, prefix }: IpNetwork): IpAddress {
  return first.map((group, index) => group & maskOf(prefix - 16 * index))
}

export function isWithin(address: IpAddress, { first, prefix }: IpNetwork): boolean {
  for (let index = 0; 16 * index < prefix; index++) {
    if (((address[index]! ^ first[index]!) & maskOf(prefix - 16 * index)) !== 0) return false
  }
  return true
}

/** Whether a network holds every IPv4 or every IPv6 address. */
export function isEverything(network: IpNetwork): boolean {
  return network.prefix <= MAPPED_PREFIX && isWithin([0, 0, 0, 0, 0, 0xffff, 0, 0], network)
}

/** The one way to write an address: dotted for IPv4, RFC 5952 for IPv6. */
export function formatIpAddress(address: IpAddress): string {
  const [high, low] = [address[6]!, address[7]!]
  if (isIpv4(address)) return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
  const { start, length } = longestZeros(address)
  const hex = (groups: IpAddress) => groups.map((group) => group.toString(16)).join(':')
  return length < 2 ? hex(address) : `${hex(address.slice(0, start))}::${hex(address.slice(start + length))}`
}

function isIpv4(address: IpAddress): boolean {
  return address[5] === 0xffff && address.slice(0, 5).every((group) => group === 0)
}

/** The two groups of a dotted address. */
function parseIpv4(text: string): readonly [number, number] | undefined {
  const parts = text.split('.', 5)
  if (parts.length !== 4) return undefined
  const bytes = parts.map((part) => parseDecimal(part, 255))
  const [a, b, c, d] = bytes
  if (a === undefined || b === undefined || c === undefined || d === undefined) return undefined
  return [(a << 8) | b, (c << 8) | d]
}

function parseIpv6(text: string): IpAddress | undefined {
  const gap = text.indexOf('::')
  if (gap === -1) {
    const groups = parseGroups(text)
    return groups?.length === 8 ? groups : undefined
  }
  const head = gap === 0 ? [] : parseGroups(text.slice(0, gap))
  const tail = gap + 2 === text.length ? [] : parseGroups(text.slice(gap + 2))
  if (head === undefined || tail === undefined) return undefined
  // Dots belong at the very end. And `::` stands for one group at least: what has all eight needs none (RFC 4291, 2.2).
  if (text.slice(0, gap).includes('.') || head.length + tail.length > 7) return undefined
  return [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail]
}

/** Groups between colons; the last may be a dotted IPv4 address, which is two. */
function parseGroups(text: string): number[] | undefined {
  const groups: number[] = []
  const parts = text.split(':', 9)
  for (const [index, part] of parts.entries()) {
    if (part.includes('.')) {
      const ipv4 = index === parts.length - 1 ? parseIpv4(part) : undefined
      if (ipv4 === undefined) return undefined
      groups.push(...ipv4)
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(part)) return undefined
      groups.push(Number.parseInt(part, 16))
    }
  }
  return groups
}

/** A whole number without sign and without leading zero. */
function parseDecimal(text: string, most: number): number | undefined {
  if (!/^(?:0|[1-9]\d{0,2})$/.test(text)) return undefined
  const number = Number(text)
  return number <= most ? number : undefined
}

/** The mask of a group of which the first `bits` count; fewer than none is none. */
function maskOf(bits: number): number {
  return bits >= 16 ? 0xffff : bits <= 0 ? 0 : (0xffff << (16 - bits)) & 0xffff
}

/** The longest run of zero groups, the first of them where two are as long (RFC 5952, 4.2). */
function longestZeros(address: IpAddress): { start: number; length: number } {
  let longest = { start: 0, length: 0 }
  for (let start = 0; start < address.length; start++) {
    let end = start
    while (address[end] === 0) end++
    if (end - start > longest.length) longest = { start, length: end - start }
  }
  return longest
}
