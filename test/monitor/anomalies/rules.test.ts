import { describe, expect, it } from 'vitest'
import { hours, minutes, seconds } from '../../../src/core/duration.ts'
import { defaultBehaviour } from '../../../src/monitor/anomalies/behaviour.ts'
import { PlaceFinder } from '../../../src/monitor/anomalies/places.ts'
import { Floods } from '../../../src/monitor/anomalies/rules/floods.ts'
import { distanceBetween, impossibleTravel } from '../../../src/monitor/anomalies/rules/travel.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'
import { mmdb } from '../../binding/traits/mmdb.ts'
import { detecting, FIREFOX, HOME } from './harness.ts'

const AMSTERDAM = { latitude: 52.37, longitude: 4.9, radius: 10 }
const AUCKLAND = { latitude: -36.85, longitude: 174.76, radius: 10 }
const PARIS = { latitude: 48.86, longitude: 2.35, radius: 10 }

describe('impossible travel', () => {
  it('knows distances over the ground, less what the places may be off by', () => {
    expect(distanceBetween(AMSTERDAM, PARIS)).toBeCloseTo(430 - 20, -1)
    expect(distanceBetween(AMSTERDAM, AUCKLAND)).toBeCloseTo(18_140 - 20, -2)
    expect(distanceBetween(AMSTERDAM, AMSTERDAM)).toBe(0)
  })

  it.each([
    ['Paris after an hour', PARIS, hours(1), false],
    ['Auckland after a day', AUCKLAND, hours(24), false],
    ['Auckland after an hour', AUCKLAND, hours(1), true],
    ['Auckland before it, by a clock that went back', AUCKLAND, -hours(1), true],
    ['a place that may be anywhere', { ...AUCKLAND, radius: 20_000 }, hours(1), false],
  ])('%s', (_, spot, after, expected) => {
    const at = 1e12

    expect(impossibleTravel({ at, spot: AMSTERDAM }, spot, at + after) !== undefined).toBe(expected)
  })
})

describe('floods', () => {
  const refused = (state: 'forged' | 'unknown' | 'malformed', at: number) => ({ type: 'token.refused', state, at }) as const

  it('a hundred and one forged tokens within a minute are one signal, however many follow', () => {
    const floods = new Floods()

    const signals = Array.from({ length: 500 }, (_, index) => floods.see(refused('forged', 1e12 + index))).filter(
      (signal) => signal !== undefined,
    )

    expect(signals).toMatchObject([{ name: 'forged-tokens' }])
  })

  it('the same hundred over an hour are none', () => {
    const floods = new Floods()

    const signals = Array.from({ length: 120 }, (_, index) => floods.see(refused('forged', 1e12 + index * seconds(30))))

    expect(signals.every((signal) => signal === undefined)).toBe(true)
  })

  it('unknown sessions are guessed sooner; malformed ones are scanners', () => {
    const floods = new Floods()

    const guesses = Array.from({ length: 40 }, () => floods.see(refused('unknown', 1e12)))
    const scans = Array.from({ length: 400 }, () => floods.see(refused('malformed', 1e12)))

    expect(guesses.filter((signal) => signal !== undefined)).toMatchObject([{ name: 'session-guessing' }])
    expect(scans.every((signal) => signal === undefined)).toBe(true)
  })

  it('a reused token is told of by the detector', async () => {
    const { sessions, found, settled } = detecting()

    sessions.events.emit({ type: 'session.reused', generation: 2, outcome: 'revoked', subject: 'ada' })
    await settled()

    expect(await found('token-reuse')).toMatchObject([{ action: 'notify', subject: 'ada' }])
  })
})

describe('behaviour', () => {
  /** Ordinary sessions, and one that scrapes. */
  const ordinary = (random: () => number) => ({
    requestsPerMinute: 2 + 15 * random(),
    errorShare: 0.05 * random(),
    distinctRoutes: 3 + 10 * random(),
    nightShare: 0.1 * random(),
  })

  it('what few sessions do stands out, and by what', async () => {
    const { anomalies, signIn, sessions, found } = detecting()
    const { id } = await sessions.read(await signIn({ agent: FIREFOX, address: HOME }))
    const bytes = seededRandom(7)
    const random = () => bytes(1)[0]! / 256
    let suspected = 0
    for (let i = 0; i < 2000; i++) {
      const { score } = await anomalies.observe(id!, ordinary(random))
      if (i >= 500 && score >= 0.5) suspected++
    }

    const scraper = await anomalies.observe(id!, { requestsPerMinute: 900, errorShare: 0.7, distinctRoutes: 400, nightShare: 1 })

    expect(suspected).toBeLessThan(30)
    expect(scraper.score).toBeGreaterThan(0.9)
    expect(scraper.features.length).toBeGreaterThan(0)
    expect(Object.keys(defaultBehaviour)).toContain(scraper.features[0]!.name)
    expect((await found('unusual-behaviour')).at(-1)).toMatchObject({ action: 'notify', sessionId: id })
  })

  it.each([[{}], [{ requestsPerMinute: Number.NaN, errorShare: 0, distinctRoutes: 0, nightShare: 0 }], [undefined]])(
    '%o is no observation',
    async (features) => {
      const { anomalies, signIn, sessions } = detecting()
      const { id } = await sessions.read(await signIn({ agent: FIREFOX, address: HOME }))

      await expect(anomalies.observe(id!, features as never)).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' })
    },
  )
})

describe('places', () => {
  it('an address is its /24 or /48, whatever its spelling', () => {
    const places = new PlaceFinder(undefined)

    expect(places.find('192.0.2.77')?.network).toBe('192.0.2')
    expect(places.find('::ffff:192.0.2.77')?.network).toBe('192.0.2')
    expect(places.find('2001:DB8:0:1::5')?.network).toBe('2001:db8:0')
    expect(places.find('2001:db8::')?.network).toBe('2001:db8:0')
    expect(places.find('::1')?.network).toBe('0:0:0')
  })

  it.each(['', 'localhost', '1', '1.2.3', '1.2.3.4.5', 'fe80::1%eth0', '[::1]', 'x'.repeat(100), undefined])(
    '%s is none',
    (text) => {
      expect(new PlaceFinder(undefined).find(text)).toBeUndefined()
    },
  )

  it('reads MaxMind databases', () => {
    const city = mmdb('GeoLite2-City', { '192.0.2.0/24': { country: { iso_code: 'NL' } } })
    const asn = mmdb('GeoLite2-ASN', { '192.0.2.0/24': { autonomous_system_number: 64500 } })

    expect(new PlaceFinder({ city, asn }).find('192.0.2.1')).toMatchObject({ country: 'NL', asn: 64500 })
  })
})

describe('start-up refuses', () => {
  it.each([
    ['a signal there is not', { policy: { 'bad-mood': { action: 'note' } } }],
    ['an action there is not', { policy: { 'new-device': { action: 'shout' } } }],
    ['a score above 1', { policy: { 'new-device': { action: 'note', from: 2 } } }],
    ['a share for what is not measured by one', { policy: { 'new-device': { action: 'note', share: 0.01 } } }],
    ['a database that is none', { geo: { asn: Buffer.from('no database') } }],
    ['a shadow that is a word', { shadow: 'yes' }],
    ['too few names', { mostNames: 5 }],
    ['a scale of nothing', { behaviour: {} }],
    ['a ledger that keeps nothing', { ledger: { name: 'x', capabilities: {} } }],
  ])('%s', (_, options) => {
    expect(() => detecting(options as never)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }))
  })
})

it('a burst of ten minutes is over after them', async () => {
  const service = detecting()
  for (let i = 0; i < 5; i++) await service.signIn({ agent: FIREFOX, address: HOME })
  service.clock.advance(minutes(11))

  await service.signIn({ agent: FIREFOX, address: HOME })

  expect(await service.found('session-burst')).toEqual([])
})
