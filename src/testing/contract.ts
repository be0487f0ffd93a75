import { capabilitiesOf, capabilityRules, type TestedCapabilities } from './contract/capabilities.ts'
import { changesRules } from './contract/changes.ts'
import { channelRules, noChannelRules } from './contract/channel.ts'
import { clockRules } from './contract/clocks.ts'
import { completenessRules, type TestedOrNot } from './contract/completeness.ts'
import { replaceRules, revokeRules } from './contract/endings.ts'
import { faultRules } from './contract/faults.ts'
import { ruleOf, type StoreFactory, type TestRunner } from './contract/harness.ts'
import { hostileSubjectRules } from './contract/hostile-subjects.ts'
import { claimRules, countRules, getRules, ledgerWaitingRules, putAndTakeRules } from './contract/ledger.ts'
import { limitRules } from './contract/limits.ts'
import { linkRules, noLinkRules } from './contract/links.ts'
import { listRules } from './contract/listing.ts'
import { networkRules } from './contract/network.ts'
import { ownRemovalRules, purgeRules, removalRules } from './contract/purge.ts'
import { noQueryRules, queryRules } from './contract/query.ts'
import { raceRules } from './contract/races.ts'
import { createAndReadRules, updateRules, waitingRules } from './contract/records.ts'
import { replicaRules } from './contract/replicas.ts'
import { revokeSubjectRules } from './contract/revoke-subject.ts'

/** What a store claims; the contract holds it to exactly that. */
export interface StoreContractOptions {
  /**
   * The capabilities the store must report. Those not named are taken for claimed, except `queries` and `purgesItself`. What a store does not
   * claim, it must refuse with `ERR_STORE_UNSUPPORTED`; rules about it are replaced by that one.
   */
  readonly capabilities?: Partial<TestedCapabilities>
  /** Races between processes; the factory then gives `worker`. A store that is not local must say one or the other. */
  readonly processes?: TestedOrNot
  /** Faults of the network to a real server; the factory then gives `network`. A store that is not local must say one or the other. */
  readonly network?: TestedOrNot
  /** Replicas that lag, for a store that may read from one; the factory then gives `openStale`. */
  readonly replicas?: 'tested'
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
 * @param options.capabilities - What the store does not claim; default: it claims everything but `queries`, and that `purge` is needed.
 * @param options.processes - `'tested'` runs the races between processes; `'not tested because …'` says why not in the report.
 * @param options.network - The same for faults of the network.
 * @param options.replicas - `'tested'` runs the rules about replicas that lag.
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
  const tested = capabilitiesOf(options.capabilities)
  const rule = ruleOf(factory, runner)
  const { describe } = runner
  const { processes, network, replicas } = options
  describe(`${name} keeps the store contract`, () => {
    describe('capabilities', () => {
      capabilityRules(rule, tested)
      completenessRules(rule, { processes, network })
    })
    describe('create and read', () => createAndReadRules(rule))
    describe('update', () => updateRules(rule))
    describe('revoke', () => revokeRules(rule, tested))
    describe('replace', () => replaceRules(rule))
    describe('hostile subjects', () => hostileSubjectRules(rule, tested))
    if (tested.listsSubjects) describe('list', () => listRules(rule))
    if (tested.revokesSubjects) describe('revoke a subject', () => revokeSubjectRules(rule, tested))
    if (tested.limitsSubjects) describe('limit', () => limitRules(rule))
    describe('provider links', () => (tested.revokesLinked ? linkRules(rule, tested) : noLinkRules(rule)))
    describe('query', () => (tested.queries ? queryRules(rule, tested) : noQueryRules(rule)))
    describe('purge', () => {
      purgeRules(rule, tested)
      if (tested.purgesItself) ownRemovalRules(rule, tested)
      else removalRules(rule, tested)
    })
    describe('clocks that differ', () => clockRules(rule, tested))
    describe('faults', () => faultRules(rule, tested))
    if (network === 'tested') describe('a network that fails', () => networkRules(rule, tested))
    if (processes === 'tested') describe('races between processes', () => raceRules(rule, tested))
    if (replicas === 'tested') describe('a replica that lags', () => replicaRules(rule, tested))
    describe('waiting and closing', () => waitingRules(rule, tested))
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
    describe('get', () => getRules(rule))
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
 * @param options.capabilities - `{ hasChannel: false }` for a store that cannot carry messages: it must then say so.
 * @example
 * describeChannelContract('memory', factory, { describe, it })
 */
export function describeChannelContract(
  name: string,
  factory: StoreFactory,
  runner: TestRunner,
  options: StoreContractOptions = {},
): void {
  const { hasChannel } = capabilitiesOf(options.capabilities)
  const rule = ruleOf(factory, runner)
  runner.describe(`${name} keeps the channel contract`, () => (hasChannel ? channelRules(rule) : noChannelRules(rule)))
}

/**
 * Registers the contract of `store.changes` as a test suite: whoever listens, in whatever process, hears of every change.
 *
 * Use it for a store that offers `changes`: `nearCache` is coherent only in front of one.
 *
 * @param name - The store's name, for the report.
 * @param factory - As for `describeStoreContract`; give `openSecond`. A change must be heard within 2 seconds.
 * @param runner - `describe` and `it` of your test runner.
 * @param options.capabilities - As for `describeStoreContract`.
 * @example
 * describeChangesContract('mine', factory, { describe, it })
 */
export function describeChangesContract(
  name: string,
  factory: StoreFactory,
  runner: TestRunner,
  options: StoreContractOptions = {},
): void {
  const rule = ruleOf(factory, runner)
  runner.describe(`${name} keeps the changes contract`, () => changesRules(rule, capabilitiesOf(options.capabilities)))
}
