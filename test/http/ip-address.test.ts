// node:net is the oracle: what it takes for an address, how it writes one, and which networks it finds it in.
import { BlockList, isIP, SocketAddress } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { firstOf, formatIpAddress, isEverything, isWithin, parseIpAddress, parseIpNetwork } from '../../src/http/ip-address.ts'

const family = (text: string) => (text.includes(':') ? 'ipv6' : 'ipv4')
/** As the system writes it, IPv4 dotted however it came. */
const written = (text: string) => {
  const { address } = new SocketAddress({ address: text, family: family(text) })
  return address.replace(/^::ffff:(?=.*\.)/, '')
}
const hexGroup = fc.integer({ min: 0, max: 0xffff }).map((group) => group.toString(16))
const ipv6 = fc.oneof(
  fc.ipV6(),
  fc
    .tuple(fc.array(hexGroup, { maxLength: 7 }), fc.array(hexGroup, { maxLength: 7 }))
    .map(([head, tail]) => `${head.join(':')}::${tail.join(':')}`),
)
const mapped = fc.ipV4().map((text) => `::ffff:${text}`)
const almost = fc.oneof(
  fc.stringMatching(/^[0-9a-fA-F:.]{0,46}$/),
  fc
    .tuple(fc.oneof(ipv6, fc.ipV4(), mapped), fc.nat(40), fc.constantFrom('', '0', ':', '.', 'g', ' ', '%', '/', '\0', '１'))
    .map(([text, at, letter]) => text.slice(0, at) + letter + text.slice(at + 1)),
)

test('what is an address is what the system takes for one', () => {
  fc.assert(
    fc.property(fc.oneof(almost, ipv6, fc.ipV4(), mapped), (text) => {
      const isAddress = isIP(text) !== 0 && !text.includes('%')

      expect(parseIpAddress(text) !== undefined).toBe(isAddress)
    }),
    { numRuns: 5000 },
  )
})

test('an address is written as the system writes it', () => {
  fc.assert(
    fc.property(fc.oneof(ipv6, fc.ipV4(), mapped), (text) => {
      fc.pre(isIP(text) !== 0)
      const plain = formatIpAddress(parseIpAddress(text)!)
      // The system writes `::1.2.3.4` for addresses that nobody has any more (RFC 4291, 2.5.5.1).
      fc.pre(!written(text).includes('.') || isIP(written(text)) === 4)

      expect([plain, parseIpAddress(plain)]).toEqual([written(text), parseIpAddress(text)])
    }),
    { numRuns: 2000 },
  )
})

test('a network holds what the system finds in it', () => {
  const addresses = fc.oneof(fc.ipV4(), ipv6, mapped).filter((text) => isIP(text) !== 0)
  fc.assert(
    fc.property(addresses, addresses, fc.integer({ min: 1, max: 128 }), fc.nat(128), (base, other, bits, flipped) => {
      const isV4 = family(base) === 'ipv4'
      const prefix = isV4 ? ((bits - 1) % 32) + 1 : bits
      const network = parseIpNetwork(`${base}/${prefix}`)!
      fc.pre(!isEverything(network) && (isV4 || !base.startsWith('::ffff:')))
      // One bit away, so that the edge of the network is met often.
      const near = parseIpAddress(base)!.map((group, index) =>
        index === flipped >> 4 ? group ^ (0x8000 >> (flipped & 15)) : group,
      )
      const list = new BlockList()
      list.addSubnet(base, prefix, family(base))

      for (const text of [other, formatIpAddress(near)])
        expect([text, isWithin(parseIpAddress(text)!, network)]).toEqual([text, list.check(text, family(text))])
    }),
    { numRuns: 3000 },
  )
})

describe('one address has one reading', () => {
  it.each([
    '010.0.0.1',
    '0x7f.0.0.1',
    '127.1',
    '2130706433',
    '1.2.3.4.5',
    '1.2.3.256',
    '1.2.3.',
    ' 1.2.3.4',
    '1.2.3.4 ',
    '+1.2.3.4',
  ])('%j is none', (text) => {
    expect(parseIpAddress(text)).toBeUndefined()
  })

  it.each([
    '::1%lo',
    '[::1]',
    '1::2::3',
    ':::',
    ':1',
    '1:',
    '1:2:3:4:5:6:7:8::',
    '00001::',
    '1.2.3.4::',
    '::1.2.3.4:5',
    'localhost',
    '',
  ])('%j is none either', (text) => {
    expect(parseIpAddress(text)).toBeUndefined()
  })

  it('a megabyte is none, at once', () => {
    expect(parseIpAddress(':'.repeat(1 << 20))).toBeUndefined()
    expect(parseIpAddress('1.'.repeat(1 << 19))).toBeUndefined()
  })

  it.each([
    ['::FFFF:10.0.0.5', '10.0.0.5'],
    ['::ffff:a00:5', '10.0.0.5'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0db8::0001', '2001:db8::1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
  ])('%s is written %s', (text, one) => {
    expect(formatIpAddress(parseIpAddress(text)!)).toBe(one)
  })
})

describe('a network', () => {
  it.each([
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.0/255.0.0.0',
    '::/129',
    '/8',
    'x/8',
  ])('is not %s', (text) => {
    expect(parseIpNetwork(text)).toBeUndefined()
  })

  it('begins where its bits behind the prefix are 0', () => {
    expect(formatIpAddress(firstOf(parseIpNetwork('10.255.3.4/9')!))).toBe('10.128.0.0')
    expect(formatIpAddress(firstOf(parseIpNetwork('fd12:3456::1/12')!))).toBe('fd10::')
  })

  it.each([
    ['0.0.0.0/0', true],
    ['::/0', true],
    ['::/1', true],
    ['::ffff:0:0/96', true],
    ['::/80', true],
    ['0.0.0.0/1', false],
    ['::/97', false],
    ['8000::/1', false],
    ['::1', false],
  ])('%s is everybody: %s', (text, expected) => {
    expect(isEverything(parseIpNetwork(text)!)).toBe(expected)
  })
})
