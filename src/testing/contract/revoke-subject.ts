import { isEqual, isTrue } from '../assert.ts'
import type { TestedCapabilities } from './capabilities.ts'
import { changesOf, createMany, HOUR, idsOf, isAlive, type Rule, readRecord, someRecord, someSubject } from './harness.ts'

/** `keepUntil` is what core says: no session of the contract outlives it. */
const logout = (now: number) => ({ now, reason: 'logout', keepUntil: now + 48 * HOUR })

export function revokeSubjectRules(rule: Rule, tested: TestedCapabilities): void {
  /** A store that cannot list cannot count. */
  const counted = (count: number) => (tested.listsSubjects ? count : undefined)

  rule('ending a subject ends every session of it and tells how many', async ({ store, second, now }) => {
    const subject = someSubject()
    const records = await createMany(store, subject, 5, now)

    const ended = await store.revokeSubject(subject, logout(now))

    const alive = await Promise.all(records.map(({ id }) => isAlive(second, id)))
    isEqual(ended, counted(5), 'the count')
    isEqual(alive, [false, false, false, false, false], 'alive')
    if (tested.listsSubjects) isEqual(await second.list(subject), [], 'the list')
  })

  rule('ending a subject spares the one session it is told to', async ({ store, now }) => {
    const subject = someSubject()
    const [first, spared, last] = await createMany(store, subject, 3, now)

    const ended = await store.revokeSubject(subject, { ...logout(now), except: spared!.id })

    isEqual(ended, counted(2), 'the count')
    isEqual([await isAlive(store, first!.id), await isAlive(store, last!.id)], [false, false], 'the others are alive')
    isEqual(await isAlive(store, spared!.id), true, 'the spared one is alive')
    if (tested.listsSubjects) isEqual(idsOf(await store.list(subject)), [spared!.id], 'the list')
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

    isEqual(await store.revokeSubject(subject, { ...logout(now), except: foreign!.id }), counted(1), 'the count')
    isEqual([await isAlive(store, own!.id), await isAlive(store, foreign!.id)], [false, true], 'alive')
  })

  rule('ending a subject counts neither revoked nor expired sessions, and ends expired ones too', async ({ store, now }) => {
    const subject = someSubject()
    const [revoked, , expired] = await createMany(store, subject, 3, now)
    await store.revoke(revoked!.id, logout(now))
    await store.update(expired!.id, 1, { ...changesOf(expired!, Uint8Array.of(1)), deadline: now + 60_000 })

    const ended = await store.revokeSubject(subject, logout(now + 120_000))

    isEqual(ended, counted(1), 'the count')
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
    const before = someRecord(now, { subject })
    const first = await store.create(before, { now })
    await store.revokeSubject(subject, logout(now))

    const after = someRecord(now, { subject })
    const next = await second.create(after, { now })

    isTrue(first.kind === 'created' && next.kind === 'created', 'both are created')
    isTrue(next.epoch > first.epoch, 'the epoch is higher')
    isEqual((await readRecord(store, after.id)).epoch, next.epoch, 'the epoch that is kept')
    isEqual([await isAlive(store, before.id), await isAlive(store, after.id)], [false, true], 'alive')
  })

  rule('ending a subject without sessions ends none', async ({ store, now }) => {
    isEqual(await store.revokeSubject(someSubject(), logout(now)), counted(0), 'the count')
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
    isEqual(alive.slice(0, 10).includes(true), false, 'one that was there before the end is alive')
    if (!tested.listsSubjects) return
    const listed = idsOf(await store.list(subject))
    const survivors = idsOf(records.filter((_, index) => alive[index]))
    isTrue(
      ended !== undefined && ended >= 10 && ended <= records.length - survivors.length,
      'the count is of sessions that were there, and are dead',
    )
    isEqual([...listed].sort(), [...survivors].sort(), 'the list holds exactly the living')
  })
}
