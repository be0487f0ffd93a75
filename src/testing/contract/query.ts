import type { FoundRecord, FoundRecords, NewRecord, QueryOptions, RecordFilter, RecordLabels, Store } from '../../core/store.ts'
import { isEqual, isTrue, rejects } from '../assert.ts'
import { isUnsupported, type TestedCapabilities } from './capabilities.ts'
import { changesOf, create, HOUR, idsOf, type Rule, someId, someRecord, someSubject } from './harness.ts'
import { HOSTILE_SUBJECTS, NEAR_PAIRS } from './hostile-subjects.ts'

const logout = (now: number) => ({ now, reason: 'logout' })

/** A label nobody else has used, whatever else the server holds. */
const someLabel = (name = 'label') => `${name} ${someId()}`

/** Searches in a store that claims it can. */
async function query(
  store: Store,
  filter: RecordFilter,
  options: Partial<QueryOptions> & { now: number },
): Promise<FoundRecords> {
  isTrue(store.query !== undefined, 'the store has `query`, as its capabilities say')
  return store.query(filter, { order: 'newest', limit: 100, ...options })
}

const idOf = (row: FoundRecord) => (row.kind === 'record' ? row.record.id : row.tombstone.id)
const startOf = (row: FoundRecord) => (row.kind === 'record' ? row.record.startedAt : row.startedAt)

/** The rows of all pages; `between` runs after each. */
async function allPages(
  store: Store,
  filter: RecordFilter,
  options: Partial<QueryOptions> & { now: number },
  between: (page: number) => Promise<void> = async () => {},
): Promise<FoundRecord[]> {
  const rows: FoundRecord[] = []
  let cursor: string | undefined
  for (let page = 0; page < 1000; page++) {
    const found = await query(store, filter, { ...options, cursor })
    isTrue(found.rows.length <= (options.limit ?? 100), 'a page holds no more than its limit')
    rows.push(...found.rows)
    if (found.next === undefined) return rows
    isTrue(found.next.length <= 200, 'a cursor has at most 200 characters')
    cursor = found.next
    await between(page)
  }
  throw new Error('the pages never end')
}

const idsFound = async (store: Store, filter: RecordFilter, now: number, options: Partial<QueryOptions> = {}) =>
  (await allPages(store, filter, { now, ...options })).map(idOf)

/** Searching: what is found is what was asked for, in order, once, whatever is written meanwhile. */
export function queryRules(rule: Rule, tested: TestedCapabilities): void {
  const labelled = (store: Store, now: number, labels: RecordLabels, parts: Partial<NewRecord> = {}) =>
    create(store, someRecord(now, { ...parts, labels }), { now })
  /** Records of one network, each a second older than the one before. */
  const many = async (store: Store, now: number, network: string, count: number, parts: Partial<NewRecord> = {}) => {
    const records: NewRecord[] = []
    for (let index = 0; index < count; index++)
      records.push(await labelled(store, now, { network }, { startedAt: now - index * 1000, ...parts }))
    return records
  }

  rule('each criterion finds what has it, and several what has them all', async ({ store, second, now }) => {
    const [device, otherDevice] = [someLabel('Firefox'), someLabel('Chrome')]
    const [network, otherNetwork] = [someLabel('203.0.113.0/24'), someLabel('198.51.100.0/24')]
    const subject = someSubject()
    const both = await labelled(store, now, { device, network }, { subject })
    const deviceOnly = await labelled(store, now, { device, network: otherNetwork }, { subject, startedAt: now - 1000 })
    const networkOnly = await labelled(store, now, { device: otherDevice, network }, { startedAt: now - 2000 })
    const bare = await create(store, someRecord(now, { subject, startedAt: now - 3000 }), { now })

    const found = (filter: RecordFilter) => idsFound(second, filter, now)
    isEqual(await found({ id: both.id }), [both.id], 'by id')
    isEqual(await found({ id: someId() }), [], 'by an id that is not there')
    isEqual(await found({ subject }), idsOf([both, deviceOnly, bare]), 'by subject')
    isEqual(await found({ device }), idsOf([both, deviceOnly]), 'by device')
    isEqual(await found({ network }), idsOf([both, networkOnly]), 'by network')
    isEqual(await found({ device, network }), [both.id], 'by device and network')
    isEqual(await found({ subject, network: otherNetwork }), [deviceOnly.id], 'by subject and network')
    isEqual(await found({ id: both.id, device: otherDevice }), [], 'by id and a device it has not')
    isEqual(await found({ subject, startedAfter: now - 1000 }), idsOf([both, deviceOnly]), 'started at an instant or later')
    isEqual(await found({ subject, startedBefore: now - 1000 }), [bare.id], 'started before it')
  })

  rule('a row is what is kept of the session now, without its labels in it', async ({ store, now }) => {
    const subject = someSubject()
    const device = someLabel()
    const record = await labelled(store, now, { device, network: someLabel() }, { subject })
    await store.update(record.id, 1, changesOf(record, Uint8Array.of(7)))

    const { labels: _, ...columns } = record
    const { rows } = await query(store, { subject }, { now })
    const [row] = rows
    isTrue(row?.kind === 'record', 'it is a record')
    isEqual(row.record, { ...columns, version: 2, epoch: row.record.epoch, body: Uint8Array.of(7) }, 'the record')
    const read = await store.read(record.id)
    isEqual(read?.kind === 'record' && read.record, row.record, 'what is read')

    await store.revoke(record.id, logout(now + 5))
    const { id, absoluteDeadline, startedAt } = record
    const tombstone = { id, subject, revokedAt: now + 5, reason: 'logout', absoluteDeadline }
    const ended = await query(store, { subject }, { now })
    isEqual(ended.rows, [{ kind: 'tombstone', tombstone, startedAt, device }], 'the tombstone')
  })

  rule('an ended session is found by its device, and by its network no more', async ({ store, second, now }) => {
    const [device, network] = [someLabel('Firefox'), someLabel('203.0.113.0/24')]
    const subject = someSubject()
    const ends: ((id: string) => Promise<unknown>)[] = [
      (id) => store.revoke(id, logout(now)),
      (id) => store.create(someRecord(now), { now, replaces: { id, version: 1, reason: 'replaced' } }),
    ]
    if (tested.revokesSubjects) ends.push(() => store.revokeSubject(subject, logout(now)))
    for (const end of ends) {
      const record = await labelled(store, now, { device, network }, { subject })
      await end(record.id)
      isEqual((await idsFound(second, { device, state: 'revoked' }, now)).includes(record.id), true, 'by device')
    }
    isEqual(await idsFound(second, { network }, now), [], 'by network')
    isEqual((await idsFound(second, { device }, now)).length, ends.length, 'how many by device')
    isEqual(await idsFound(second, { device, state: 'live' }, now), [], 'the living')
  })

  rule('a state finds what is in it, to the millisecond', async ({ store, now }) => {
    const network = someLabel()
    const device = someLabel()
    const live = await labelled(store, now, { network, device }, { deadline: now + 1 })
    const expired = await labelled(store, now, { network, device }, { startedAt: now - 1, deadline: now })
    const revoked = await labelled(store, now, { network, device }, { startedAt: now - 2 })
    await store.revoke(revoked.id, logout(now))

    const found = (state: RecordFilter['state'], filter: RecordFilter = { device }, at = now) =>
      idsFound(store, { ...filter, state }, at)
    isEqual(await found('live'), [live.id], 'live')
    isEqual(await found('expired'), [expired.id], 'expired')
    isEqual(await found('revoked'), [revoked.id], 'revoked')
    isEqual(await found('all'), idsOf([live, expired, revoked]), 'all')
    isEqual(await found('expired', { device }, now + 1), idsOf([live, expired]), 'expired a millisecond later')
    isEqual(await found('live', { network }), [live.id], 'live, by network')
    isEqual((await found('revoked', {})).includes(revoked.id), true, 'revoked, of all')
    isEqual((await found('live', {}, now)).includes(expired.id), false, 'the expired one among all that live')
  })

  rule('a prefix means its characters and nothing else', async ({ store, now }) => {
    const mark = someId()
    const ends = [
      '',
      '%',
      '_',
      '*',
      '\\',
      '\\%',
      '[a]',
      'a',
      'A',
      'a\0',
      'a\0b',
      '\u{10ffff}',
      '\u{10ffff}x',
      '\ud7ff',
      '\ue000',
      '👾',
      'é',
    ]
    const subjects = ends.map((end) => mark + end)
    const idOfSubject = new Map<string, string>()
    for (const subject of subjects) idOfSubject.set(subject, (await create(store, someRecord(now, { subject }), { now })).id)
    await create(store, someRecord(now), { now })

    for (const subjectPrefix of subjects) {
      const expected = subjects.filter((subject) => subject.startsWith(subjectPrefix)).map((subject) => idOfSubject.get(subject))
      const found = await idsFound(store, { subjectPrefix }, now)
      isEqual(found.sort(), expected.sort(), `what begins with ${JSON.stringify(subjectPrefix.slice(mark.length))}`)
    }
    isEqual(
      await idsFound(store, { subjectPrefix: mark.slice(0, -1), subject: `${mark}a` }, now),
      [idOfSubject.get(`${mark}a`)],
      'both',
    )
    isEqual(
      await idsFound(store, { subjectPrefix: `${mark}b`, subject: `${mark}a` }, now),
      [],
      'a prefix and a subject without it',
    )
  })

  rule('hostile subjects and labels are found exactly, and meet no others', async ({ store, now }) => {
    for (const text of Object.values(HOSTILE_SUBJECTS)) {
      const label = Buffer.from(text).subarray(0, 96).toString()
      const record = await labelled(store, now, { device: label, network: label }, { subject: text })
      for (const filter of [{ subject: text }, { device: label }, { network: label }, { subjectPrefix: text }])
        isEqual((await idsFound(store, filter, now)).includes(record.id), true, `found by ${JSON.stringify(filter).slice(0, 60)}`)
    }
    for (const [one, other] of NEAR_PAIRS) {
      const record = await labelled(store, now, { device: one, network: one }, { subject: one })
      for (const filter of [{ subject: other }, { device: other }, { network: other }])
        isEqual((await idsFound(store, filter, now)).includes(record.id), false, `found by ${JSON.stringify(filter)}`)
    }
  })

  for (const order of ['newest', 'oldest'] as const) {
    rule(`pages of any length give every row once, ${order} first`, async ({ store, second, now }) => {
      const network = someLabel()
      const records = await many(store, now, network, 11)
      const expected = order === 'newest' ? idsOf(records) : idsOf(records).reverse()

      for (const limit of [1, 2, 3, 10, 11, 12]) {
        const rows = await allPages(second, { network }, { now, order, limit })
        isEqual(rows.map(idOf), expected, `the ids in pages of ${limit}`)
      }
      const { next } = await query(store, { network }, { now, order, limit: 11 })
      isEqual(next, undefined, 'what follows a page that holds all')
    })

    rule(
      `sessions of one instant are given once each, in an order that stays, ${order} first`,
      async ({ store, second, now }) => {
        const network = someLabel()
        const subject = someSubject()
        const records = await many(store, now, network, 13, { startedAt: now - HOUR, subject })
        await store.revoke(records[4]!.id, logout(now))
        const steady = idsOf(records).filter((id) => id !== records[4]!.id)

        const once = await idsFound(store, { network }, now, { order, limit: 100 })
        isEqual([...once].sort(), steady.sort(), 'all of them')
        for (const limit of [1, 4, 5]) {
          isEqual(await idsFound(second, { network }, now, { order, limit }), once, `pages of ${limit}`)
          isEqual((await idsFound(second, { subject }, now, { order, limit })).sort(), idsOf(records).sort(), 'by subject')
        }
      },
    )
  }

  rule('between two pages others write: no row comes twice, and none is missed that was there all the time', async (bench) => {
    const { store, second, now } = bench
    for (const order of ['newest', 'oldest'] as const) {
      const device = someLabel()
      const records: NewRecord[] = []
      // Pairs of one instant, so that pages end between them.
      for (let index = 0; index < 24; index++)
        records.push(await labelled(store, now, { device }, { startedAt: now - Math.floor(index / 2) * 1000 }))
      const doomed = records.filter((_, index) => index % 5 === 0)

      const rows = await allPages(second, { device }, { now, order, limit: 3 }, async (page) => {
        // On either side of the place, and at its very instant.
        for (const startedAt of [now + 1000, now - 20_000, now - page * 1000])
          await labelled(store, now, { device }, { startedAt })
        const ending = doomed.pop()
        if (ending) await store.revoke(ending.id, logout(now))
        const touchedOne = records[(page * 7) % records.length]!
        await store.update(touchedOne.id, 1, { ...changesOf(touchedOne, Uint8Array.of(page)), deadline: now + 2 * HOUR })
      })

      const ids = rows.map(idOf)
      isEqual(new Set(ids).size, ids.length, `rows that came twice, ${order} first`)
      isEqual(
        idsOf(records).filter((id) => !ids.includes(id)),
        [],
        `rows that were missed, ${order} first`,
      )
      const starts = rows.map(startOf)
      isEqual(
        starts,
        [...starts].sort((a, b) => (order === 'newest' ? b - a : a - b)),
        'the order',
      )
    }
  })

  rule('while others write, pages hold', async ({ store, second, now }) => {
    const network = someLabel()
    const records = await many(store, now, network, 40)
    let isOver = false
    const writer = (async () => {
      for (let index = 0; !isOver && index < 300; index++)
        await labelled(store, now, { network }, { startedAt: now - (index % 50) * 800 })
    })()
    try {
      for (let round = 0; round < 3; round++) {
        const ids = await idsFound(second, { network }, now, { limit: 7 })
        isEqual(new Set(ids).size, ids.length, 'rows that came twice')
        isEqual(
          idsOf(records).every((id) => ids.includes(id)),
          true,
          'all that were there came',
        )
      }
    } finally {
      isOver = true
      await writer
    }
  })

  rule('a cursor of another order, or of nobody, is refused', async ({ store, now }) => {
    const network = someLabel()
    await many(store, now, network, 3)
    const { next } = await query(store, { network }, { now, limit: 2 })
    isTrue(next !== undefined, 'there is a next page')

    await rejects(query(store, { network }, { now, order: 'oldest', cursor: next }), 'the cursor of another order')
    for (const cursor of ['', 'x', '0', `${next} OR 1=1`, `'${next}`, `${next}\0`, next.slice(1), 'n1~x~y', 'x'.repeat(10_000)])
      await rejects(query(store, { network }, { now, cursor }), `the cursor ${JSON.stringify(cursor.slice(0, 40))}`)
    for (const limit of [0, -1, 1.5, 501, Number.NaN])
      await rejects(query(store, { network }, { now, limit }), `a limit of ${limit}`)
  })

  rule('a count is exact as far as it goes, and says when there may be more', async ({ store, second, now }) => {
    const device = someLabel()
    const records: NewRecord[] = []
    for (let index = 0; index < 12; index++)
      records.push(await labelled(store, now, { device }, { startedAt: now - index, ...(index < 2 && { deadline: now }) }))
    for (const { id } of records.slice(9)) await store.revoke(id, logout(now))
    isTrue(second.count !== undefined, 'the store has `count`, as its capabilities say')

    const counted = (filter: RecordFilter, most = 1000) => second.count!({ device, ...filter }, { now, most })
    isEqual(await counted({}), { count: 12, isAtLeast: false }, 'all')
    isEqual(await counted({ state: 'live' }), { count: 7, isAtLeast: false }, 'the living')
    isEqual(await counted({ state: 'expired' }), { count: 2, isAtLeast: false }, 'the expired')
    isEqual(await counted({ state: 'revoked' }), { count: 3, isAtLeast: false }, 'the revoked')
    isEqual(await counted({}, 12), { count: 12, isAtLeast: false }, 'with most as many as there are')
    isEqual(await counted({}, 11), { count: 11, isAtLeast: true }, 'with most one fewer')
    isEqual(await second.count!({ device: someLabel() }, { now, most: 5 }), { count: 0, isAtLeast: false }, 'none')
    await rejects(second.count!({ device }, { now, most: 0 }), 'a count of none')
  })

  rule('the sessions of a subject that was ended are found as ended', async ({ store, now }) => {
    if (!tested.revokesSubjects) return
    const subject = someSubject()
    const records = []
    for (let index = 0; index < 3; index++)
      records.push(await create(store, someRecord(now, { subject, startedAt: now - index }), { now }))
    await store.revokeSubject(subject, { ...logout(now), except: records[1]!.id })

    isEqual(await idsFound(store, { subject, state: 'live' }, now), [records[1]!.id], 'the living')
    isEqual(await idsFound(store, { subject, state: 'revoked' }, now), idsOf([records[0]!, records[2]!]), 'the ended')
  })

  if (!tested.purgesItself) {
    rule('what is purged is found no more', async ({ store, now }) => {
      const network = someLabel()
      const [outdated, live] = [
        await labelled(store, now, { network }, { deadline: now - 3 * HOUR, absoluteDeadline: now - 2 * HOUR }),
        await labelled(store, now, { network }),
      ]
      await store.purge({ before: now - HOUR, limit: 10_000 })

      isEqual(await idsFound(store, { network }, now), [live.id], 'by network')
      isEqual(await idsFound(store, { id: outdated.id }, now), [], 'by id')
    })
  }

  rule('who has stopped waiting for a search gets a rejection', async ({ store, now }) => {
    const signal = AbortSignal.abort()

    await rejects(query(store, {}, { now, signal }), 'query')
    await rejects(store.count!({}, { now, most: 10, signal }), 'count')
  })
}

/** A store that cannot search must not look like one that found nothing. */
export function noQueryRules(rule: Rule): void {
  rule('a store that cannot search says so when it is asked to', async ({ store, now }) => {
    if (store.query !== undefined)
      isUnsupported(await rejects(store.query({}, { now, order: 'newest', limit: 10 }), 'query'), 'query')
    if (store.count !== undefined) isUnsupported(await rejects(store.count({}, { now, most: 10 }), 'count'), 'count')
  })
}
