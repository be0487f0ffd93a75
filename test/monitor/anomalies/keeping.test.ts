import { describe, expect, it } from 'vitest'
import { days, minutes } from '../../../src/core/duration.ts'
import { createKeyring } from '../../../src/core/keyring.ts'
import { loadKeys, readPerson, writePerson } from '../../../src/monitor/anomalies/keeping.ts'
import { decodePerson, encodePerson, newPerson } from '../../../src/monitor/anomalies/person.ts'
import { Population } from '../../../src/monitor/anomalies/population.ts'
import { decodeProfile, encodeProfile, newProfile } from '../../../src/monitor/anomalies/profile.ts'
import { RiskModel } from '../../../src/monitor/anomalies/risk.ts'
import { MOST_SHARDS, Shards } from '../../../src/monitor/anomalies/shards.ts'
import { memoryStore } from '../../../src/stores/memory.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'
import { FOREIGN_KEY, KEY, OLDER_KEY } from '../../core/support.ts'
import { detecting, FIREFOX, HOME } from './harness.ts'

const NOW = 1_900_000_000_000
const CLIENT = {
  network: '192.0.2',
  asn: 64500,
  country: 'NL',
  os: 'Linux',
  device: 'desktop',
  browser: 'Firefox',
  version: 140,
  roundTrip: 12,
}
const random = seededRandom(3)
const keysFor = (ledger: ReturnType<typeof memoryStore>['ledger'], keys: string | string[] = KEY) =>
  loadKeys({ ledger, keyring: createKeyring(keys), random }, NOW, async () => {})

describe('the model key', () => {
  it('is one for all processes, and outlives a change of the ring', async () => {
    const { ledger } = memoryStore()

    const all = await Promise.all([keysFor(ledger, OLDER_KEY), keysFor(ledger, OLDER_KEY), keysFor(ledger, OLDER_KEY)])
    const changed = await keysFor(ledger, [KEY, OLDER_KEY])
    const after = await keysFor(ledger, KEY)

    expect(new Set([...all, changed, after].map((keys) => keys.hash('NL'))).size).toBe(1)
  })

  it('cannot be opened by another ring: that model begins anew', async () => {
    const { ledger } = memoryStore()
    const keys = await keysFor(ledger)
    await writePerson(ledger, keys, 'ada', newPerson(NOW), NOW)

    const foreign = await keysFor(ledger, FOREIGN_KEY)

    expect(await readPerson(ledger, foreign, 'ada', NOW)).toBeUndefined()
    expect(await readPerson(ledger, keys, 'ada', NOW)).toBeDefined()
  })

  it('is made by another process where the one that began to died', async () => {
    const { ledger } = memoryStore()
    await ledger.claim('anomalies/key/maker/first', { now: NOW, deadline: NOW + 1500 })

    await expect(keysFor(ledger)).resolves.toBeDefined()
  })
})

describe('a person', () => {
  it('is in the ledger under no name of theirs, and sealed', async () => {
    const put: { key: string; value: Buffer }[] = []
    const store = memoryStore()
    const ledger = {
      ...store.ledger,
      put: async (key: string, value: Uint8Array) => void put.push({ key, value: Buffer.from(value) }),
    }
    const keys = await keysFor(store.ledger)
    const person = newPerson(NOW)
    new RiskModel(new Population(keys.hash, NOW)).learn(person.profile, CLIENT, NOW)

    await writePerson(ledger, keys, 'ada@example.org', person, NOW)

    expect(put[0]!.key).not.toContain('ada')
    for (const value of ['192.0.2', 'Firefox', 'NL', 'Linux']) expect(put[0]!.value.toString('latin1')).not.toContain(value)
  })

  it('comes back as it was written', () => {
    const person = newPerson(NOW)
    new RiskModel(new Population((name) => name.length, NOW)).learn(person.profile, CLIENT, NOW)
    person.last = { at: NOW, spot: { latitude: 52.4, longitude: 4.9, radius: 20 } }
    person.starts = [NOW]

    expect(decodePerson(encodePerson(person), NOW)).toEqual(person)
  })

  it.each(['', 'x', '{}', '[0,[],[]]\n[]', `[0,${JSON.stringify(Array(24).fill(null))},[]]\n[]`, '[0,[],[]]'])(
    '%s is a new one',
    (text) => {
      expect(decodePerson(Buffer.from(text), NOW)).toEqual(newPerson(NOW))
    },
  )

  it('a profile stays under 4 KiB whatever a person does, and what they do most is what it keeps', () => {
    const model = new RiskModel(new Population(hashOf, NOW))
    const profile = newProfile(NOW)
    for (let i = 0; i < 3000; i++) {
      const at = NOW + i * minutes(60)
      const isHome = i % 2 === 0
      const elsewhere = {
        network: `net-${i}`,
        asn: i % 500,
        country: `C${i % 90}`,
        os: `os-${i % 70}`,
        browser: `b-${i}`,
        version: i,
        roundTrip: 1 + i,
      }
      model.learn(profile, isHome ? CLIENT : { ...CLIENT, ...elsewhere }, at)
    }

    const bytes = encodeProfile(profile)
    const risk = model.score(decodeProfile(bytes, NOW), CLIENT, NOW + days(126))

    expect(bytes.length).toBeLessThanOrEqual(4096)
    expect(risk.parts.filter(({ isNew }) => isNew)).toEqual([])
  })

  it('nor does it grow past that by as many countries, operators and networks as there is room for', () => {
    const model = new RiskModel(new Population(hashOf, NOW))
    const profile = newProfile(NOW)
    for (let i = 0; i < 7 * 9 * 12; i++) {
      const place = { country: `C${i % 7}`, asn: Math.floor(i / 7) % 9, network: `net-${i}` }
      model.learn(profile, { ...CLIENT, ...place }, NOW)
      if (i % 10 === 0) model.learn(profile, CLIENT, NOW)
    }

    const bytes = encodeProfile(profile)

    expect(bytes.length).toBeLessThanOrEqual(4096)
    expect(model.score(decodeProfile(bytes, NOW), CLIENT, NOW).parts.filter(({ isNew }) => isNew)).toEqual([])
  })

  it('what was not used for years is forgotten', () => {
    const model = new RiskModel(new Population(hashOf, NOW))
    const profile = newProfile(NOW)
    model.learn(profile, CLIENT, NOW)

    for (let i = 0; i < 20; i++)
      model.learn(profile, { ...CLIENT, country: 'NZ', asn: 64502, network: '203.0.113' }, NOW + days(1000 + i * 30))

    expect(profile.places.children.size).toBe(1)
  })
})

describe('the population', () => {
  it('keeps no more names than it may, the rarest going first', () => {
    const population = new Population(hashOf, NOW, 1000)
    for (let i = 0; i < 50_000; i++) {
      population.add(`rare-${i}`)
      population.add('common')
    }

    expect(population.size).toBeLessThanOrEqual(1000)
    expect(population.count('common')).toBe(50_000)
  })

  it('counts half after a quarter of a year', () => {
    const population = new Population(hashOf, NOW)
    population.add('once')
    population.advance(NOW + days(90))

    expect(population.count('once')).toBeCloseTo(0.5, 5)
  })
})

describe('many processes', () => {
  async function processes(count: number) {
    const store = memoryStore()
    const all = []
    for (let i = 0; i < count; i++) {
      const keys = await keysFor(store.ledger)
      const population = new Population(keys.hash, NOW)
      all.push({ population, shards: new Shards(store.ledger, keys, population) })
    }
    return all
  }

  it('each sees, after some minutes, what all have counted', async () => {
    const all = await processes(3)
    for (const { population, shards } of all) {
      population.add('NL', 100)
      await shards.maintain(NOW)
    }

    for (const { shards } of all) await shards.maintain(NOW + minutes(6))

    for (const { population } of all) expect(population.count('NL')).toBeCloseTo(300, 3)
  })

  it('a process that comes after another ended goes on from its counts', async () => {
    const [first, second] = await processes(2)
    first!.population.add('NL', 100)
    await first!.shards.save(NOW)

    await second!.shards.maintain(NOW + minutes(20))

    expect(second!.population.count('NL')).toBeCloseTo(100, 0)
  })

  it('one that lost its place to another does not count twice', async () => {
    const [first, second] = await processes(2)
    first!.population.add('NL', 100)
    await first!.shards.save(NOW)
    // Nobody signed in there for a while.
    await second!.shards.maintain(NOW + minutes(20))
    await second!.shards.save(NOW + minutes(20))

    await first!.shards.maintain(NOW + minutes(21))

    expect(first!.population.count('NL')).toBeCloseTo(100, 0)
  })

  it('more of them than places count for themselves alone', async () => {
    const all = await processes(MOST_SHARDS + 2)
    for (const { population, shards } of all) {
      population.add('NL', 10)
      await shards.save(NOW)
    }

    await all.at(-1)!.shards.maintain(NOW + minutes(6))

    expect(all.at(-1)!.population.count('NL')).toBeCloseTo(10 * (MOST_SHARDS + 1), 3)
  })

  it('a person who signed in on one machine is known on the other', async () => {
    const first = detecting()
    await first.signIn({ agent: FIREFOX, address: HOME })
    await first.anomalies.close()

    const second = detecting({}, { store: first.store, clock: first.clock })
    const { score } = await second.anomalies.assess({ subject: 'ada', address: HOME, userAgent: FIREFOX })

    expect(score).toBeDefined()
  })
})

function hashOf(name: string): number {
  let sum = 7
  for (const character of name) sum = (sum * 31 + character.charCodeAt(0)) % 2 ** 47
  return sum
}
