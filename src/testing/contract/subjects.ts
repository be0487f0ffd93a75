import type { CreateOptions } from '../../core/store.ts'
import { isEqual, isTrue } from '../assert.ts'
import { changesOf, create, createMany, HOUR, idsOf, isAlive, type Rule, readRecord, someRecord, someSubject } from './harness.ts'

const logout = (now: number) => ({ now, reason: 'logout' })

/** Subjects that break keys, scripts and property look-ups made by pasting strings together. */
const HOSTILE_SUBJECTS: Readonly<Record<string, string>> = {
  'of no characters': '',
  'of 1 KB': 'x'.repeat(1024),
  'with NUL': 'a\0b',
  'of NUL alone': '\0',
  'with an emoji': '👩‍👩‍👧 reader',
  'named __proto__': '__proto__',
  'named constructor': 'constructor',
  'with SQL': `'; DROP TABLE sessions; --`,
  'with SQL wildcards': '%_[a-z]*?',
  'with Lua and Redis metacharacters': '{tag}:]] KEYS[1] "\\"\r\n*1\r\n$4\r\nPING\r\n',
  'with blanks and line ends': ' reader \t\n',
}

/** Pairs that a careless store takes for one: cut at NUL, folded in case, trimmed, or normalised. */
const NEAR_PAIRS: readonly (readonly [string, string])[] = [
  ['a', 'a\0'],
  ['a\0b', 'a\0c'],
  ['reader', 'Reader'],
  ['reader', 'reader '],
  ['1', '01'],
  ['1', '1.0'],
  ['\u00e9', 'e\u0301'],
  ['', '\0'],
]

export function listRules(rule: Rule): void {
  rule('a subject lists its own sessions, oldest first', async ({ store, second, now }) => {
    const subject = someSubject()
    const youngest = await create(store, someRecord(now, { subject, startedAt: now }), { now })
    const oldest = await create(store, someRecord(now, { subject, startedAt: now - 2 * HOUR }), { now })
    const middle = await create(store, someRecord(now, { subject, startedAt: now - HOUR }), { now })
    await create(store, someRecord(now, { subject: someSubject() }), { now })

    const listed = await second.list(subject)

    isEqual(idsOf(listed), idsOf([oldest, middle, youngest]), 'the ids')
    isEqual(listed[0], { ...oldest, version: 1, epoch: 0 }, 'the first record')
  })

  rule('a list shows what updates made of a record', async ({ store, now }) => {
    const subject = someSubject()
    const record = await create(store, someRecord(now, { subject }), { now })
    await store.update(record.id, 1, changesOf(record, Uint8Array.of(7)))

    const [listed] = await store.list(subject)

    isEqual([listed?.version, listed?.body], [2, Uint8Array.of(7)], 'version and body')
  })

  rule('a revoked session is not listed', async ({ store, now }) => {
    const subject = someSubject()
    const [first, second] = await createMany(store, subject, 2, now)
    await store.revoke(first!.id, logout(now))

    isEqual(idsOf(await store.list(subject)), [second!.id], 'the ids')
  })

  rule('a subject without sessions lists none', async ({ store }) => {
    isEqual(await store.list(someSubject()), [], 'the list')
  })

  for (const [description, subject] of Object.entries(HOSTILE_SUBJECTS)) {
    rule(`a subject ${description} is kept, listed and ended like any other`, async ({ store, now }) => {
      const record = await create(store, someRecord(now, { subject }), { now })

      const kept = await readRecord(store, record.id)
      const listed = await store.list(subject)
      const ended = await store.revokeSubject(subject, logout(now))
      const outcome = await store.read(record.id)

      isEqual(kept.subject, subject, 'the subject')
      isTrue(idsOf(listed).includes(record.id), 'the list has the session')
      isTrue(ended >= 1, 'it was ended')
      isTrue(outcome?.kind !== 'record' || outcome.record.epoch < outcome.subjectEpoch, 'it is dead')
    })
  }

  rule('subjects that differ a little do not meet', async ({ store, now }) => {
    for (const [one, other] of NEAR_PAIRS) {
      const record = await create(store, someRecord(now, { subject: one }), { now })

      const listed = idsOf(await store.list(other))
      await store.revokeSubject(other, logout(now))

      isTrue(!listed.includes(record.id), `${JSON.stringify(other)} does not list ${JSON.stringify(one)}`)
      isTrue(await isAlive(store, record.id), `ending ${JSON.stringify(other)} spares ${JSON.stringify(one)}`)
      await store.revokeSubject(one, logout(now))
    }
  })
}

export function revokeSubjectRules(rule: Rule): void {
  rule('ending a subject ends every session of it and tells how many', async ({ store, second, now }) => {
    const subject = someSubject()
    const records = await createMany(store, subject, 5, now)

    const ended = await store.revokeSubject(subject, logout(now))

    const alive = await Promise.all(records.map(({ id }) => isAlive(second, id)))
    isEqual(ended, 5, 'the count')
    isEqual(alive, [false, false, false, false, false], 'alive')
    isEqual(await second.list(subject), [], 'the list')
  })

  rule('ending a subject spares the one session it is told to', async ({ store, now }) => {
    const subject = someSubject()
    const [first, spared, last] = await createMany(store, subject, 3, now)

    const ended = await store.revokeSubject(subject, { ...logout(now), except: spared!.id })

    isEqual(ended, 2, 'the count')
    isEqual([await isAlive(store, first!.id), await isAlive(store, last!.id)], [false, false], 'the others are alive')
    isEqual(await isAlive(store, spared!.id), true, 'the spared one is alive')
    isEqual(idsOf(await store.list(subject)), [spared!.id], 'the list')
  })

  rule('a spared session can still be updated, under the version it had', async ({ store, now }) => {
    const subject = someSubject()
    const [spared] = await createMany(store, subject, 2, now)
    await store.revokeSubject(subject, { ...logout(now), except: spared!.id })

    const outcome = await store.update(spared!.id, 1, changesOf(spared!, Uint8Array.of(7)))

    isEqual(outcome, 'updated', 'the outcome')
    isEqual(await isAlive(store, spared!.id), true, 'alive')
  })

  rule('a session of another subject cannot be spared, and is not touched', async ({ store, now }) => {
    const subject = someSubject()
    const other = someSubject()
    const [own] = await createMany(store, subject, 1, now)
    const [foreign] = await createMany(store, other, 1, now)

    isEqual(await store.revokeSubject(subject, { ...logout(now), except: foreign!.id }), 1, 'the count')
    isEqual([await isAlive(store, own!.id), await isAlive(store, foreign!.id)], [false, true], 'alive')
  })

  rule('ending a subject counts neither revoked nor expired sessions, and ends expired ones too', async ({ store, now }) => {
    const subject = someSubject()
    const [revoked, , expired] = await createMany(store, subject, 3, now)
    await store.revoke(revoked!.id, logout(now))
    await store.update(expired!.id, 1, { ...changesOf(expired!, Uint8Array.of(1)), deadline: now + 60_000 })

    const ended = await store.revokeSubject(subject, logout(now + 120_000))

    isEqual(ended, 1, 'the count')
    isEqual(await isAlive(store, expired!.id), false, 'the expired one is alive')
  })

  rule('no update brings back a session of an ended subject', async ({ store, second, now }) => {
    const subject = someSubject()
    const [record] = await createMany(store, subject, 1, now)
    await store.revokeSubject(subject, logout(now))

    isEqual(await second.update(record!.id, 1, changesOf(record!, Uint8Array.of(7))), 'gone', 'the late update')
    isEqual(await isAlive(store, record!.id), false, 'alive')
  })

  rule('a session created after its subject was ended is alive, under a higher epoch', async ({ store, second, now }) => {
    const subject = someSubject()
    const [before] = await createMany(store, subject, 1, now)
    await store.revokeSubject(subject, logout(now))

    const outcome = await second.create(someRecord(now, { subject }), { now })

    const [after] = await store.list(subject)
    isEqual(outcome, { kind: 'created', epoch: 1, evicted: [] }, 'the outcome')
    isEqual([after?.epoch, await isAlive(store, before!.id)], [1, false], 'epoch of the new one, life of the old one')
  })

  rule('ending a subject without sessions ends none', async ({ store, now }) => {
    isEqual(await store.revokeSubject(someSubject(), logout(now)), 0, 'the count')
  })

  rule('a record created while its subject is ended is either counted or dead or younger than the end', async (bench) => {
    const { store, second, now } = bench
    const subject = someSubject()
    const records = Array.from({ length: 20 }, () => someRecord(now, { subject }))

    const [ended] = await Promise.all([
      Promise.all(records.slice(0, 10).map((record) => store.create(record, { now }))).then(() =>
        store.revokeSubject(subject, logout(now)),
      ),
      ...records.slice(10).map((record) => second.create(record, { now })),
    ])

    const alive = await Promise.all(records.map(({ id }) => isAlive(store, id)))
    const listed = idsOf(await store.list(subject))
    const survivors = idsOf(records.filter((_, index) => alive[index]))
    isEqual(alive.slice(0, 10).includes(true), false, 'one that was there before the end is alive')
    isTrue(ended >= 10 && ended <= records.length - survivors.length, 'the count is of sessions that were there, and are dead')
    isEqual([...listed].sort(), [...survivors].sort(), 'the list holds exactly the living')
  })
}

export function limitRules(rule: Rule): void {
  const rejecting = (now: number, max: number): CreateOptions => ({ now, limit: { max, onExceeded: 'reject' } })
  const evicting = (now: number, max: number): CreateOptions => ({ now, limit: { max, onExceeded: 'evict-oldest' } })

  rule('a session over the limit is refused and changes nothing', async ({ store, now }) => {
    const subject = someSubject()
    const records = await createMany(store, subject, 2, now)
    const extra = someRecord(now, { subject })

    const outcome = await store.create(extra, rejecting(now, 2))

    isEqual(outcome, { kind: 'limit' }, 'the outcome')
    isEqual(await store.read(extra.id), undefined, 'the refused one')
    isEqual(idsOf(await store.list(subject)), idsOf(records), 'the list')
  })

  rule('a session over the limit evicts the oldest, which reads as a tombstone', async ({ store, now }) => {
    const subject = someSubject()
    const [oldest, younger] = await createMany(store, subject, 2, now)
    const extra = someRecord(now, { subject })

    const outcome = await store.create(extra, evicting(now, 2))

    const ended = await store.read(oldest!.id)
    isEqual(outcome, { kind: 'created', epoch: 0, evicted: [oldest!.id] }, 'the outcome')
    isTrue(ended?.kind === 'tombstone' && ended.tombstone.reason === 'evicted', 'the oldest is a tombstone, evicted')
    isEqual(idsOf(await store.list(subject)), [younger!.id, extra.id], 'the list')
  })

  rule('a lowered limit evicts as many as are over it', async ({ store, now }) => {
    const subject = someSubject()
    const records = await createMany(store, subject, 5, now)

    const outcome = await store.create(someRecord(now, { subject }), evicting(now, 3))

    isEqual(outcome, { kind: 'created', epoch: 0, evicted: idsOf(records.slice(0, 3)) }, 'the outcome')
  })

  rule('expired, revoked and foreign sessions do not count towards the limit', async ({ store, now }) => {
    const subject = someSubject()
    await create(store, someRecord(now, { subject, deadline: now + 60_000 }), { now })
    const revoked = await create(store, someRecord(now, { subject }), { now })
    await store.revoke(revoked.id, logout(now))
    await createMany(store, someSubject(), 2, now)

    const outcome = await store.create(someRecord(now, { subject }), rejecting(now + 120_000, 1))

    isEqual(outcome.kind, 'created', 'the outcome')
  })

  rule('the session that is replaced does not count towards the limit', async ({ store, now }) => {
    const subject = someSubject()
    const [old] = await createMany(store, subject, 1, now)
    const replaces = { id: old!.id, version: 1, reason: 'signed-in' }

    const outcome = await store.create(someRecord(now, { subject }), { ...rejecting(now, 1), replaces })

    isEqual(outcome.kind, 'created', 'the outcome')
    isEqual(await isAlive(store, old!.id), false, 'the old one is alive')
  })

  rule('a refused session does not end the one it would have replaced', async ({ store, now }) => {
    const subject = someSubject()
    await createMany(store, subject, 1, now)
    const old = await create(store, someRecord(now), { now })
    const replaces = { id: old.id, version: 1, reason: 'signed-in' }

    const outcome = await store.create(someRecord(now, { subject }), { ...rejecting(now, 1), replaces })

    isEqual(outcome.kind, 'limit', 'the outcome')
    isEqual(await isAlive(store, old.id), true, 'the old one is alive')
  })

  rule('anonymous sessions have no limit', async ({ store, now }) => {
    await store.create(someRecord(now), rejecting(now, 1))

    isEqual((await store.create(someRecord(now), rejecting(now, 1))).kind, 'created', 'the outcome')
  })

  rule('parallel creates never exceed a limit that rejects', async ({ store, second, now }) => {
    const subject = someSubject()
    const records = Array.from({ length: 20 }, () => someRecord(now, { subject }))

    const outcomes = await Promise.all(
      records.map((record, index) => (index % 2 ? store : second).create(record, rejecting(now, 5))),
    )

    isEqual(outcomes.filter(({ kind }) => kind === 'created').length, 5, 'creates that succeeded')
    isEqual((await store.list(subject)).length, 5, 'sessions listed')
  })

  rule('parallel creates never exceed a limit that evicts', async ({ store, second, now }) => {
    const subject = someSubject()
    const records = Array.from({ length: 20 }, (_, index) => someRecord(now, { subject, startedAt: now + index }))

    const outcomes = await Promise.all(
      records.map((record, index) => (index % 2 ? store : second).create(record, evicting(now, 5))),
    )

    const evicted = outcomes.flatMap((outcome) => (outcome.kind === 'created' ? outcome.evicted : []))
    isEqual(new Set(evicted).size, 15, 'sessions evicted, each once')
    isEqual((await store.list(subject)).length, 5, 'sessions listed')
  })
}
