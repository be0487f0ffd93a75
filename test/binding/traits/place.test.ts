import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { Reader } from 'mmdb-lib'
import { expect, it } from 'vitest'
import { PlaceFinder } from '../../../src/binding/traits/place.ts'
import { thrownBy } from '../../core/support.ts'
import { mmdb } from './mmdb.ts'

const asn = mmdb('GeoLite2-ASN', {
  '198.51.100.0/24': { autonomous_system_number: 64_500, autonomous_system_organization: 'Example One' },
  '203.0.113.0/25': { autonomous_system_number: 64_501 },
  '2001:db8:1::/48': { autonomous_system_number: 4_200_000_000 },
})
const country = mmdb('GeoLite2-Country', {
  '198.51.100.0/24': { country: { iso_code: 'NL' } },
  '203.0.113.0/24': { registered_country: { iso_code: 'BE' } },
  '2001:db8:1::/48': { country: { iso_code: 'FR', names: { en: 'x'.repeat(60) } } },
})

it('the databases that tests write are what mmdb-lib reads', () => {
  const reader = new Reader<never>(asn)

  expect(reader.metadata).toMatchObject({ databaseType: 'GeoLite2-ASN', ipVersion: 6, recordSize: 24 })
  expect(reader.get('198.51.100.77')).toEqual({
    autonomous_system_number: 64_500,
    autonomous_system_organization: 'Example One',
  })
  expect(['203.0.113.127', '203.0.113.128', '198.51.99.1', '2001:db8:2::1', '::1'].map((address) => reader.get(address))).toEqual(
    [{ autonomous_system_number: 64_501 }, null, null, null, null],
  )
})

it.each([
  ['198.51.100.77', '198.51.100.0/24', 64_500, 'NL'],
  ['::ffff:198.51.100.77', '198.51.100.0/24', 64_500, 'NL'],
  ['::ffff:c633:644d', '198.51.100.0/24', 64_500, 'NL'],
  ['203.0.113.200', '203.0.113.0/24', undefined, 'BE'],
  ['192.0.2.1', '192.0.2.0/24', undefined, undefined],
  ['2001:db8:1:ffff::9', '2001:db8:1::/48', 4_200_000_000, 'FR'],
  ['2001:DB8:2::1', '2001:db8:2::/48', undefined, undefined],
  ['fe80::1%eth0', 'fe80:0:0::/48', undefined, undefined],
])('%s is in %s', (address, network, number, code) => {
  const finder = new PlaceFinder({ asn, country })

  const place = { network, asn: number, country: code }
  expect([finder.find(address), finder.find(address)]).toEqual([place, place])
})

it.each([
  '',
  ' ',
  '1',
  '0x7f.1',
  '256.1.1.1',
  '1.2.3',
  '1.2.3.4.5',
  '127.1',
  'unknown',
  '::g',
  ':::',
  '1.2.3.4\0',
  `${'1'.repeat(100)}.1`,
  '_hidden',
  `fe80::1%${'a'.repeat(100)}`,
])('%j is no address, and no place', (text) => {
  expect(new PlaceFinder({ asn, country }).find(text)).toBeUndefined()
})

it('hosts of one /24 or /48 are in one place, and those of two are not', () => {
  const finder = new PlaceFinder(undefined)
  const networkOf = (address: string) => finder.find(address)!.network

  fc.assert(
    fc.property(fc.ipV4(), fc.nat(255), (address, host) => {
      const [a, b, c] = address.split('.').map(Number)
      const neighbour = `${a}.${b}.${c}.${host}`
      return (
        networkOf(address) === networkOf(neighbour) && networkOf(address) !== networkOf(`${a}.${b}.${(c! + 1) % 256}.${host}`)
      )
    }),
  )
  const group = fc.nat(0xffff)
  fc.assert(
    fc.property(fc.tuple(group, group, fc.integer({ min: 0, max: 0xfffe })), group, ([a, b, c], rest) => {
      const spell = (third: number) =>
        `2${(a & 0xfff).toString(16).padStart(3, '0')}:${b.toString(16)}:${third.toString(16)}:${rest.toString(16)}::1`
      return networkOf(spell(c)) !== networkOf(spell(c + 1)) && networkOf(spell(c)) === networkOf(spell(c).replace(/::1$/, '::2'))
    }),
  )
})

it('whatever an address is, it never throws', () => {
  const finder = new PlaceFinder({ asn, country })

  fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.ipV6(), fc.ipV4Extended()), (text) => void finder.find(text)))
})

it('a database may be a path', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-mmdb-'))
  const path = join(folder, 'asn.mmdb')
  writeFileSync(path, asn)
  const finder = new PlaceFinder({ asn: path })
  rmSync(folder, { recursive: true })

  expect(finder.find('198.51.100.1')?.asn).toBe(64_500)
})

it.each([
  ['a path where nothing is', { asn: '/nowhere/asn.mmdb' }],
  ['bytes of another kind', { country: Buffer.from('hello') }],
  ['nothing at all', { asn: Buffer.alloc(0) }],
  ['a number', { asn: 7 }],
])('%s is refused at start-up', (_, geo) => {
  expect(thrownBy(() => new PlaceFinder(geo as never))).toMatchObject({ code: 'ERR_CONFIG_INVALID' })
})

it('a database that is damaged inside knows nothing, and stops no request', () => {
  const damaged = Buffer.from(asn)
  const start = damaged.indexOf(Buffer.alloc(16)) + 16
  damaged.fill(0xff, start, start + 40)

  expect(new PlaceFinder({ asn: damaged }).find('198.51.100.1')).toEqual({ network: '198.51.100.0/24' })
})

it('a database of IPv4 alone is not asked for IPv6 addresses', () => {
  const old = Buffer.from(asn)
  const at = old.lastIndexOf('ip_version') + 'ip_version'.length
  expect([...old.subarray(at, at + 2)]).toEqual([0xa1, 6])
  old[at + 1] = 4

  expect(new PlaceFinder({ asn: old }).find('2001:db8:1::1')?.asn).toBeUndefined()
})
