import { spawn } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root, scratch } from './scratch.ts'

/** A clone that is set up already, whose vitest does what `vitest` says with `report(...)` at hand. */
function cloneWith(vitest: string): string {
  const write = `
    import { writeFileSync } from 'node:fs'
    const out = process.argv.find((arg) => arg.startsWith('--outputFile.json=')).slice(18)
    const report = (...files) => writeFileSync(out, JSON.stringify({ testResults: files.map(([name, status, ...cases]) =>
      ({ name, status, assertionResults: cases.map((status) => ({ status, fullName: 'a rule' })) })) }))
  `
  const folder = scratch({
    'package.json': JSON.stringify({ type: 'module', devDependencies: { node: process.versions.node } }),
    'package-lock.json': '{"packages":{}}',
    'node_modules/.package-lock.json': '{"packages":{}}',
    'node_modules/vitest/vitest.mjs': `${write}\n${vitest}`,
    'bin/chromium': '',
  })
  for (const path of ['scripts', '.ci', 'node_modules/node/bin']) mkdirSync(join(folder, path), { recursive: true })
  for (const file of ['scripts/setup.mjs', 'scripts/programs.mjs', 'scripts/test.mjs', '.ci/run'])
    copyFileSync(join(root, file), join(folder, file))
  symlinkSync(process.execPath, join(folder, 'node_modules/node/bin/node'))
  return folder
}

async function run(folder: string, program: string, ...args: string[]): Promise<{ code: number | null; lines: string[] }> {
  const env = { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, HOME: folder }
  const child = spawn(program, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'ignore'] })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, lines: output.trimEnd().split('\n') }
}

describe('npm test ends with the number of cases', () => {
  test.each([
    ['all passed', "report(['a', 'passed', 'passed', 'passed'], ['b', 'passed', 'passed'])", '3 passed, 0 failed, 0 skipped'],
    [
      'skipped and todo are told',
      "report(['a', 'passed', 'passed', 'skipped', 'pending', 'todo'])",
      '1 passed, 0 failed, 3 skipped',
    ],
  ])('%s', async (_case, vitest, last) => {
    const { code, lines } = await run(cloneWith(vitest), process.execPath, 'scripts/test.mjs', 'test/a')

    expect(lines.at(-1)).toBe(last)
    expect(code).toBe(0)
  })

  test.each([
    ['a case fails', "report(['a', 'failed', 'passed', 'failed']); process.exitCode = 1", '1 passed, 1 failed, 0 skipped'],
    ['a file cannot be loaded', "report(['a', 'failed']); process.exitCode = 1", '0 passed, 1 failed, 0 skipped'],
    ['an error is caught by no test', "report(['a', 'passed', 'passed']); process.exitCode = 1", '1 passed, 1 failed, 0 skipped'],
    ['vitest breaks at once', "throw new Error('broken')", '0 passed, 1 failed, 0 skipped'],
    ['vitest is killed', "process.kill(process.pid, 'SIGKILL')", '0 passed, 1 failed, 0 skipped'],
    [
      'vitest is killed after its report',
      "report(['a', 'passed', 'passed']); process.kill(process.pid, 'SIGKILL')",
      '1 passed, 1 failed, 0 skipped',
    ],
    ['there is no test', 'report()', '0 passed, 1 failed, 0 skipped'],
    ['every test is skipped', "report(['a', 'passed', 'skipped'])", '0 passed, 1 failed, 1 skipped'],
  ])('and fails when %s', async (_case, vitest, last) => {
    const { code, lines } = await run(cloneWith(vitest), process.execPath, 'scripts/test.mjs', 'test/a')

    expect(lines.at(-1)).toBe(last)
    expect(code).toBe(1)
  })

  test('a forgotten process does not hold it up', { timeout: 20_000 }, async () => {
    const folder = cloneWith(`
      const { spawn } = await import('node:child_process')
      spawn('sleep', ['60'], { stdio: 'inherit' }).unref()
      report(['a', 'passed', 'passed'])
    `)

    const { lines } = await run(folder, process.execPath, 'scripts/test.mjs', 'test/a')

    expect(lines.at(-1)).toBe('1 passed, 0 failed, 0 skipped')
  })
})

describe('.ci/run ends with the same line', () => {
  test.each([
    [
      'npm adds lines of its own after a failure',
      'echo "3 passed, 1 failed, 0 skipped"; echo "npm error"; exit 1',
      '3 passed, 1 failed, 0 skipped',
      1,
    ],
    ['npm test breaks before it has one', 'echo oops; exit 0', '0 passed, 1 failed, 0 skipped', 1],
    ['all is well', 'echo "3 passed, 0 failed, 0 skipped"', '3 passed, 0 failed, 0 skipped', 0],
  ])('when %s', async (_case, npm, last, expected) => {
    const folder = cloneWith('')
    const own = scratch({ npm: `#!/bin/sh\n${npm}\n` })
    copyFileSync(join(own, 'npm'), join(folder, 'bin/npm'))
    chmodSync(join(folder, 'bin/npm'), 0o755)

    const { code, lines } = await run(folder, join(folder, '.ci/run'))

    expect(lines.at(-1)).toBe(last)
    expect(code).toBe(expected)
  })
})
