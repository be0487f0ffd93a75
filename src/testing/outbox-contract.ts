import { isTrue } from './assert.ts'
import type { TestedOrNot } from './contract/completeness.ts'
import type { TestRunner } from './contract/harness.ts'
import {
  closingOutboxRules,
  endOfLifeRules,
  endRules,
  hostileOutboxSubjectRules,
  leaseRules,
  outboxRaceRules,
  settleRules,
  watchRules,
} from './contract/outbox.ts'
import { type OutboxFactory, outboxRuleOf } from './contract/outbox-harness.ts'

/**
 * Registers the contract of outboxes as a test suite: a table of your own that passes it may hold whom a session's end is to be told to.
 *
 * Use it for an `Outbox` of your own, against the real database, never a mock.
 *
 * @param name - The outbox's name, for the report.
 * @param factory - Makes an empty outbox. `openSecond` opens another handle on the same data, so that races between handles are
 *   tested too. `close` is called after each test, whatever happened.
 * @param runner - `describe` and `it` of your test runner: `node:test`, vitest, jest and others alike.
 * @param options.processes - `'tested'` runs the races between processes, and the factory then gives `worker`;
 *   `'not tested because …'` says why not in the report.
 * @example
 * import { describe, it } from 'node:test'
 * describeOutboxContract('memory', async () => {
 *   const outbox = memoryOutbox()
 *   return { outbox, close: () => outbox.close() }
 * }, { describe, it }, { processes: 'not tested because it lives in one process' })
 */
export function describeOutboxContract(
  name: string,
  factory: OutboxFactory,
  runner: TestRunner,
  options: { readonly processes: TestedOrNot },
): void {
  const { processes } = options
  const rule = outboxRuleOf(factory, runner)
  const { describe } = runner
  describe(`${name} keeps the contract of outboxes`, () => {
    describe('watch', () => watchRules(rule))
    describe('end', () => endRules(rule))
    describe('lease', () => leaseRules(rule))
    describe('settle', () => settleRules(rule))
    describe('list, revive, remove', () => endOfLifeRules(rule))
    describe('hostile subjects', () => hostileOutboxSubjectRules(rule))
    describe('races between processes', () => {
      if (processes === 'tested') outboxRaceRules(rule)
      else rule(processes, async () => isTrue(/^not tested because .{10}/.test(processes), 'the reason is a sentence'))
    })
    describe('closing', () => closingOutboxRules(rule))
  })
}
