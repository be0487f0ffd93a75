import { systemClock } from '../../core/clock.ts'
import type { FactorStore, StoredFactor } from '../../stepup/factor-store.ts'
import { isEqual } from '../assert.ts'
import type { StoreWorker } from '../races/processes.ts'
import { someId, someSubject, type TestRunner } from './harness.ts'

/** A factor store to be tested, empty or at least without the factors the contract makes. */
export interface FactorStoreUnderTest {
  readonly store: FactorStore
  /** Opens another handle on the same data, as a second process would have. Without it, races run on the one handle. */
  readonly openSecond?: () => Promise<FactorStore>
  /** How other processes open the same data, for `options.processes: 'tested'`: the module's `openStore()` gives a factor store. */
  readonly worker?: StoreWorker
  /** Closes every handle and removes the data. */
  readonly close: () => Promise<void>
}

export type FactorStoreFactory = () => Promise<FactorStoreUnderTest>

interface FactorBench {
  readonly store: FactorStore
  /** Another handle on the same data, or the same handle if there is no other. */
  readonly second: FactorStore
  readonly now: number
  readonly given: FactorStoreUnderTest
}

export type FactorRule = (name: string, test: (bench: FactorBench) => Promise<void>) => void

/** Makes `rule(name, test)`, which gives every test a fresh store and closes it whatever happens. */
export function factorRuleOf(factory: FactorStoreFactory, { it }: TestRunner): FactorRule {
  return (name, test) => {
    it(name, async () => {
      const given = await factory()
      try {
        await test({ store: given.store, second: (await given.openSecond?.()) ?? given.store, now: systemClock(), given })
      } finally {
        await given.close()
      }
    })
  }
}

export type NewFactor = Omit<StoredFactor, 'version'>

/** What a vault would have sealed is any bytes at all. */
const SEALED = Uint8Array.of(0, 1, 2, 127, 128, 255, 0, 13, 10, 39, 92)

/** A factor of nobody else's, without a handle, unless told otherwise. */
export function someFactor(now: number, parts: Partial<NewFactor> = {}): NewFactor {
  return {
    id: someId(),
    subject: parts.subject ?? someSubject(),
    kind: 'totp',
    handle: undefined,
    name: 'My phone',
    createdAt: now,
    lastUsedAt: undefined,
    sealed: SEALED,
    ...parts,
  }
}

/** Adds a factor that must fit, and gives it back as it must be kept. */
export async function add(store: FactorStore, factor: NewFactor): Promise<StoredFactor> {
  isEqual(await store.add(factor, { most: 100 }), 'added', 'the outcome of adding a factor')
  return { ...factor, version: 1 }
}

/** Settles all, and counts how many gave each outcome. */
export async function outcomesOf(calls: readonly Promise<unknown>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const outcome of await Promise.all(calls)) counts[String(outcome)] = (counts[String(outcome)] ?? 0) + 1
  return counts
}
