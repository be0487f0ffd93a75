// `npm run docs`: writes the pages of options and errors (committed) and the API pages (docs/reference/api, not committed).

import { join } from 'node:path'
import { checkReference } from './checks/reference.ts'
import { runTypedoc } from './checks/tools.ts'

const root = join(import.meta.dirname, '..')
const problems = [...checkReference(root, { update: true }), ...(await runTypedoc(root, 'docs/reference/api'))]
console.log(problems.length === 0 ? 'Written: docs/reference/options.md, errors.md and api/index.html' : problems.join('\n'))
process.exitCode = problems.length === 0 ? 0 : 1
