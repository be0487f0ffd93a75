import type { CreateOptions, EndedRecord, NewRecord, RecordLink, RevokeLinkedOptions, Store } from '../../core/store.ts'
import { isEqual, isTrue, rejects } from '../assert.ts'
import { faultyStore } from '../faulty-store.ts'
import { isUnsupported, type TestedCapabilities } from './capabilities.ts'
import { changesOf, create, HOUR, idsOf, isAlive, type Rule, someId, someRecord, someSubject } from './harness.ts'
import { HOSTILE_SUBJECTS } from './hostile-subjects.ts'

/** A link's key as core makes it: 43 base64url characters nobody else has used. */
export const someLinkKey = (): string => (someId() + someId()).slice(0, 43)

/** A provider says that what a key means has ended. */
export const logoutSaid = (now: number, at = now) => ({ now, at, reason: 'provider-logout', keepUntil: now + 24 * HOUR })

/** Ends by a key, in a store that claims it can. */
export async function revokeLinked(store: Store, key: string, options: RevokeLinkedOptions): Promise<readonly EndedRecord[]> {
  isTrue(store.revokeLinked !== undefined, 'the store has `revokeLinked`, as its capabilities say')
  return store.revokeLinked(key, options)
}

const linkTo = (at: number, ...keys: readonly string[]): RecordLink => ({ keys, at })

/** Links to logins at a provider: its logout ends exactly the sessions that came of them, now and when they come later. */
export function linkRules(rule: Rule, tested: TestedCapabilities): void {
  const linked = (store: Store, now: number, link: RecordLink, parts: Partial<NewRecord> = {}) =>
    create(store, someRecord(now, parts), { now, link })
  const aliveOf = (store: Store, records: readonly NewRecord[]) => Promise.all(records.map(({ id }) => isAlive(store, id)))

  rule('a logout ends exactly the sessions of its login, and says which', async ({ store, second, now }) => {
    const [key, otherKey] = [someLinkKey(), someLinkKey()]
    const subject = someSubject()
    const mine = await linked(store, now, linkTo(now, key), { subject })
    const alsoMine = await linked(second, now, linkTo(now, key), { subject })
    const strangers = await linked(store, now, linkTo(now, key), { subject: someSubject() })
    const others = [
      await linked(store, now, linkTo(now, otherKey), { subject }),
      await create(store, someRecord(now, { subject }), { now }),
    ]

    const ended = await revokeLinked(second, key, logoutSaid(now + 5))

    const expected = [mine, alsoMine, strangers].map(({ id, subject }) => ({ id, subject }))
    const inOrder = (list: typeof expected) => [...list].sort((a, b) => (a.id < b.id ? -1 : 1))
    isEqual(inOrder([...ended]), inOrder(expected), 'what it says')
    isEqual(await aliveOf(store, [mine, alsoMine, strangers]), [false, false, false], 'alive')
    isEqual(await aliveOf(store, others), [true, true], 'the others are alive')
    const { id, absoluteDeadline } = mine
    const tombstone = { id, subject, revokedAt: now + 5, reason: 'provider-logout', absoluteDeadline }
    isEqual(await store.read(id), { kind: 'tombstone', tombstone }, 'what is read')
  })

  rule('a session is found by each of its keys', async ({ store, now }) => {
    const keys = [someLinkKey(), someLinkKey(), someLinkKey()]
    const records = await Promise.all(keys.map(() => linked(store, now, linkTo(now, ...keys))))

    const ended: string[] = []
    for (const [index, key] of keys.entries()) {
      // The others of before are over: this one alone is left for the key.
      const last = await linked(store, now + index + 1, linkTo(now + index + 1, ...keys), { subject: someSubject() })
      ended.push(...idsOf(await revokeLinked(store, key, logoutSaid(now + index + 1))))
      isEqual(await isAlive(store, last.id), false, `alive after the key ${index}`)
    }

    isEqual(ended.length, keys.length + records.length, 'sessions ended')
  })

  rule('a logout spares the session of a later login, and ends that of the same moment', async ({ store, now }) => {
    const key = someLinkKey()
    const [before, same, after] = [
      await linked(store, now, linkTo(now - 1000, key)),
      await linked(store, now, linkTo(now, key)),
      await linked(store, now, linkTo(now + 1, key)),
    ]

    const ended = await revokeLinked(store, key, logoutSaid(now + 60_000, now))

    isEqual(idsOf(ended).sort(), idsOf([before, same]).sort(), 'what it says')
    isEqual(await aliveOf(store, [before, same, after]), [false, false, true], 'alive')
  })

  rule(
    'a session whose login ended before it was written is refused, and nothing else changes',
    async ({ store, second, now }) => {
      const [key, otherKey] = [someLinkKey(), someLinkKey()]
      const subject = someSubject()
      const [present, old] = [
        await create(store, someRecord(now, { subject }), { now }),
        await create(store, someRecord(now), { now }),
      ]
      await revokeLinked(store, key, logoutSaid(now))

      const late = someRecord(now, { subject })
      const replaces = { id: old.id, version: 1, reason: 'replaced' }
      const limit = tested.limitsSubjects ? ({ max: 1, onExceeded: 'evict-oldest' } as const) : undefined
      const options: CreateOptions = { now, replaces, link: linkTo(now, otherKey, key), ...(limit && { limit }) }
      const outcome = await second.create(late, options)

      isEqual(outcome, { kind: 'severed' }, 'the outcome')
      isEqual(await store.read(late.id), undefined, 'the late one')
      isEqual(await aliveOf(store, [present, old]), [true, true], 'those that were there are alive')
      isEqual(await revokeLinked(store, otherKey, logoutSaid(now)), [], 'nothing is left under its other key')
    },
  )

  rule('a later login is let in after a logout, and so is another', async ({ store, second, now }) => {
    const [key, otherKey] = [someLinkKey(), someLinkKey()]
    await revokeLinked(store, key, logoutSaid(now))

    const later = await linked(second, now, linkTo(now + 1, key))
    const other = await linked(second, now, linkTo(now - HOUR, otherKey))

    isEqual(await aliveOf(store, [later, other]), [true, true], 'alive')
  })

  rule('a logout said again ends nothing more, and an older one takes nothing back', async ({ store, now }) => {
    const key = someLinkKey()
    const record = await linked(store, now, linkTo(now, key))
    const first = await revokeLinked(store, key, logoutSaid(now))

    isEqual(idsOf(first), [record.id], 'the first time')
    isEqual(await revokeLinked(store, key, logoutSaid(now + 9, now)), [], 'again')
    isEqual(await revokeLinked(store, key, logoutSaid(now + 9, now - HOUR)), [], 'an older one')
    const outcome = await store.read(record.id)
    isEqual(outcome?.kind === 'tombstone' && outcome.tombstone.revokedAt, now, 'when it ended')
    isEqual(await store.create(someRecord(now), { now, link: linkTo(now, key) }), { kind: 'severed' }, 'a late session')
  })

  rule('a logout before anybody came ends none, and is remembered', async ({ store, second, now }) => {
    const key = someLinkKey()

    isEqual(await revokeLinked(store, key, logoutSaid(now)), [], 'what it says')
    isEqual(await second.create(someRecord(now), { now, link: linkTo(now, key) }), { kind: 'severed' }, 'a late session')
  })

  rule(
    'a logout that is not to be remembered ends who is there, and refuses nobody who comes',
    async ({ store, second, now }) => {
      const key = someLinkKey()
      const record = await linked(store, now, linkTo(now, key), { subject: someSubject() })
      const later = await linked(store, now, linkTo(now + 1, key))
      const unremembered = { ...logoutSaid(now), keepUntil: undefined }

      isEqual(idsOf(await revokeLinked(second, key, unremembered)), [record.id], 'what it says')
      isEqual(await aliveOf(store, [record, later]), [false, true], 'alive')
      const next = await linked(second, now, linkTo(now, key))
      await revokeLinked(store, key, logoutSaid(now - 1, now - 1))
      isEqual(await revokeLinked(store, key, { ...unremembered, at: now - 1 }), [], 'one that says less')
      isEqual(await isAlive(store, next.id), true, 'who came after it')
    },
  )

  rule(
    'a session that was written since is found all the same, also when it lives longer now',
    async ({ store, second, now }) => {
      const key = someLinkKey()
      const record = await linked(store, now, linkTo(now, key), { subject: someSubject() })
      const body = Uint8Array.of(7, 0, 255)
      const longer = { deadline: now + 40 * HOUR, absoluteDeadline: now + 48 * HOUR, body }
      isEqual(await second.update(record.id, 1, changesOf(record, body)), 'updated', 'the first update')
      isEqual(await second.update(record.id, 2, longer), 'updated', 'the second update')
      const found = await store.read(record.id)
      isTrue(found?.kind === 'record', 'it lives')
      isEqual([found.record.body, found.record.absoluteDeadline], [body, now + 48 * HOUR], 'what is read')

      const ended = await revokeLinked(store, key, logoutSaid(now))

      isEqual(idsOf(ended), [record.id], 'what it says')
      isEqual(await second.update(record.id, 3, longer), 'gone', 'an update that comes late')
      isEqual(await isAlive(store, record.id), false, 'alive')
    },
  )

  rule('an expired session is ended, and not counted; one that ended before keeps its reason', async ({ store, now }) => {
    const key = someLinkKey()
    const expired = await linked(store, now, linkTo(now, key), { deadline: now + 60_000 })
    const revoked = await linked(store, now, linkTo(now, key))
    await store.revoke(revoked.id, { now, reason: 'logout' })

    isEqual(await revokeLinked(store, key, logoutSaid(now + 120_000)), [], 'what it says')

    isEqual(await store.update(expired.id, 1, changesOf(expired, expired.body)), 'gone', 'an update of the expired one')
    const outcome = await store.read(revoked.id)
    isEqual(outcome?.kind === 'tombstone' && outcome.tombstone.reason, 'logout', 'the reason of the other')
  })

  rule('a linked session replaces another, is evicted and limited like any', async ({ store, now }) => {
    const key = someLinkKey()
    const subject = someSubject()
    const old = await linked(store, now, linkTo(now, key), { subject })
    const next = someRecord(now, { subject })
    const replaces = { id: old.id, version: 1, reason: 'replaced' }
    const outcome = await store.create(next, { now, replaces, link: linkTo(now, key) })
    isEqual(outcome.kind, 'created', 'the outcome')

    isEqual(idsOf(await revokeLinked(store, key, logoutSaid(now))), [next.id], 'what it says')
    const replaced = await store.read(old.id)
    isEqual(replaced?.kind === 'tombstone' && replaced.tombstone.reason, 'replaced', 'the reason of the old one')
  })

  rule('sessions of hostile subjects are ended, and named as they are', async ({ store, now }) => {
    const key = someLinkKey()
    const subjects = [undefined, ...Object.values(HOSTILE_SUBJECTS)]
    const records = []
    for (const subject of subjects) records.push(await linked(store, now, linkTo(now, key), { subject }))

    const ended = await revokeLinked(store, key, logoutSaid(now))

    const byId = new Map(ended.map(({ id, subject }) => [id, subject]))
    isEqual(ended.length, records.length, 'how many')
    for (const { id, subject } of records) isEqual([byId.has(id), byId.get(id)], [true, subject], 'the subject')
    isEqual((await aliveOf(store, records)).includes(true), false, 'one of them is alive')
  })

  if (tested.revokesSubjects) {
    rule('ending a subject and a logout of its login agree', async ({ store, now }) => {
      const key = someLinkKey()
      const subject = someSubject()
      const [spared, other] = [
        await linked(store, now, linkTo(now, key), { subject }),
        await linked(store, now, linkTo(now, key), { subject }),
      ]
      await store.revokeSubject(subject, { now, reason: 'logout', except: spared.id })

      isEqual(idsOf(await revokeLinked(store, key, logoutSaid(now))), [spared.id], 'what it says')
      isEqual(await aliveOf(store, [spared, other]), [false, false], 'alive')
    })
  }

  rule('parallel logouts name each session once', async ({ store, second, now }) => {
    const key = someLinkKey()
    const records = await Promise.all(Array.from({ length: 6 }, () => linked(store, now, linkTo(now, key))))

    const answers = await Promise.all([store, second, store, second].map((handle) => revokeLinked(handle, key, logoutSaid(now))))

    isEqual(idsOf(answers.flat()).sort(), idsOf(records).sort(), 'what they say')
    isEqual((await aliveOf(store, records)).includes(true), false, 'one of them is alive')
  })

  rule('a session created while its login ends is dead or refused', async ({ store, second, now }) => {
    const keys = [someLinkKey(), someLinkKey()]
    const records = Array.from({ length: 24 }, () => someRecord(now, { subject: someSubject() }))
    const createOne = (record: NewRecord, index: number) =>
      (index % 2 ? store : second).create(record, { now, link: linkTo(now, ...keys) })

    const [before, ended, during] = await Promise.all([
      Promise.all(records.slice(0, 8).map(createOne)),
      revokeLinked(second, keys[1]!, logoutSaid(now)),
      Promise.all(records.slice(8).map(createOne)),
    ])

    isEqual((await aliveOf(store, records)).includes(true), false, 'one of them is alive')
    const kinds = new Map([...before, ...during].map(({ kind }, index) => [records[index]!.id, kind]))
    isEqual(
      idsOf(ended).every((id) => kinds.has(id)),
      true,
      'only sessions of this login are named',
    )
    const created = [...kinds].filter(([, kind]) => kind === 'created').map(([id]) => id)
    isEqual(
      created.every((id) => idsOf(ended).includes(id)),
      true,
      'whatever was handed out is named',
    )
    isEqual(
      [...kinds.values()].every((kind) => kind === 'created' || kind === 'severed'),
      true,
      'the outcomes',
    )
  })

  rule('a logout whose answer was lost has ended the sessions, and may be said again', async ({ store, now }) => {
    const key = someLinkKey()
    const record = await linked(store, now, linkTo(now, key))
    const faulty = faultyStore(store, { revokeLinked: [{ kind: 'lost-reply' }] })
    await rejects(revokeLinked(faulty, key, logoutSaid(now)), 'the logout whose answer was lost')

    isEqual(await revokeLinked(faulty, key, logoutSaid(now)), [], 'again')
    isEqual(await isAlive(store, record.id), false, 'alive')
  })

  rule('purge keeps links of what lives, and a logout until it may be forgotten', async ({ store, now }) => {
    const [key, otherKey] = [someLinkKey(), someLinkKey()]
    const record = await linked(store, now, linkTo(now, key), { deadline: now + 10 * HOUR })
    const outdated = await linked(store, now, linkTo(now, key), { deadline: now + 60_000 })
    await revokeLinked(store, otherKey, logoutSaid(now))

    await store.purge({ before: now + 9 * HOUR, limit: 10_000 })

    isEqual(await store.create(someRecord(now), { now, link: linkTo(now, otherKey) }), { kind: 'severed' }, 'a late session')
    if (!tested.purgesItself) isEqual(await store.read(outdated.id), undefined, 'the outdated one')
    const ended = await revokeLinked(store, key, logoutSaid(now + 120_000, now))
    isEqual(idsOf(ended), [record.id], 'what the logout of the other says')
  })

  if (!tested.purgesItself) {
    rule('purge forgets a logout after the instant it was to be remembered until', async ({ store, now }) => {
      const key = someLinkKey()
      await revokeLinked(store, key, { ...logoutSaid(now), keepUntil: now + HOUR })

      for (let removed = 1; removed > 0; ) removed = await store.purge({ before: now + HOUR + 1, limit: 10_000 })

      const outcome = await store.create(someRecord(now), { now, link: linkTo(now, key) })
      isEqual(outcome.kind, 'created', 'a session of long before')
    })
  }
}

/** A store without links must not look like one that has them. */
export function noLinkRules(rule: Rule): void {
  rule('a store that knows no logins says so when it is asked to end one', async ({ store, now }) => {
    if (store.revokeLinked === undefined) return
    isUnsupported(await rejects(store.revokeLinked(someLinkKey(), logoutSaid(now)), 'revokeLinked'), 'revokeLinked')
  })
}
