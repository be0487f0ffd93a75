// Writes MaxMind databases for tests, since no JavaScript package does (MaxMind DB File Format 2.0): a search tree of 24-bit records over
// all bits of an IPv6 address, IPv4 below ::/96, then the data, then what describes the file.

type Value = string | number | { readonly [key: string]: Value } | readonly Value[]
type Node = [Node | number | undefined, Node | number | undefined]

const MARKER = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1')
const TYPES = { string: 2, uint16: 5, uint32: 6, map: 7, uint64: 9, array: 11 } as const

/** A control byte: three bits of type, five of size; types over 7 have a byte of their own. */
function tagged(type: number, size: number, ...content: Buffer[]): Buffer {
  const [short, sizeByte] = size < 29 ? [size, []] : [29, [size - 29]]
  const control = type > 7 ? [short, type - 7, ...sizeByte] : [(type << 5) | short, ...sizeByte]
  return Buffer.concat([Buffer.from(control), ...content])
}

function number(type: number, value: number): Buffer {
  const hex = value === 0 ? '' : value.toString(16)
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
  return tagged(type, bytes.length, bytes)
}

function encode(value: Value): Buffer {
  if (typeof value === 'string') return tagged(TYPES.string, Buffer.byteLength(value), Buffer.from(value))
  if (typeof value === 'number') return number(TYPES.uint32, value)
  if (Array.isArray(value)) return tagged(TYPES.array, value.length, ...value.map(encode))
  const entries = Object.entries(value as Record<string, Value>)
  return tagged(TYPES.map, entries.length, ...entries.flatMap(([key, each]) => [encode(key), encode(each)]))
}

/** The bits of `1.2.3.0/24`, below ::/96, or of `2001:db8::/32`. */
function bitsOf(network: string): number[] {
  const [address, length] = network.split('/') as [string, string]
  const isV4 = !address.includes(':')
  const [head = '', tail = ''] = address.split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)))
  const rest = groups(tail)
  const wide = [...groups(head), ...Array<number>(8 - groups(head).length - rest.length).fill(0), ...rest]
  const bytes = isV4 ? [...Array<number>(12).fill(0), ...address.split('.').map(Number)] : wide.flatMap((w) => [w >> 8, w & 255])
  const bits = bytes.flatMap((byte) => [7, 6, 5, 4, 3, 2, 1, 0].map((shift) => (byte >> shift) & 1))
  return bits.slice(0, Number(length) + (isV4 ? 96 : 0))
}

/** A database with these networks; none may lie within another. */
export function mmdb(type: string, networks: Readonly<Record<string, Value>>): Buffer {
  const root: Node = [undefined, undefined]
  const nodes: Node[] = [root]
  const data: Buffer[] = []
  let dataLength = 0
  for (const [network, value] of Object.entries(networks)) {
    const bits = bitsOf(network)
    let node = root
    for (const bit of bits.slice(0, -1)) {
      const next = (node[bit as 0 | 1] as Node | undefined) ?? [undefined, undefined]
      if (node[bit as 0 | 1] === undefined) nodes.push(next)
      node[bit as 0 | 1] = next
      node = next
    }
    node[bits.at(-1) as 0 | 1] = dataLength
    const encoded = encode(value)
    data.push(encoded)
    dataLength += encoded.length
  }
  const count = nodes.length
  const indexOf = new Map(nodes.map((node, index) => [node, index]))
  // A pointer into the data counts from the end of the tree, with the 16 zeros between them.
  const record = (to: Node | number | undefined) =>
    to === undefined ? count : typeof to === 'number' ? count + 16 + to : indexOf.get(to)!
  const tree = Buffer.alloc(count * 6)
  for (const [index, [left, right]] of nodes.entries()) {
    tree.writeUIntBE(record(left), index * 6, 3)
    tree.writeUIntBE(record(right), index * 6 + 3, 3)
  }
  const described: [string, Buffer][] = [
    ['binary_format_major_version', number(TYPES.uint16, 2)],
    ['binary_format_minor_version', number(TYPES.uint16, 0)],
    ['build_epoch', number(TYPES.uint64, 1_700_000_000)],
    ['database_type', encode(type)],
    ['description', encode({ en: 'made by a test' })],
    ['ip_version', number(TYPES.uint16, 6)],
    ['languages', encode(['en'])],
    ['node_count', number(TYPES.uint32, count)],
    ['record_size', number(TYPES.uint16, 24)],
  ]
  const metadata = tagged(TYPES.map, described.length, ...described.flatMap(([key, value]) => [encode(key), value]))
  return Buffer.concat([tree, Buffer.alloc(16), ...data, MARKER, metadata])
}
