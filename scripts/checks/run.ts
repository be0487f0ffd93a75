// The checks behind `npm run check`, in the order they run. To add one: one line in `checks`.

import { join } from 'node:path'
import { checkEntries } from './entries.ts'
import { checkImports } from './imports.ts'
import { checkLockfile } from './lockfile.ts'
import { checkReference } from './reference.ts'
import { checkRootNames } from './root-names.ts'
import { checkReadme, runAttw, runBin, runPublint, runTool, runTypedoc } from './tools.ts'

interface Options {
  /** Rewrite what a check compares with, where it keeps such a thing. */
  readonly update?: boolean
}

interface Check {
  /** Answers with one text a problem; none when all is well. */
  readonly run: (root: string, options: Options) => string[] | Promise<string[]>
  readonly needsBuild?: boolean
}

/** How one check ended. */
export interface CheckResult {
  readonly name: string
  readonly problems: readonly string[]
  readonly milliseconds: number
}

const root = join(import.meta.dirname, '..', '..')

const checks: Readonly<Record<string, Check>> = {
  types: { run: (root) => runBin(root, 'tsc', ['-p', 'tsconfig.json']) },
  lint: {
    run: (root) =>
      runBin(root, 'biome', ['ci', '--colors=off', '--diagnostic-level=warn', '--error-on-warnings', '--max-diagnostics=200']),
  },
  imports: { run: checkImports },
  knip: { run: (root) => runBin(root, 'knip', ['--no-progress']) },
  reference: { run: checkReference },
  docs: { run: (root) => runTypedoc(root) },
  readme: { run: checkReadme },
  lockfile: { run: checkLockfile },
  'root-names': { run: checkRootNames },
  build: { run: (root) => runTool(root, process.execPath, ['scripts/build.ts']) },
  entries: { run: (root) => checkEntries(root), needsBuild: true },
  publint: { run: runPublint, needsBuild: true },
  attw: { run: runAttw, needsBuild: true },
}

/** Names of all checks, in order. */
export const checkNames: readonly string[] = Object.keys(checks)

/**
 * Runs checks one after the other and goes on after a failure.
 *
 * @param names - Which; all when empty. One that needs the build brings it along.
 * @param options.onEnd - Called as each ends.
 */
export async function runChecks(
  names: readonly string[],
  options: Options & { readonly onStart?: (name: string) => void; readonly onEnd?: (result: CheckResult) => void } = {},
): Promise<CheckResult[]> {
  const wanted =
    names.length === 0 ? checkNames : checkNames.filter((name) => names.includes(name) || (name === 'build' && needBuild(names)))
  const results: CheckResult[] = []
  for (const name of wanted) {
    options.onStart?.(name)
    const startedAt = performance.now()
    const problems = await problemsOf(name, results, options)
    const result = { name, problems, milliseconds: performance.now() - startedAt }
    results.push(result)
    options.onEnd?.(result)
  }
  return results
}

function needBuild(names: readonly string[]): boolean {
  return names.some((name) => checks[name]?.needsBuild)
}

async function problemsOf(name: string, before: readonly CheckResult[], options: Options): Promise<string[]> {
  const check = checks[name]
  if (check === undefined) return [`there is no check named ${name}`]
  if (check.needsBuild && before.some((each) => each.name === 'build' && each.problems.length > 0))
    return ['it needs the build, which failed']
  try {
    return await check.run(root, options)
  } catch (error) {
    return [error instanceof Error ? (error.stack ?? error.message) : String(error)]
  }
}

/** One line a check, its problems indented below. */
export function formatResult({ name, problems, milliseconds }: CheckResult): string {
  const head = `${problems.length === 0 ? 'ok    ' : 'failed'}  ${name.padEnd(12)}${(milliseconds / 1000).toFixed(1).padStart(6)} s`
  return [head, ...problems.map((problem) => problem.replace(/^/gm, '        '))].join('\n')
}
