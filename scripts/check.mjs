// `npm run check`: types, lint, import directions and the published package, one line each.
// `npm run check -- lint imports` runs those only; `npm run check -- root-names --update` rewrites what one compares with.

import { onPinnedNode } from './setup.mjs'

await onPinnedNode(import.meta.url, 'npm run check')
const { checkNames, formatResult, runChecks } = await import('./checks/run.ts')

const args = process.argv.slice(2)
const names = args.filter((arg) => arg !== '--update')
const unknown = names.filter((name) => !checkNames.includes(name))

if (unknown.length > 0) {
  console.error(`There is no check named ${unknown.join(', ')}; there are ${checkNames.join(', ')}.`)
  process.exitCode = 2
} else {
  const results = await runChecks(names, {
    update: args.includes('--update'),
    onEnd: (result) => console.log(formatResult(result)),
  })
  process.exitCode = results.every(({ problems }) => problems.length === 0) ? 0 : 1
}
