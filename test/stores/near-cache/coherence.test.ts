import { describe, expect, it } from 'vitest'
import { subjectKeyOf } from '../../../src/core/placement.ts'
import type { ChangeListener, Store } from '../../../src/core/store.ts'
import { changesOf, HOSTILE_SUBJECTS, NOW, recordOf, settled, setUp } from './support.ts'

const BODY = Uint8Array.of(9)
const logout = { now: NOW, reason: 'logout' }

describe('a copy', () => {
  it('is what was read, without asking again and without a promise', async () => {
    const { engine, faulty, addAndRead, copyOf } = await setUp()
    await addAndRead('a', { subject: 'ada' })
    const asked = faulty.calls.length

    expect(copyOf('a')).toEqual(await engine.read('a'))
    expect(copyOf('a')).toBe(copyOf('a'))
    expect(faulty.calls.length).toBe(asked)
  })

  it('is never given by a read: reading asks the engine', async () => {
    const { cache, engine, addAndRead, copyOf } = await setUp()
    await addAndRead('a')
    await engine.revoke('a', logout)

    expect((await cache.read('a'))?.kind).toBe('tombstone')
    expect(copyOf('a')).toBeUndefined()
  })

  it('is made of live records only: not of tombstones, absent ids, or records behind their subject’s epoch', async () => {
    const { cache, engine, store, add, lastCopyOf } = await setUp()
    await add('ended')
    await engine.revoke('ended', logout)
    await add('behind', { subject: 'ada' })
    const behind = { ...(await engine.read('behind')), subjectEpoch: 1 } as Awaited<ReturnType<Store['read']>>
    const read = store.read
    store.read = (id, options) => (id === 'behind' ? behind : read(id, options))

    for (const id of ['ended', 'absent', '__proto__', 'behind']) {
      await cache.read(id)
      expect([id, lastCopyOf(id)]).toEqual([id, undefined])
    }
  })

  it('holds bytes of its own, not a slice of what the client received', async () => {
    const { cache, store, add, copyOf } = await setUp()
    await add('a')
    const received = new Uint8Array(65_536).fill(7)
    const read = store.read
    store.read = async (id, options) => {
      const found = await read(id, options)
      return found?.kind === 'record' ? { ...found, record: { ...found.record, body: received.subarray(10, 13) } } : found
    }

    await cache.read('a')
    received.fill(0)

    const copy = copyOf('a')
    expect(copy?.kind === 'record' && [...copy.record.body, copy.record.body.buffer.byteLength]).toEqual([7, 7, 7, 3])
  })
})

/** Every way a copy gets outdated, as it reaches the cache. */
const outdatings: [string, (bench: Awaited<ReturnType<typeof setUp>>) => unknown][] = [
  ['a message about the session', ({ push }) => push((listener) => listener.changed('a'))],
  ['a message about its subject', ({ push }) => push((listener) => listener.subjectRevoked(subjectKeyOf('ada')))],
  ['a write here', ({ cache }) => cache.update('a', 1, changesOf(BODY))],
  ['a write here that failed', ({ cache, faulty }) => failing(faulty, () => cache.update('a', 1, changesOf(BODY)))],
  ['its end here', ({ cache }) => cache.revoke('a', logout)],
  ['its end here that failed', ({ cache, faulty }) => failing(faulty, () => cache.revoke('a', logout))],
  ['the end of its subject’s sessions here', ({ cache }) => cache.revokeSubject('ada', logout)],
  [
    'the end of its subject’s sessions here that failed',
    ({ cache, faulty }) => failing(faulty, () => cache.revokeSubject('ada', logout)),
  ],
  [
    'a session here that takes its place',
    ({ cache }) => cache.create(recordOf('b'), { now: NOW, replaces: { id: 'a', version: 1, reason: 'signed-in' } }),
  ],
  [
    'a session here that evicts it',
    ({ cache }) => cache.create(recordOf('b', { subject: 'ada' }), { now: NOW, limit: { max: 1, onExceeded: 'evict-oldest' } }),
  ],
  [
    'a session here that evicts it, the answer being lost',
    ({ cache, faulty }) =>
      failing(faulty, () =>
        cache.create(recordOf('b', { subject: 'ada' }), { now: NOW, limit: { max: 1, onExceeded: 'evict-oldest' } }),
      ),
  ],
  [
    'another read that finds it ended',
    async ({ engine, cache, gate, held }) => {
      await engine.revoke('a', logout)
      const wasHolding = gate.isHolding
      gate.isHolding = false
      await cache.read('a')
      gate.isHolding = wasHolding
      expect(held.length).toBeLessThanOrEqual(1)
    },
  ],
  [
    'the end of an interruption',
    ({ push }) => {
      push((listener) => listener.interrupted())
      push((listener) => listener.resumed())
    },
  ],
]

async function failing(faulty: Awaited<ReturnType<typeof setUp>>['faulty'], work: () => Promise<unknown>): Promise<void> {
  faulty.setFaults({ all: { kind: 'lost-reply' } })
  await expect(work()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
  faulty.setFaults({})
}

describe.each(outdatings)('%s', (_name, outdate) => {
  it('ends the copy', async () => {
    const bench = await setUp()
    await bench.addAndRead('a', { subject: 'ada' })
    expect(bench.copyOf('a')).toBeDefined()

    await outdate(bench)

    expect([bench.copyOf('a'), bench.lastCopyOf('a')]).toEqual([undefined, undefined])
  })

  it('overtakes a read that the engine has not seen yet: its answer is not kept', async () => {
    const bench = await setUp()
    await bench.add('a', { subject: 'ada' })
    const { gate, held, cache, copyOf, lastCopyOf } = bench
    gate.isHolding = true
    const reading = cache.read('a')

    await outdate(bench)
    await held[0]!.answer()
    await reading

    expect([copyOf('a'), lastCopyOf('a')]).toEqual([undefined, undefined])
  })

  it('overtakes an answer on its way: it is not kept', async () => {
    const bench = await setUp()
    await bench.add('a', { subject: 'ada' })
    const { gate, held, cache, copyOf, lastCopyOf } = bench
    gate.isHolding = true
    const reading = cache.read('a')
    await held[0]!.look()

    await outdate(bench)
    await held[0]!.answer()

    expect((await reading)?.kind).toBe('record')
    expect([copyOf('a'), lastCopyOf('a')]).toEqual([undefined, undefined])
  })

  it('leaves later reads to be kept', async () => {
    const bench = await setUp()
    await bench.addAndRead('a', { subject: 'ada' })
    await outdate(bench)

    const found = await bench.cache.read('a')

    expect(bench.copyOf('a')).toEqual(found?.kind === 'record' ? found : undefined)
  })

  it('leaves the copies of other sessions alone', async () => {
    const bench = await setUp()
    await bench.addAndRead('a', { subject: 'ada' })
    await bench.addAndRead('other', { subject: 'bob' })

    await outdate(bench)

    const isAboutAll = _name === 'the end of an interruption'
    expect(bench.copyOf('other') === undefined).toBe(isAboutAll)
  })
})

describe('several reads of one session on their way', () => {
  it('are all too old once it changed, whatever the order of their answers', async () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const { cache, gate, held, push, add, lastCopyOf } = await setUp()
      await add('a')
      gate.isHolding = true
      const readings = [cache.read('a'), cache.read('a')]

      push((listener) => listener.changed('a'))
      for (const index of order) await held[index]!.answer()
      await Promise.all(readings)

      expect(lastCopyOf('a')).toBeUndefined()
    }
  })

  it('are judged one by one: the one sent after the change is kept, the one before is not', async () => {
    const { cache, engine, gate, held, push, add, copyOf } = await setUp()
    await add('a')
    gate.isHolding = true
    const early = cache.read('a')
    await held[0]!.look()
    await engine.update('a', 1, changesOf(BODY))
    push((listener) => listener.changed('a'))
    const late = cache.read('a')

    await held[1]!.answer()
    await held[0]!.answer()
    await Promise.all([early, late])

    expect(copyOf('a')).toMatchObject({ record: { version: 2, body: BODY } })
  })

  it('are all watched until the last has landed', async () => {
    const { cache, gate, held, push, add, lastCopyOf } = await setUp()
    await add('a')
    gate.isHolding = true
    const readings = [cache.read('a'), cache.read('a')]
    await held[0]!.answer()

    push((listener) => listener.changed('a'))
    await held[1]!.answer()
    await Promise.all(readings)

    expect(lastCopyOf('a')).toBeUndefined()
  })

  it('leave the answer to the later question, even when the message between them was lost', async () => {
    const { cache, engine, clock, gate, held, add, copyOf } = await setUp()
    await add('a')
    gate.isHolding = true
    const early = cache.read('a')
    await held[0]!.look()
    await engine.update('a', 1, changesOf(BODY))
    clock.advance(1)
    const late = cache.read('a')

    await held[1]!.answer()
    await held[0]!.answer()
    await Promise.all([early, late])

    expect(copyOf('a')).toMatchObject({ record: { version: 2 } })
  })

  it('harm nothing when they fail', async () => {
    const { cache, gate, held, add, copyOf } = await setUp()
    await add('a')
    gate.isHolding = true
    const readings = [cache.read('a'), cache.read('a')]

    held[0]!.fail()
    await expect(readings[0]).rejects.toThrow('the connection broke')
    await held[1]!.answer()

    expect(copyOf('a')).toBeDefined()
  })
})

describe('a write of this process', () => {
  it('takes the copy away before the engine is asked, and what was read during it afterwards', async () => {
    const { cache, faulty, addAndRead, copyOf, lastCopyOf } = await setUp()
    await addAndRead('a')
    faulty.setFaults({ update: { kind: 'partition' } })
    const controller = new AbortController()

    const writing = cache.update('a', 1, changesOf(BODY), { signal: controller.signal })
    expect(lastCopyOf('a')).toBeUndefined()
    await cache.read('a')
    expect(copyOf('a')).toBeDefined()
    controller.abort()
    await expect(writing).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })

    expect(lastCopyOf('a')).toBeUndefined()
  })

  it('is read at once, before its own message has come back', async () => {
    const { cache, addAndRead, copyOf } = await setUp()
    await addAndRead('a')

    await cache.update('a', 1, changesOf(BODY))
    await cache.read('a')

    expect(copyOf('a')).toMatchObject({ record: { version: 2, body: BODY } })
  })

  it('by a session that rejects at its limit ends no copy', async () => {
    const { cache, addAndRead, copyOf } = await setUp()
    await addAndRead('a', { subject: 'ada' })

    await cache.create(recordOf('b', { subject: 'ada' }), { now: NOW, limit: { max: 1, onExceeded: 'reject' } })

    expect(copyOf('a')).toBeDefined()
  })
})

describe('a message', () => {
  it.each(HOSTILE_SUBJECTS)('about the subject %j ends the copies of all its sessions and of nobody else', async (subject) => {
    const { push, addAndRead, copyOf } = await setUp()
    for (const id of ['a', 'b', 'c']) await addAndRead(id, { subject })
    await addAndRead('other', { subject: `${subject.slice(0, 1000)}.` })
    await addAndRead('anonymous')

    push((listener) => listener.subjectRevoked(subjectKeyOf(subject)))

    expect(['a', 'b', 'c', 'other', 'anonymous'].filter((id) => copyOf(id))).toEqual(['other', 'anonymous'])
  })

  it('about what nobody has copied, or in nonsense, harms nothing', async () => {
    const { push, addAndRead, copyOf } = await setUp()
    await addAndRead('a')
    const tell: ((listener: ChangeListener) => void)[] = ['', '__proto__', 'constructor', '\0', 'x'.repeat(100_000)].flatMap(
      (text) => [(listener) => listener.changed(text), (listener) => listener.subjectRevoked(text)],
    )

    for (const each of tell) push(each)
    await settled()

    expect(copyOf('a')).toBeDefined()
  })
})
