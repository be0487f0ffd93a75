// The public entries: what package.json offers, where each comes from in src and where the build puts it.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One name a user can import. */
export interface Entry {
  /** As imported: `sojourn/stores/sqlite`. */
  readonly name: string
  readonly source: string
  readonly built: string
  readonly types: string
}

/** A subpath's conditions; `null` closes it. */
type Targets = Readonly<Record<string, string>> | null

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, string | Targets>>
  readonly bin?: Readonly<Record<string, string>>
}

/** Lists the public entries of package.json, wildcards replaced by the files they stand for. */
export function publicEntries(root: string): Entry[] {
  const { name, exports } = readManifest(root)
  return Object.entries(exports).flatMap(([subpath, targets]) => {
    if (typeof targets === 'string' || targets === null) return []
    return expand(root, subpath, targets['sojourn-source'] ?? '').map(([path, star]) => ({
      name: `${name}${path.slice(1)}`,
      source: fill(targets['sojourn-source'], star),
      built: fill(targets.default, star),
      types: fill(targets.types, star),
    }))
  })
}

/**
 * Compares the entry map with the files.
 *
 * @param root - The repository's folder, or a copy to try the rules on.
 * @param options.isBuilt - Also look for the built files. Default `true`.
 * @returns One sentence a problem; empty when all is well.
 */
export function checkEntries(root: string, options: { readonly isBuilt?: boolean } = {}): string[] {
  const { isBuilt = true } = options
  const { exports, bin } = readManifest(root)
  const exists = (path: string): boolean => existsSync(join(root, path))
  const problems: string[] = []

  for (const [subpath, targets] of Object.entries(exports)) {
    if (targets === null) continue
    if (typeof targets === 'string') {
      if (!exists(targets)) problems.push(`exports['${subpath}']: ${targets} does not exist`)
      continue
    }
    const conditions = Object.keys(targets).join(', ')
    if (conditions !== 'sojourn-source, types, default') {
      problems.push(
        `exports['${subpath}'] has the conditions ${conditions}; expected sojourn-source, types, default in this order`,
      )
    }
    const stem = /^\.\/src\/(.+)\.ts$/.exec(targets['sojourn-source'] ?? '')?.[1]
    if (targets.default !== `./dist/${stem}.js` || targets.types !== `./dist/${stem}.d.ts`) {
      problems.push(
        `exports['${subpath}']: source, types and default do not name the same file (${Object.values(targets).join(', ')})`,
      )
    }
  }

  const entries = publicEntries(root)
  for (const { name, source, built, types } of entries) {
    for (const path of isBuilt ? [source, built, types] : [source]) {
      if (!exists(path)) problems.push(`the entry ${name} needs ${path}, which does not exist`)
    }
  }

  const sources = new Set(entries.map((entry) => entry.source))
  for (const folder of ['src/stores', 'src/stepup/stores', 'src/oidc/stores', 'src/adapters']) {
    for (const file of exists(folder) ? readdirSync(join(root, folder)).filter((file) => file.endsWith('.ts')) : []) {
      if (!sources.has(`./${folder}/${file}`)) problems.push(`${folder}/${file} has no entry in package.json`)
    }
  }

  // The star of `./stores/*` stands for slashes too, so a store's own folder would be public.
  for (const folder of ['stores', 'stepup/stores', 'oidc/stores']) {
    const isOpen = Object.keys(exports).includes(`./${folder}/*`)
    for (const { name } of isOpen ? foldersIn(root, `src/${folder}`) : []) {
      if (exports[`./${folder}/${name}/*`] !== null)
        problems.push(`src/${folder}/${name}/ is private: package.json needs "./${folder}/${name}/*": null`)
    }
  }

  for (const [command, path] of Object.entries(bin ?? {})) {
    const source = path.replace('./dist/', './src/').replace(/\.js$/, '.ts')
    for (const file of isBuilt ? [source, path] : [source]) {
      if (!exists(file)) problems.push(`the command ${command} needs ${file}, which does not exist`)
    }
  }
  return problems
}

function foldersIn(root: string, folder: string): { readonly name: string }[] {
  return existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { withFileTypes: true }).filter((each) => each.isDirectory())
    : []
}

function readManifest(root: string): Manifest {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
}

/** Pairs of subpath and what its star stands for; a subpath without star stands for itself. */
function expand(root: string, subpath: string, source: string): [string, string][] {
  if (!subpath.includes('*')) return [[subpath, '']]
  const [folder = '', suffix = ''] = source.split('*')
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder))
    .filter((file) => file.endsWith(suffix))
    .sort()
    .map((file) => file.slice(0, -suffix.length))
    .map((star) => [subpath.replace('*', star), star])
}

function fill(target: string | undefined, star: string): string {
  return (target ?? '').replaceAll('*', star)
}
