// Runs the tools that other people wrote, and keeps what they print unless they fail.

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { publicEntries } from './entries.ts'

/** Runs a program; its output is the problem when it fails. */
export async function runTool(root: string, program: string, args: readonly string[]): Promise<string[]> {
  const { code, output } = await run(root, program, args)
  if (code === 0) return []
  return [output.trim() || `${program} ended with code ${code} and said nothing`]
}

/** Runs a tool of node_modules/.bin on the Node that runs this. */
export function runBin(root: string, name: string, args: readonly string[]): Promise<string[]> {
  return runTool(root, join(root, 'node_modules', '.bin', name), args)
}

/** What npm would publish, as a .tgz; `use` gets its path while it exists. */
async function withPackage<T>(root: string, use: (tarball: string, folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-pack-'))
  try {
    const { code, output } = await run(root, 'npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder])
    if (code !== 0) throw new Error(`npm pack failed:\n${output}`)
    const { name, version } = readManifest(root)
    return await use(join(folder, `${name}-${version}.tgz`), folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** publint: the package's fields, formats and files, as they are in the packed file. */
export async function runPublint(root: string): Promise<string[]> {
  return await withPackage(root, async (tarball) => {
    const packed = readFileSync(tarball)
    const { messages, pkg } = await publint({ pack: { tarball: new Uint8Array(packed).buffer }, strict: true })
    return messages.map((message) => formatMessage(message, pkg, { color: false }) ?? message.code)
  })
}

/** attw: the types of every entry as TypeScript resolves them in an ESM package, node16 rules and bundlers. */
export async function runAttw(root: string): Promise<string[]> {
  const { name } = readManifest(root)
  const names = publicEntries(root).map((entry) => (entry.name === name ? '.' : entry.name.slice(name.length + 1)))
  return await withPackage(root, (tarball) =>
    runBin(root, 'attw', [
      tarball,
      '--profile',
      'esm-only',
      '--format',
      'ascii',
      '--no-color',
      '--no-emoji',
      '--entrypoints',
      ...names,
    ]),
  )
}

/**
 * typedoc: the API pages. A warning is a problem, since a broken link or a parameter that does not exist misleads the reader.
 *
 * @param out - Folder to write the pages into; without it they are only tried.
 */
export function runTypedoc(root: string, out?: string): Promise<string[]> {
  const sources = publicEntries(root).map((entry) => entry.source)
  return runBin(root, 'typedoc', ['--logLevel', 'Warn', ...(out === undefined ? ['--emit', 'none'] : ['--out', out]), ...sources])
}

/** The README is read in a few minutes: it exists, and has fewer than 150 lines. */
export function checkReadme(root: string): string[] {
  const path = join(root, 'README.md')
  if (!existsSync(path)) return ['README.md does not exist']
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n').length
  return lines < 150 ? [] : [`README.md has ${lines} lines; it stays under 150`]
}

function readManifest(root: string): { name: string; version: string } {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
}

async function run(root: string, program: string, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const { FORCE_COLOR: _, ...env } = process.env
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { ...env, NO_COLOR: '1' } })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  child.stderr.on('data', (chunk) => {
    output += chunk
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  return { code, output }
}
