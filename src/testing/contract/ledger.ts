import { isEqual, isTrue, rejects } from '../assert.ts'
import { HOUR, type Rule, someId } from './harness.ts'

const someKey = (kind: string) => `contract:${kind}:${someId()}`
const VALUE = Uint8Array.of(0, 1, 2, 255)

/** Keys that differ a little, or that break keys made by pasting strings together. */
const HOSTILE_KEYS: readonly string[] = [
  '',
  '\0',
  'a',
  'a\0',
  'A',
  ' a',
  '__proto__',
  `'; DROP TABLE ledger; --`,
  '{a}:*',
  '{b}:*',
  'a b',
  'a\r\nset b 0 0 1\r\nx\r\n',
  '"\\]] .. KEYS[1] --',
  '👩‍👩‍👧',
  '👩‍👩',
  '\u00e9',
  'e\u0301',
]

/** The hostile keys, nobody else's, and the longest key of all: 512 bytes. */
const someHostileKeys = () => {
  const prefix = someKey('hostile')
  const longest = prefix + 'k'.repeat(512 - prefix.length)
  return [...HOSTILE_KEYS.map((key) => prefix + key), longest, `${longest.slice(0, -1)}K`]
}

export function claimRules(rule: Rule): void {
  rule('a key can be claimed once until its deadline', async ({ store, second, now }) => {
    const key = someKey('claim')
    const options = { now, deadline: now + HOUR }

    const answers = [await store.ledger.claim(key, options), await second.ledger.claim(key, options)]

    isEqual(answers, [true, false], 'the answers')
  })

  rule('of parallel claims exactly one succeeds', async ({ store, second, now }) => {
    const key = someKey('claim')
    const options = { now, deadline: now + HOUR }

    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 ? store : second).ledger.claim(key, options)),
    )

    isEqual(answers.filter(Boolean).length, 1, 'claims that succeeded')
  })

  rule('a refused claim does not prolong the one that holds', async ({ store, now }) => {
    const key = someKey('claim')
    await store.ledger.claim(key, { now, deadline: now + 60_000 })
    await store.ledger.claim(key, { now, deadline: now + HOUR })

    isEqual(await store.ledger.claim(key, { now: now + 60_001, deadline: now + HOUR }), true, 'a claim after the first deadline')
  })

  rule('a key can be claimed once more after its deadline', async ({ store, now }) => {
    const key = someKey('claim')
    await store.ledger.claim(key, { now, deadline: now + 60_000 })
    const later = { now: now + 60_001, deadline: now + HOUR }

    isEqual([await store.ledger.claim(key, later), await store.ledger.claim(key, later)], [true, false], 'the later claims')
  })

  rule('keys that differ a little do not meet', async ({ store, now }) => {
    const keys = someHostileKeys()
    const options = { now, deadline: now + HOUR }

    const first = await Promise.all(keys.map((key) => store.ledger.claim(key, options)))
    const again = await Promise.all(keys.map((key) => store.ledger.claim(key, options)))

    isEqual(
      first,
      keys.map(() => true),
      'the first claims',
    )
    isEqual(
      again,
      keys.map(() => false),
      'the second claims',
    )
  })

  rule('purge keeps a claim that still holds', async ({ store, now }) => {
    const key = someKey('claim')
    await store.ledger.claim(key, { now, deadline: now + HOUR })

    await store.purge({ before: now + 60_000, limit: 10_000 })

    isEqual(await store.ledger.claim(key, { now: now + 60_000, deadline: now + HOUR }), false, 'a claim after the purge')
  })
}

export function putAndTakeRules(rule: Rule): void {
  rule('what was put can be taken once, byte for byte', async ({ store, second, now }) => {
    const key = someKey('value')
    await store.ledger.put(key, VALUE, { now, deadline: now + HOUR })

    isEqual([await second.ledger.take(key, { now }), await store.ledger.take(key, { now })], [VALUE, undefined], 'what was taken')
  })

  rule('of parallel takers exactly one gets the value', async ({ store, second, now }) => {
    const key = someKey('value')
    await store.ledger.put(key, VALUE, { now, deadline: now + HOUR })

    const taken = await Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 ? store : second).ledger.take(key, { now })),
    )

    isEqual(taken.filter((value) => value !== undefined).length, 1, 'takers who got it')
  })

  rule('a later value replaces the earlier one and its deadline', async ({ store, now }) => {
    const key = someKey('value')
    await store.ledger.put(key, Uint8Array.of(1), { now, deadline: now + 60_000 })
    await store.ledger.put(key, VALUE, { now, deadline: now + HOUR })

    isEqual(await store.ledger.take(key, { now: now + 120_000 }), VALUE, 'what was taken')
  })

  rule('an outdated value is not handed out', async ({ store, now }) => {
    const key = someKey('value')
    await store.ledger.put(key, VALUE, { now, deadline: now + 60_000 })

    isEqual(await store.ledger.take(key, { now: now + 60_001 }), undefined, 'what was taken')
  })

  rule('a value of no bytes differs from no value', async ({ store, now }) => {
    const key = someKey('value')
    await store.ledger.put(key, new Uint8Array(0), { now, deadline: now + HOUR })

    isEqual(
      [await store.ledger.take(key, { now }), await store.ledger.take(key, { now })],
      [new Uint8Array(0), undefined],
      'taken',
    )
  })

  rule('a value of 64 KiB is kept byte for byte', async ({ store, now }) => {
    const key = someKey('value')
    const value = Uint8Array.from({ length: 65_536 }, (_, index) => index % 251)
    await store.ledger.put(key, value, { now, deadline: now + HOUR })

    isEqual(await store.ledger.take(key, { now }), value, 'what was taken')
  })

  rule('changing the bytes handed in afterwards changes nothing that is kept', async ({ store, now }) => {
    const key = someKey('value')
    const value = Uint8Array.of(1, 2)
    await store.ledger.put(key, value, { now, deadline: now + HOUR })

    value.fill(0)

    isEqual(await store.ledger.take(key, { now }), Uint8Array.of(1, 2), 'what was taken')
  })

  rule('values under keys that differ a little do not meet', async ({ store, now }) => {
    const keys = someHostileKeys()
    for (const [index, key] of keys.entries()) await store.ledger.put(key, Uint8Array.of(index), { now, deadline: now + HOUR })

    const read = await Promise.all(keys.map((key) => store.ledger.get(key, { now })))
    const taken = await Promise.all(keys.map((key) => store.ledger.take(key, { now })))

    const values = keys.map((_, index) => Uint8Array.of(index))
    isEqual([read, taken], [values, values], 'what was read and taken')
  })

  rule('a claim, a value and a count under one key do not meet', async ({ store, now }) => {
    const key = someKey('shared')
    await store.ledger.put(key, VALUE, { now, deadline: now + HOUR })

    const isClaimed = await store.ledger.claim(key, { now, deadline: now + HOUR })
    const count = await store.ledger.count(key, { now, window: HOUR })

    isEqual([isClaimed, count, await store.ledger.take(key, { now })], [true, 1, VALUE], 'claim, count and value')
  })
}

export function getRules(rule: Rule): void {
  rule('what was put can be read by everyone, and is still there to be taken once', async ({ store, second, now }) => {
    const key = someKey('value')
    await store.ledger.put(key, VALUE, { now, deadline: now + HOUR })

    const read = [await second.ledger.get(key, { now }), await store.ledger.get(key, { now })]
    const taken = await second.ledger.take(key, { now })

    isEqual([...read, taken], [VALUE, VALUE, VALUE], 'what was read and taken')
    isEqual(await store.ledger.get(key, { now }), undefined, 'what is read after it was taken')
  })

  rule('an outdated value is not read, and a key without value reads as absent', async ({ store, now }) => {
    const key = someKey('value')
    await store.ledger.put(key, VALUE, { now, deadline: now + 60_000 })

    isEqual(await store.ledger.get(key, { now: now + 60_001 }), undefined, 'the outdated value')
    isEqual(await store.ledger.get(someKey('value'), { now }), undefined, 'a key without value')
  })

  rule('reading sees what another handle put last', async ({ store, second, now }) => {
    const key = someKey('value')
    await store.ledger.put(key, VALUE, { now, deadline: now + HOUR })
    await second.ledger.get(key, { now })

    await store.ledger.put(key, new Uint8Array(0), { now, deadline: now + HOUR })

    isEqual(await second.ledger.get(key, { now }), new Uint8Array(0), 'what is read')
  })
}

export function countRules(rule: Rule): void {
  rule('counting gives one, two, three within a window', async ({ store, second, now }) => {
    const key = someKey('count')
    const options = { now, window: HOUR }

    const counts = [
      await store.ledger.count(key, options),
      await second.ledger.count(key, options),
      await store.ledger.count(key, options),
    ]

    isEqual(counts, [1, 2, 3], 'the counts')
  })

  rule('parallel counts lose none', async ({ store, second, now }) => {
    const key = someKey('count')

    const counts = await Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 ? store : second).ledger.count(key, { now, window: HOUR })),
    )

    isEqual(
      [...counts].sort((a, b) => a - b),
      Array.from({ length: 20 }, (_, index) => index + 1),
      'the counts',
    )
  })

  rule('a window starts at its first count, and the next begins at one', async ({ store, now }) => {
    const key = someKey('count')
    const window = 60_000
    await store.ledger.count(key, { now, window })

    const inside = await store.ledger.count(key, { now: now + 59_000, window })
    const after = await store.ledger.count(key, { now: now + 60_001, window })

    isEqual([inside, after], [2, 1], 'the count inside and after')
  })

  rule('keys that differ a little are counted apart', async ({ store, now }) => {
    const counts: number[] = []
    for (const key of someHostileKeys()) counts.push(await store.ledger.count(key, { now, window: HOUR }))

    isEqual(
      counts,
      counts.map(() => 1),
      'the counts',
    )
  })
}

export function ledgerWaitingRules(rule: Rule): void {
  rule('a caller who has stopped waiting gets a rejection', async ({ store, now }) => {
    const options = { now, deadline: now + HOUR, window: HOUR, signal: AbortSignal.abort() }

    await rejects(store.ledger.claim(someKey('claim'), options), 'claim')
    await rejects(store.ledger.put(someKey('value'), VALUE, options), 'put')
    await rejects(store.ledger.take(someKey('value'), options), 'take')
    await rejects(store.ledger.get(someKey('value'), options), 'get')
    await rejects(store.ledger.count(someKey('count'), options), 'count')

    isTrue(await store.ledger.claim(someKey('claim'), { now, deadline: now + HOUR }), 'the ledger still answers')
  })
}
