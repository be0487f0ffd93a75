import { EXPIRED_KEPT_FOR } from '../../core/expiry.ts'
import { isEqual, isTrue } from '../assert.ts'
import type { TestedCapabilities } from './capabilities.ts'
import { changesOf, create, HOUR, idsOf, isAlive, type Rule, readRecord, someId, someRecord, someSubject } from './harness.ts'

const BODY = Uint8Array.of(9, 8, 7)
/** How far the clocks of two nodes may differ. */
const SKEW = 300_000
const logout = (now: number) => ({ now, reason: 'logout', keepUntil: now + 48 * HOUR })

/**
 * Two nodes whose clocks differ by five minutes, and an engine whose own clock agrees with one of them. `store` hands in the instants
 * of the slow node, `second` those of the fast one.
 */
export function clockRules(rule: Rule, tested: TestedCapabilities): void {
  const atSlow: Rule = (name, test) => rule(`${name} (one node is five minutes ahead)`, test)
  const atFast: Rule = (name, test) =>
    rule(`${name} (one node is five minutes behind)`, (bench) => test({ ...bench, now: bench.now - SKEW }))
  skewRules(atSlow, tested)
  skewRules(atFast, tested)
}

/** `now` is the slow node's; the fast one's is `now + SKEW`. */
function skewRules(rule: Rule, tested: TestedCapabilities): void {
  rule('what lives for the slow node is there, although it is over for the fast one', async ({ store, second, now }) => {
    const record = await create(store, someRecord(now, { deadline: now + 60_000, absoluteDeadline: now + 90_000 }), { now })

    await second.purge({ before: now + SKEW - EXPIRED_KEPT_FOR, limit: 10_000 })

    isEqual(await isAlive(store, record.id), true, 'alive')
    isEqual((await readRecord(second, record.id)).deadline, now + 60_000, 'the deadline the fast node reads')
    isEqual(await store.update(record.id, 1, changesOf(someRecord(now), BODY)), 'updated', 'an update of the slow node')
    isEqual(await isAlive(second, record.id), true, 'alive after the update')
  })

  rule('what the fast node ended stays ended for the slow one', async ({ store, second, now }) => {
    const record = await create(store, someRecord(now, { deadline: now + 60_000, absoluteDeadline: now + 90_000 }), { now })
    await second.revoke(record.id, { now: now + SKEW, reason: 'logout', keepUntil: record.absoluteDeadline })
    await second.purge({ before: now + SKEW - EXPIRED_KEPT_FOR, limit: 10_000 })

    const outcomes = [await store.update(record.id, 1, changesOf(record, BODY)), (await store.create(record, { now })).kind]

    isEqual(outcomes, ['gone', 'exists'], 'a late update and a late create of the slow node')
    isEqual((await store.read(record.id))?.kind, 'tombstone', 'what is read')
  })

  rule('what the slow node ended stays ended for the fast one', async ({ store, second, now }) => {
    const record = await create(second, someRecord(now + SKEW), { now: now + SKEW })
    await store.revoke(record.id, { now, reason: 'logout' })

    isEqual(await second.update(record.id, 1, changesOf(record, BODY)), 'gone', 'a late update of the fast node')
    isEqual((await second.read(record.id))?.kind, 'tombstone', 'what is read')
  })

  if (tested.revokesSubjects) {
    rule('each end of a subject ends what was there, whichever node was last', async ({ store, second, now }) => {
      const subject = someSubject()
      const first = await create(store, someRecord(now, { subject }), { now })
      await second.revokeSubject(subject, logout(now + SKEW))
      const next = await create(store, someRecord(now, { subject }), { now })
      const afterFast = [await isAlive(store, first.id), await isAlive(second, next.id)]
      await store.revokeSubject(subject, logout(now))
      const last = await create(second, someRecord(now + SKEW, { subject }), { now: now + SKEW })

      isEqual(afterFast, [false, true], 'alive after the end by the fast node')
      isEqual(
        [await isAlive(second, next.id), await isAlive(store, last.id)],
        [false, true],
        'alive after the end by the slow node',
      )
    })
  }

  if (tested.listsSubjects) {
    rule('the list holds the sessions of both nodes', async ({ store, second, now }) => {
      const subject = someSubject()
      const slow = await create(store, someRecord(now, { subject, deadline: now + 60_000 }), { now })
      const fast = await create(second, someRecord(now + SKEW, { subject }), { now: now + SKEW })
      await second.purge({ before: now + SKEW - EXPIRED_KEPT_FOR, limit: 10_000 })

      isEqual(idsOf(await store.list(subject)), [slow.id, fast.id], 'the ids')
      isEqual(idsOf(await second.list(subject)), [slow.id, fast.id], 'the ids the fast node lists')
    })
  }

  if (tested.limitsSubjects) {
    rule('a limit holds over both nodes, and the new session is never the one evicted', async ({ store, second, now }) => {
      const subject = someSubject()
      const limit = { max: 2, onExceeded: 'evict-oldest' } as const
      const ids: string[] = []
      for (let i = 0; i < 3; i++) {
        for (const [handle, at] of [[second, now + SKEW + i] as const, [store, now + i] as const]) {
          const record = await create(handle, someRecord(at, { subject }), { now: at, limit })
          ids.push(record.id)
          isEqual(await isAlive(handle, record.id), true, 'the new one is alive')
        }
      }

      const alive = await Promise.all(ids.map((id) => isAlive(store, id)))
      isEqual(alive.filter(Boolean).length, 2, 'living sessions')
      const extra = { now, limit: { max: 2, onExceeded: 'reject' } } as const
      isEqual((await store.create(someRecord(now, { subject }), extra)).kind, 'limit', 'one more')
    })
  }

  rule('a claim of one node holds for the other, and to its deadline for itself', async ({ store, second, now }) => {
    const fast = { now: now + SKEW, deadline: now + SKEW + 60_000 }
    const slow = { now, deadline: now + 60_000 }
    const [ofFast, ofSlow] = [someId(), someId()]

    const answers = [await second.ledger.claim(ofFast, fast), await store.ledger.claim(ofFast, slow)]
    answers.push(await store.ledger.claim(ofSlow, slow), await store.ledger.claim(ofSlow, { ...slow, now: now + 59_000 }))

    isEqual(answers, [true, false, true, false], 'the answers')
  })

  rule('a value of the slow node can be read until its deadline, and is taken once', async ({ store, second, now }) => {
    const key = someId()
    await store.ledger.put(key, BODY, { now, deadline: now + 60_000 })

    const read = await store.ledger.get(key, { now: now + 59_000 })
    const taken = [await store.ledger.take(key, { now: now + 59_000 }), await second.ledger.take(key, { now: now + SKEW })]

    isEqual([read, ...taken], [BODY, BODY, undefined], 'what was read and taken')
  })

  rule('counts of both nodes add up, and a clock that runs ahead does not freeze them', async ({ store, second, now }) => {
    const key = someId()
    const window = HOUR

    const counts = [await second.ledger.count(key, { now: now + SKEW, window }), await store.ledger.count(key, { now, window })]
    counts.push(await second.ledger.count(key, { now: now + SKEW, window }))
    const later = await store.ledger.count(key, { now: now + SKEW + window + 1, window })

    isEqual(counts, [1, 2, 3], 'the counts')
    isTrue(later === 1, 'the count after the window')
  })
}
