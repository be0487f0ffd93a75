import { execFile } from 'node:child_process'
import { cpSync, existsSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { root, scratch } from './scratch.ts'

const exec = promisify(execFile)

/** What npm hands to the scripts it runs would make an npm inside a test work on this repository instead of the test's folder. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('npm_') && name !== 'NODE_OPTIONS'),
)

const program = `
import { createSessions } from 'sojourn'
import { memoryStore } from 'sojourn/stores/memory'
import { sqliteStore } from 'sojourn/stores/sqlite'
console.log([createSessions, memoryStore, sqliteStore].map((each) => typeof each).join())
await import('sojourn/stores/sqlite/store').catch((error) => console.log(error.code))
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
  const user = scratch({ 'package.json': '{"name":"user","private":true,"type":"module"}', 'main.js': program })

  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  await exec(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: source, env })
  await exec('npm', ['pack', '--ignore-scripts', '--pack-destination', user], { cwd: source, env })
  const { version } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'))
  await exec('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', `./sojourn-${version}.tgz`], { cwd: user, env })
  const { stdout } = await exec(process.execPath, ['main.js'], { cwd: user, env })

  expect(stdout).toBe('function,function,function\nERR_PACKAGE_PATH_NOT_EXPORTED\n')
  const lock = JSON.parse(readFileSync(join(user, 'package-lock.json'), 'utf8'))
  expect(Object.keys(lock.packages)).toEqual(['', 'node_modules/@standard-schema/spec', 'node_modules/sojourn'])
})
