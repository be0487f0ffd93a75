// `npm run build`: one output file a source file, in dist. Built beside it first, so that dist is never half there.

import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const fresh = join(root, `.dist-${process.pid}`)
const old = join(root, `.dist-${process.pid}-old`)
const dist = join(root, 'dist')

const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--outDir', fresh], {
  cwd: root,
  stdio: 'inherit',
})

if (status === 0) {
  const command = join(fresh, 'cli', 'main.js')
  if (existsSync(command)) chmodSync(command, 0o755)
  if (existsSync(dist)) renameSync(dist, old)
  renameSync(fresh, dist)
}
for (const left of [fresh, old]) rmSync(left, { recursive: true, force: true })
process.exitCode = status ?? 1
