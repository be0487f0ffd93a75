import { subjectKeyOf } from '../../core/placement.ts'
import type { ChangeListener, Changes, Store } from '../../core/store.ts'
import { eventually, isEqual, isTrue } from '../assert.ts'
import type { TestedCapabilities } from './capabilities.ts'
import { changesOf, create, createMany, type Rule, someRecord, someSubject } from './harness.ts'
import { logoutSaid, revokeLinked, someLinkKey } from './links.ts'

const BODY = Uint8Array.of(9, 8, 7)

/** Long enough for a message on its way to arrive, where one must not. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 150))

/** Listeners on both handles, and what they heard. */
class Audience {
  readonly #heard = [new Set<string>(), new Set<string>()] as const
  readonly #leave: (() => Promise<void>)[] = []

  static async of(...stores: Store[]): Promise<Audience> {
    const audience = new Audience()
    for (const [index, store] of stores.entries()) {
      audience.#leave.push(await changesOfStore(store).subscribe(noting(audience.#heard[index]!)))
    }
    return audience
  }

  /** Waits until every handle has heard of one of the names: an id, or the key of a subject. */
  async hear(what: string, ...names: string[]): Promise<void> {
    const hasHeard = () => this.#heard.every((heard) => names.some((name) => heard.has(name)))
    await eventually(hasHeard, `every handle hears of ${what}`)
  }

  async leave(): Promise<void> {
    for (const leave of this.#leave) await leave()
  }
}

/** What every process does to records is pushed to every process that listens; caches live on it. */
export function changesRules(rule: Rule, tested: TestedCapabilities): void {
  rule('an update is told to the listeners of every handle', async ({ store, second, now }) => {
    const record = await create(store, someRecord(now, { subject: someSubject() }), { now })
    const audience = await Audience.of(store, second)

    await second.update(record.id, 1, changesOf(record, BODY))

    await audience.hear('the update', record.id)
    await audience.leave()
  })

  rule('a revocation is told to the listeners of every handle', async ({ store, second, now }) => {
    const record = await create(store, someRecord(now), { now })
    const audience = await Audience.of(store, second)

    await second.revoke(record.id, { now, reason: 'logout' })

    await audience.hear('the revocation', record.id)
    await audience.leave()
  })

  rule('a session that is replaced is told of', async ({ store, second, now }) => {
    const old = await create(store, someRecord(now), { now })
    const audience = await Audience.of(store, second)

    const replaces = { id: old.id, version: 1, reason: 'signed-in' }
    await create(second, someRecord(now, { subject: someSubject() }), { now, replaces })

    await audience.hear('the replaced session', old.id)
    await audience.leave()
  })

  if (tested.revokesLinked) {
    rule('a session whose login ended at the provider is told of', async ({ store, second, now }) => {
      const key = someLinkKey()
      const record = someRecord(now, { subject: someSubject() })
      await create(store, record, { now, link: { keys: [key], at: now } })
      const audience = await Audience.of(store, second)

      await revokeLinked(second, key, logoutSaid(now))

      await audience.hear('the session', record.id)
      await audience.leave()
    })
  }

  if (tested.limitsSubjects) {
    rule('a session that is evicted by a limit is told of', async ({ store, second, now }) => {
      const subject = someSubject()
      const [oldest] = await createMany(store, subject, 1, now)
      const audience = await Audience.of(store, second)

      await create(second, someRecord(now, { subject }), { now, limit: { max: 1, onExceeded: 'evict-oldest' } })

      await audience.hear('the evicted session', oldest!.id, subjectKeyOf(subject))
      await audience.leave()
    })
  }

  if (tested.revokesSubjects) {
    rule('the end of a subject is told under its key, which names nobody', async ({ store, second, now }) => {
      const subject = someSubject("'; DROP TABLE\0\r\n👩‍👩‍👧")
      await createMany(store, subject, 2, now)
      const audience = await Audience.of(store, second)

      await second.revokeSubject(subject, { now, reason: 'logout' })

      await audience.hear('the end of the subject', subjectKeyOf(subject))
      await audience.leave()
    })
  }

  rule('a burst of changes is told without a gap', async ({ store, second, now }) => {
    const records = await Promise.all(Array.from({ length: 100 }, () => create(store, someRecord(now), { now })))
    const audience = await Audience.of(store, second)

    await Promise.all(records.map(({ id }, index) => (index % 2 ? store : second).revoke(id, { now, reason: 'logout' })))

    for (const { id } of records) await audience.hear('every change', id)
    await audience.leave()
  })

  rule('who has left hears nothing more, and may leave twice', async ({ store, second, now }) => {
    const record = await create(store, someRecord(now), { now })
    const heard = new Set<string>()
    const leave = await changesOfStore(store).subscribe(noting(heard))
    const audience = await Audience.of(store, second)
    await leave()
    await leave()

    await second.update(record.id, 1, changesOf(record, BODY))

    await audience.hear('the update', record.id)
    await settle()
    await audience.leave()
    isEqual(heard.size, 0, 'what was heard by the one who left')
  })

  rule('a listener that throws harms neither the writer nor the other listeners', async ({ store, second, now }) => {
    const [first, other] = [await create(store, someRecord(now), { now }), await create(store, someRecord(now), { now })]
    const leave = await changesOfStore(store).subscribe(throwing)
    const audience = await Audience.of(store, second)

    const outcome = await store.update(first.id, 1, changesOf(first, BODY))
    await audience.hear('the first update', first.id)
    await second.update(other.id, 1, changesOf(other, BODY))

    await audience.hear('the second update', other.id)
    await audience.leave()
    await leave()
    isEqual(outcome, 'updated', 'what the writer was told')
  })
}

function changesOfStore(store: Store): Changes {
  isTrue(store.changes !== undefined, 'the store offers `changes`')
  return store.changes
}

const noting = (heard: Set<string>): ChangeListener => ({
  changed: (id) => heard.add(id),
  subjectRevoked: (subjectKey) => heard.add(subjectKey),
  interrupted: () => {},
  resumed: () => {},
})

const fail = () => {
  throw new Error('a listener failed, as the test asked')
}
const throwing: ChangeListener = { changed: fail, subjectRevoked: fail, interrupted: fail, resumed: fail }
