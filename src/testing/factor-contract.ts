import { isTrue } from './assert.ts'
import type { TestedOrNot } from './contract/completeness.ts'
import { type FactorStoreFactory, factorRuleOf } from './contract/factor-harness.ts'
import {
  addingRules,
  changingRules,
  closingRules,
  factorRaceRules,
  handleRules,
  hostileFactorSubjectRules,
  listingRules,
  removalRules,
} from './contract/factors.ts'
import type { TestRunner } from './contract/harness.ts'

/**
 * Registers the contract of factor stores as a test suite: a table of your own that passes it may hold what people prove themselves with.
 *
 * Use it for a `FactorStore` of your own, against the real database, never a mock.
 *
 * @param name - The store's name, for the report.
 * @param factory - Makes a store without factors. `openSecond` opens another handle on the same data, so that races between handles are
 *   tested too. `close` is called after each test, whatever happened.
 * @param runner - `describe` and `it` of your test runner: `node:test`, vitest, jest and others alike.
 * @param options.processes - `'tested'` runs the races between processes, and the factory then gives `worker`;
 *   `'not tested because …'` says why not in the report.
 * @example
 * import { describe, it } from 'node:test'
 * describeFactorStoreContract('memory', async () => {
 *   const store = memoryFactorStore()
 *   return { store, close: () => store.close() }
 * }, { describe, it }, { processes: 'not tested because it lives in one process' })
 */
export function describeFactorStoreContract(
  name: string,
  factory: FactorStoreFactory,
  runner: TestRunner,
  options: { readonly processes: TestedOrNot },
): void {
  const { processes } = options
  const rule = factorRuleOf(factory, runner)
  const { describe } = runner
  describe(`${name} keeps the contract of factor stores`, () => {
    describe('list', () => listingRules(rule))
    describe('handles', () => handleRules(rule))
    describe('add', () => addingRules(rule))
    describe('update', () => changingRules(rule))
    describe('remove', () => removalRules(rule))
    describe('hostile subjects', () => hostileFactorSubjectRules(rule))
    describe('races between processes', () => {
      if (processes === 'tested') factorRaceRules(rule)
      else rule(processes, async () => isTrue(/^not tested because .{10}/.test(processes), 'the reason is a sentence'))
    })
    describe('closing', () => closingRules(rule))
  })
}
