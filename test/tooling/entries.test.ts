import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkEntries } from '../../scripts/checks/entries.ts'
import { scratch } from './scratch.ts'

const files = {
  'src/index.ts': '',
  'dist/index.js': '',
  'dist/index.d.ts': '',
  'src/stores/memory.ts': '',
  'dist/stores/memory.js': '',
  'dist/stores/memory.d.ts': '',
}
const entry = (name: string) => ({
  'sojourn-source': `./src/${name}.ts`,
  types: `./dist/${name}.d.ts`,
  default: `./dist/${name}.js`,
})
const exports = { '.': entry('index'), './stores/*': entry('stores/*') }

const folderWith = (manifest: object, more: Readonly<Record<string, string>> = {}): string =>
  scratch({ ...files, ...more, 'package.json': JSON.stringify({ name: 'sojourn', exports, ...manifest }) })

test('an entry map that matches the files has no problem', () => {
  expect(checkEntries(folderWith({}))).toEqual([])
})

test.each(Object.keys(files).filter((path) => path !== 'src/stores/memory.ts'))('a missing %s is named', (path) => {
  const folder = folderWith({})
  rmSync(join(folder, path))

  expect(checkEntries(folder)).toEqual([expect.stringMatching(new RegExp(`needs \\./${path}, which does not exist`))])
})

test('a store that is not built is named', () => {
  const folder = folderWith({}, { 'src/stores/redis.ts': '' })

  expect(checkEntries(folder)).toEqual([
    'the entry sojourn/stores/redis needs ./dist/stores/redis.js, which does not exist',
    'the entry sojourn/stores/redis needs ./dist/stores/redis.d.ts, which does not exist',
  ])
})

test('an adapter without an entry is named', () => {
  const folder = folderWith({}, { 'src/adapters/hono.ts': '' })

  expect(checkEntries(folder)).toEqual(['src/adapters/hono.ts has no entry in package.json'])
})

test("a store's private folder must be closed, because the star stands for slashes too", () => {
  const secret = { 'src/stores/sqlite/schema.ts': '' }

  expect(checkEntries(folderWith({}, secret))).toEqual([expect.stringContaining('"./stores/sqlite/*": null')])
  expect(checkEntries(folderWith({ exports: { ...exports, './stores/sqlite/*': null } }, secret))).toEqual([])
})

test('a condition that points at another file is named', () => {
  const folder = folderWith(
    { exports: { ...exports, '.': { ...entry('index'), types: './dist/other.d.ts' } } },
    { 'dist/other.d.ts': '' },
  )

  expect(checkEntries(folder)).toEqual([expect.stringContaining('do not name the same file')])
})

test('a command without its file is named', () => {
  const folder = folderWith({ bin: { sojourn: './dist/cli/main.js' } })

  expect(checkEntries(folder)).toEqual([
    'the command sojourn needs ./src/cli/main.ts, which does not exist',
    'the command sojourn needs ./dist/cli/main.js, which does not exist',
  ])
})
