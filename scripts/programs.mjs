// The programs that tests drive: found, or installed from Debian's packages, or asked for in one sentence.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { runWithProgress, tail } from './setup.mjs'

/** Drives the demo. */
export const chromium = {
  title: 'Chromium',
  debianPackage: 'chromium',
  names: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
  sign: 'CHROMIUM_PATH',
}

/**
 * Each with its Debian package, the names it goes by, where it may be beside PATH, and the text by which a test file shows that it
 * needs it. Servers are started by the tests themselves, on free ports: `debianPackage` is what `test/servers/` says of each.
 */
export const programs = [
  chromium,
  server('Redis', 'redis-server', 'redis-server'),
  // In Debian itself since 13; for 12 in its backports.
  { ...server('Valkey', 'valkey-server', 'valkey-server'), isInBackports: true },
  server('PostgreSQL', 'postgresql', 'postgres', () => subfolders('/usr/lib/postgresql').map((version) => join(version, 'bin'))),
  server('memcached', 'memcached', 'memcached'),
  {
    title: 'SASL for memcached',
    debianPackage: 'libsasl2-modules',
    names: ['libplain.so'],
    folders: () => subfolders('/usr/lib').map((folder) => join(folder, 'sasl2')),
    sign: 'libsasl2-modules',
  },
  server('PgBouncer', 'pgbouncer', 'pgbouncer'),
  server('nginx', 'nginx', 'nginx'),
  server('certutil of NSS', 'libnss3-tools', 'certutil'),
]

function server(title, debianPackage, name, folders = () => []) {
  // Without the closing quote, so that `postgresql-15` counts as well.
  return { title, debianPackage, names: [name], folders, sign: `debianPackage: '${debianPackage}` }
}

const subfolders = (folder) => (existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [])

/** The path of a program, or `undefined`. Servers are often in `/usr/sbin`, which only root has in its PATH. */
export function findProgram({ names, folders = () => [] }, path = process.env.PATH ?? '') {
  for (const folder of [...path.split(delimiter), '/usr/sbin', ...folders()]) {
    for (const name of names) if (folder !== '' && existsSync(join(folder, name))) return join(folder, name)
  }
  return undefined
}

/** The programs that the test files whose path contains one of `filters` need, by themselves or by what they import. */
export function programsNeededBy(filters, root) {
  if (filters.length === 0) return programs
  const folder = join(root, 'test')
  const files = existsSync(folder) ? readdirSync(folder, { recursive: true }).map((path) => join(folder, path)) : []
  const isChosen = (file) => file.endsWith('.test.ts') && filters.some((filter) => file.includes(filter))
  const reached = new Set(files.filter(isChosen))
  const texts = []
  // A set hands out what is added while it is gone through.
  for (const file of reached) {
    if (!existsSync(file)) continue
    const text = readFileSync(file, 'utf8')
    texts.push(text)
    for (const [, path] of text.matchAll(/\b(?:from|import) '(\.[^']+)'/g)) reached.add(resolve(dirname(file), path))
  }
  return programs.filter(({ sign }) => texts.some((text) => text.includes(sign)))
}

/**
 * Installs missing programs as root on Debian, all in one go; elsewhere says in one sentence what to do.
 *
 * @param missing - Some of `programs`.
 * @returns Those that are missing still.
 */
export async function installPrograms(missing, { isRoot = process.getuid?.() === 0, path, policy, etc = '/etc' } = {}) {
  if (missing.length === 0) return []
  const debianPackages = missing.map(({ debianPackage }) => debianPackage)
  if (isRoot && findProgram({ names: ['apt-get'] }, path) !== undefined) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', ...(path === undefined ? {} : { PATH: path }) }
    const apt = (label, ...args) => runWithProgress(label, 'apt-get', args, { env })
    const install = (packages, ...options) =>
      packages.length === 0
        ? { code: 0 }
        : apt(`Installing ${packages.join(', ')}`, ...options, 'install', '-y', '--no-install-recommends', ...packages)
    const { code, output } = await withoutStartingServices(async () => {
      const first = await install(debianPackages)
      if (first.code === 0) return first
      await apt('Reading package lists', 'update')
      const second = await install(debianPackages)
      const fromBackports = missing.filter(({ isInBackports }) => isInBackports).map(({ debianPackage }) => debianPackage)
      if (second.code === 0 || fromBackports.length === 0) return second
      // apt installs all or nothing: what the machine's own sources have goes first.
      const third = await install(debianPackages.filter((name) => !fromBackports.includes(name)))
      if (third.code !== 0) return third
      return withBackports(etc, async (options) => {
        await apt('Reading package lists of the backports', ...options, 'update')
        return install(fromBackports, ...options)
      })
    }, policy)
    if (code !== 0) console.log(tail(output))
  }
  const stillMissing = missing.filter((program) => findProgram(program, path) === undefined)
  if (stillMissing.length > 0) {
    const titles = stillMissing.map(({ title }) => title).join(', ')
    const names = stillMissing.map(({ debianPackage }) => debianPackage).join(' ')
    console.log(
      `The tests need ${titles}: install what is missing (Debian: \`sudo apt-get install ${names}\`), then run \`npm test\` again.`,
    )
  }
  return stillMissing
}

/**
 * Calls `work` with the options by which apt-get also sees this release's backports, from where the machine gets Debian itself. The
 * machine's own list of sources stays as it is.
 */
async function withBackports(etc, work) {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-apt-'))
  try {
    const list = join(folder, 'sources.list')
    const own = join(etc, 'apt', 'sources.list')
    const kept = existsSync(own) ? readFileSync(own, 'utf8') : ''
    writeFileSync(list, `${kept}\n${backportsLine(etc)}\n`)
    return await work(['-o', `Dir::Etc::sourcelist=${list}`])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The line for this release's backports, made from the source of its `main`; empty on what is no Debian. */
function backportsLine(etc) {
  const read = (...path) => (existsSync(join(etc, ...path)) ? readFileSync(join(etc, ...path), 'utf8') : '')
  const release = /^VERSION_CODENAME=(\w+)$/m.exec(read('os-release'))?.[1]
  const files = subfolders(join(etc, 'apt', 'sources.list.d')).map((path) => readFileSync(path, 'utf8'))
  const sources = [read('apt', 'sources.list'), ...files].join('\n\n')
  const oneLine = new RegExp(`^deb (\\[[^\\]]*\\] )?(\\S+) ${release} `, 'm').exec(sources)
  if (oneLine !== null) return `deb ${oneLine[1] ?? ''}${oneLine[2]} ${release}-backports main`
  const stanza = sources.split(/\n\s*\n/).find((text) => new RegExp(`^Suites:.*\\b${release}(\\s|$)`, 'm').test(text)) ?? ''
  const field = (name) => new RegExp(`^${name}:[ \\t]*(\\S+)`, 'm').exec(stanza)?.[1]
  if (field('URIs') === undefined) return ''
  const key = field('Signed-By')?.startsWith('/') ? `[signed-by=${field('Signed-By')}] ` : ''
  return `deb ${key}${field('URIs')} ${release}-backports main`
}

/**
 * Debian's packages start their service at once, on the usual port. Tests want none of that, so the machine's policy forbids it
 * meanwhile (invoke-rc.d and deb-systemd-invoke both ask it). A policy that is there already stays as it is.
 */
async function withoutStartingServices(work, policy = '/usr/sbin/policy-rc.d') {
  if (existsSync(policy)) return work()
  const restore = () => rmSync(policy, { force: true })
  const stop = () => {
    restore()
    process.exit(130)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.once(signal, stop)
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    return await work()
  } finally {
    restore()
    for (const signal of signals) process.removeListener(signal, stop)
  }
}
