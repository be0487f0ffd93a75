/** Random histories on both stores, compared with the reference. A failure prints its seed and the shortest history. */
import fc from 'fast-check'
import { describe, it } from 'vitest'
import type { Store } from '../../src/core/store.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { PATIENCE } from './bounds.ts'
import { type Action, type Fault, World } from './world.ts'

const STORES: readonly [string, () => Store, number][] = [
  ['memory', memoryStore, 2000],
  ['sqlite', () => sqliteStore(':memory:'), 600],
]

const which = fc.nat(30)
const fault = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Fault>(undefined) },
  { weight: 1, arbitrary: fc.constantFrom<Fault>('lost-reply', 'duplicate') },
)
const requests = fc.constantFrom('visit', 'visit', 'put', 'count', 'rotate', 'privilege', 'open', 'finish')
const endings = fc.constantFrom('signOut', 'revoke', 'revokeSubject', 'revokeOthers', 'start', 'signIn')
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: requests, which, fault }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('elevate', 'elevate', 'signInWith'), which, how: which, fault }) },
  { weight: 2, arbitrary: fc.record({ do: endings, which, fault }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('advance'), which }) },
  { weight: 1, arbitrary: fc.constant({ do: 'purge' }) },
) as fc.Arbitrary<Action>

describe.each(STORES)('on %s', (_name, storeOf, numRuns) => {
  it('every history of requests, revocations and faults goes as the reference says', { timeout: PATIENCE }, () => {
    const property = fc.asyncProperty(fc.array(action, { maxLength: 60, size: 'max' }), async (actions) => {
      const store = storeOf()
      try {
        await new World(store).run([{ do: 'signIn', which: 0, fault: undefined }, ...actions])
      } finally {
        await store.close()
      }
    })

    return fc.assert(property, { numRuns })
  })
})
