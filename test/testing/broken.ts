/** Runs a contract over a store and tells which rules it broke. */
import type { TestRunner } from 'sojourn/testing'

type Describe<Factory, Options> = (name: string, factory: Factory, runner: TestRunner, options?: Options) => void

/**
 * A runner of our own: shows that the kit needs no more than `describe` and `it`, and collects what fails.
 *
 * @param only - Runs only the rules whose name contains one of these.
 */
export async function brokenRules<Factory, Options>(
  describe: Describe<Factory, Options>,
  factory: Factory,
  options?: Options,
  only?: readonly string[],
): Promise<string[]> {
  const tests: [string, () => Promise<void>][] = []
  const runner: TestRunner = { describe: (_name, body) => body(), it: (name, test) => tests.push([name, test]) }
  describe('broken', factory, runner, options)
  const broken: string[] = []
  const chosen = tests.filter(([name]) => only?.some((part) => name.includes(part)) ?? true)
  if (only && chosen.length < only.length) throw new Error('a rule that was chosen is not there')
  for (const [name, test] of chosen) {
    try {
      await test()
    } catch (error) {
      if (process.env.SHOW_BROKEN) console.log(name, error)
      broken.push(name)
    }
  }
  return broken
}
