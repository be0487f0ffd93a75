import { memoryStore } from '../../src/stores/memory.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { faultyStore } from '../../src/testing/faulty-store.ts'
import { setUp } from '../core/support.ts'

/** Attacks on what is stored are made on both stores. */
export const STORES = [
  ['memory', () => setUp({ store: faultyStore(memoryStore()) })],
  ['sqlite', () => setUp({ store: faultyStore(sqliteStore(':memory:')) })],
] as const
