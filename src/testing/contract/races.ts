import { systemClock } from '../../core/clock.ts'
import { isTrue } from '../assert.ts'
import { type Contender, type StoreWorker, withContenders } from '../races/processes.ts'
import { races } from '../races/races.ts'
import type { TestedCapabilities } from './capabilities.ts'
import type { Rule } from './harness.ts'

/** Races between processes that open the store for themselves, as several instances of an application do. */
export function raceRules(rule: Rule, tested: TestedCapabilities): void {
  for (const [name, { rule: sentence, isFor, prepare, judge }] of Object.entries(races)) {
    if (isFor && !isFor(tested)) continue
    rule(sentence, async ({ store, now, given }) => {
      const plan = await prepare(store, now)
      const reports = await contend(given.worker, name, plan)
      await judge(store, plan, reports, tested)
    })
  }
}

/** Lets processes run one race at the same moment, and gives what each reports. */
export async function contend(worker: StoreWorker | undefined, race: string, plan: unknown): Promise<unknown[]> {
  isTrue(worker !== undefined, 'the factory gives a `worker` for the races between processes')
  return withContenders(worker, async (contenders) => {
    const all = <T>(ask: (contender: Contender, index: number) => Promise<T>) => Promise.all(contenders.map(ask))
    await all((one) => one.ask({ kind: 'open', module: worker.module.href, env: worker.env ?? {} }))
    const startAt = systemClock() + 20
    const contended = await all((one, index) =>
      one.ask({ kind: 'contend', race, plan, part: { index, count: contenders.length }, startAt }),
    )
    await all((one) => one.ask({ kind: 'close' }))
    return contended
  })
}
