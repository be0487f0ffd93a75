import { execFile } from 'node:child_process'
import { cpSync, existsSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { root, scratch } from './scratch.ts'

/** What npm hands to the scripts it runs would make an npm inside a test work on this repository instead of the test's folder. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('npm_') && name !== 'NODE_OPTIONS'),
)

/** Runs a program; what it printed is the error's message when it fails. */
async function run(cwd: string, program: string, ...args: string[]): Promise<string> {
  try {
    return (await promisify(execFile)(program, args, { cwd, env })).stdout
  } catch (error) {
    const { message, stdout = '', stderr = '' } = error as Error & { stdout?: string; stderr?: string }
    throw new Error([message, stdout, stderr].join('\n'))
  }
}

const program = `
import { createSessions } from 'sojourn'
import { memoryStore } from 'sojourn/stores/memory'
import { sqliteStore } from 'sojourn/stores/sqlite'
console.log([createSessions, memoryStore, sqliteStore].map((each) => typeof each).join())
const closed: string = 'sojourn/stores/sqlite/store'
await import(closed).catch((error) => console.log(error.code))
`

/** A store author's test: the kit starts processes of its own, from the compiled package. */
const contract = `
import { mkdtempSync, rmSync } from 'node:fs'
import { describe, it } from 'node:test'
import { sqliteStore } from 'sojourn/stores/sqlite'
import { describeStoreContract } from 'sojourn/testing'
const factory = async () => {
  const folder = mkdtempSync('sessions-')
  const store = sqliteStore(folder + '/sessions.db')
  const worker = { module: new URL('worker.js', import.meta.url), env: { FILE: folder + '/sessions.db' } }
  return { store, worker, close: async () => (await store.close(), rmSync(folder, { recursive: true })) }
}
describeStoreContract('sqlite', factory, { describe, it }, { processes: 'tested' })
`
const worker = `
import { sqliteStore } from 'sojourn/stores/sqlite'
export const openStore = async () => sqliteStore(process.env.FILE)
`

// The package as a user gets it: built, packed, installed from the file, imported by plain Node without any condition.
test('the packed package installs, brings along only the types of Standard Schema, and its entries load', {
  timeout: 120_000,
}, async () => {
  const source = scratch()
  for (const path of ['package.json', 'src', 'LICENSE', 'README.md', 'tsconfig.json', 'tsconfig.build.json']) {
    if (existsSync(join(root, path))) cpSync(join(root, path), join(source, path), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(source, 'node_modules'))
  const user = scratch({
    'package.json': '{"name":"user","private":true,"type":"module"}',
    'main.js': program.replace(': string', ''),
    'main.ts': program,
    'contract.js': contract,
    'worker.js': worker,
  })

  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  await run(source, process.execPath, tsc, '-p', 'tsconfig.build.json')
  await run(source, 'npm', 'pack', '--ignore-scripts', '--pack-destination', user)
  const { version } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'))
  await run(user, 'npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', `./sojourn-${version}.tgz`)

  expect(await run(user, process.execPath, 'main.js')).toBe('function,function,function\nERR_PACKAGE_PATH_NOT_EXPORTED\n')
  const lock = JSON.parse(readFileSync(join(user, 'package-lock.json'), 'utf8'))
  expect(Object.keys(lock.packages)).toEqual(['', 'node_modules/@standard-schema/spec', 'node_modules/sojourn'])

  const races = await run(user, process.execPath, '--test', '--test-name-pattern=of processes', 'contract.js')
  expect(races).toMatch(/pass 3\n.*fail 0\n/s)

  // A user's strict TypeScript, our declarations included in what it checks.
  const strict = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2023', '--lib', 'es2024,esnext.disposable']
  await run(
    user,
    process.execPath,
    tsc,
    ...strict,
    '--types',
    'node',
    '--typeRoots',
    join(root, 'node_modules', '@types'),
    'main.ts',
  )
})
