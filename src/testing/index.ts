/** `sojourn/testing`: the contracts of store, ledger and channel as test suites, and the fakes that tests of sessions need. */

export type { StoreFactory, StoreUnderTest, TestRunner } from './contract/harness.ts'
export type { StoreContractOptions } from './contract.ts'
export { describeChannelContract, describeLedgerContract, describeStoreContract } from './contract.ts'
export type { CookieJar, CookieJarOptions, JarCookie } from './cookie-jar.ts'
export { cookieJar } from './cookie-jar.ts'
export type { FakeClock } from './fake-clock.ts'
export { fakeClock } from './fake-clock.ts'
export type { Fault, FaultScript, FaultyOperation, FaultyStore } from './faulty-store.ts'
export { faultyStore } from './faulty-store.ts'
export { seededRandom } from './seeded-random.ts'
