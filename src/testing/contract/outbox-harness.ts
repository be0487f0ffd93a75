import { systemClock } from '../../core/clock.ts'
import type { Outbox, OutboxEntry, Settlement } from '../../oidc/outbox.ts'
import { isEqual } from '../assert.ts'
import type { StoreWorker } from '../races/processes.ts'
import { someId, someSubject, type TestRunner } from './harness.ts'

/** An outbox to be tested, empty: leases take whatever is there. */
export interface OutboxUnderTest {
  readonly outbox: Outbox
  /** Opens another handle on the same data, as a second process would have. Without it, races run on the one handle. */
  readonly openSecond?: () => Promise<Outbox>
  /** How other processes open the same data, for `options.processes: 'tested'`: the module's `openStore()` gives an outbox. */
  readonly worker?: StoreWorker
  /** Closes every handle and removes the data. */
  readonly close: () => Promise<void>
}

export type OutboxFactory = () => Promise<OutboxUnderTest>

interface OutboxBench {
  readonly outbox: Outbox
  /** Another handle on the same data, or the same handle if there is no other. */
  readonly second: Outbox
  readonly now: number
  readonly given: OutboxUnderTest
}

export type OutboxRule = (name: string, test: (bench: OutboxBench) => Promise<void>) => void

/** Makes `rule(name, test)`, which gives every test an empty outbox and closes it whatever happens. */
export function outboxRuleOf(factory: OutboxFactory, { it }: TestRunner): OutboxRule {
  return (name, test) => {
    it(name, async () => {
      const given = await factory()
      try {
        await test({ outbox: given.outbox, second: (await given.openSecond?.()) ?? given.outbox, now: systemClock(), given })
      } finally {
        await given.close()
      }
    })
  }
}

export type NewEntry = Parameters<Outbox['watch']>[0]

/** What is watched of a session and a client nobody else has, unless told otherwise. */
export function someEntry(now: number, parts: Partial<NewEntry> = {}): NewEntry {
  return { sessionId: someId(), clientId: `client-${someId()}`, sid: someId(), subject: someSubject(), nextAt: now, ...parts }
}

/** Adds an entry that must be new, and gives it back as it must be kept. */
export async function watch(outbox: Outbox, entry: NewEntry): Promise<OutboxEntry> {
  isEqual(await outbox.watch(entry), entry.sid, 'the sid of a new entry')
  return {
    ...entry,
    state: 'watching',
    dueAt: undefined,
    endedAt: undefined,
    reason: undefined,
    attempts: 0,
    lastError: undefined,
    keepUntil: undefined,
  }
}

/** Adds an entry whose session ends at once, and gives it back as it must be kept. */
export async function due(outbox: Outbox, now: number, parts: Partial<NewEntry> = {}): Promise<OutboxEntry> {
  const entry = await watch(outbox, someEntry(now, parts))
  const end = { endedAt: now - 5, reason: 'logout', nextAt: parts.nextAt ?? now }
  isEqual(await outbox.end(entry.sessionId, end), [entry.clientId], 'whose entry became due')
  return { ...entry, ...end, state: 'due', dueAt: end.nextAt }
}

/** What a try came to, as of a lease. */
export function settlementOf(leased: OutboxEntry, parts: Partial<Settlement> = {}): Settlement {
  const { sessionId, clientId, nextAt, attempts } = leased
  return {
    ...{ sessionId, clientId, leasedUntil: nextAt, state: 'delivered', nextAt, attempts: attempts + 1 },
    ...{ lastError: undefined, keepUntil: undefined },
    ...parts,
  }
}

export const namesOf = (entries: readonly Pick<OutboxEntry, 'sessionId' | 'clientId'>[]): string[] =>
  entries.map(({ sessionId, clientId }) => `${sessionId} ${clientId}`)
