import type { CreateOptions, CreateOutcome, NewRecord, Store } from '../../core/store.ts'
import { isEqual, isTrue } from '../assert.ts'
import { create, createMany, idsOf, isAlive, type Rule, someRecord, someSubject } from './harness.ts'

const logout = (now: number) => ({ now, reason: 'logout' })

/** Whom a create evicted, oldest first. */
const evictedOf = (outcome: CreateOutcome): readonly string[] => (outcome.kind === 'created' ? outcome.evicted : [])

/** The ids of those that are alive, in their order. */
async function livingOf(store: Store, records: readonly NewRecord[]): Promise<string[]> {
  const alive = await Promise.all(records.map(({ id }) => isAlive(store, id)))
  return idsOf(records.filter((_, index) => alive[index]))
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
    isEqual(await livingOf(store, records), idsOf(records), 'the living')
  })

  rule('a session over the limit evicts the oldest, which reads as a tombstone', async ({ store, now }) => {
    const subject = someSubject()
    const [oldest, younger] = await createMany(store, subject, 2, now)
    const extra = someRecord(now, { subject })

    const outcome = await store.create(extra, evicting(now, 2))

    const ended = await store.read(oldest!.id)
    isEqual(evictedOf(outcome), [oldest!.id], 'the evicted')
    isTrue(ended?.kind === 'tombstone' && ended.tombstone.reason === 'evicted', 'the oldest is a tombstone, evicted')
    isEqual(await livingOf(store, [younger!, extra]), [younger!.id, extra.id], 'the living')
  })

  rule('a lowered limit evicts as many as are over it', async ({ store, now }) => {
    const subject = someSubject()
    const records = await createMany(store, subject, 5, now)

    const outcome = await store.create(someRecord(now, { subject }), evicting(now, 3))

    isEqual(evictedOf(outcome), idsOf(records.slice(0, 3)), 'the evicted')
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
    isEqual((await livingOf(store, records)).length, 5, 'living sessions')
  })

  rule('parallel creates never exceed a limit that evicts', async ({ store, second, now }) => {
    const subject = someSubject()
    const records = Array.from({ length: 20 }, (_, index) => someRecord(now, { subject, startedAt: now + index }))

    const outcomes = await Promise.all(
      records.map((record, index) => (index % 2 ? store : second).create(record, evicting(now, 5))),
    )

    const evicted = outcomes.flatMap(evictedOf)
    isEqual([evicted.length, new Set(evicted).size], [15, 15], 'sessions evicted, each once')
    isEqual((await livingOf(store, records)).length, 5, 'living sessions')
  })
}
