import { isEqual, isTrue, rejects } from '../assert.ts'
import type { TestedCapabilities } from './capabilities.ts'
import { changesOf, create, HOUR, isAlive, type Rule, readRecord, someId, someRecord, someSubject } from './harness.ts'

const BODY = Uint8Array.of(9, 8, 7)

/** Bytes that end a line, a string or a text in somebody's protocol, or are no text at all. */
const HOSTILE_BODIES: Readonly<Record<string, Uint8Array>> = {
  'one NUL': Uint8Array.of(0),
  'line ends': Buffer.from('\r\n\r\nEND\r\n$-1\r\n'),
  'invalid UTF-8': Uint8Array.of(0xc3, 0x28, 0xff, 0xfe, 0xed, 0xa0, 0x80),
  'something that looks compressed': Uint8Array.of(0x1f, 0x8b, 8, 0, 0x78, 0x9c),
  'what looks like a number': Buffer.from('00017'),
}

export function createAndReadRules(rule: Rule): void {
  rule('a created record reads back as it was given, at version 1', async ({ store, now }) => {
    const record = someRecord(now, { subject: someSubject() })
    const created = await store.create(record, { now })

    const outcome = await store.read(record.id)

    isTrue(created.kind === 'created', 'it is created')
    const { epoch } = created
    isEqual(outcome, { kind: 'record', record: { ...record, version: 1, epoch }, subjectEpoch: epoch }, 'what was read')
  })

  rule('an anonymous record has no subject and epoch 0', async ({ store, now }) => {
    const record = await create(store, someRecord(now), { now })

    const { subject, epoch } = await readRecord(store, record.id)

    isEqual([subject, epoch], [undefined, 0], 'subject and epoch')
  })

  rule('another handle reads a record at once', async ({ store, second, now }) => {
    const record = await create(store, someRecord(now), { now })

    const { version } = await readRecord(second, record.id)

    isEqual(version, 1, 'the version the other handle sees')
  })

  // A cache may answer `copyOf` from memory, but `read` asks the engine.
  rule('another handle that has read a record sees what was written since at once', async ({ store, second, now }) => {
    const record = await create(store, someRecord(now), { now })
    await readRecord(second, record.id)

    await store.update(record.id, 1, changesOf(record, BODY))

    const { version, body } = await readRecord(second, record.id)
    isEqual([version, body], [2, BODY], 'version and body')
  })

  rule('an id that was never created reads as absent', async ({ store }) => {
    isEqual(await store.read(someId()), undefined, 'an unknown id')
  })

  rule('creating an id twice fails and keeps the first record', async ({ store, now }) => {
    const record = await create(store, someRecord(now), { now })

    const outcome = await store.create({ ...record, body: BODY }, { now })

    isEqual(outcome, { kind: 'exists' }, 'the second create')
    isEqual((await readRecord(store, record.id)).body, record.body, 'the body')
  })

  rule('parallel creates of one id succeed exactly once', async ({ store, second, now }) => {
    const record = someRecord(now)

    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, index) => (index % 2 ? store : second).create(record, { now })),
    )

    isEqual(outcomes.filter(({ kind }) => kind === 'created').length, 1, 'creates that succeeded')
    isEqual(outcomes.filter(({ kind }) => kind === 'exists').length, 9, 'creates that were refused')
  })

  rule('a body of no bytes is kept as no bytes', async ({ store, now }) => {
    const record = await create(store, someRecord(now, { body: new Uint8Array(0) }), { now })

    isEqual((await readRecord(store, record.id)).body, new Uint8Array(0), 'the body')
  })

  rule('a body of 1 MiB with every byte value is kept byte for byte', async ({ store, now }) => {
    const body = Uint8Array.from({ length: 1024 * 1024 }, (_, index) => index % 256)
    const record = await create(store, someRecord(now, { body }), { now })

    isEqual((await readRecord(store, record.id)).body, body, 'the body')
  })

  rule('a body may grow from no bytes to 1 MiB and shrink back', async ({ store, second, now }) => {
    const record = await create(store, someRecord(now, { body: new Uint8Array(0) }), { now })
    const long = Uint8Array.from({ length: 1024 * 1024 }, (_, index) => (index * 7) % 256)

    await store.update(record.id, 1, changesOf(record, long))
    const grown = await readRecord(second, record.id)
    await second.update(record.id, 2, changesOf(record, new Uint8Array(0)))
    const shrunk = await readRecord(store, record.id)

    isEqual(grown.body, long, 'the long body')
    isEqual([shrunk.body, shrunk.version], [new Uint8Array(0), 3], 'the short body and its version')
  })

  for (const [description, body] of Object.entries(HOSTILE_BODIES)) {
    rule(`a body of ${description} is kept byte for byte`, async ({ store, now }) => {
      const record = await create(store, someRecord(now, { body }), { now })

      isEqual((await readRecord(store, record.id)).body, body, 'the body')
    })
  }

  rule('changing the bytes handed in afterwards changes nothing that is kept', async ({ store, now }) => {
    const body = Uint8Array.of(1, 2, 3)
    const record = await create(store, someRecord(now, { body }), { now })
    const changed = Uint8Array.of(4, 5, 6)
    await store.update(record.id, 1, changesOf(record, changed))

    body.fill(0)
    changed.fill(0)

    isEqual((await readRecord(store, record.id)).body, Uint8Array.of(4, 5, 6), 'the body')
  })

  rule('an expired record is handed out with its deadline, for core to judge', async ({ store, now }) => {
    const record = await create(store, someRecord(now, { deadline: now + 60_000 }), { now })

    const { deadline } = await readRecord(store, record.id)

    isEqual(deadline, now + 60_000, 'the deadline')
  })

  rule('reading writes nothing', async ({ store, now }) => {
    const record = await create(store, someRecord(now), { now })

    const first = await store.read(record.id)
    const again = await store.read(record.id)

    isEqual(again, first, 'the second read')
  })
}

export function updateRules(rule: Rule): void {
  rule('an update replaces deadlines and body and raises the version by one', async ({ store, now }) => {
    const record = await create(store, someRecord(now, { subject: someSubject() }), { now })
    const changes = { deadline: now + 2 * HOUR, absoluteDeadline: now + 13 * HOUR, body: BODY }

    const outcome = await store.update(record.id, 1, changes)

    isEqual(outcome, 'updated', 'the outcome')
    const kept = await readRecord(store, record.id)
    isEqual(kept, { ...record, ...changes, version: 2, epoch: kept.epoch }, 'the record')
    isEqual(await isAlive(store, record.id), true, 'alive')
  })

  rule('an update under an older version is a conflict and changes nothing', async ({ store, now }) => {
    const record = await create(store, someRecord(now), { now })
    await store.update(record.id, 1, changesOf(record, BODY))

    const outcome = await store.update(record.id, 1, changesOf(record, Uint8Array.of(0)))

    isEqual(outcome, 'conflict', 'the outcome')
    isEqual((await readRecord(store, record.id)).body, BODY, 'the body')
  })

  rule('an update under a version that is yet to come is a conflict', async ({ store, now }) => {
    const record = await create(store, someRecord(now), { now })

    isEqual(await store.update(record.id, 2, changesOf(record, BODY)), 'conflict', 'the outcome')
  })

  rule('an update never creates', async ({ store, now }) => {
    const record = someRecord(now)

    isEqual(await store.update(record.id, 1, changesOf(record, BODY)), 'gone', 'the outcome')
    isEqual(await store.read(record.id), undefined, 'the id')
  })

  rule('an expired record can be updated as long as it is there', async ({ store, now }) => {
    const record = await create(store, someRecord(now, { deadline: now - 1 }), { now: now - HOUR })
    const isThere = (await store.read(record.id)) !== undefined

    const outcome = await store.update(record.id, 1, changesOf(someRecord(now), BODY))

    isEqual(outcome, isThere ? 'updated' : 'gone', 'the outcome')
  })

  rule('of two writers of one version, one wins and the other is told', async ({ store, second, now }) => {
    const record = await create(store, someRecord(now), { now })

    const outcomes = await Promise.all([
      store.update(record.id, 1, changesOf(record, Uint8Array.of(1))),
      second.update(record.id, 1, changesOf(record, Uint8Array.of(2))),
    ])

    isEqual([...outcomes].sort(), ['conflict', 'updated'], 'the outcomes')
    const winner = Uint8Array.of(outcomes[0] === 'updated' ? 1 : 2)
    isEqual((await readRecord(store, record.id)).body, winner, 'the body of the winner')
  })

  rule('of twenty writers who retry on conflict, no write is lost', async ({ store, second, now }) => {
    const record = await create(store, someRecord(now, { body: new Uint8Array(20) }), { now })
    const writers = Array.from({ length: 20 }, async (_, index) => {
      const handle = index % 2 ? store : second
      for (;;) {
        const { version, body } = await readRecord(handle, record.id)
        const outcome = await handle.update(
          record.id,
          version,
          changesOf(record, Uint8Array.from(body).fill(1, index, index + 1)),
        )
        if (outcome === 'updated') return
      }
    })

    await Promise.all(writers)

    const { version, body } = await readRecord(store, record.id)
    isEqual(body, new Uint8Array(20).fill(1), 'the body holds every write')
    isEqual(version, 21, 'the version')
  })
}

export function waitingRules(rule: Rule, tested: TestedCapabilities): void {
  rule('a caller who has stopped waiting gets a rejection, and the store goes on', async ({ store, now }) => {
    const record = await create(store, someRecord(now, { subject: someSubject() }), { now })
    const signal = AbortSignal.abort()
    const options = { now, signal }

    await rejects(store.read(record.id, { signal }), 'read')
    await rejects(store.create(someRecord(now), options), 'create')
    await rejects(store.update(record.id, 1, changesOf(record, BODY), { signal }), 'update')
    await rejects(store.revoke(record.id, { ...options, reason: 'logout' }), 'revoke')
    if (tested.revokesSubjects) {
      await rejects(store.revokeSubject(record.subject!, { ...options, reason: 'logout' }), 'revokeSubject')
    }
    if (tested.listsSubjects) await rejects(store.list(record.subject!, { signal }), 'list')
    await rejects(store.purge({ before: now, limit: 10, signal }), 'purge')

    isTrue((await store.read(someId())) === undefined, 'the store still answers')
    isEqual(await isAlive(store, record.id), true, 'alive')
  })

  rule('closing twice is as good as once', async ({ store }) => {
    await store.close()
    await store.close()
  })
}
