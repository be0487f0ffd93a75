/**
 * The package as it ships: compiled by `tsconfig.build.json` into a folder of the bench's own, so that `dist/` is left alone and what is
 * measured is the present source. Children load it by path, with no type stripping and no condition in between.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

export const root = join(import.meta.dirname, '..')

/** The entries that the bench uses. */
export interface Package {
  readonly core: typeof import('sojourn')
  readonly memory: typeof import('sojourn/stores/memory')
  readonly sqlite: typeof import('sojourn/stores/sqlite')
  readonly redis: typeof import('sojourn/stores/redis')
  readonly postgres: typeof import('sojourn/stores/postgres')
  readonly memcached: typeof import('sojourn/stores/memcached')
  readonly cookie: typeof import('sojourn/stores/cookie')
  readonly nearCache: typeof import('sojourn/stores/near-cache')
  readonly node: typeof import('sojourn/node')
  readonly express: typeof import('sojourn/express')
  readonly headers: typeof import('sojourn/headers')
  readonly traits: typeof import('sojourn/traits')
  readonly tokens: typeof import('sojourn/tokens')
  readonly tokensVerify: typeof import('sojourn/tokens/verify')
  readonly oidc: typeof import('sojourn/oidc')
  readonly outboxSqlite: typeof import('sojourn/oidc/stores/sqlite')
}

const ENTRIES = {
  core: 'index.js',
  memory: 'stores/memory.js',
  sqlite: 'stores/sqlite.js',
  redis: 'stores/redis.js',
  postgres: 'stores/postgres.js',
  memcached: 'stores/memcached.js',
  cookie: 'stores/cookie.js',
  nearCache: 'stores/near-cache.js',
  node: 'adapters/node.js',
  express: 'adapters/express.js',
  headers: 'http/headers.js',
  traits: 'binding/traits.js',
  tokens: 'tokens/tokens.js',
  tokensVerify: 'tokens/verify.js',
  oidc: 'oidc/oidc.js',
  outboxSqlite: 'oidc/stores/sqlite.js',
} as const

/** Parts that are measured by themselves and that no entry shows. */
interface Internals {
  readonly carrying: typeof import('../src/core/carrying.ts')
  readonly crypto: typeof import('../src/core/crypto.ts')
  readonly keyring: typeof import('../src/core/keyring.ts')
  readonly record: typeof import('../src/core/record.ts')
  readonly redisFormat: typeof import('../src/stores/redis/format.ts')
}

const INTERNALS = {
  carrying: 'core/carrying.js',
  crypto: 'core/crypto.js',
  keyring: 'core/keyring.js',
  record: 'core/record.js',
  redisFormat: 'stores/redis/format.js',
} as const

/** Compiles the package. `remove` deletes the folder again. */
export function buildPackage(): { readonly folder: string; readonly remove: () => void } {
  // Below node_modules, so that a dependency of the package is found and git ignores it.
  const folder = join(root, 'node_modules', '.cache', `sojourn-bench-${process.pid}`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { status, stdout } = spawnSync(
    process.execPath,
    [compiler, '-p', 'tsconfig.build.json', '--outDir', folder, '--declaration', 'false', '--declarationMap', 'false'],
    { cwd: root, encoding: 'utf8' },
  )
  const remove = () => rmSync(folder, { recursive: true, force: true })
  if (!existsSync(join(folder, ENTRIES.core))) {
    remove()
    throw new Error(`The package does not build; expected \`npm run check\` to pass first.\n${stdout}`)
  }
  if (status !== 0) console.error(`The package builds with type errors; measuring it all the same.\n${stdout}`)
  return { folder, remove }
}

/** Loads one entry of what `buildPackage` made. */
export async function loadEntry<Name extends keyof Package>(folder: string, name: Name): Promise<Package[Name]> {
  return (await import(pathToFileURL(join(folder, ENTRIES[name])).href)) as Package[Name]
}

/** Loads a part of it. */
export async function loadInternal<Name extends keyof Internals>(folder: string, name: Name): Promise<Internals[Name]> {
  return (await import(pathToFileURL(join(folder, INTERNALS[name])).href)) as Internals[Name]
}
