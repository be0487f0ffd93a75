import type { NewRecord, Store } from '../../core/store.ts'
import { isEqual, isTrue } from '../assert.ts'
import { changesOf, create, readRecord, someRecord, someSubject } from '../contract/harness.ts'
import { type AnyRace, race, think } from './race.ts'

/** More than any fair share of conflicts: a writer who needs so many attempts is kept out by the store. */
const MOST_ATTEMPTS = 10_000

interface Plan {
  readonly now: number
  readonly records: readonly NewRecord[]
}

const someRecords = (count: number, body: Uint8Array) => async (store: Store, now: number) => {
  const records: NewRecord[] = []
  for (let i = 0; i < count; i++) {
    records.push(await create(store, someRecord(now, { subject: someSubject('writers"\0\r\n👩‍👩‍👧'), body }), { now }))
  }
  return { now, records }
}

/** Each process adds one, many times, to a number that all share. Reports the version of each sum that was acknowledged. */
const sums = race<Plan, number[]>({
  rule: 'of writers in several processes none loses an update, and every update has a version of its own',
  prepare: someRecords(1, new Uint8Array(4)),
  contend: async (store, { records: [record] }) => {
    const versions: number[] = []
    for (let attempts = 0; versions.length < 20 && attempts < MOST_ATTEMPTS; attempts++) {
      const { version, body } = await readRecord(store, record!.id)
      await think()
      const next = Buffer.alloc(4)
      next.writeUInt32BE(Buffer.from(body).readUInt32BE() + 1)
      if ((await store.update(record!.id, version, changesOf(record!, next))) === 'updated') versions.push(version + 1)
    }
    return versions
  },
  judge: async (store, { records: [record] }, reports) => {
    const versions = reports.flat().sort((a, b) => a - b)
    const { version, body } = await readRecord(store, record!.id)
    isEqual(versions.length, 20 * reports.length, 'updates acknowledged')
    isEqual(Buffer.from(body).readUInt32BE(), versions.length, 'the sum of what was acknowledged')
    isEqual(new Set(versions).size, versions.length, 'versions acknowledged once')
    isEqual([versions[0], versions.at(-1), version], [2, versions.length + 1, version], 'first, last and final version')
  },
})

/** All write every record at version 1, each its own number: a slow request and the rotation that overtook it, many times over. */
const firstVersion = race<Plan, string[]>({
  rule: 'of processes that write at one version, exactly one is acknowledged and the others are told',
  prepare: someRecords(40, new Uint8Array(0)),
  contend: async (store, { records }, { index }) => {
    const outcomes: string[] = []
    for (const record of records) {
      await think()
      outcomes.push(await store.update(record.id, 1, changesOf(record, Uint8Array.of(index))))
    }
    return outcomes
  },
  judge: async (store, { records }, reports) => {
    for (const [number, record] of records.entries()) {
      const outcomes = reports.map((report) => report[number])
      const winner = outcomes.indexOf('updated')
      const others = outcomes.filter((_, index) => index !== winner)
      isTrue(winner >= 0, 'one is acknowledged')
      isEqual(
        others,
        others.map(() => 'conflict'),
        'what the others are told',
      )
      const { version, body } = await readRecord(store, record.id)
      isEqual([version, body], [2, Uint8Array.of(winner)], 'version and body')
    }
  },
})

/** All create the same ids, each with its own body. */
const oneId = race<Plan, string[]>({
  rule: 'of processes that create one id, exactly one is acknowledged, and its record is kept',
  prepare: async (_store, now) => ({ now, records: Array.from({ length: 20 }, () => someRecord(now)) }),
  contend: async (store, { now, records }, { index }) => {
    const outcomes: string[] = []
    for (const record of records) {
      await think()
      outcomes.push((await store.create({ ...record, body: Uint8Array.of(index) }, { now })).kind)
    }
    return outcomes
  },
  judge: async (store, { records }, reports) => {
    for (const [number, record] of records.entries()) {
      const outcomes = reports.map((report) => report[number]!)
      isEqual([...outcomes].sort(), ['created', ...Array(outcomes.length - 1).fill('exists')], 'the outcomes')
      isEqual((await readRecord(store, record.id)).body, Uint8Array.of(outcomes.indexOf('created')), 'the body')
    }
  },
})

export const writerRaces: Readonly<Record<string, AnyRace>> = { sums, firstVersion, oneId }
