import type { StoreCapabilities } from '../core/store.ts'
import { isEqual } from './assert.ts'
import { channelRules } from './contract/channel.ts'
import { replaceRules, revokeRules } from './contract/endings.ts'
import { faultRules } from './contract/faults.ts'
import { ruleOf, type StoreFactory, type TestRunner } from './contract/harness.ts'
import { claimRules, countRules, ledgerWaitingRules, putAndTakeRules } from './contract/ledger.ts'
import { purgeRules } from './contract/purge.ts'
import { createAndReadRules, updateRules, waitingRules } from './contract/records.ts'
import { limitRules, listRules, revokeSubjectRules } from './contract/subjects.ts'

/** What a store claims; the contract holds it to exactly that. */
export interface StoreContractOptions {
  /**
   * The capabilities the store must report; those not named are taken for `true`. Rules about the sessions of a subject are
   * registered only for a store that lists subjects, rules about limits only for one that limits them.
   */
  readonly capabilities?: Partial<Pick<StoreCapabilities, 'listsSubjects' | 'limitsSubjects'>>
}

/**
 * Registers the store contract as a test suite: whoever passes it keeps every promise of Sojourn.
 *
 * Use it for a store of your own, against a real server, never a mock. Peculiarities of one engine belong in a test file of
 * their own. Each test has a fresh store from the factory.
 *
 * @param name - The store's name, for the report.
 * @param factory - Makes a store without sessions. `openSecond` opens another handle on the same data, so that races between
 *   processes are tested too; without it they run on one handle. `close` is called after each test, whatever happened.
 * @param runner - `describe` and `it` of your test runner: `node:test`, vitest, jest and others alike.
 * @param options.capabilities - What the store does not claim; default: it claims everything.
 * @example
 * import { describe, it } from 'node:test'
 * describeStoreContract('memory', async () => {
 *   const store = memoryStore()
 *   return { store, close: () => store.close() }
 * }, { describe, it })
 */
export function describeStoreContract(
  name: string,
  factory: StoreFactory,
  runner: TestRunner,
  options: StoreContractOptions = {},
): void {
  const expected = { listsSubjects: true, limitsSubjects: true, ...options.capabilities }
  const rule = ruleOf(factory, runner)
  const { describe } = runner
  describe(`${name} keeps the store contract`, () => {
    rule('the store reports the capabilities it is tested for', async ({ store }) => {
      const { listsSubjects, limitsSubjects } = store.capabilities
      isEqual({ listsSubjects, limitsSubjects }, expected, 'the capabilities')
    })
    describe('create and read', () => createAndReadRules(rule))
    describe('update', () => updateRules(rule))
    describe('revoke', () => revokeRules(rule))
    describe('replace', () => replaceRules(rule))
    if (expected.listsSubjects) describe('list', () => listRules(rule))
    if (expected.listsSubjects) describe('revoke a subject', () => revokeSubjectRules(rule))
    if (expected.limitsSubjects) describe('limit', () => limitRules(rule))
    describe('purge', () => purgeRules(rule))
    describe('faults', () => faultRules(rule))
    describe('waiting and closing', () => waitingRules(rule))
  })
}

/**
 * Registers the ledger's contract as a test suite: claims, single-use values and counts are atomic and end with their deadlines.
 *
 * @param name - The store's name, for the report.
 * @param factory - As for `describeStoreContract`.
 * @param runner - `describe` and `it` of your test runner.
 * @example
 * describeLedgerContract('memory', factory, { describe, it })
 */
export function describeLedgerContract(name: string, factory: StoreFactory, runner: TestRunner): void {
  const rule = ruleOf(factory, runner)
  const { describe } = runner
  describe(`${name} keeps the ledger contract`, () => {
    describe('claim', () => claimRules(rule))
    describe('put and take', () => putAndTakeRules(rule))
    describe('count', () => countRules(rule))
    describe('waiting', () => ledgerWaitingRules(rule))
  })
}

/**
 * Registers the channel's contract as a test suite: messages reach the present subscribers of their topic, and nobody else.
 *
 * @param name - The store's name, for the report.
 * @param factory - As for `describeStoreContract`. A message must arrive within 2 seconds.
 * @param runner - `describe` and `it` of your test runner.
 * @example
 * describeChannelContract('memory', factory, { describe, it })
 */
export function describeChannelContract(name: string, factory: StoreFactory, runner: TestRunner): void {
  const rule = ruleOf(factory, runner)
  runner.describe(`${name} keeps the channel contract`, () => channelRules(rule))
}
