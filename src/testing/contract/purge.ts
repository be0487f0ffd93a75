import type { NewRecord, Store } from '../../core/store.ts'
import { eventually, isEqual, isTrue } from '../assert.ts'
import type { TestedCapabilities } from './capabilities.ts'
import { changesOf, create, HOUR, idsOf, isAlive, type Rule, readRecord, someRecord, someSubject } from './harness.ts'

/** Held to by every store: what lives, and what keeps the dead dead, survives a purge. */
export function purgeRules(rule: Rule, tested: TestedCapabilities): void {
  rule('purge keeps a record whose deadline was moved', async ({ store, now }) => {
    const record = await create(store, someRecord(now, { deadline: now + 60_000 }), { now })
    await store.update(record.id, 1, { ...record, deadline: now + HOUR })

    await store.purge({ before: now + 120_000, limit: 10_000 })

    isEqual(await isAlive(store, record.id), true, 'alive')
  })

  // Resurrection: were the tombstone gone at the idle deadline, a copy of the record could be created again under its id.
  rule('purge keeps a tombstone until its absolute deadline, whatever its idle deadline was', async ({ store, now }) => {
    const record = await create(store, someRecord(now, { deadline: now + 60_000 }), { now })
    await store.revoke(record.id, { now, reason: 'logout' })

    await store.purge({ before: now + HOUR, limit: 10_000 })

    isEqual((await store.read(record.id))?.kind, 'tombstone', 'what is read before the absolute deadline')
  })

  rule('purge keeps an updated session’s tombstone until the absolute deadline it had last', async ({ store, now }) => {
    const record = await create(store, someRecord(now), { now })
    await store.update(record.id, 1, { ...record, absoluteDeadline: now + 24 * HOUR })
    await store.revoke(record.id, { now, reason: 'logout' })

    await store.purge({ before: record.absoluteDeadline + 1, limit: 10_000 })

    isEqual((await store.read(record.id))?.kind, 'tombstone', 'what is read')
  })

  if (tested.revokesSubjects) {
    rule('purge does not end the epoch of a subject that has sessions', async ({ store, now }) => {
      const subject = someSubject()
      await store.revokeSubject(subject, { now, reason: 'logout', keepUntil: now + 48 * HOUR })
      const record = await create(store, someRecord(now, { subject }), { now })

      await store.purge({ before: now + 60_000, limit: 10_000 })

      isEqual(await isAlive(store, record.id), true, 'alive')
      const ended = await store.revokeSubject(subject, { now, reason: 'logout', keepUntil: now + 48 * HOUR })
      isEqual(ended, tested.listsSubjects ? 1 : undefined, 'sessions ended afterwards')
      isEqual(await isAlive(store, record.id), false, 'alive afterwards')
    })
  }

  rule('purge and parallel writes do not harm each other', async ({ store, second, now }) => {
    const outdated = await Promise.all(
      Array.from({ length: 30 }, () => create(store, someRecord(now, { deadline: now + 60_000 }), { now })),
    )
    const live = Array.from({ length: 30 }, () => someRecord(now))

    await Promise.all([
      store.purge({ before: now + 120_000, limit: 10_000 }),
      ...live.map((record) => second.create(record, { now })),
      second.purge({ before: now + 120_000, limit: 10_000 }),
    ])

    const alive = await Promise.all(live.map(({ id }) => isAlive(store, id)))
    isEqual(alive.includes(false), false, 'a live one is gone')
    if (tested.purgesItself) return
    const left = await Promise.all(outdated.map(({ id }) => store.read(id)))
    isEqual(
      left.filter((outcome) => outcome !== undefined),
      [],
      'outdated ones that are left',
    )
  })
}

/** For stores that remove nothing unless `purge` is called. */
export function removalRules(rule: Rule, tested: TestedCapabilities): void {
  rule('purge removes records past their deadline and leaves the others', async ({ store, now }) => {
    const subject = someSubject()
    const outdated = await create(store, someRecord(now, { subject, deadline: now + 60_000 }), { now })
    const live = await create(store, someRecord(now, { subject }), { now })

    const removed = await store.purge({ before: now + 120_000, limit: 10_000 })

    isTrue(removed >= 1, 'something was removed')
    isEqual(await store.read(outdated.id), undefined, 'the outdated one')
    isEqual((await readRecord(store, live.id)).id, live.id, 'the live one')
  })

  rule('purge removes a record whose deadline was brought forward', async ({ store, now }) => {
    const record = await create(store, someRecord(now), { now })
    await store.update(record.id, 1, { ...record, deadline: now + 60_000 })

    await store.purge({ before: now + 120_000, limit: 10_000 })

    isEqual(await store.read(record.id), undefined, 'what is read')
  })

  rule('purge removes a tombstone past its absolute deadline', async ({ store, now }) => {
    const record = await create(store, someRecord(now), { now })
    await store.revoke(record.id, { now, reason: 'logout' })

    await store.purge({ before: record.absoluteDeadline + 1, limit: 10_000 })

    isEqual(await store.read(record.id), undefined, 'what is read')
  })

  rule('purge removes at most what it is told, and says less when it is done', async ({ store, now }) => {
    const subject = someSubject()
    await store.purge({ before: now + 120_000, limit: 10_000 })
    for (let i = 0; i < 7; i++) await create(store, someRecord(now, { subject, deadline: now + 60_000 }), { now })
    const options = { before: now + 120_000, limit: 5 }

    const removed = [await store.purge(options), await store.purge(options), await store.purge(options)]

    isEqual(removed, [5, 2, 0], 'rows removed')
    if (tested.listsSubjects) isEqual(await store.list(subject), [], 'the list')
  })
}

/** For stores whose engine removes what is outdated, at its own time. */
export function ownRemovalRules(rule: Rule, tested: TestedCapabilities): void {
  rule('purge has nothing to do: it gives 0, and what lives goes on living', async ({ store, now }) => {
    const subject = someSubject()
    const live = await create(store, someRecord(now, { subject }), { now })
    const ended = await create(store, someRecord(now, { subject }), { now })
    await store.revoke(ended.id, { now, reason: 'logout' })

    const removed = await store.purge({ before: now + 60_000, limit: 10_000 })

    isEqual(removed, 0, 'rows removed')
    isEqual(await isAlive(store, live.id), true, 'alive')
    isEqual((await store.read(ended.id))?.kind, 'tombstone', 'the revoked one')
  })

  rule('a record long past its deadline is absent or handed out as expired, and never lives again', async ({ store, now }) => {
    const subject = someSubject()
    const outdated = await createOutdated(store, subject, now)

    await store.purge({ before: now - 24 * HOUR, limit: 10_000 })

    const found = await store.read(outdated.id)
    isTrue(found === undefined || found.kind === 'tombstone' || found.record.deadline < now, 'it is absent or expired')
    const updated = await store.update(outdated.id, 1, changesOf(outdated, Uint8Array.of(7)))
    isEqual(updated, found === undefined ? 'gone' : updated, 'an update of what is absent')
    const after = await store.read(outdated.id)
    isTrue(after === undefined || after.kind === 'tombstone' || after.record.deadline < now, 'it is still absent or expired')
  })

  if (!tested.listsSubjects) return
  rule('the index of a subject forgets in the end what is long past its deadline', async ({ store, now }) => {
    const subject = someSubject()
    const outdated: NewRecord[] = []
    for (let i = 0; i < 5; i++) outdated.push(await createOutdated(store, subject, now))
    const live = await create(store, someRecord(now, { subject }), { now })

    await store.purge({ before: now - 24 * HOUR, limit: 10_000 })

    let listed: string[] = []
    const hasForgotten = async () => {
      listed = idsOf(await store.list(subject))
      return !outdated.some(({ id }) => listed.includes(id))
    }
    await eventually(hasForgotten, 'the list forgets what is outdated')
    isEqual(listed, [live.id], 'the list')
  })
}

/** A session of two days ago: past every deadline, and past the day for which core keeps what expired. */
const createOutdated = (store: Store, subject: string, now: number) => {
  const times = { startedAt: now - 60 * HOUR, deadline: now - 48 * HOUR, absoluteDeadline: now - 47 * HOUR }
  return create(store, someRecord(now, { subject, ...times }), { now: now - 60 * HOUR })
}
