import type { Store } from '../../core/store.ts'
import type { Outbox } from '../../oidc/outbox.ts'
import type { FactorStore } from '../../stepup/factor-store.ts'
import type { TestedCapabilities } from '../contract/capabilities.ts'

/** Which of the processes this one is. */
export interface Part {
  readonly index: number
  readonly count: number
}

/**
 * A race between processes: one process prepares it, all contend at once, and the first one judges by what each reports.
 * Plans and reports travel between processes, so they are plain data.
 */
export interface Race<Plan, Report, Tested = Store> {
  readonly rule: string
  readonly isFor?: (tested: TestedCapabilities) => boolean
  readonly prepare: (store: Tested, now: number) => Promise<Plan>
  readonly contend: (store: Tested, plan: Plan, part: Part) => Promise<Report>
  readonly judge: (store: Tested, plan: Plan, reports: readonly Report[], tested: TestedCapabilities) => Promise<void>
}

/** What a request does between looking and writing; without it, processes on few cores hardly meet. */
export const think = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1))

/** A race among others: its plan and reports are its own affair. */
export type AnyRace = Race<unknown, unknown>

/** Hides what a race plans and reports. */
export const race = <Plan, Report>(one: Race<Plan, Report>): AnyRace => one as AnyRace

/** The same over a factor store. */
export type AnyFactorRace = Race<unknown, unknown, FactorStore>

export const factorRace = <Plan, Report>(one: Race<Plan, Report, FactorStore>): AnyFactorRace => one as AnyFactorRace

/** The same over an outbox. */
export type AnyOutboxRace = Race<unknown, unknown, Outbox>

export const outboxRace = <Plan, Report>(one: Race<Plan, Report, Outbox>): AnyOutboxRace => one as AnyOutboxRace
