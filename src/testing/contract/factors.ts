import { isSojournError } from '../../core/errors.ts'
import { isEqual, isTrue, rejects } from '../assert.ts'
import { factorRaces } from '../races/factors.ts'
import { add, type FactorRule, outcomesOf, someFactor } from './factor-harness.ts'
import { idsOf, someId, someSubject } from './harness.ts'
import { HOSTILE_SUBJECTS, NEAR_PAIRS } from './hostile-subjects.ts'
import { contend } from './races.ts'

const LARGEST_SEALED = 16 * 1024
const LONGEST_HANDLE = 1400

/** Names that people give their devices, at most 100 characters. */
const NAMES = [
  '',
  'a\0b',
  '\0',
  '👩‍👩‍👧 phone',
  'x'.repeat(100),
  '👾'.repeat(50),
  `'; DROP TABLE sojourn_factors; --`,
  '\u202egnp',
  '\r\n\t "\\',
]

/** Ids that nobody's factor has, as a request may bring them. */
const NO_IDS = ['', '\0', 'a'.repeat(22), 'x'.repeat(10_000), `' OR '1'='1`, '__proto__', '👾', '../..', '%']

export function listingRules(rule: FactorRule): void {
  rule('a subject without factors has an empty list', async ({ store }) => {
    isEqual(await store.list(someSubject()), [], 'the list')
  })

  rule('a factor is kept as it was given, to the last byte', async ({ store, second, now }) => {
    const sealed = Uint8Array.from({ length: LARGEST_SEALED }, (_, index) => (index * 7) % 256)
    const used = someFactor(now, { kind: 'passkey', handle: someId(), lastUsedAt: now + 1, sealed })
    const unused = someFactor(now, { subject: used.subject, createdAt: now + 1 })
    const kept = [await add(store, used), await add(store, unused)]

    isEqual(await second.list(used.subject), kept, 'the list')
  })

  rule('the list begins with the oldest, and ids decide between two of one instant', async ({ store, now }) => {
    const subject = someSubject()
    const ids = [someId(), someId(), someId(), someId()].sort()
    const order = [ids[2]!, ids[0]!, ids[3]!, ids[1]!]
    for (const id of order) await add(store, someFactor(now, { id, subject, createdAt: id === ids[3] ? now - 1 : now }))

    isEqual(idsOf(await store.list(subject)), [ids[3]!, ids[0]!, ids[1]!, ids[2]!], 'the list')
  })

  for (const name of NAMES) {
    rule(`a device may be named ${JSON.stringify(name).slice(0, 40)}`, async ({ store, now }) => {
      const factor = await add(store, someFactor(now))

      await store.update(factor.subject, factor.id, 1, { name })

      isEqual((await store.list(factor.subject))[0]?.name, name, 'the name')
    })
  }

  rule('what a caller does to bytes it gave or got changes nothing that is kept', async ({ store, now }) => {
    const given = Uint8Array.of(1, 2, 3)
    const factor = someFactor(now, { kind: 'passkey', handle: someId(), sealed: given })
    await add(store, factor)

    given.fill(9)
    ;(await store.list(factor.subject))[0]!.sealed.fill(9)
    ;(await store.byHandle('passkey', factor.handle!))!.sealed.fill(9)

    isEqual((await store.list(factor.subject))[0]!.sealed, Uint8Array.of(1, 2, 3), 'the bytes')
  })
}

export function handleRules(rule: FactorRule): void {
  rule('a factor is found by its kind and handle, whoever asks', async ({ store, second, now }) => {
    const factor = await add(store, someFactor(now, { kind: 'passkey', handle: 'h'.repeat(LONGEST_HANDLE - 22) + someId() }))

    isEqual(await second.byHandle('passkey', factor.handle!), factor, 'the factor')
    isEqual(await second.byHandle('totp', factor.handle!), undefined, 'what another kind has')
  })

  rule('a handle is compared exactly', async ({ store, now }) => {
    const handle = `aB${someId()}`
    await add(store, someFactor(now, { kind: 'passkey', handle }))

    const others = [
      handle.toLowerCase(),
      `${handle} `,
      `${handle}\0`,
      handle.slice(0, -1),
      '',
      '\0',
      '%',
      `' OR '1'='1`,
      'undefined',
    ]
    for (const other of others) isEqual(await store.byHandle('passkey', other), undefined, JSON.stringify(other))
  })

  rule('factors without a handle never meet', async ({ store, now }) => {
    const subject = someSubject()
    await add(store, someFactor(now, { subject }))
    await add(store, someFactor(now, { subject }))

    isEqual((await store.list(subject)).length, 2, 'factors')
  })
}

export function addingRules(rule: FactorRule): void {
  rule('an id is taken once, whoever comes second', async ({ store, now }) => {
    const factor = await add(store, someFactor(now))

    isEqual(await store.add(someFactor(now, { id: factor.id }), { most: 9 }), 'taken', 'the outcome for another subject')
    isEqual(await store.add({ ...factor, kind: 'recovery' }, { most: 9 }), 'taken', 'the outcome for the same subject')
    isEqual(await store.list(factor.subject), [factor], 'what is kept')
  })

  rule('a handle is taken once among its kind, whoever comes second', async ({ store, now }) => {
    const handle = someId()
    const factor = await add(store, someFactor(now, { kind: 'passkey', handle }))
    const second = someFactor(now, { kind: 'passkey', handle })

    isEqual(await store.add(second, { most: 9 }), 'taken', 'the outcome for another subject')
    isEqual(await store.add({ ...second, subject: factor.subject }, { most: 9 }), 'taken', 'the outcome for the same subject')
    isEqual(await store.add({ ...second, kind: 'totp' }, { most: 9 }), 'added', 'the outcome for another kind')
    isEqual((await store.byHandle('passkey', handle))?.id, factor.id, 'whose it is')
  })

  rule('a subject that has as many of a kind as it may is full, and nothing changes', async ({ store, now }) => {
    const subject = someSubject()
    await add(store, someFactor(now, { subject }))
    await add(store, someFactor(now, { subject }))

    isEqual(await store.add(someFactor(now, { subject }), { most: 2 }), 'full', 'the outcome of a third')
    isEqual(await store.add(someFactor(now, { subject }), { most: 1 }), 'full', 'the outcome where there are too many already')
    isEqual((await store.list(subject)).length, 2, 'factors')
    isEqual(await store.add(someFactor(now, { subject, kind: 'passkey' }), { most: 1 }), 'added', 'the outcome of another kind')
    isEqual(await store.add(someFactor(now), { most: 1 }), 'added', 'the outcome of another subject')
  })

  rule('what was removed leaves room, its id and its handle', async ({ store, now }) => {
    const factor = someFactor(now, { kind: 'passkey', handle: someId() })
    await add(store, factor)
    await store.remove(factor.subject, factor.id)

    isEqual(await store.add(factor, { most: 1 }), 'added', 'the outcome')
  })

  rule('of many who add at once, exactly as many as fit are added', async ({ store, second, now }) => {
    const subject = someSubject()
    const calls = Array.from({ length: 20 }, (_, index) =>
      (index % 2 ? store : second).add(someFactor(now, { subject }), { most: 7 }),
    )

    isEqual(await outcomesOf(calls), { added: 7, full: 13 }, 'the outcomes')
    isEqual((await store.list(subject)).length, 7, 'factors')
  })

  rule('of many who add one handle at once, exactly one is told that it was added', async ({ store, second, now }) => {
    const handle = someId()
    const calls = Array.from({ length: 10 }, (_, index) =>
      (index % 2 ? store : second).add(someFactor(now, { kind: 'passkey', handle }), { most: 9 }),
    )

    isEqual(await outcomesOf(calls), { added: 1, taken: 9 }, 'the outcomes')
  })
}

export function changingRules(rule: FactorRule): void {
  rule('an update changes what is named, leaves the rest, and raises the version', async ({ store, second, now }) => {
    const factor = await add(store, someFactor(now, { kind: 'passkey', handle: someId() }))
    const { subject, id } = factor
    const sealed = Uint8Array.of(4, 5)

    isEqual(await store.update(subject, id, 1, { name: 'Old phone' }), 'updated', 'the outcome for the name')
    isEqual(await store.update(subject, id, 2, { lastUsedAt: now + 5 }), 'updated', 'the outcome for the last use')
    isEqual(await store.update(subject, id, 3, { sealed }), 'updated', 'the outcome for what is sealed')
    isEqual(await store.update(subject, id, 4, {}), 'updated', 'the outcome for nothing')

    const kept = { ...factor, name: 'Old phone', lastUsedAt: now + 5, sealed, version: 5 }
    isEqual(await second.list(subject), [kept], 'what is kept')
  })

  rule('an update at another version is told so and changes nothing', async ({ store, now }) => {
    const factor = await add(store, someFactor(now))
    const { subject, id } = factor

    for (const version of [0, 2, -1]) isEqual(await store.update(subject, id, version, { name: 'x' }), 'conflict', 'the outcome')
    isEqual(await store.list(subject), [factor], 'what is kept')
  })

  rule('nobody changes or removes another subject’s factor', async ({ store, now }) => {
    const factor = await add(store, someFactor(now))
    const other = someSubject()

    isEqual(await store.update(other, factor.id, 1, { name: 'x' }), 'gone', 'the outcome of the update')
    isEqual(await store.remove(other, factor.id), false, 'the outcome of the removal')
    isEqual(await store.removeAll(other), 0, 'how many of another were removed')
    isEqual(await store.list(factor.subject), [factor], 'what is kept')
  })

  rule('an update never creates, and never brings back what was removed', async ({ store, now }) => {
    const factor = await add(store, someFactor(now))
    await store.remove(factor.subject, factor.id)

    isEqual(await store.update(factor.subject, factor.id, 1, { name: 'x' }), 'gone', 'the outcome')
    isEqual(await store.list(factor.subject), [], 'what is kept')
  })

  rule('of many who update one version, exactly one does', async ({ store, second, now }) => {
    const { subject, id } = await add(store, someFactor(now))
    const calls = Array.from({ length: 10 }, (_, index) =>
      (index % 2 ? store : second).update(subject, id, 1, { name: String(index) }),
    )

    isEqual(await outcomesOf(calls), { updated: 1, conflict: 9 }, 'the outcomes')
    isEqual((await store.list(subject))[0]?.version, 2, 'the version')
  })

  rule('an id that nobody’s factor has is gone, whatever is in it', async ({ store, now }) => {
    const { subject } = await add(store, someFactor(now))

    for (const id of NO_IDS) {
      isEqual(await store.update(subject, id, 1, { name: 'x' }), 'gone', `the update of ${JSON.stringify(id).slice(0, 40)}`)
      isEqual(await store.remove(subject, id), false, `the removal of ${JSON.stringify(id).slice(0, 40)}`)
    }
  })
}

export function removalRules(rule: FactorRule): void {
  rule('of many who remove one factor, exactly one is told that it did', async ({ store, second, now }) => {
    const factor = await add(store, someFactor(now, { kind: 'passkey', handle: someId() }))
    const calls = Array.from({ length: 10 }, (_, index) => (index % 2 ? store : second).remove(factor.subject, factor.id))

    isEqual(await outcomesOf(calls), { true: 1, false: 9 }, 'the outcomes')
    isEqual(await store.byHandle('passkey', factor.handle!), undefined, 'what its handle finds')
  })

  rule('all of a kind, or all there are, are removed and counted', async ({ store, second, now }) => {
    const subject = someSubject()
    for (let i = 0; i < 3; i++) await add(store, someFactor(now, { subject, kind: 'recovery' }))
    const totp = await add(store, someFactor(now, { subject }))
    const other = await add(store, someFactor(now, { kind: 'recovery' }))

    isEqual(await store.removeAll(subject, 'recovery'), 3, 'how many of a kind')
    isEqual(await second.list(subject), [totp], 'what is left')
    isEqual(await store.removeAll(subject), 1, 'how many at all')
    isEqual(await store.removeAll(subject), 0, 'how many the second time')
    isEqual(await second.list(other.subject), [other], 'what another has')
  })
}

export function hostileFactorSubjectRules(rule: FactorRule): void {
  for (const [description, subject] of Object.entries(HOSTILE_SUBJECTS)) {
    rule(`a subject ${description} has factors like any other`, async ({ store, now }) => {
      const others = await store.list(subject)
      const factor = await add(store, someFactor(now, { subject, kind: 'passkey', handle: someId() }))

      isEqual((await store.list(subject)).length, others.length + 1, 'factors')
      isEqual(await store.byHandle('passkey', factor.handle!), factor, 'what its handle finds')
      isEqual(await store.update(subject, factor.id, 1, { lastUsedAt: now }), 'updated', 'the outcome of the update')
      isTrue((await store.removeAll(subject)) >= 1, 'it was removed')
      isEqual(await store.list(subject), [], 'what is left')
    })
  }

  rule('subjects that differ a little do not meet', async ({ store, now }) => {
    for (const [one, other] of NEAR_PAIRS) {
      await store.removeAll(one)
      await store.removeAll(other)
      const factor = await add(store, someFactor(now, { subject: one }))
      const what = `${JSON.stringify(other)} and ${JSON.stringify(one)}`

      isEqual(await store.list(other), [], `the list of ${what}`)
      isEqual(await store.update(other, factor.id, 1, { name: 'x' }), 'gone', `the update of ${what}`)
      isEqual([await store.remove(other, factor.id), await store.removeAll(other)], [false, 0], `the removal of ${what}`)
      await store.removeAll(one)
    }
  })
}

export function factorRaceRules(rule: FactorRule): void {
  for (const [name, { rule: sentence, prepare, judge }] of Object.entries(factorRaces)) {
    rule(sentence, async ({ store, now, given }) => {
      const plan = await prepare(store, now)
      const reports = await contend(given.worker, name, plan)
      await judge(store, plan, reports, undefined as never)
    })
  }
}

export function closingRules(rule: FactorRule): void {
  rule('a store that is closed says so to every call, and may be closed twice', async ({ store, now }) => {
    await store.close()
    await store.close()

    const factor = someFactor(now, { kind: 'passkey', handle: someId() })
    const { subject, id } = factor
    const calls = {
      list: () => store.list(subject),
      byHandle: () => store.byHandle('passkey', factor.handle!),
      add: () => store.add(factor, { most: 1 }),
      update: () => store.update(subject, id, 1, { name: 'x' }),
      remove: () => store.remove(subject, id),
      removeAll: () => store.removeAll(subject),
    }
    for (const [name, call] of Object.entries(calls)) {
      const reason = await rejects(call(), name)
      isTrue(isSojournError(reason, 'ERR_STORE_UNAVAILABLE'), `${name} rejects with ERR_STORE_UNAVAILABLE`)
    }
  })
}
