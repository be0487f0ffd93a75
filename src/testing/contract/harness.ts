import { systemClock } from '../../core/clock.ts'
import type { CreateOptions, NewRecord, Store, StoredRecord } from '../../core/store.ts'
import { encodeId, newId } from '../../core/token.ts'
import { isTrue } from '../assert.ts'
import { seededRandom } from '../seeded-random.ts'

/** The caller's test runner: `node:test`, vitest, jest, mocha and Deno's bdd all have this shape. */
export interface TestRunner {
  readonly describe: (name: string, body: () => void) => unknown
  readonly it: (name: string, body: () => Promise<void>) => unknown
}

/** A store to be tested, empty or at least without the sessions the contract makes. */
export interface StoreUnderTest {
  readonly store: Store
  /** Opens another handle on the same data, as a second process would have. Without it, races run on the one handle. */
  readonly openSecond?: () => Promise<Store>
  /** Closes every handle and removes the data. */
  readonly close: () => Promise<void>
}

export type StoreFactory = () => Promise<StoreUnderTest>

/** What a test works with. `now` is near the real present, for engines with clocks of their own. */
export interface Bench {
  readonly store: Store
  /** Another handle on the same data, or the same handle if there is no other. */
  readonly second: Store
  readonly now: number
}

export type Rule = (name: string, test: (bench: Bench) => Promise<void>) => void

/** Makes `rule(name, test)`, which gives every test a fresh store and closes it whatever happens. */
export function ruleOf(factory: StoreFactory, runner: TestRunner): Rule {
  return (name, test) => {
    runner.it(name, async () => {
      const { store, openSecond, close } = await factory()
      try {
        const second = openSecond ? await openSecond() : store
        await test({ store, second, now: systemClock() })
      } finally {
        await close()
      }
    })
  }
}

export const HOUR = 3_600_000

// Ids differ from run to run, since a real server may still hold those of an earlier one.
const random = seededRandom(systemClock())

/** An id as core makes it, in its subject's place. */
export const someId = (subject?: string): string => encodeId(newId(random, subject))

/** A subject nobody else has used. */
export const someSubject = (name = 'reader'): string => `${name}-${someId()}`

/** A record of one hour's idle and twelve hours' absolute deadline, unless told otherwise. */
export function someRecord(now: number, parts: Partial<NewRecord> = {}): NewRecord {
  const id = someId(parts.subject)
  const body = Uint8Array.of(1, 2, 3)
  return { id, subject: undefined, startedAt: now, deadline: now + HOUR, absoluteDeadline: now + 12 * HOUR, body, ...parts }
}

/** Creates a record that must fit, and gives it back as it was asked for. */
export async function create(store: Store, record: NewRecord, options: CreateOptions): Promise<NewRecord> {
  const outcome = await store.create(record, options)
  isTrue(outcome.kind === 'created', `creating a new record gives "created", not "${outcome.kind}"`)
  return record
}

/** Creates `count` records of one subject, each a minute younger than the one before. */
export async function createMany(store: Store, subject: string, count: number, now: number): Promise<NewRecord[]> {
  const records = Array.from({ length: count }, (_, index) =>
    someRecord(now, { subject, startedAt: now - (count - index) * 60_000 }),
  )
  for (const record of records) await create(store, record, { now })
  return records
}

/** The record of an id that must be live. */
export async function readRecord(store: Store, id: string): Promise<StoredRecord> {
  const outcome = await store.read(id)
  isTrue(outcome?.kind === 'record', `the session is live, not ${outcome?.kind ?? 'absent'}`)
  return outcome.record
}

/** Whether core would take the session for live: a record whose epoch is not behind its subject's. */
export async function isAlive(store: Store, id: string): Promise<boolean> {
  const outcome = await store.read(id)
  return outcome?.kind === 'record' && outcome.record.epoch >= outcome.subjectEpoch
}

export const changesOf = (record: NewRecord, body: Uint8Array) => ({
  deadline: record.deadline,
  absoluteDeadline: record.absoluteDeadline,
  body,
})

export const idsOf = (records: readonly { readonly id: string }[]): string[] => records.map(({ id }) => id)
