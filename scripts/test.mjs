// `npm test`: everything. Sets up what is missing, runs the checks, then all tests, and ends with one line:
// `N passed, N failed, N skipped`. `npm test -- test/core` runs only the tests whose path contains that.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { chromium, findProgram, installPrograms, programsNeededBy } from './programs.mjs'
import { onNpmGone, onPinnedNode, pinnedEnv, root } from './setup.mjs'

/** A run that takes longer than this has hung somewhere: it is stopped and counts as failed. */
const longestRun = 28 * 60_000
/** Where output is not a terminal, a sign of life after this much silence. */
const silence = 30_000

const startedAt = Date.now()
const filters = process.argv.slice(2)
const count = { passed: 0, failed: 0, skipped: 0 }
const failures = []

const pass = () => {
  count.passed += 1
}
const fail = (name) => {
  count.failed += 1
  failures.push(name)
}

await onPinnedNode(import.meta.url, 'npm test')
if (filters.length === 0) await runAllChecks()
await findPrograms()
await runTests(findProgram(chromium))

if (failures.length > 0) console.log(`\nFailed:\n${failures.map((name) => `  ${name}`).join('\n')}`)
console.log(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
process.exit(count.failed === 0 ? 0 : 1)

/** Each check counts as a case. */
async function runAllChecks() {
  console.log('Checks')
  const { formatResult, runChecks } = await import('./checks/run.ts')
  await runChecks([], {
    onEnd: (result) => {
      console.log(formatResult(result))
      if (result.problems.length === 0) pass()
      else fail(`check ${result.name}`)
    },
  })
}

/** A program that is missing still is a failure with a name, and so is every test that needs it. */
async function findPrograms() {
  const missing = programsNeededBy(filters, root).filter((program) => findProgram(program) === undefined)
  for (const { title } of await installPrograms(missing)) fail(`set-up: ${title} is missing`)
}

async function runTests(browser) {
  console.log('\nTests')
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-test-'))
  const report = join(folder, 'report.json')
  const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, '--silent=passed-only']
  // A forgotten `.only` must not pass for a full run.
  if (filters.length === 0) args.push('--allowOnly=false')
  const end = await runVitest([...args, ...filters], browser)
  const before = { ...count }
  try {
    countCases(JSON.parse(readFileSync(report, 'utf8')))
  } catch (error) {
    fail(`vitest left no report it finished with (${error.message})`)
  }
  rmSync(folder, { recursive: true, force: true })
  if (count.failed > before.failed) return
  if (count.passed === before.passed)
    fail(filters.length === 0 ? 'no test ran' : `no test ran: no path contains ${filters.join(' or ')}`)
  else if (end !== 'code 0') fail(`vitest ended with ${end}, although no test failed`)
}

/** Counts test cases; a file that could not even be loaded is one failed case. */
function countCases({ testResults }) {
  for (const { name, status, assertionResults } of testResults) {
    const file = relative(root, name)
    for (const { status, fullName } of assertionResults) {
      if (status === 'passed') pass()
      else if (status === 'failed') fail(`${file}: ${fullName}`)
      else count.skipped += 1
    }
    if (status === 'failed' && !assertionResults.some((each) => each.status === 'failed')) fail(`${file}: the file itself`)
  }
}

/** Runs vitest in a process group of its own, so that a hung run can be ended with everything it started. */
async function runVitest(args, browser) {
  const isTerminal = process.stdout.isTTY === true
  const child = spawn(process.execPath, [join(root, 'node_modules', 'vitest', 'vitest.mjs'), ...args], {
    cwd: root,
    detached: process.platform !== 'win32',
    stdio: ['ignore', isTerminal ? 'inherit' : 'pipe', isTerminal ? 'inherit' : 'pipe'],
    env: {
      ...pinnedEnv(),
      ...(isTerminal || process.env.FORCE_COLOR ? {} : { NO_COLOR: '1' }),
      ...(browser === undefined ? {} : { CHROMIUM_PATH: browser }),
    },
  })
  const stop = (signal) => {
    try {
      process.kill(process.platform === 'win32' ? child.pid : -child.pid, signal)
    } catch {
      // It is gone already.
    }
  }
  const giveUp = () => {
    stop('SIGKILL')
    process.exit(130)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, giveUp)
  onNpmGone(giveUp)

  let lastOutputAt = Date.now()
  for (const [from, to] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ]) {
    from?.on('data', (chunk) => {
      lastOutputAt = Date.now()
      to.write(chunk)
    })
  }
  const signOfLife = setInterval(() => {
    if (isTerminal || Date.now() - lastOutputAt < silence) return
    lastOutputAt = Date.now()
    console.log(` ... ${Math.round((Date.now() - startedAt) / 1000)} s since the start`)
  }, 1_000)
  let isLate = false
  const deadline = setTimeout(
    () => {
      isLate = true
      stop('SIGKILL')
    },
    Math.max(60_000, startedAt + longestRun - Date.now()),
  )

  const end = await new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message))
    child.on('exit', (code, signal) => {
      // Whatever a test left running holds the pipes open; it must not hold up the run.
      const grace = setTimeout(() => resolve(signal ?? `code ${code}`), 2_000)
      child.on('close', () => {
        clearTimeout(grace)
        resolve(signal ?? `code ${code}`)
      })
    })
  })
  clearInterval(signOfLife)
  clearTimeout(deadline)
  stop('SIGKILL')
  return isLate ? `nothing: it was stopped after ${longestRun / 60_000} minutes` : end
}
