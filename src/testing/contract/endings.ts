import { isEqual, isTrue } from '../assert.ts'
import type { TestedCapabilities } from './capabilities.ts'
import {
  changesOf,
  create,
  createMany,
  HOUR,
  isAlive,
  type Rule,
  readRecord,
  someId,
  someRecord,
  someSubject,
} from './harness.ts'

const BODY = Uint8Array.of(9, 8, 7)

/** Machine words, and what an application may take for one. */
const REASONS = ['logout', 'admin:force-logout', '__proto__', '0', 'r'.repeat(64), `it's "over" \\ {now}`, 'a\r\nb', '👋']

export function revokeRules(rule: Rule, tested: TestedCapabilities): void {
  rule('a revoked session reads as a tombstone that holds no data', async ({ store, now }) => {
    const record = await create(store, someRecord(now, { subject: someSubject() }), { now })

    const isEnded = await store.revoke(record.id, { now: now + 5, reason: 'logout', keepUntil: record.absoluteDeadline })

    const { id, subject, absoluteDeadline } = record
    const tombstone = { id, subject, revokedAt: now + 5, reason: 'logout', absoluteDeadline }
    isEqual(isEnded, true, 'the answer')
    isEqual(await store.read(id), { kind: 'tombstone', tombstone }, 'what is read')
  })

  rule('a reason is kept as it was given', async ({ store, now }) => {
    for (const reason of REASONS) {
      const record = await create(store, someRecord(now), { now })
      await store.revoke(record.id, { now, reason })

      const outcome = await store.read(record.id)

      isEqual(outcome?.kind === 'tombstone' && outcome.tombstone.reason, reason, 'the reason')
    }
  })

  rule('a session is ended whatever its version', async ({ store, now }) => {
    const record = await create(store, someRecord(now), { now })
    await store.update(record.id, 1, changesOf(record, BODY))
    await store.update(record.id, 2, changesOf(record, BODY))

    isEqual(await store.revoke(record.id, { now, reason: 'logout' }), true, 'the answer')
    isEqual(await isAlive(store, record.id), false, 'alive')
  })

  rule('ending a session again keeps the first reason and says it was not this call', async ({ store, now }) => {
    const record = await create(store, someRecord(now), { now })
    await store.revoke(record.id, { now, reason: 'reuse' })

    const isEnded = await store.revoke(record.id, { now: now + 9, reason: 'logout' })

    const outcome = await store.read(record.id)
    isEqual(isEnded, false, 'the answer')
    isTrue(outcome?.kind === 'tombstone', 'the tombstone is still there')
    isEqual([outcome.tombstone.reason, outcome.tombstone.revokedAt], ['reuse', now], 'reason and instant')
  })

  rule('ending a session that is not there does nothing', async ({ store, now }) => {
    const id = someId()

    isEqual(await store.revoke(id, { now, reason: 'logout' }), false, 'the answer')
    isEqual(await store.read(id), undefined, 'the id')
  })

  rule('parallel revocations end a session exactly once', async ({ store, second, now }) => {
    const record = await create(store, someRecord(now), { now })

    const answers = await Promise.all(
      [store, second, store, second].map((handle) => handle.revoke(record.id, { now, reason: 'logout' })),
    )

    isEqual(answers.filter(Boolean).length, 1, 'calls that ended it')
  })

  // Resurrection: a request that read the session before the logout saves it after the logout.
  rule('a revoked session stays revoked when a slow request finishes', async ({ store, second, now }) => {
    const record = await create(store, someRecord(now), { now })
    const { version } = await readRecord(second, record.id)
    await store.revoke(record.id, { now, reason: 'logout' })

    const outcome = await second.update(record.id, version, changesOf(record, BODY))

    isEqual(outcome, 'gone', 'the late update')
    isEqual((await store.read(record.id))?.kind, 'tombstone', 'what is read')
  })

  rule('a revoked session stays revoked when its id is created again', async ({ store, second, now }) => {
    const record = await create(store, someRecord(now), { now })
    await store.revoke(record.id, { now, reason: 'logout' })

    isEqual(await second.create(record, { now }), { kind: 'exists' }, 'the late create')
    isEqual((await store.read(record.id))?.kind, 'tombstone', 'what is read')
  })

  rule('after a revocation no parallel write leaves the session alive', async ({ store, second, now }) => {
    const record = await create(store, someRecord(now), { now })

    await Promise.all([
      second.update(record.id, 1, changesOf(record, BODY)),
      store.revoke(record.id, { now, reason: 'logout' }),
      second.update(record.id, 2, changesOf(record, BODY)),
      second.create(record, { now }),
    ])

    isEqual((await second.read(record.id))?.kind, 'tombstone', 'what is read')
  })

  rule('another handle sees a revocation as soon as it is acknowledged', async ({ store, second, now }) => {
    const record = await create(store, someRecord(now), { now })
    await second.read(record.id)

    await store.revoke(record.id, { now, reason: 'logout' })

    isEqual((await second.read(record.id))?.kind, 'tombstone', 'what the other handle reads')
  })

  rule('a clock that jumps back an hour ends sessions all the same', async ({ store, now }) => {
    const subject = someSubject()
    const [first, other] = await createMany(store, subject, 2, now)

    await store.revoke(first!.id, { now: now - HOUR, reason: 'logout' })
    isEqual((await store.read(first!.id))?.kind, 'tombstone', 'the one ended by id')
    if (!tested.revokesSubjects) return
    await store.revokeSubject(subject, { now: now - HOUR, reason: 'logout' })
    isEqual(await isAlive(store, other!.id), false, 'the one ended by subject is alive')
  })
}

export function replaceRules(rule: Rule): void {
  rule('a record that replaces another ends it in the same step', async ({ store, now }) => {
    const old = await create(store, someRecord(now), { now })
    const next = someRecord(now, { subject: someSubject() })

    const replaces = { id: old.id, version: 1, reason: 'signed-in', keepUntil: old.absoluteDeadline }
    const outcome = await store.create(next, { now, replaces })

    const ended = await store.read(old.id)
    isTrue(outcome.kind === 'created' && outcome.evicted.length === 0, 'it is created, and evicts nobody')
    isTrue(ended?.kind === 'tombstone' && ended.tombstone.reason === 'signed-in', 'the old one is a tombstone with the reason')
    isEqual(await isAlive(store, next.id), true, 'the new one is alive')
  })

  rule('a record whose predecessor changed meanwhile is not created', async ({ store, second, now }) => {
    const old = await create(store, someRecord(now), { now })
    await second.update(old.id, 1, changesOf(old, BODY))
    const next = someRecord(now, { subject: someSubject() })

    const outcome = await store.create(next, { now, replaces: { id: old.id, version: 1, reason: 'signed-in' } })

    isEqual(outcome, { kind: 'conflict' }, 'the outcome')
    isEqual(await store.read(next.id), undefined, 'the new one')
    isEqual((await readRecord(store, old.id)).body, BODY, 'the old one keeps what was written')
  })

  rule('a record whose predecessor was revoked meanwhile is not created', async ({ store, second, now }) => {
    const old = await create(store, someRecord(now), { now })
    await second.revoke(old.id, { now, reason: 'logout' })
    const next = someRecord(now, { subject: someSubject() })

    const outcome = await store.create(next, { now, replaces: { id: old.id, version: 1, reason: 'signed-in' } })

    isEqual(outcome, { kind: 'conflict' }, 'the outcome')
    isEqual(await store.read(next.id), undefined, 'the new one')
  })

  rule('a record whose predecessor is not there is not created', async ({ store, now }) => {
    const next = someRecord(now)

    isEqual(
      await store.create(next, { now, replaces: { id: someId(), version: 1, reason: 'x' } }),
      { kind: 'conflict' },
      'outcome',
    )
    isEqual(await store.read(next.id), undefined, 'the new one')
  })

  rule('of parallel records that replace the same one, exactly one is created', async ({ store, second, now }) => {
    const old = await create(store, someRecord(now), { now })
    const subject = someSubject()
    const rivals = Array.from({ length: 6 }, () => someRecord(now, { subject }))

    const outcomes = await Promise.all(
      rivals.map((next, index) =>
        (index % 2 ? store : second).create(next, { now, replaces: { id: old.id, version: 1, reason: 'signed-in' } }),
      ),
    )

    isEqual(outcomes.filter(({ kind }) => kind === 'created').length, 1, 'records created')
    isEqual((await store.read(old.id))?.kind, 'tombstone', 'the old one')
  })
}
