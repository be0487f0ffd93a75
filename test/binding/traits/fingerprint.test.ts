// What is kept of a client, and that nobody learns more from it than that something changed.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compare } from '../../../src/binding/traits/comparison.ts'
import { firstFingerprint, noteOf, readNote, TraitHashes } from '../../../src/binding/traits/fingerprint.ts'
import { Observer, textsOf } from '../../../src/binding/traits/observation.ts'
import { presets, traitChecks } from '../../../src/binding/traits.ts'
import { pooledRandom } from '../../../src/core/crypto.ts'
import { createKeyring } from '../../../src/core/keyring.ts'
import { workOf } from '../../../src/core/session.ts'
import { memoryStore } from '../../../src/stores/memory.ts'
import { faultyStore } from '../../../src/testing/faulty-store.ts'
import { KEY, OLDER_KEY } from '../../core/support.ts'
import { AGENTS, HINTS, PLAYERS } from './agents.ts'
import { type Client, guarded, requestOf } from './harness.ts'
import { mmdb } from './mmdb.ts'

const windows: Client = { agent: AGENTS.chromeWindows, hints: HINTS.chromeWindows, address: '198.51.100.7' }
const firefox: Client = { agent: AGENTS.firefoxLinux, address: '203.0.113.9' }
const geo = {
  asn: mmdb('ASN', { '198.51.100.0/24': { autonomous_system_number: 64_500 } }),
  country: mmdb('Country', { '198.51.100.0/24': { country: { iso_code: 'NL' } } }),
}
const WORDS = ['Chrome', 'Chromium', 'Windows', '130', '198.51', '198', '64500', '64_500', 'NL', '?0', 'Mozilla']

describe('what is kept', () => {
  it('no value of the client is in the note, whatever it is encoded as', async () => {
    const { signIn, noteOf: kept } = guarded({ geo })
    const text = JSON.stringify(await kept(await signIn(windows)))
    const decoded = [...text.matchAll(/"([\w-]{8,})"/g)]
      .map(([, hash]) => Buffer.from(hash!, 'base64url').toString('latin1'))
      .join()

    expect(WORDS.filter((word) => text.includes(`"${word}`) || decoded.includes(word))).toEqual([])
    expect(text).not.toContain('198.51')
  })

  it('every trait has a hash of 48 bits, and the whole is under 300 characters', async () => {
    const { signIn, noteOf: kept } = guarded({ geo })
    const note = (await kept(await signIn(windows))) as Record<string, unknown>

    expect(Object.keys(note)).toEqual(['k', 's', 'w', 'b', 'v', 'o', 'h', 'p', 'm', 'n', 'a', 'c'])
    expect(['w', 'b', 'v', 'o', 'h', 'p', 'm'].map((name) => (note[name] as string).length)).toEqual(Array(7).fill(8))
    expect(JSON.stringify(note).length).toBeLessThan(300)
  })

  it('two sessions of one client have nothing in common but the key that made them', async () => {
    const { signIn, noteOf: kept } = guarded({ geo })
    const [one, other] = await Promise.all(
      [await signIn(windows), await signIn(windows, 'bob')].map(async (token) => (await kept(token)) as Record<string, unknown>),
    )
    const same = Object.keys(one!).filter((name) => JSON.stringify(one![name]) === JSON.stringify(other![name]))

    expect(same).toEqual(['k'])
  })

  it('who has the note and not the keys cannot try out values: another key makes other hashes', () => {
    const observer = new Observer(undefined)
    const client = { agent: AGENTS.firefoxLinux, address: '1.2.3.4' }
    const seen = observer.observe(textsOf(requestOf(client)), requestOf(client))
    const random = () => new Uint8Array(9)
    const [mine, theirs] = [KEY, OLDER_KEY].map((key) => firstFingerprint(seen, new TraitHashes(createKeyring(key)), random))

    expect([mine!.browser === theirs!.browser, mine!.networks[0] === theirs!.networks[0]]).toEqual([false, false])
  })

  it('a note reads as it was written', () => {
    const hashes = new TraitHashes(createKeyring(KEY))
    const observer = new Observer(geo)
    const random = pooledRandom()
    fc.assert(
      fc.property(clients(), fc.boolean(), (client, isFull) => {
        const print = firstFingerprint(observer.observe(textsOf(requestOf(client)), requestOf(client)), hashes, random)
        const drift = isFull ? { at: 5, grade: 'note' as const, changes: ['os' as const], isShadow: true } : undefined
        const full = { ...print, drift, address: isFull ? { text: '1.2.3.4', takenAt: 7 } : undefined }
        expect(readNote(JSON.parse(JSON.stringify(noteOf(full))))).toEqual(full)
      }),
    )
  })
})

describe('comparing', () => {
  const hashes = new TraitHashes(createKeyring(KEY))
  const observer = new Observer(geo)
  const random = pooledRandom()
  const observe = (client: Client) => observer.observe(textsOf(requestOf(client)), requestOf(client))

  it('a client is never different from itself, and what was learnt is known', () => {
    fc.assert(
      fc.property(clients(), clients(), (before, after) => {
        const print = firstFingerprint(observe(before), hashes, random)
        expect(compare(print, observe(before), hashes)).toEqual({ changes: [], next: undefined })
        const { next } = compare(print, observe(after), hashes)
        expect(compare(next ?? print, observe(after), hashes)).toEqual({ changes: [], next: undefined })
      }),
      { numRuns: 500 },
    )
  })

  it('what is different without any change being named is nothing that the session had', () => {
    fc.assert(
      fc.property(clients(), clients(), (before, after) => {
        const print = firstFingerprint(observe(before), hashes, random)
        const [was, is] = [observe(before), observe(after)]
        const { changes } = compare(print, is, hashes)
        const differs =
          (was.agent &&
            is.agent &&
            (was.agent.family !== is.agent.family || was.agent.major !== is.agent.major || was.agent.os !== is.agent.os)) ||
          (was.hints && is.hints && JSON.stringify(was.hints) !== JSON.stringify(is.hints)) ||
          (was.place && is.place && was.place.network !== is.place.network) ||
          (was.agent && !is.agent) ||
          (was.hints && !is.hints)
        expect(changes.length > 0).toBe(Boolean(differs) || Boolean(!was.agent && is.agent) || Boolean(!was.hints && is.hints))
      }),
      { numRuns: 500 },
    )
  })

  it('a version is later or earlier, up to a hundred versions back', () => {
    const at = (major: number) =>
      observe({ agent: `Mozilla/5.0 (X11; Linux x86_64; rv:${major}.0) Gecko/20100101 Firefox/${major}.0` })
    const changeOf = (from: number, to: number) => compare(firstFingerprint(at(from), hashes, random), at(to), hashes).changes

    fc.assert(
      fc.property(fc.integer({ min: 1, max: 900 }), fc.integer({ min: 1, max: 100 }), (from, step) => {
        expect([changeOf(from, from + step), changeOf(from + step, from)]).toEqual([['browser-update'], ['browser-downgrade']])
      }),
    )
    // So long ago that it counts as the worse of the two.
    expect(changeOf(1, 500)).toEqual(['browser-downgrade'])
  })
})

describe('keys', () => {
  it('a key that is rotated in changes nothing for anybody, and the fingerprint moves to it', async () => {
    const store = faultyStore(memoryStore())
    const before = guarded({}, { store, keys: OLDER_KEY })
    const token = await before.signIn(windows)
    const after = guarded({}, { store, keys: [KEY, OLDER_KEY], clock: before.clock })
    const old = await after.noteOf(token)
    await after.visit(token, windows)
    const renewed = await after.noteOf(token)

    expect([await after.drifts(), renewed?.k === old?.k, renewed?.s === old?.s]).toEqual([[], false, true])
    expect((await after.visit(token, firefox)).session.state).toBe('revoked')
  })

  it('the fingerprint moves at a request that shows all of it, and stays under the older key until then', async () => {
    const store = faultyStore(memoryStore())
    const token = await guarded({}, { store, keys: OLDER_KEY }).signIn(windows)
    const after = guarded({}, { store, keys: [KEY, OLDER_KEY] })
    await after.visit(token, { ...windows, hints: undefined, isSocket: true })

    expect((await after.visit(token, { ...windows, hints: HINTS.edgeWindows })).session.state).toBe('revoked')
  })

  it('the player of a browser is not what the fingerprint moves with', async () => {
    const store = faultyStore(memoryStore())
    const safari = { agent: AGENTS.safariMac, address: '198.51.100.7' }
    const token = await guarded({}, { store, keys: OLDER_KEY }).signIn(safari)
    const after = guarded({}, { store, keys: [KEY, OLDER_KEY] })
    await after.visit(token, { ...safari, agent: PLAYERS.mac })

    expect((await after.visit(token, safari)).session.state).toBe('active')
  })

  it('under the older key too, another client is another', async () => {
    const store = faultyStore(memoryStore())
    const token = await guarded({}, { store, keys: OLDER_KEY }).signIn(windows)
    const after = guarded({}, { store, keys: [KEY, OLDER_KEY] })

    expect((await after.visit(token, firefox)).session.state).toBe('revoked')
  })

  it('a key that has left the ring takes its fingerprints along: the client is taken anew', async () => {
    const { signIn, sessions, visit, drifts, noteOf: kept } = guarded()
    const token = await signIn(windows)
    await workOf(await sessions.read(token)).amend(({ details }) => {
      return { details: { ...details, notes: { traits: { ...details.notes!.traits!, k: 1 } } } }
    })
    await visit(token, firefox)

    expect([await drifts(), (await kept(token))?.k === 1]).toEqual([[], false])
    expect((await visit(token, windows)).session.state).toBe('revoked')
  })
})

describe('what it costs', () => {
  it('no write and no hash for a client that is as it was', async () => {
    const { signIn, visit, writes, sessions, guard } = guarded({ geo })
    const token = await signIn(windows)
    for (let i = 0; i < 5; i++) await visit(token, windows)
    expect(writes()).toBe(0)

    const session = await sessions.read(token)
    const request = requestOf(windows)
    guard.inspect(session, request)
    const best = Math.min(...Array.from({ length: 20 }, () => timed(() => void guard.inspect(session, request))))
    expect(best).toBeLessThan(1)
  })

  it('a client that comes with megabytes is told apart all the same, and not remembered', async () => {
    const { signIn, visit } = guarded()
    const huge = {
      agent: `${AGENTS.chromeWindows}${'x'.repeat(1 << 20)}`,
      hints: { 'sec-ch-ua': '"'.repeat(1 << 20) },
      address: '1'.repeat(1 << 20),
    }
    const token = await signIn(huge)

    expect((await visit(token, huge)).session.meets()).toBe(true)
    expect((await visit(token, firefox)).session.state).toBe('revoked')
  })

  it('hostile headers are clients like any other: they sign in, come again and never crash', async () => {
    const { signIn, visit } = guarded()
    await fc.assert(
      fc.asyncProperty(clients(), clients(), async (one, other) => {
        const token = await signIn(one)
        expect((await visit(token, one)).session.meets()).toBe(true)
        await visit(token, other)
      }),
      { numRuns: 100 },
    )
  })
})

describe('the report', () => {
  it('says what is kept in what form, and what is done', () => {
    const report = traitChecks({ geo, policy: presets.strict }).report()

    expect(report.keeps.filter(({ form }) => form === 'as it is').map(({ what }) => what)).toEqual([
      'the latest change: when, its grade, which traits; no values',
    ])
    expect([report.policy, report.isShadow]).toEqual([presets.strict, false])
    expect(`${report}`).toContain('- os: revoke')
    expect(`${report}`).toContain('countries')
  })
})

/** Microseconds a call, of a thousand. */
function timed(work: () => void): number {
  const startedAt = performance.now()
  for (let i = 0; i < 1000; i++) work()
  return performance.now() - startedAt
}

function clients(): fc.Arbitrary<Client> {
  const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
  return fc.record({
    agent: maybe(fc.oneof(fc.constantFrom(...Object.values(AGENTS)), fc.string())),
    hints: maybe(
      fc.oneof(
        fc.constantFrom<Readonly<Record<string, string>>>(...Object.values(HINTS)),
        fc.record({ 'sec-ch-ua': fc.string(), 'sec-ch-ua-platform': fc.string(), 'sec-ch-ua-mobile': fc.string() }),
      ),
    ),
    address: maybe(fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('198.51.100.1', '198.51.100.2', '203.0.113.9'), fc.string())),
  })
}
