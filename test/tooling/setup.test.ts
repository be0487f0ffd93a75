import { spawn } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root, scratch } from './scratch.ts'

/** A clone without node_modules, on a machine whose npm does what `npm` says (a shell script; none when undefined). */
function freshClone(npm: string | undefined): { folder: string; path: string } {
  const folder = scratch(npm === undefined ? {} : { 'bin/npm': `#!/bin/sh\n${npm}\n` })
  mkdirSync(join(folder, 'scripts'))
  mkdirSync(join(folder, 'bin'), { recursive: true })
  const scripts = ['setup.mjs', 'programs.mjs', 'start.mjs', 'test.mjs'].map((name) => join('scripts', name))
  for (const file of ['package.json', 'package-lock.json', ...scripts]) {
    copyFileSync(join(root, file), join(folder, file))
  }
  if (npm !== undefined) chmodSync(join(folder, 'bin/npm'), 0o755)
  symlinkSync(process.execPath, join(folder, 'bin/node'))
  return { folder, path: `${join(folder, 'bin')}:/bin` }
}

/** Runs a script as `npm` would, and answers with its exit code and the lines it printed. */
async function run(folder: string, path: string, script: string): Promise<{ code: number | null; lines: string[] }> {
  const child = spawn(process.execPath, [join(folder, script)], { cwd: folder, env: { PATH: path, HOME: folder } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, lines: output.trimEnd().split('\n') }
}

describe.each([
  ['scripts/start.mjs', 'npm start'],
  ['scripts/test.mjs', 'npm test'],
])('%s on a machine where npm cannot install', (script, command) => {
  test.each([
    ['the registry is away', 'echo "npm error code ENOTFOUND"; exit 1', 'check the network and proxy settings'],
    ['the disk is full', 'echo "npm error ENOSPC: no space left on device" >&2; exit 1', 'the disk is full'],
    ['the folder is read-only', 'echo "npm error code EACCES" >&2; exit 1', 'npm may not write here'],
    ['something else happens', 'echo "npm error what now"; exit 7', 'check that `npm ping` works'],
  ])('ends with one sentence that says what to do when %s', async (_case, npm, advice) => {
    const { folder, path } = freshClone(npm)

    const { code, lines } = await run(folder, path, script)

    expect(code).toBe(1)
    expect(lines.at(-1)).toMatch(/^The packages could not be installed: .*\.$/)
    expect(lines.at(-1)).toContain(advice)
    expect(lines.at(-1)).toContain(`then run \`${command}\` again.`)
    expect(lines.at(-2)).toContain('npm error')
    expect(lines.filter((line) => /^\s+at /.test(line))).toEqual([])
  })
})

test('a lock file that npm ci refuses is installed by npm install', async () => {
  const { folder, path } = freshClone(
    '[ "$1" = ci ] && echo "npm error code EUSAGE" && exit 1\necho "npm error tried $1"; exit 1',
  )

  const { lines } = await run(folder, path, 'scripts/start.mjs')

  expect(lines.join('\n')).toContain('npm error tried install')
})
