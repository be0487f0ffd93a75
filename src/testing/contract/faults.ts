import { isSojournError } from '../../core/errors.ts'
import { isEqual, isTrue, rejects } from '../assert.ts'
import { faultyStore } from '../faulty-store.ts'
import type { TestedCapabilities } from './capabilities.ts'
import { changesOf, create, isAlive, type Rule, readRecord, someRecord, someSubject } from './harness.ts'

const BODY = Uint8Array.of(9, 8, 7)

/** What a caller may rely on when the way to the store is bad: every operation can be asked again. */
export function faultRules(rule: Rule, tested: TestedCapabilities): void {
  rule('an outage is a typed rejection, never "there is no session"', async ({ store, now }) => {
    const record = await create(store, someRecord(now), { now })
    const faulty = faultyStore(store, { read: [{ kind: 'error' }] })

    const reason = await rejects(faulty.read(record.id), 'reading during the outage')

    isTrue(isSojournError(reason, 'ERR_STORE_UNAVAILABLE'), 'the rejection has a code')
    isEqual((await faulty.read(record.id))?.kind, 'record', 'what is read after the outage')
  })

  rule('a partition rejects once the caller stops waiting', async ({ store, now }) => {
    const record = await create(store, someRecord(now), { now })
    const faulty = faultyStore(store, { all: { kind: 'partition' } })

    // Not `AbortSignal.timeout`: its timer keeps no process alive, and a runner without one of its own would end here.
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 20)
    await rejects(faulty.read(record.id, { signal: controller.signal }), 'reading across the partition')

    isEqual(await isAlive(store, record.id), true, 'alive')
  })

  rule('a slow answer is still the right one', async ({ store, now }) => {
    const record = await create(store, someRecord(now), { now })
    const faulty = faultyStore(store, { read: { kind: 'latency', milliseconds: 20 } })
    const pending = faulty.read(record.id)

    await store.revoke(record.id, { now, reason: 'logout' })

    isEqual((await pending)?.kind, 'tombstone', 'what the slow read gives')
  })

  rule('a create whose answer was lost is there, and asking again says so', async ({ store, now }) => {
    const faulty = faultyStore(store, { create: [{ kind: 'lost-reply' }] })
    const record = someRecord(now)
    await rejects(faulty.create(record, { now }), 'the create whose answer was lost')

    isEqual(await faulty.create(record, { now }), { kind: 'exists' }, 'asking again')
    isEqual(await isAlive(store, record.id), true, 'alive')
  })

  rule('an update whose answer was lost is a conflict when asked again, and happened once', async ({ store, now }) => {
    const record = await create(store, someRecord(now), { now })
    const faulty = faultyStore(store, { update: [{ kind: 'lost-reply' }] })
    await rejects(faulty.update(record.id, 1, changesOf(record, BODY)), 'the update whose answer was lost')

    isEqual(await faulty.update(record.id, 1, changesOf(record, BODY)), 'conflict', 'asking again')
    isEqual((await readRecord(store, record.id)).version, 2, 'the version')
  })

  rule('a revocation whose answer was lost has ended the session, and may be asked again', async ({ store, now }) => {
    const record = await create(store, someRecord(now), { now })
    const faulty = faultyStore(store, { revoke: [{ kind: 'lost-reply' }] })
    await rejects(faulty.revoke(record.id, { now, reason: 'logout' }), 'the revocation whose answer was lost')

    isEqual(await faulty.revoke(record.id, { now, reason: 'logout' }), false, 'asking again')
    isEqual((await store.read(record.id))?.kind, 'tombstone', 'what is read')
  })

  rule('an update delivered twice happens once', async ({ store, now }) => {
    const record = await create(store, someRecord(now), { now })
    const faulty = faultyStore(store, { update: { kind: 'duplicate' } })

    isEqual(await faulty.update(record.id, 1, changesOf(record, BODY)), 'updated', 'the outcome')
    isEqual((await readRecord(store, record.id)).version, 2, 'the version')
  })

  if (!tested.revokesSubjects) return
  rule('ending a subject twice still spares the session to be spared', async ({ store, now }) => {
    const subject = someSubject()
    const spared = await create(store, someRecord(now, { subject }), { now })
    const other = await create(store, someRecord(now, { subject }), { now })
    const faulty = faultyStore(store, { revokeSubject: { kind: 'duplicate' } })

    const ended = await faulty.revokeSubject(subject, { now, reason: 'logout', except: spared.id })

    isEqual(ended, tested.listsSubjects ? 1 : undefined, 'the count')
    isEqual([await isAlive(store, spared.id), await isAlive(store, other.id)], [true, false], 'alive')
  })
}
