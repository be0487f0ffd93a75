/**
 * The libraries we are measured beside, installed on first use into this folder: they are no dependency of anything else here, and
 * whoever never runs the bench never downloads them. README.md has the list.
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const folder = import.meta.dirname
const binFolder = join(folder, '..', '..', 'node_modules', '.bin')

/** Loads a peer. Their types are not there where they are not installed, so each variant says what it uses of them. */
export async function loadPeer<T>(specifier: string): Promise<T> {
  return (await import(specifier)) as T
}

/** Installs what is missing or of another version. Nothing is looked up when all is there. */
export async function installPeers(onProgress: (line: string) => void): Promise<void> {
  if (areInstalled()) return
  onProgress('installing the peers into bench/peers (once; about 100 MB)')
  const { code, output } = await npmCi(() => onProgress('still installing the peers'))
  if (code === 0 && areInstalled()) return
  throw new Error(
    `${output.trim()}\n\nThe peers could not be installed: check that \`npm ping\` works, then run the bench again, ` +
      'or leave them out with `npm run bench -- --no-peers`.',
  )
}

function areInstalled(): boolean {
  const { dependencies } = readJson('package.json') as { dependencies: Readonly<Record<string, string>> }
  return Object.entries(dependencies).every(([name, version]) => {
    try {
      return (readJson('node_modules', name, 'package.json') as { version: string }).version === version
    } catch {
      return false
    }
  })
}

const readJson = (...path: string[]): unknown => JSON.parse(readFileSync(join(folder, ...path), 'utf8'))

async function npmCi(onWait: () => void): Promise<{ readonly code: number | null; readonly output: string }> {
  // An npm that runs this hands its own settings down, and its own idea of which project this is.
  const inherited = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name) && name !== 'NODE_ENV')
  // npm itself then runs on this repository's Node, for which the peers are chosen.
  const env = { ...Object.fromEntries(inherited), PATH: [binFolder, process.env.PATH ?? ''].join(delimiter) }
  const child = spawn('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  })
  const timer = setInterval(onWait, 10_000)
  let output = ''
  const keep = (chunk: unknown) => {
    output = (output + String(chunk)).slice(-4000)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  try {
    return await new Promise((resolve) => {
      child.once('error', (error) => resolve({ code: null, output: String(error) }))
      child.once('close', (code) => resolve({ code, output }))
    })
  } finally {
    clearInterval(timer)
  }
}
