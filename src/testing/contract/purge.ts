import { isEqual, isTrue } from '../assert.ts'
import { create, HOUR, isAlive, type Rule, readRecord, someRecord, someSubject } from './harness.ts'

export function purgeRules(rule: Rule): void {
  rule('purge removes records past their deadline and leaves the others', async ({ store, now }) => {
    const subject = someSubject()
    const outdated = await create(store, someRecord(now, { subject, deadline: now + 60_000 }), { now })
    const live = await create(store, someRecord(now, { subject }), { now })

    const removed = await store.purge({ before: now + 120_000, limit: 10_000 })

    isTrue(removed >= 1, 'something was removed')
    isEqual(await store.read(outdated.id), undefined, 'the outdated one')
    isEqual((await readRecord(store, live.id)).id, live.id, 'the live one')
  })

  rule('purge keeps a record whose deadline was moved', async ({ store, now }) => {
    const record = await create(store, someRecord(now, { deadline: now + 60_000 }), { now })
    await store.update(record.id, 1, { ...record, deadline: now + HOUR })

    await store.purge({ before: now + 120_000, limit: 10_000 })

    isEqual(await isAlive(store, record.id), true, 'alive')
  })

  rule('purge removes a record whose deadline was brought forward', async ({ store, now }) => {
    const record = await create(store, someRecord(now), { now })
    await store.update(record.id, 1, { ...record, deadline: now + 60_000 })

    await store.purge({ before: now + 120_000, limit: 10_000 })

    isEqual(await store.read(record.id), undefined, 'what is read')
  })

  // Resurrection: were the tombstone gone at the idle deadline, a copy of the record could be created again under its id.
  rule('purge keeps a tombstone until its absolute deadline, whatever its idle deadline was', async ({ store, now }) => {
    const record = await create(store, someRecord(now, { deadline: now + 60_000 }), { now })
    await store.revoke(record.id, { now, reason: 'logout' })

    await store.purge({ before: now + HOUR, limit: 10_000 })
    const meanwhile = await store.read(record.id)
    await store.purge({ before: record.absoluteDeadline + 1, limit: 10_000 })

    isEqual(meanwhile?.kind, 'tombstone', 'what is read before the absolute deadline')
    isEqual(await store.read(record.id), undefined, 'what is read after it')
  })

  rule('purge keeps an updated session’s tombstone until the absolute deadline it had last', async ({ store, now }) => {
    const record = await create(store, someRecord(now), { now })
    await store.update(record.id, 1, { ...record, absoluteDeadline: now + 24 * HOUR })
    await store.revoke(record.id, { now, reason: 'logout' })

    await store.purge({ before: record.absoluteDeadline + 1, limit: 10_000 })

    isEqual((await store.read(record.id))?.kind, 'tombstone', 'what is read')
  })

  rule('purge removes at most what it is told, and says less when it is done', async ({ store, now }) => {
    const subject = someSubject()
    await store.purge({ before: now + 120_000, limit: 10_000 })
    for (let i = 0; i < 7; i++) await create(store, someRecord(now, { subject, deadline: now + 60_000 }), { now })
    const options = { before: now + 120_000, limit: 5 }

    const removed = [await store.purge(options), await store.purge(options), await store.purge(options)]

    isEqual(removed, [5, 2, 0], 'rows removed')
    isEqual(await store.list(subject), [], 'the list')
  })

  rule('purge does not end the epoch of a subject that has sessions', async ({ store, now }) => {
    const subject = someSubject()
    await store.revokeSubject(subject, { now, reason: 'logout' })
    const record = await create(store, someRecord(now, { subject }), { now })

    await store.purge({ before: now + 60_000, limit: 10_000 })

    isEqual(await isAlive(store, record.id), true, 'alive')
    isEqual(await store.revokeSubject(subject, { now, reason: 'logout' }), 1, 'sessions ended afterwards')
    isEqual(await isAlive(store, record.id), false, 'alive afterwards')
  })

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

    const left = await Promise.all(outdated.map(({ id }) => store.read(id)))
    const alive = await Promise.all(live.map(({ id }) => isAlive(store, id)))
    isTrue(
      left.every((outcome) => outcome === undefined),
      'every outdated one is gone',
    )
    isTrue(alive.every(Boolean), 'every live one is alive')
  })
}
