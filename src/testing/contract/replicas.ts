import type { NewRecord, Store } from '../../core/store.ts'
import { isEqual, isTrue } from '../assert.ts'
import type { TestedCapabilities } from './capabilities.ts'
import { changesOf, create, HOUR, isAlive, type Rule, readRecord, someId, someRecord, someSubject } from './harness.ts'

const BODY = Uint8Array.of(9, 8, 7)

interface Lag {
  /** The primary's handle. */
  readonly store: Store
  /** Reads from a replica that learns nothing until `catchUp`. */
  readonly stale: Store
  readonly catchUp: () => Promise<void>
  readonly now: number
}

/**
 * What holds when reads come from a replica that lags. A revocation need not be visible there; but nothing that is decided on what
 * was read there may harm what the primary knows: such a write is refused, goes to the primary, or is told `conflict` or `gone`.
 */
export function replicaRules(rule: Rule, tested: TestedCapabilities): void {
  /** `prepare` happens before the replica falls behind. */
  const lagging = <T>(
    name: string,
    prepare: (store: Store, now: number) => Promise<T>,
    test: (lag: Lag, made: T) => Promise<void>,
  ) =>
    rule(name, async ({ store, now, given }) => {
      isTrue(given.openStale !== undefined, 'the factory gives `openStale`')
      const { store: stale, pause, resume } = await given.openStale()
      const made = await prepare(store, now)
      await resume()
      await pause()
      let isBehind = true
      const catchUp = async () => {
        isBehind = false
        await resume()
      }
      try {
        await test({ store, stale, catchUp, now }, made)
      } finally {
        if (isBehind) await catchUp()
      }
    })

  const one = (store: Store, now: number) => create(store, someRecord(now, { subject: someSubject() }), { now })

  lagging('a write based on what a replica still shows is refused, and harms nothing', one, async (lag, record) => {
    const { store, stale, now } = lag
    await store.update(record.id, 1, changesOf(record, BODY))
    const seen = await stale.read(record.id)
    const version = seen?.kind === 'record' ? seen.record.version : 1

    const outcome = await unlessRefused(() => stale.update(record.id, version, changesOf(record, Uint8Array.of(0))))
    const replaces = { id: record.id, version: 1, reason: 'signed-in' }
    const next = someRecord(now)
    const replacement = await unlessRefused(() => stale.create(next, { now, replaces }))

    const isCurrent = version === 2
    isTrue(outcome === 'refused' || outcome === (isCurrent ? 'updated' : 'conflict'), 'the update is refused or a conflict')
    isTrue(replacement === 'refused' || replacement.kind === 'conflict', 'the replacement is refused or a conflict')
    isEqual(await store.read(next.id), undefined, 'the new session')
    if (outcome !== 'updated') isEqual((await readRecord(store, record.id)).body, BODY, 'the body')
  })

  lagging('no write through a replica brings back what was revoked', one, async (lag, record) => {
    const { store, stale, catchUp, now } = lag
    await store.revoke(record.id, { now, reason: 'logout' })
    await stale.read(record.id)

    const update = await unlessRefused(() => stale.update(record.id, 1, changesOf(record, BODY)))
    const creation = await unlessRefused(() => stale.create(record, { now }))

    isTrue(update === 'refused' || update === 'gone', 'the update is refused or gone')
    isTrue(creation === 'refused' || creation.kind === 'exists', 'the creation is refused or told that the id exists')
    isEqual((await store.read(record.id))?.kind, 'tombstone', 'what the primary reads')
    await catchUp()
    isEqual((await stale.read(record.id))?.kind, 'tombstone', 'what the replica reads once it has caught up')
    isEqual((await store.read(record.id))?.kind, 'tombstone', 'what the primary reads in the end')
  })

  if (tested.revokesSubjects) {
    lagging('no write through a replica brings back a session of an ended subject', one, async (lag, record) => {
      const { store, stale, catchUp, now } = lag
      const subject = record.subject!
      await store.revokeSubject(subject, { now, reason: 'logout' })
      await stale.read(record.id)

      const update = await unlessRefused(() => stale.update(record.id, 1, changesOf(record, BODY)))
      const young = someRecord(now, { subject })
      const creation = await unlessRefused(() => stale.create(young, { now }))

      isTrue(update === 'refused' || update === 'gone', 'the update is refused or gone')
      await catchUp()
      isEqual([await isAlive(store, record.id), await isAlive(stale, record.id)], [false, false], 'the ended one is alive')
      isEqual(await isAlive(store, young.id), creation !== 'refused', 'a session that was created since is alive')
    })
  }

  lagging('a revocation through a replica ends the session on the primary, or is refused', one, async (lag, record) => {
    const { store, stale, now } = lag
    await store.update(record.id, 1, changesOf(record, BODY))

    const ended = await unlessRefused(() => stale.revoke(record.id, { now, reason: 'logout' }))

    isTrue(ended !== false, 'the answer')
    isEqual((await store.read(record.id))?.kind, ended === 'refused' ? 'record' : 'tombstone', 'what the primary reads')
  })

  if (tested.limitsSubjects) {
    const none = async (): Promise<NewRecord[]> => []
    lagging('a limit holds although a replica does not know the latest sessions', none, async (lag) => {
      const { store, stale, now } = lag
      const subject = someSubject()
      const limit = { max: 2, onExceeded: 'reject' } as const
      for (let i = 0; i < 2; i++) await create(store, someRecord(now, { subject }), { now, limit })
      const extra = someRecord(now, { subject })

      const outcome = await unlessRefused(() => stale.create(extra, { now, limit }))

      isTrue(outcome === 'refused' || outcome.kind === 'limit', 'the creation is refused or over the limit')
      isEqual(await store.read(extra.id), undefined, 'the session over the limit')
    })
  }

  const keys = async (store: Store, now: number) => {
    const [claimed, taken] = [someId(), someId()]
    await store.ledger.put(taken, BODY, { now, deadline: now + HOUR })
    return { claimed, taken }
  }
  lagging('what was claimed or taken is not given again through a replica', keys, async (lag, { claimed, taken }) => {
    const { store, stale, now } = lag
    await store.ledger.claim(claimed, { now, deadline: now + HOUR })
    await store.ledger.take(taken, { now })

    const claim = await unlessRefused(() => stale.ledger.claim(claimed, { now, deadline: now + HOUR }))
    const value = await unlessRefused(() => stale.ledger.take(taken, { now }))

    isTrue(claim !== true, 'the claim is refused or false')
    isTrue(value === 'refused' || value === undefined, 'the value is refused or absent')
  })
}

/** A replica may refuse every write. Which error it gives is its own affair. */
async function unlessRefused<T>(write: () => Promise<T>): Promise<T | 'refused'> {
  try {
    return await write()
  } catch {
    return 'refused'
  }
}
