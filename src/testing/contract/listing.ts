import { isEqual } from '../assert.ts'
import { changesOf, create, createMany, HOUR, idsOf, type Rule, someRecord, someSubject } from './harness.ts'

const logout = (now: number) => ({ now, reason: 'logout' })

export function listRules(rule: Rule): void {
  rule('a subject lists its own sessions, oldest first', async ({ store, second, now }) => {
    const subject = someSubject()
    const youngest = await create(store, someRecord(now, { subject, startedAt: now }), { now })
    const oldest = await create(store, someRecord(now, { subject, startedAt: now - 2 * HOUR }), { now })
    const middle = await create(store, someRecord(now, { subject, startedAt: now - HOUR }), { now })
    await create(store, someRecord(now, { subject: someSubject() }), { now })

    const listed = await second.list(subject)

    isEqual(idsOf(listed), idsOf([oldest, middle, youngest]), 'the ids')
    isEqual(listed[0], { ...oldest, version: 1, epoch: listed[0]?.epoch }, 'the first record')
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
}
