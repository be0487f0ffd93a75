// The programs that tests drive: found, or installed from Debian's packages, or asked for in one sentence.

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
export async function installPrograms(missing, { isRoot = process.getuid?.() === 0, path, policy } = {}) {
  if (missing.length === 0) return []
  const debianPackages = missing.map(({ debianPackage }) => debianPackage)
  if (isRoot && findProgram({ names: ['apt-get'] }, path) !== undefined) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', ...(path === undefined ? {} : { PATH: path }) }
    const apt = (label, ...args) => runWithProgress(label, 'apt-get', args, { env })
    const install = () =>
      apt(`Installing ${debianPackages.join(', ')}`, 'install', '-y', '--no-install-recommends', ...debianPackages)
    const { code, output } = await withoutStartingServices(async () => {
      const first = await install()
      if (first.code === 0) return first
      await apt('Reading package lists', 'update')
      return install()
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
