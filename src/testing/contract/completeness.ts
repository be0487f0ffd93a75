import { isTrue } from '../assert.ts'
import type { Rule } from './harness.ts'

/** Whether something is tested; if not, why not, for the report. */
export type TestedOrNot = 'tested' | `not tested because ${string}`

interface Completeness {
  readonly processes?: TestedOrNot | undefined
  readonly network?: TestedOrNot | undefined
}

/** Nothing is left out in silence: what a shared store does not test stands in the report, with the reason. */
export function completenessRules(rule: Rule, { processes, network }: Completeness): void {
  for (const [what, how] of [
    ['races between processes', processes],
    ['faults of the network', network],
  ] as const) {
    if (how === 'tested') continue
    if (how !== undefined) {
      rule(`${what}: ${how}`, async () => {
        isTrue(/^not tested because .{10}/.test(how), `the reason why ${what} are not tested is a sentence`)
      })
      continue
    }
    rule(`${what} are tested, unless the store is local`, async ({ store }) => {
      isTrue(store.capabilities.isLocal, `the store is not local, and neither tests ${what} nor says why not`)
    })
  }
}
