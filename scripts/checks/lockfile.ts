// The lock file names every platform's optional packages, also those of machines other than the one that wrote it.
// npm leaves some out, and newer versions of `npm ci` then refuse to install.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

interface Locked extends Partial<Platform> {
  readonly version: string
  readonly dev?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

interface Platform {
  readonly cpu: readonly string[]
  readonly libc?: readonly string[]
  readonly optional: true
  readonly os: readonly string[]
}

/**
 * Lists the optional packages that package-lock.json lacks.
 *
 * @param root - The repository's folder.
 * @param options.update - Adds them instead.
 * @returns One sentence a problem.
 */
export function checkLockfile(root: string, options: { readonly update?: boolean } = {}): string[] {
  const path = join(root, 'package-lock.json')
  const lock: { packages: Record<string, Locked> } = JSON.parse(readFileSync(path, 'utf8'))
  const missing = Object.entries(lock.packages).flatMap(([parent, { dev, optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !isLocked(lock.packages, parent, name))
      .map(([name, version]) => ({ name, version, dev })),
  )
  if (!options.update) {
    const names = missing.map(({ name }) => `package-lock.json lacks ${name}`)
    return names.length === 0 ? [] : [...names, 'Run `npm run check -- lockfile --update` and commit package-lock.json.']
  }
  const problems: string[] = []
  for (const { name, version, dev } of missing) {
    const platform = platformOf(name)
    if (platform && /^\d/.test(version)) {
      const { cpu, ...rest } = platform
      lock.packages[`node_modules/${name}`] = { version, cpu, ...(dev ? { dev } : {}), ...rest }
    } else problems.push(`package-lock.json lacks ${name}, and its name does not tell the platform: add it by hand`)
  }
  if (missing.length > problems.length) {
    lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')))
    writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`)
  }
  return problems
}

/** Looks where Node would: in the parent's own node_modules, then one level up after another. */
function isLocked(packages: Readonly<Record<string, unknown>>, parent: string, name: string): boolean {
  for (let folder = parent; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1))) {
    if (`${folder === '' ? '' : `${folder}/`}node_modules/${name}` in packages) return true
    if (folder === '') return false
  }
}

function platformOf(name: string): Platform | undefined {
  const found =
    /\b(aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32)-(arm64|arm|ia32|ppc64|riscv64|loong64|s390x|x64)(?:-(\w+))?$/.exec(
      name,
    )
  const [, os, cpu, abi] = found ?? []
  if (os === undefined || cpu === undefined) return undefined
  const libc = os === 'linux' && abi !== undefined ? { libc: [abi.startsWith('musl') ? 'musl' : 'glibc'] } : {}
  return { cpu: [cpu], ...libc, optional: true, os: [os] }
}
