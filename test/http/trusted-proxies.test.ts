import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import fc from 'fast-check'
import proxyAddr from 'proxy-addr'
import { describe, expect, it, test } from 'vitest'
import { formatIpAddress, parseIpAddress } from '../../src/http/ip-address.ts'
import { MOST_HOPS, TrustedProxies } from '../../src/http/trusted-proxies.ts'
import { thrownBy } from '../core/support.ts'

const clientOf = (trusted: readonly string[], peer: string | undefined, forwardedFor?: string) =>
  new TrustedProxies(trusted).clientOf({ peer, header: (name) => (name === 'x-forwarded-for' ? forwardedFor : undefined) })

/** The same by Express's rules; the request is as much of one as it looks at. */
const clientByProxyAddr = (trusted: readonly string[], remoteAddress: string, forwardedFor: string) =>
  proxyAddr({ headers: { 'x-forwarded-for': forwardedFor }, socket: { remoteAddress } } as unknown as IncomingMessage, trusted)

describe('the walk', () => {
  it.each([
    ['nobody forwarded', '10.0.0.1', undefined, '10.0.0.1'],
    ['one proxy', '10.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['two proxies', '10.0.0.1', '203.0.113.9, 10.0.0.2', '203.0.113.9'],
    ['what the client wrote itself', '10.0.0.1', '198.51.100.1, 203.0.113.9', '203.0.113.9'],
    ['what it wrote is a proxy’s address', '10.0.0.1', '10.0.0.7, 203.0.113.9, 10.0.0.2', '203.0.113.9'],
    ['a stranger’s header', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['all are proxies', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['ports', '10.0.0.1', '203.0.113.9:4711, [fd00::2]:443', '203.0.113.9'],
    ['IPv6 in brackets', '10.0.0.1', '[2001:DB8::1]', '2001:db8::1'],
    ['IPv4 as IPv6 shows it', '::ffff:10.0.0.1', '::ffff:203.0.113.9', '203.0.113.9'],
    ['blanks', '10.0.0.1', '198.51.100.1 ,\t203.0.113.9 ,10.0.0.2 ', '203.0.113.9'],
  ])('%s', (_case, peer, forwardedFor, client) => {
    expect(clientOf(['10.0.0.0/8', 'fd00::/8'], peer, forwardedFor)).toBe(client)
  })

  it.each([
    'unknown',
    '_hidden',
    'x',
    '',
    ' ',
    '999.1.1.1',
    '010.0.0.1',
    '1.2.3.4.5',
    '::1%lo',
    '1.2.3.4:x',
    '[1.2.3.4]',
    'a'.repeat(9000),
  ])('stops at %j, and goes no further left', (garbage) => {
    expect(clientOf(['10.0.0.0/8'], '10.0.0.1', `203.0.113.9, ${garbage}`)).toBe('10.0.0.1')
    expect(clientOf(['10.0.0.0/8'], '10.0.0.1', `203.0.113.9,${garbage},10.0.0.2`)).toBe('10.0.0.2')
  })

  it('ends after 32 proxies, however many there are', () => {
    const list = Array.from({ length: 1000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`)

    expect(clientOf(['10.0.0.0/8'], '10.9.9.9', `203.0.113.9, ${list.join(', ')}`)).toBe(list.at(-MOST_HOPS))
  })

  it('costs nothing by what the client wrote: a header of a megabyte is read from its right end', () => {
    const started = performance.now()
    for (let i = 0; i < 1000; i++) clientOf(['10.0.0.0/8'], '10.0.0.1', `${'9.9.9.9,'.repeat(1 << 17)}203.0.113.9`)

    expect(performance.now() - started).toBeLessThan(2000)
  })

  it('knows nobody where the platform hides the peer', () => {
    expect(clientOf(['loopback'], undefined, '203.0.113.9')).toBeUndefined()
  })

  it('reads no header of a peer that is not on the list', () => {
    const proxies = new TrustedProxies(['10.0.0.1'])
    const header = () => {
      throw new Error('it was read')
    }

    expect(proxies.clientOf({ peer: '::ffff:203.0.113.9', header })).toBe('203.0.113.9')
  })
})

describe('beside Express’s own walk', () => {
  const networks = [
    '10.0.0.0/8',
    '172.16.0.0/12',
    '192.0.2.7',
    'fd00::/8',
    '2001:db8::/33',
    '::ffff:198.51.100.0/120',
    'loopback',
    'linklocal',
  ]
  const trust = fc.subarray([...networks, 'uniquelocal'], { minLength: 1 })
  const near = fc.constantFrom(
    '10.1.2.3',
    '11.0.0.1',
    '172.31.0.1',
    '172.32.0.1',
    '192.0.2.7',
    '192.0.2.8',
    'fd12::1',
    'fe80::1',
    '::1',
    '127.8.9.1',
  )
  const more = fc.constantFrom(
    '2001:db8:7fff::1',
    '2001:db8:8000::1',
    '198.51.100.4',
    '::ffff:198.51.100.4',
    '::ffff:11.1.1.1',
    '2001:DB8:0::0:1',
  )
  const address = fc.oneof(
    near,
    more,
    fc.ipV4(),
    fc.ipV6().filter((text) => isIP(text) === 6),
  )

  /** As sockets show them. */
  const peers = address.map((text) => {
    const plain = formatIpAddress(parseIpAddress(text)!)
    return text.startsWith('::ffff:') ? `::ffff:${plain}` : plain
  })

  test('the client is the same for every list of addresses', () => {
    fc.assert(
      fc.property(trust, peers, fc.array(address, { maxLength: 12 }), (trusted, peer, list) => {
        const forwardedFor = list.join(', ')
        fc.pre(list.length > 0)
        const expected = clientByProxyAddr(trusted, peer, forwardedFor)

        expect(clientOf(trusted, peer, forwardedFor)).toBe(formatIpAddress(parseIpAddress(expected)!))
      }),
      { numRuns: 5000 },
    )
  })

  test('garbage ends the list: it is as if nothing stood there and left of it', () => {
    const entry = fc.oneof(address, fc.stringMatching(/^[a-f:. %]{0,12}$/), fc.constantFrom('unknown', '', ' ', '"10.0.0.1"'))
    const isGarbage = (text: string) => isIP(text.trim()) === 0 || text.includes('%')
    fc.assert(
      fc.property(trust, peers, fc.array(entry, { maxLength: 8 }), (trusted, peer, list) => {
        const sound = list.slice(list.findLastIndex(isGarbage) + 1)
        const expected = sound.length === 0 ? peer : clientByProxyAddr(trusted, peer, sound.join(','))

        expect(clientOf(trusted, peer, list.join(','))).toBe(formatIpAddress(parseIpAddress(expected)!))
      }),
      { numRuns: 5000 },
    )
  })
})

describe('at start-up', () => {
  it.each([
    ['10.0.0.5/8', /is an address with a prefix.*'10\.0\.0\.0\/8'/],
    ['fd00::1/8', /is an address with a prefix.*'fd00::\/8'/],
    ['::ffff:10.0.0.5/104', /is an address with a prefix.*'10\.0\.0\.0\/8'/],
    ['0.0.0.0/0', /is everybody/],
    ['::/0', /is everybody/],
    ['::ffff:0:0/96', /is everybody/],
    ['010.0.0.1', /is no IP address/],
    ['proxy.internal', /is no IP address/],
    ['Loopback', /is no IP address/],
    ['10.0.0.0/255.0.0.0', /is no IP address/],
    ['::1%lo', /is no IP address/],
    ['10.0.0.1:80', /is no IP address/],
    ['*', /is no IP address/],
    ['', /is no IP address/],
    ['__proto__', /is no IP address/],
    ['constructor', /is no IP address/],
    [1, /is no IP address/],
    [true, /is no IP address/],
    [null, /is no IP address/],
  ])('%j is refused', (entry, sentence) => {
    const error = thrownBy(() => new TrustedProxies(['127.0.0.1', entry]))

    expect([error.code, error.message]).toEqual(['ERR_CONFIG_INVALID', expect.stringMatching(sentence)])
    expect(error.message).toMatch(/^trustedProxies\[1\] .*transport\.md\.$/)
  })

  it('an entry is shown cut, and without line ends', () => {
    const { message } = thrownBy(() => new TrustedProxies([`a\n${'x'.repeat(5000)}`]))

    expect([message.length < 400, /\n/.test(message)]).toEqual([true, false])
  })

  it.each(['10.0.0.0/8', '10.0.0.1/32', '::1/128', 'fd00::/8', '::ffff:10.0.0.0/104', 'FE80::/10', 'uniquelocal'])(
    '%s is taken',
    (entry) => {
      expect(() => new TrustedProxies([entry])).not.toThrow()
    },
  )
})

test('a list that comes again has the same client, whichever proxy it comes through, and none through a stranger', () => {
  const proxies = new TrustedProxies(['10.0.0.0/16'])
  const client = (peer: string, list: string) => proxies.clientOf({ peer, header: () => list })
  const through = (list: string) => [client('10.0.0.1', list), client('10.0.0.2', list), client('203.0.113.9', list)]

  for (let times = 0; times < 3; times++) {
    expect(through('198.51.100.7, 10.0.0.3')).toEqual(['198.51.100.7', '198.51.100.7', '203.0.113.9'])
    expect(through('unknown')).toEqual(['10.0.0.1', '10.0.0.2', '203.0.113.9'])
    expect(through('')).toEqual(['10.0.0.1', '10.0.0.2', '203.0.113.9'])
    for (let i = 0; i < 1000; i++) expect(client('10.0.0.1', `198.51.${i >> 8}.${i & 255}`)).toBe(`198.51.${i >> 8}.${i & 255}`)
  }
})

test('a peer’s verdict is remembered for some, so that strangers cannot fill memory, and stays true', () => {
  const proxies = new TrustedProxies(['10.0.0.0/16'])
  const peers = Array.from({ length: 2000 }, (_, i) => `10.${i & 1}.${(i >> 1) & 255}.${i >> 9}`)

  for (const peer of [...peers, ...peers]) expect(proxies.has(peer)).toBe(peer.startsWith('10.0.'))
})
