import { describe, expect, it } from 'vitest'
import type { ReadOutcome, StoredRecord } from '../../src/core/store.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { faultyStore } from '../../src/testing/faulty-store.ts'
import { setUp, signedIn } from './support.ts'

/** A store that answers something else than what was written. */
function lying(change: (found: ReadOutcome) => unknown) {
  const store = faultyStore(memoryStore())
  const lie = { isOn: false }
  const read: typeof store.read = async (...args) => {
    const found = await store.read(...args)
    return found && lie.isOn ? (change(found) as ReadOutcome) : found
  }
  return { lie, store: { ...store, read } }
}
const withRecord = (change: (record: StoredRecord) => Partial<StoredRecord>) => (found: ReadOutcome) =>
  found.kind === 'record' ? { ...found, record: { ...found.record, ...change(found.record) } } : found
const flipped = (record: StoredRecord, at: number) => record.body.map((byte, i) => (i === at ? byte ^ 1 : byte))

describe('a record that is damaged in the store', () => {
  it.each<[string, (found: ReadOutcome) => unknown]>([
    ['a flipped bit', withRecord((record) => ({ body: flipped(record, 60) }))],
    ['a flipped bit in the subject', withRecord((record) => ({ body: flipped(record, 117) }))],
    ['a body cut short', withRecord((record) => ({ body: record.body.subarray(0, 50) }))],
    ['an empty body', withRecord(() => ({ body: new Uint8Array(0) }))],
    ['no body', withRecord(() => ({ body: undefined as never }))],
    ['another id', withRecord(() => ({ id: `${'B'.repeat(21)}A` }))],
  ])('%s: the request is anonymous, an event says so, the row stays', async (_case, damage) => {
    const { lie, store } = lying(damage)
    const { sessions, seen } = setUp({ store })
    const token = await signedIn(sessions)
    await sessions.read(token)
    lie.isOn = true
    const damaged = await sessions.read(token)
    lie.isOn = false

    expect([damaged.subject, damaged.state, damaged.stateReason]).toEqual([undefined, 'revoked', 'unreadable'])
    expect(await seen('session.quarantined')).toMatchObject([{ part: 'record' }])
    expect((await sessions.read(token)).subject).toBe('ada')
  })

  it('it does not hide the subject’s other sessions from the list', async () => {
    const { sessions, store } = setUp()
    await signedIn(sessions)
    await signedIn(sessions)
    const list: typeof store.list = async (...args) => {
      const [first, ...rest] = await store.list(...args)
      return [{ ...first!, body: new Uint8Array(3) }, ...rest]
    }

    expect((await setUp({ store: { ...store, list } }).sessions.list('ada')).length).toBe(1)
  })
})

describe('rows swapped between sessions', () => {
  it('a row of another session gives nobody another’s authority', async () => {
    let victim: StoredRecord | undefined
    const { lie, store } = lying(withRecord((record) => ({ ...victim, id: record.id })))
    const { sessions } = setUp({ store })
    const [admin, mallory] = [await signedIn(sessions, { subject: 'admin' }), await signedIn(sessions, { subject: 'mallory' })]
    const found = await store.read((await sessions.read(admin)).id!)
    victim = found?.kind === 'record' ? found.record : undefined
    lie.isOn = true

    expect((await sessions.read(mallory)).subject).toBeUndefined()
  })
})

describe('a record whose epoch is behind its subject’s', () => {
  it('is dead, although nobody turned it into a tombstone', async () => {
    const { lie, store } = lying((found) => ({ ...found, subjectEpoch: 1 }))
    const { sessions } = setUp({ store })
    const token = await signedIn(sessions)
    lie.isOn = true

    expect(await sessions.read(token)).toMatchObject({ state: 'revoked', stateReason: 'subject-revoked' })
  })
})

describe('events of a refusal', () => {
  it('an expired session’s event says whose it was (ASVS 5.0, 16.2.1)', async () => {
    const { sessions, seen, clock } = setUp()
    const token = await signedIn(sessions)
    clock.advance(1_800_000)
    await sessions.read(token)

    expect(await seen('session.expired')).toMatchObject([{ subject: 'ada', reason: 'idle' }])
  })

  it('a token used after the end names the session and the reason', async () => {
    const { sessions, seen } = setUp()
    const token = await signedIn(sessions)
    const session = await sessions.read(token)
    const { id } = session
    await session.signOut()
    await sessions.read(token)

    expect(await seen('session.used-after-end')).toMatchObject([{ sessionId: id, subject: 'ada', reason: 'logout' }])
  })
})
