import { systemClock } from '../../core/clock.ts'
import { pooledRandom } from '../../core/crypto.ts'
import type { CreateOptions, NewRecord, Store, StoredRecord } from '../../core/store.ts'
import { encodeId, newId } from '../../core/token.ts'
import { isTrue } from '../assert.ts'
import type { StoreWorker } from '../races/processes.ts'

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
  /** How other processes open the same data, for `options.processes: 'tested'`. */
  readonly worker?: StoreWorker
  /** How to reach the same data through a network that fails, for `options.network: 'tested'`. */
  readonly network?: StoreNetwork
  /** Opens a handle that reads from a replica, for `options.replicas: 'tested'`. */
  readonly openStale?: () => Promise<StaleHandle>
  /** Closes every handle and removes the data. */
  readonly close: () => Promise<void>
}

/** The way to a store's server. */
export interface StoreNetwork {
  /** Where the server listens; host is `127.0.0.1` unless told otherwise. */
  readonly server: { readonly host?: string; readonly port: number }
  /** Opens a handle on the same data whose every connection goes to this port of `127.0.0.1`. Closed by `close` of the store under test. */
  readonly openThrough: (port: number) => Promise<Store>
}

/** A handle whose reads come from a replica that the test can hold back. */
export interface StaleHandle {
  readonly store: Store
  /** From now on the replica learns nothing; resolves once that is so. */
  readonly pause: () => Promise<void>
  /** Lets the replica go on; resolves once it has caught up. */
  readonly resume: () => Promise<void>
}

export type StoreFactory = () => Promise<StoreUnderTest>

/** What a test works with. `now` is near the real present, for engines with clocks of their own. */
export interface Bench {
  readonly store: Store
  /** Another handle on the same data, or the same handle if there is no other. */
  readonly second: Store
  readonly now: number
  /** All that the factory gave. */
  readonly given: StoreUnderTest
  /** Does something after every handle was closed. */
  readonly afterwards: (work: () => Promise<void>) => void
}

export type Rule = (name: string, test: (bench: Bench) => Promise<void>) => void

/** Makes `rule(name, test)`, which gives every test a fresh store and closes it whatever happens. */
export function ruleOf(factory: StoreFactory, runner: TestRunner): Rule {
  return (name, test) => {
    runner.it(name, async () => {
      const given = await factory()
      const { store, openSecond, close } = given
      const afterwards: (() => Promise<void>)[] = []
      try {
        const second = openSecond ? await openSecond() : store
        await test({ store, second, now: systemClock(), given, afterwards: (work) => afterwards.push(work) })
      } finally {
        await close()
        for (const work of afterwards) await work()
      }
    })
  }
}

export const HOUR = 3_600_000

// Ids differ from run to run and from process to process, since a real server may still hold those of another.
const random = pooledRandom()

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
