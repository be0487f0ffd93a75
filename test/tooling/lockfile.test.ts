import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkLockfile } from '../../scripts/checks/lockfile.ts'
import { scratch } from './scratch.ts'

const lock = {
  packages: {
    'node_modules/tool': { version: '1.0.0', dev: true, optionalDependencies: { 'tool-linux-x64-musl': '1.0.0' } },
  },
}

test("another platform's package that npm left out is named, and added on request", () => {
  const folder = scratch({ 'package-lock.json': JSON.stringify(lock) })

  expect(checkLockfile(folder)).toContain('package-lock.json lacks tool-linux-x64-musl')
  expect(checkLockfile(folder, { update: true })).toEqual([])
  expect(checkLockfile(folder)).toEqual([])
  expect(
    JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')).packages['node_modules/tool-linux-x64-musl'],
  ).toEqual({
    version: '1.0.0',
    cpu: ['x64'],
    dev: true,
    libc: ['musl'],
    optional: true,
    os: ['linux'],
  })
})
